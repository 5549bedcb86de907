"""What every source of a live count is: a camera, a film, a folder, the simulated slide."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from ..types import Frame


class LiveSource(Protocol):
    """A camera, a film or the simulated slide: a context manager that is iterated once.

    A live one delivers the newest frame and drops what came while nobody asked; a film waits for its reader.
    Iterating raises SourceLost where no frame comes in time. `Frame.captured_at` is `time.time()` at capture.
    """

    name: str
    live: bool

    @property
    def dropped(self) -> int:
        """Frames captured so far that were never delivered."""
        ...

    @property
    def warning(self) -> str:
        """One sentence that the person should know of, or ""."""
        ...

    @property
    def hangs(self) -> bool:
        """Whether a read that never came back still holds the device: nothing in this process can use it again."""
        ...

    def __enter__(self) -> LiveSource: ...

    def __exit__(self, *error: object) -> None: ...

    def __iter__(self) -> Iterator[Frame]: ...

    def describe(self) -> dict[str, Any]:
        """What the session's record keeps of it: JSON values."""
        ...


MIN_SIDE = 100  # px; a smaller view shows too little to know the place by
