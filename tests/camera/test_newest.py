"""A camera whose reading never comes back holds its device for as long; one without colour is refused."""

import threading
import time

import numpy as np
import pytest
from drawn import smear

from leuko_edge.camera.newest import Newest
from leuko_edge.errors import SourceLost


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


class Showing:
    """Gives these pictures over and over, each with a little noise, for as long as it is read."""

    def __init__(self, *pictures):
        self.pictures, self.reads = pictures, 0

    def read(self):
        self.reads += 1
        shown = self.pictures[self.reads % len(self.pictures)]
        return shown + np.uint8(self.reads % 2), time.time()

    def close(self):
        pass


def grey(bgr):
    return np.repeat(bgr[:, :, 1:2] // 2, 3, axis=2)


def test_a_camera_without_colour_is_refused_at_once_and_not_opened_again():
    opened = []

    def open_reader():
        opened.append(1)
        return Showing(grey(smear()))

    with (
        Newest("a camera", open_reader, timeout=10) as source,
        pytest.raises(SourceLost, match="have no colour") as said,
    ):
        for _ in source:
            pass
    assert len(opened) == 1 and "saturation" in said.value.cure()


def test_a_covered_camera_and_one_that_shows_colour_now_and_then_are_not_without_colour():
    covered, dazzled = (np.full((120, 160, 3), value, np.uint8) for value in (3, 254))
    for pictures in ((covered, dazzled), (*[grey(smear())] * 20, smear())):
        with Newest("a camera", lambda pictures=pictures: Showing(*pictures), timeout=10, frozen_after=600) as source:
            frames = iter(source)
            for _ in range(50):
                next(frames)
