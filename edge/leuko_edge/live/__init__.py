"""Live counting: a camera moved over a smear by hand, every cell counted once.

source → gate → map → segment → tracks → classify → store → display; `engine.py` is the loop.
"""
