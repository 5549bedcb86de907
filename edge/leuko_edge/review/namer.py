"""The model that names what people add: loaded, with OpenCV and LiteRT, when the first cell is, for most never are."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..model.classify import CellClassifier
    from ..store.records import NewCell, Picture


class Namer:
    def __init__(self, load: Callable[[], CellClassifier]) -> None:
        self._load, self._guard = load, threading.Lock()
        self._classifier: CellClassifier | None = None

    def name(self, picture: Picture, page: int, x: float, y: float) -> NewCell:
        """As `missed.named`; ModelError without a model."""
        from .missed import named

        with self._guard:
            if self._classifier is None:
                self._classifier = self._load()
            return named(self._classifier, picture, page, x, y)
