"""An open source, from which one session after another is counted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..sources.live_source import LiveSource
from ..types import Frame


class Stream:
    """A `LiveSource` that may be iterated again and goes on where it was; entered and left as the source itself."""

    def __init__(self, source: LiveSource) -> None:
        self._source = source
        self._frames: Iterator[Frame] | None = None
        self._before = 0  # frames dropped before the present session
        self.name, self.live = source.name, source.live

    @property
    def dropped(self) -> int:
        """Since the present session began."""
        return self._source.dropped - self._before

    @property
    def warning(self) -> str:
        """What a camera says of itself, one sentence or ""."""
        return self._source.warning

    @property
    def hangs(self) -> bool:
        return self._source.hangs

    def next_session(self) -> None:
        """What was dropped until now is no part of the session that begins."""
        self._before = self._source.dropped

    def describe(self) -> dict[str, Any]:
        return self._source.describe()

    def __enter__(self) -> LiveSource:
        self._source.__enter__()
        self.name = self._source.name  # a camera has told its own when it was opened
        return self

    def __exit__(self, *error: object) -> None:
        self._source.__exit__(*error)

    def __iter__(self) -> Iterator[Frame]:
        if self._frames is None:
            self._frames = iter(self._source)
        return self._frames
