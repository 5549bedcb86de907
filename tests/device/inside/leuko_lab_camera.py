"""Lets picamera2 work on libcamera's virtual camera, which no Raspberry Pi has. Only ever installed in the lab's root.

`picamera2/__init__.py` of the root ends with `import leuko_lab_camera`. What is put in place of picamera2's own:
buffers (memfd instead of /dev/dma_heap, and two planes for NV12, without which libcamera 0.4 aborts), the list of raw
modes (there are none), and the pace: the virtual camera gives a picture as fast as it is asked for one, a sensor does
not. As long as AWAY is there no picture comes, as from a camera whose cable was pulled: libcamera still lists it, for
the driver does not notice, and it opens and starts, but stays silent.
"""

import mmap
import os
import time

import libcamera
from picamera2 import picamera2
from picamera2.allocators import Allocator
from picamera2.request import CompletedRequest

AWAY = "/opt/lab/camera-away"
PACE = 6.0  # pictures a second; the film's stage rests for three of them


class MappedSync:
    """Stands for DmaAllocator's: ordinary memory needs no synchronising."""

    def __init__(self, allocator, buffer, write):
        self._memory = allocator.mapped_buffers.get(buffer)

    def __enter__(self):
        return self._memory

    def __exit__(self, *_):
        pass


class MemfdAllocator(Allocator):
    """Buffers of ordinary memory, kept until the next `allocate` or `close`."""

    def __init__(self):
        super().__init__()
        self.sync = MappedSync
        self.mapped_buffers, self.frame_buffers, self._fds = {}, {}, []

    def allocate(self, libcamera_config, use_case):
        self.close()
        for stream_config in libcamera_config:
            made = [self._buffer(stream_config) for _ in range(stream_config.buffer_count)]
            self.frame_buffers[stream_config.stream] = made

    def _buffer(self, stream_config):
        size = stream_config.frame_size
        fd = os.memfd_create("leuko-lab", os.MFD_CLOEXEC)
        os.ftruncate(fd, size)
        self._fds.append(fd)
        luma = stream_config.stride * stream_config.size.height
        lengths = [luma, size - luma] if str(stream_config.pixel_format) == "NV12" else [size]
        planes, offset = [], 0
        for length in lengths:
            plane = libcamera.FrameBuffer.Plane()
            plane.fd, plane.offset, plane.length = fd, offset, length
            planes.append(plane)
            offset += length
        buffer = libcamera.FrameBuffer(planes)
        self.mapped_buffers[buffer] = mmap.mmap(fd, size, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
        return buffer

    def buffers(self, stream):
        return self.frame_buffers[stream]

    def close(self):
        self.mapped_buffers, self.frame_buffers = {}, {}  # a picture still in somebody's hands keeps its memory
        for fd in self._fds:
            os.close(fd)
        self._fds = []


def raw_modes(self):
    """The video role's, for there is no raw role."""
    formats = self.camera.generate_configuration([libcamera.StreamRole.VideoRecording]).at(0).formats
    return [
        {"format": str(pixel_format), "size": (size.width, size.height)}
        for pixel_format in formats.pixel_formats
        for size in formats.sizes(pixel_format)
    ]


def listen(self):
    """One completed request a tick, while the camera is there."""
    while self.running:
        time.sleep(1 / PACE)
        if not os.path.exists(AWAY):
            self.handle_request()
    self._cms = None


def handle_request(self, flushid=None):
    """As picamera2's own, but hands on one request a call; `flushid` is the camera whose requests are dropped."""
    with self._lock:
        ready = (*self.waiting, *self.cms.get_ready_requests())
        self.waiting = [request for request in ready if request.cookie != flushid]
        while self.waiting:
            request = self.waiting.pop(0)
            if request.status == libcamera.Request.Status.Complete:
                camera = self.cameras[request.cookie]
                with camera._requestslock:
                    camera._requests += [CompletedRequest(request, camera)]
                os.write(camera.notifyme_w, b"\x00")
                return


picamera2.DmaAllocator = MemfdAllocator  # Picamera2() constructs it where none is given, and close() always
picamera2.Picamera2._get_raw_modes = raw_modes
picamera2.CameraManager.waiting = ()
picamera2.CameraManager.listen = listen
picamera2.CameraManager.handle_request = handle_request
