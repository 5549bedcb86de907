"""The newest picture of a camera, so that what is looked at never lags behind the eye.

    with Newest("camera", open_reader) as source:
        for frame in source:                  # always the latest; what came meanwhile was dropped and counted

A thread reads without pause and keeps one picture. Only that thread touches the camera after it is opened, so it is
never closed under a read; a read that hangs is left behind with its thread, which ends with the process.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import numpy as np

from ..container import MIN_SIDE
from ..errors import LeukoError
from ..types import Frame
from .state import SourceLost

TIMEOUT = 5.0  # seconds without a picture; the slowest microscope cameras give one a second
FROZEN_AFTER = 10.0  # seconds; two pictures of a sensor differ by its noise, so one that stays the same is stuck


class Damaged(LeukoError):
    """One picture arrived broken; the next may be whole."""


class Reader(Protocol):
    """An open camera."""

    def read(self) -> tuple[np.ndarray, float]:
        """The next picture, (h, w, 3) uint8 BGR, and `time.time()` at its capture.

        Blocks until it is there. Raises Damaged for a picture that cannot be used, SourceLost when no more come.
        """
        ...

    def close(self) -> None: ...


class Newest:
    """A live source, iterated once inside `with`. `frame.index` counts captured pictures: gaps show what was dropped.

    `open_reader` is called on entering and raises a LeukoError where there is no camera to read. Iterating raises
    SourceLost where no picture comes for `timeout` seconds, where the same one comes for `frozen_after` seconds, and
    where pictures change their size.
    """

    live = True

    def __init__(
        self,
        name: str,
        open_reader: Callable[[], Reader],
        *,
        timeout: float = TIMEOUT,
        frozen_after: float = FROZEN_AFTER,
    ) -> None:
        self.name = name
        self._open_reader = open_reader
        self._timeout = timeout
        self._frozen_after = frozen_after
        self._changed = threading.Condition()  # guards all below it
        self._newest: Frame | None = None
        self._captured = 0
        self._delivered = 0
        self._damage = ""  # why the last picture could not be used; "" when it could
        self._failure: Exception | None = None
        self._closed = False
        self._thread: threading.Thread | None = None
        self._taken = False

    @property
    def dropped(self) -> int:
        """Captured and never delivered; the one that still waits to be asked for is not counted until the end."""
        with self._changed:
            return self._captured - self._delivered - (self._newest is not None)

    def describe(self) -> dict[str, Any]:
        """What the session's record says of this source."""
        return {"kind": "camera", "name": self.name}

    def __enter__(self) -> Newest:
        if self._thread is not None:
            raise RuntimeError("a source is entered once")
        reader = self._open_reader()
        # daemon: a camera that hangs for ever must not keep the program from ending
        self._thread = threading.Thread(target=self._read_all, args=(reader,), name="leuko camera", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop reading; harmless when repeated. What was not asked for until now is dropped."""
        with self._changed:
            self._closed = True
            self._newest = None
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(min(self._timeout, 2.0))

    def __iter__(self) -> Iterator[Frame]:
        if self._thread is None or self._taken:
            raise RuntimeError("a source is iterated once, inside its with block")
        self._taken = True
        return self._frames()

    def _frames(self) -> Iterator[Frame]:
        while (frame := self._wait()) is not None:
            yield frame

    def _wait(self) -> Frame | None:
        """The newest picture as soon as there is one; None after close."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._newest is not None or self._failure is not None or self._closed, self._timeout
            )
            if self._closed:
                return None
            if self._newest is not None:
                frame, self._newest = self._newest, None
                self._delivered += 1
                return frame
            if self._failure is not None:
                raise self._failure
            if self._damage:
                raise SourceLost(
                    f"only damaged pictures come from {self.name} ({self._damage}); "
                    "use a shorter cable or another port, and start again"
                )
            raise SourceLost(
                f"no picture came from {self.name} for {self._timeout:g} seconds; "
                "check its cable and its power, and start again"
            )

    def _read_all(self, reader: Reader) -> None:
        """The thread: read until closed or lost; whatever ends it is raised where the frames are asked for."""
        try:
            try:
                watch = _Watch(self.name, self._frozen_after)
                while not self._closed:
                    self._read_one(reader, watch)
            finally:
                reader.close()
        except Exception as error:
            with self._changed:
                self._failure = error
                self._changed.notify_all()

    def _read_one(self, reader: Reader, watch: _Watch) -> None:
        frame, damage = None, ""
        try:
            bgr, captured_at = reader.read()
            watch.check(bgr)
            frame = Frame(self._captured, captured_at, bgr, self.name)
        except Damaged as error:
            damage = str(error)
        with self._changed:
            if not self._closed:
                self._captured += 1
                self._newest = frame or self._newest
                self._damage = damage
                self._changed.notify_all()


class _Watch:
    """Compares each picture with the one before: the same size, and not the very same pixels for too long."""

    def __init__(self, name: str, frozen_after: float) -> None:
        self._name = name
        self._frozen_after = frozen_after
        self._last: np.ndarray | None = None
        self._changed_at = 0.0

    def check(self, bgr: np.ndarray) -> None:
        now = time.monotonic()
        last, self._last = self._last, bgr
        height, width = bgr.shape[:2]
        if last is None:
            self._changed_at = now
            if min(width, height) < MIN_SIDE:
                raise SourceLost(
                    f"the pictures of {self._name} are too small, {width}×{height} pixels; choose another camera"
                )
        elif last.shape != bgr.shape:
            raise SourceLost(
                f"the pictures of {self._name} changed from {last.shape[1]}×{last.shape[0]} to {width}×{height} pixels "
                "while counting; close other programs that use the camera, and start again"
            )
        elif not _same(last, bgr) or _flat(bgr):
            self._changed_at = now
        elif now - self._changed_at > self._frozen_after:
            raise SourceLost(
                f"{self._name} is frozen: the very same picture came for {self._frozen_after:g} seconds; "
                "unplug it, plug it in again, and start again"
            )


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    """Equal pixel by pixel; a few rows tell most pictures apart."""
    return np.array_equal(one[::64], other[::64]) and np.array_equal(one, other)


def _flat(bgr: np.ndarray) -> bool:
    """One colour all over: a covered or dazzled sensor has no noise left to show that it lives."""
    return bool((bgr == bgr[0, 0]).all())


def wall_time(stamp: float, clock: float) -> float:
    """`time.time()` at a driver's time `stamp`, seconds on a clock that now shows `clock`.

    Drivers that stamp with another clock, or not at all, would place the picture in the future or far in the past;
    then it is now.
    """
    age = clock - stamp
    return time.time() - (age if 0 <= age <= 10 else 0)
