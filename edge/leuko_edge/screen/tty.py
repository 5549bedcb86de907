"""The console that the service draws on: a terminal device, opened by name and not as standard output."""

from __future__ import annotations

import os
from typing import TextIO

from rich.console import Console, ConsoleDimensions

from ..errors import EnvironmentBroken

FIRST_CONSOLE = "/dev/tty1"


class DeviceConsole(Console):
    """A rich console on the terminal `stream`; its size is that terminal's, which rich asks of standard output."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(file=stream, force_terminal=True, color_system="standard", highlight=False)

    @property
    def size(self) -> ConsoleDimensions:
        try:
            columns, lines = os.get_terminal_size(self.file.fileno())
        except (OSError, ValueError):  # gone: drawing says so
            columns, lines = 0, 0
        return ConsoleDimensions(columns or 80, lines or 25)

    @size.setter
    def size(self, new_size: tuple[int, int]) -> None:
        raise AttributeError("a terminal has the size that it has")


def open_terminal(path: str) -> TextIO:
    """The terminal at `path`, to be drawn on and its keys read; EnvironmentBroken where that is not to be had.

    Its text is ASCII: the fonts of a Linux console lack signs that the displays have.
    """
    try:
        # NOCTTY: its hang-ups and Ctrl-C are not the service's
        descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError as error:
        raise EnvironmentBroken(
            f"no display: {path} cannot be opened for reading and writing ({error.strerror})"
        ) from None
    if not os.isatty(descriptor):
        os.close(descriptor)
        raise EnvironmentBroken(f"no display: {path} is not a terminal", "set service.display to one, or to none")
    return open(descriptor, "w", encoding="ascii", errors="replace")
