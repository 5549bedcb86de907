"""Stands for pidng, which picamera2 imports to write DNG files and which needs a compiler. Only in the lab's root."""

Picamera2Camera = None
