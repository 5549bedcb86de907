"""A camera whose reading never comes back is known to hold its device for as long as it does."""

import threading
import time

import numpy as np

from leuko_edge.camera.newest import Newest


class Stuck:
    """Gives one picture, then reads until it is released."""

    def __init__(self):
        self.released, self.reads = threading.Event(), 0

    def read(self):
        self.reads += 1
        if self.reads > 1:
            self.released.wait()
        return np.full((120, 160, 3), (90, 140, self.reads), np.uint8), time.time()

    def close(self):
        pass


def test_a_read_that_does_not_come_back_hangs_until_it_does():
    reader = Stuck()
    source = Newest("a camera", lambda: reader, timeout=0.1)
    with source:
        next(iter(source))
        assert not source.hangs  # it is only being read
    assert source.hangs
    reader.released.set()
    end = time.monotonic() + 5
    while source.hangs and time.monotonic() < end:
        time.sleep(0.01)
    assert not source.hangs
