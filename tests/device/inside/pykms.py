"""Stands for pykms, which picamera2 imports for a preview that nobody here opens. Only in the lab's root."""


class PixelFormat:
    """Its members are looked up when the module of the preview is imported."""

    RGB888 = BGR888 = XRGB8888 = XBGR8888 = ABGR8888 = YUV420 = YVU420 = NV12 = None
