"""Where people read: rich's console, for which a reader that went away is no error.

rich ends the program there (SystemExit 1), in the middle of a count whose files were not written yet.
"""

from __future__ import annotations

from typing import Any

from rich.console import Console


class Terminal(Console):
    """Standard output, or with `stderr=True` standard error. What nobody reads any more is dropped from then on."""

    def __init__(self, **how: Any) -> None:
        super().__init__(**{"highlight": False, **how})

    def on_broken_pipe(self) -> None:
        self.quiet = True
