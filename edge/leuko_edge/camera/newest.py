"""The newest picture of a camera, so that what is looked at never lags behind the eye.

    with Newest("camera", open_reader) as source:
        for frame in source:                  # always the latest; what came meanwhile was dropped and counted

A thread reads without pause and keeps one picture. Only that thread touches the camera after it is opened, so it is
never closed under a read; a read that hangs is left behind with its thread, which ends with the process. The same
thread opens a camera anew that was lost.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from ..errors import Hint, LeukoError, SourceLost
from ..types import Frame
from .colour_watch import ColourMissing, ColourWatch
from .flat_field import Flattener
from .liveness import Watch
from .reader import Damaged, Reader

TIMEOUT = 5.0  # seconds without a picture; the slowest microscope cameras give one a second
SOONER = 0.8  # of it: when a reader itself gives up, so that it is opened anew before the one who waits gives up
FROZEN_AFTER = 10.0  # seconds; two pictures of a sensor differ by its noise, so one that stays the same is stuck
TRIES = 4  # to open a lost camera anew, after 0.5, 1, 2 and 4 s: a connector that was touched, a hub that starts again
LONGEST_PAUSE = 4.0  # seconds
STEADY = 30.0  # seconds of pictures after which a camera has all its tries again


class Newest:
    """A live source, iterated once inside `with`. `frame.index` counts captured pictures: gaps show what was dropped.

    `open_reader` is called on entering and raises a LeukoError where there is no camera to read. A camera that gave
    pictures and then no more, or the same one for `frozen_after` seconds, or others in size, is closed and opened anew,
    up to `tries` times with growing pauses; meanwhile iterating waits. Then, or where no picture comes for `timeout`
    seconds from a read that hangs, iterating raises SourceLost.
    """

    live = True

    def __init__(
        self,
        name: str,
        open_reader: Callable[[], Reader],
        *,
        timeout: float = TIMEOUT,
        frozen_after: float = FROZEN_AFTER,
        tries: int = TRIES,
    ) -> None:
        self.name = name
        self._open_reader = open_reader
        self._timeout = timeout
        self._frozen_after = frozen_after
        self._tries = tries
        self._flattener: Flattener | None = None  # set by what opens the camera, as is the next
        self._untuned = ""  # one sentence where a tuning could not be applied as it was made
        self._colour = ColourWatch()
        self._changed = threading.Condition()  # guards all below it
        self._newest: Frame | None = None
        self._captured = 0
        self._delivered = 0
        self._damage = ""  # why the last picture could not be used; "" when it could
        self._reopened = 0
        self._patience = 0.0  # time.monotonic() until which a camera that is opened anew is waited for
        self._failure: Exception | None = None
        self._closed = False
        self._thread: threading.Thread | None = None
        self._taken = False

    @property
    def dropped(self) -> int:
        """Captured and never delivered; the one that still waits to be asked for is not counted until the end."""
        with self._changed:
            return self._captured - self._delivered - (self._newest is not None)

    @property
    def reopened(self) -> int:
        """How often the camera was lost and found again."""
        with self._changed:
            return self._reopened

    @property
    def warning(self) -> str:
        """One sentence that the person should know of, or ""."""
        times = self.reopened
        if times:
            return f"the camera was lost and found again {times} time{'s' * (times > 1)}; check its cable"
        return self._untuned

    @property
    def hangs(self) -> bool:
        """Whether it was closed and its thread still reads."""
        with self._changed:
            closed = self._closed
        return closed and self._thread is not None and self._thread.is_alive()

    def describe(self) -> dict[str, Any]:
        """What the session's record says of this source."""
        return {"kind": "camera", "name": self.name, "reopened": self.reopened}

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
        until = time.monotonic() + self._timeout
        with self._changed:
            while (left := max(until, self._patience) - time.monotonic()) > 0 and not self._arrived():
                self._changed.wait(left)
            if self._closed:
                return None
            if self._newest is not None:
                frame, self._newest = self._newest, None
                self._delivered += 1
                return frame
            raise self._failure or self._silent()

    def _arrived(self) -> bool:
        return self._newest is not None or self._failure is not None or self._closed

    def _silent(self) -> SourceLost:
        if self._damage:
            return SourceLost(
                f"only damaged pictures come from {self.name} ({self._damage})",
                "use a shorter cable or another port",
                Hint.START_AGAIN,
            )
        return SourceLost(
            f"no picture came from {self.name} for {self._timeout:g} seconds",
            "check its cable and its power",
            Hint.START_AGAIN,
        )

    def _read_all(self, reader: Reader) -> None:
        """The thread: read until closed or lost for good; what ends it is raised where the frames are asked for."""
        watch = Watch(self.name, self._frozen_after)
        opened: Reader | None = reader
        tries = 0  # since the camera was last steady
        try:
            while opened is not None:
                begun = time.monotonic()
                try:
                    self._read_until_lost(opened, watch)
                    opened = None
                except SourceLost as error:
                    if isinstance(error, ColourMissing) or not watch.seen:
                        raise  # it never gave a picture that can be used: the same again would not help
                    tries = 0 if time.monotonic() - begun > STEADY else tries
                    opened, tries = self._open_anew(error, tries)
                    watch.reopened()
        except Exception as error:
            with self._changed:
                self._failure = error
                self._changed.notify_all()

    def _read_until_lost(self, reader: Reader, watch: Watch) -> None:
        """Returns when the source is closed; the camera is closed however it ends."""
        whole_at = time.monotonic()
        try:
            while not self._closed:
                damage = self._read_one(reader, watch)
                if not damage:
                    whole_at = time.monotonic()
                elif time.monotonic() - whole_at > SOONER * self._timeout:
                    raise self._silent()
        finally:
            reader.close()

    def _open_anew(self, lost: SourceLost, tries: int) -> tuple[Reader | None, int]:
        """The camera opened again, None where the source was closed meanwhile, and the tries used up until then.

        Raises `lost` where none is left.
        """
        while tries < self._tries:
            pause = min(0.5 * 2**tries, LONGEST_PAUSE)
            tries += 1
            with self._changed:
                self._patience = time.monotonic() + pause + 2 * self._timeout  # to open it, and for the first picture
                self._changed.notify_all()
                if self._changed.wait_for(lambda: self._closed, pause):
                    return None, tries
            try:
                reader = self._open_reader()
            except LeukoError:
                continue
            with self._changed:
                self._reopened += 1
            return reader, tries
        raise lost

    def _read_one(self, reader: Reader, watch: Watch) -> str:
        """Read a picture and keep it; why it cannot be used, or ""."""
        frame, damage = None, ""
        try:
            bgr, captured_at = reader.read()
            watch.check(bgr)
            self._colour.check(bgr, self.name)
            if self._flattener is not None:
                bgr = self._flattener(bgr)
            frame = Frame(self._captured, captured_at, bgr, self.name)
        except Damaged as error:
            damage = str(error)
        with self._changed:
            if not self._closed:
                self._captured += 1
                self._newest = frame or self._newest
                self._damage = damage
                self._changed.notify_all()
        return damage
