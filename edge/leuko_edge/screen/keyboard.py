"""The keyboard of a terminal: keys read without waiting, and a terminal that is as before whatever ends the program."""

from __future__ import annotations

import codecs
import contextlib
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import IO, Any

from .keys import Key

try:
    import termios
except ImportError:  # not a POSIX system: no keyboard is read
    termios = None  # type: ignore[assignment]

ESCAPE_WAIT = 0.25  # seconds after which an escape byte that nothing followed was the key itself
LONGEST = 32  # characters of an escape sequence
_NAMES = {"\r": "enter", "\n": "enter", "\x7f": "back", "\b": "back"}


def has_keyboard(stream: IO[str] | None = None) -> bool:
    """Whether `stream` (default: standard input) is a terminal that keys can be read from."""
    stream = sys.stdin if stream is None else stream
    try:
        return termios is not None and stream is not None and os.isatty(stream.fileno())
    except (OSError, ValueError):  # closed, or not a file at all
        return False


def in_foreground(stream: IO[str]) -> bool:
    """False where `stream` is a terminal whose foreground belongs to another program (Ctrl-Z and `bg`)."""
    try:
        return os.tcgetpgrp(stream.fileno()) == os.getpgrp()
    except (OSError, ValueError):  # no terminal of ours: nobody to disturb
        return True


class Decoder:
    """Bytes of a terminal to keys. What arrows and function keys send is dropped, not taken for letters."""

    def __init__(self) -> None:
        self._utf8 = codecs.getincrementaldecoder("utf-8")("ignore")
        self._escape = ""  # an escape sequence that has begun
        self._since = 0.0

    def feed(self, data: bytes, now: float) -> list[Key]:
        """Keys in `data`, which may begin or end within a letter or a sequence; `now` in seconds. Call it with b"" to
        get the Esc key, which only time tells from the start of a sequence."""
        keys = []
        if not data and self._escape and now - self._since >= ESCAPE_WAIT:
            keys = ["esc"] if self._escape == "\x1b" else []
            self._escape = ""
        for letter in self._utf8.decode(data):
            if letter == "\x1b":
                keys += ["esc"] if self._escape == "\x1b" else []
                self._escape, self._since = letter, now
            elif self._escape:
                self._escape += letter
                if _complete(self._escape):
                    self._escape = ""
            elif letter in _NAMES:
                keys.append(_NAMES[letter])
            elif letter.isprintable():
                keys.append(letter)
        return keys


def _complete(sequence: str) -> bool:
    """Whether an escape sequence has ended: ECMA-48 control sequences, a keypad's, Linux's function keys (ESC [ [ A),
    and Alt with a letter."""
    kind, last = sequence[1], sequence[-1]
    if kind not in "[O" or len(sequence) > LONGEST:
        return True
    if sequence in ("\x1b[", "\x1bO", "\x1b[["):
        return False
    return "@" <= last <= "~"


class Keys:
    """Keys from `stream` (default: standard input) as they are pressed; none where that is not a terminal.

    The terminal is put back on every way out: the end of the `with` block, an exception, SIGTERM and SIGHUP (which
    leave as SystemExit, 128 + their number, unless the program handles them itself), and Ctrl-Z, which stops the
    program in the next `poll` and calls `leave` before and `enter` when it is in the foreground again.
    """

    def __init__(
        self,
        stream: IO[str] | None = None,
        leave: Callable[[], None] = lambda: None,
        enter: Callable[[], None] = lambda: None,
    ) -> None:
        self._stream = sys.stdin if stream is None else stream
        self._leave, self._enter = leave, enter
        self._decoder = Decoder()
        self._before: list[Any] | None = None  # the terminal's own settings, None where there is no terminal
        self._raw = self._stop = self._away = False
        self._handlers: dict[int, Any] = {}

    def __enter__(self) -> Keys:
        if has_keyboard(self._stream):
            self._before = termios.tcgetattr(self._stream.fileno())
        if threading.current_thread() is threading.main_thread():
            self._handle("SIGTERM", _terminate)
            self._handle("SIGHUP", _terminate)
            if self._before is not None:
                self._handle("SIGTSTP", self._want_stop)
        self._take()
        return self

    def __exit__(self, *error: object) -> None:
        try:
            self._give_back(flush=True)
        finally:
            for number, handler in self._handlers.items():
                signal.signal(number, handler)
            self._handlers.clear()

    def poll(self) -> list[Key]:
        """The keys pressed since the last call; never waits, unless the person stopped the program (Ctrl-Z)."""
        if self._stop:
            self._suspend()
        if not self._take():
            return []
        keys, fd = [], self._stream.fileno()
        try:
            while select.select([fd], [], [], 0)[0] and (data := os.read(fd, 4096)):
                keys += self._decoder.feed(data, time.monotonic())
        except OSError:  # the terminal is gone: SIGHUP says so better
            return keys
        return keys + self._decoder.feed(b"", time.monotonic())

    def _take(self) -> bool:
        """Single keys without echo, where the terminal is ours now."""
        if self._before is None or not in_foreground(self._stream):
            self._raw = False
            return False
        if not self._raw:
            settings = [*self._before[:6], list(self._before[6])]
            settings[0] &= ~termios.IXON  # Ctrl-S would stop the display, and with it the count
            settings[3] &= ~(termios.ICANON | termios.ECHO | termios.IEXTEN)
            settings[6][termios.VMIN], settings[6][termios.VTIME] = 1, 0
            termios.tcsetattr(self._stream.fileno(), termios.TCSADRAIN, settings)
            self._raw = True
            if self._away:
                self._away = False
                self._enter()
        return True

    def _give_back(self, flush: bool) -> None:
        """`flush` throws away what was typed and not read: it was not meant for the shell."""
        if self._raw and self._before is not None and in_foreground(self._stream):
            when = termios.TCSAFLUSH if flush else termios.TCSADRAIN
            with contextlib.suppress(termios.error):  # the terminal is gone
                termios.tcsetattr(self._stream.fileno(), when, self._before)
        self._raw = False

    def _suspend(self) -> None:
        """Stop as Ctrl-Z asked; returns when the program is continued."""
        self._stop, self._away = False, True
        self._leave()
        self._give_back(flush=False)
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        signal.raise_signal(signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, self._want_stop)

    def _want_stop(self, number: int, frame: FrameType | None) -> None:
        self._stop = True  # in `poll`, not here: the display may be half way through a line

    def _handle(self, name: str, handler: Callable[[int, FrameType | None], None]) -> None:
        """Only a signal that nobody handles or ignores."""
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) == signal.SIG_DFL:
            self._handlers[number] = signal.signal(number, handler)


def _terminate(number: int, frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_IGN)  # a second one must not break off the clearing up
    raise SystemExit(128 + number)
