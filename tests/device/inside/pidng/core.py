"""See camdefs."""

PICAM2DNG = None
