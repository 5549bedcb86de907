"""The one place where the stages meet: picture → light and scale → cells → crops → classes → result.

The counting convention, stated once: every photograph is counted once and whole. A cell cut by the border of
a photograph is classified like any other and counted if its centre lies inside the photograph and it is
identified. A cell that an earlier photograph of the run shows too is listed, and counted there (`mapping.overlap`).
Leukocytes are counted, everything else is listed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import cv2
import numpy as np

from .errors import PictureError, Reason
from .in_order import in_order
from .mapping.overlap import Photographs, Shared
from .model.classify import CellClassifier, doubted
from .model.finder import shipped
from .sources import memory
from .sources.pictures import Lost
from .sources.same_picture import Seen, means_of
from .stopwatch import Stopwatch
from .types import (
    EXCLUDED,
    LEUKOCYTES,
    UNIDENTIFIED,
    Cell,
    CountedCell,
    FieldEstimate,
    Frame,
    PictureResult,
    Prediction,
    Quality,
    Scale,
    Skip,
)
from .vision.crop import cut
from .vision.field import Field, ScaleUnknown
from .vision.scale_pool import Scales
from .vision.scale_trial import tried
from .vision.segment import CellFinder, find_cells
from .vision.signs import signs

WHITE = (*LEUKOCYTES, UNIDENTIFIED)
LARGE = 4_000_000  # pixels; a larger photograph is counted alone, so that a run takes no more memory than it needs


class Source(Protocol):
    """A folder, a simulated slide or a camera; `take` gives a picture again by its index."""

    def __iter__(self) -> Iterator[Frame | Lost]: ...

    def take(self, index: int) -> Frame | Lost: ...


@dataclass(frozen=True)
class Outcome:
    """What became of one picture; `refused` is the sentence why where it could not be counted, `reason` its code.

    `shared` tells of earlier pictures that show some of its cells too, which are then `repeated`.

    `crops` is (n, size, size, 3) uint8 RGB, one for each of `result.cells`. Keep `result` and let the pixels
    go: a run's memory stays that of one picture.
    """

    index: int
    result: PictureResult
    bgr: np.ndarray | None = field(default=None, repr=False)
    crops: np.ndarray | None = field(default=None, repr=False)
    refused: str | None = None
    reason: Reason | None = None
    shared: tuple[Shared, ...] = ()
    signs: Mapping[str, float] | None = None  # of `vision.signs`, where they were asked for
    estimate: FieldEstimate | None = None  # where that was asked for

    @property
    def name(self) -> str:
        """The picture's path, with the page in a file of several."""
        page = self.result.page
        return self.result.path if page is None else f"{self.result.path}, page {page}"


@dataclass(frozen=True)
class Pipeline:
    """The classifier's card says how cells are cut for it: micrometres along a side, and pixels."""

    classifier: CellClassifier
    um_per_px: float | None = None  # given by the user for all pictures; None measures each
    finder: CellFinder = field(default_factory=shipped)
    stopwatch: Stopwatch = field(default_factory=Stopwatch, repr=False, compare=False)
    workers: int = 1  # threads that count a picture each
    measured: int = 0  # pictures, from the first on, whose signs are measured
    estimates: bool = False  # platelets and red cells too

    def run(self, source: Source) -> Iterator[Outcome]:
        """An outcome for each picture, in the source's order but for those whose scale cannot be measured.

        These wait, as numbers and not as pixels, until the others are through, and take what is usual in this run
        (`pooling.Scales`).
        """
        scales, seen, photographs = Scales(), Seen(), Photographs()
        waiting: list[tuple[int, tuple[int, ...]]] = []
        for taken, outcome in self._worked(self._read(source)):
            if isinstance(taken, Frame):
                means = means_of(taken.bgr)
                if (other := seen.same(taken, means)) is not None:
                    yield _lost(taken, f"it shows the same as {other}, counted once", Reason.SAME_PICTURE)
                    continue
                if isinstance(outcome, ScaleUnknown) or outcome.refused is None:
                    seen.remember(taken, means)
            if isinstance(outcome, ScaleUnknown):
                waiting.append((taken.index, _size(taken)))
                if outcome.guess is not None:
                    scales.guessed[_size(taken)].append(outcome.guess)
                continue
            outcome = self._once(outcome, photographs)
            scale = outcome.result.scale
            if scale is not None and scale.origin == "red cells":
                scales.measured[_size(taken)].append(scale.um_per_px)
            yield outcome
            del outcome, taken  # the caller's copy is the only one while the next picture is read
        self._try(source, waiting, scales)
        for taken, outcome in self._worked((source.take(index) for index, _ in waiting), scales):
            if isinstance(outcome, ScaleUnknown):
                yield _lost(taken, str(outcome), outcome.reason)
            else:
                yield self._once(outcome, photographs)
            del outcome, taken

    def _worked(
        self, pictures: Iterable[Frame | Lost], scales: Scales | None = None
    ) -> Iterator[tuple[Frame | Lost, Outcome | ScaleUnknown]]:
        """Each with its outcome, or that its scale is not known, by `workers` threads."""

        def work(taken: Frame | Lost) -> Outcome | ScaleUnknown:
            try:
                return self._outcome(taken, scales.usual(_size(taken)) if scales else None)
            except ScaleUnknown as error:
                return error.with_traceback(None)  # which would keep the picture

        return in_order(work, pictures, self.workers, _alone)

    def _try(self, source: Source, waiting: Sequence[tuple[int, tuple[int, ...]]], scales: Scales) -> None:
        """The finder tries the guesses, at a cost, but where red cells of other pictures have settled the scale."""
        open_ = {size for _, size in waiting if not scales.settled(size)}
        for size in open_:
            scales.guessed.pop(size, None)

        def work(taken: Frame | Lost) -> Scale | None:
            try:
                return tried(Field.from_bgr(taken.bgr, guess=True), self.finder) if isinstance(taken, Frame) else None
            except (PictureError, MemoryError, cv2.error):  # told when it is to be counted
                return None

        pictures = (source.take(index) for index, size in waiting if size in open_)
        for taken, guess in in_order(work, pictures, self.workers, _alone):
            if guess is not None:
                scales.guessed[_size(taken)].append(guess)

    def _read(self, source: Source) -> Iterator[Frame | Lost]:
        pictures = iter(source)
        while True:
            with self.stopwatch.stage("read"):
                taken = next(pictures, None)
            if taken is None:
                return
            yield taken

    def _once(self, outcome: Outcome, photographs: Photographs) -> Outcome:
        """The same, with the cells that one of these photographs has given already as `repeated`."""
        result = outcome.result
        if outcome.bgr is None or result.scale is None:
            return outcome
        cells = [entry for entry in result.cells if entry.prediction.label not in EXCLUDED]
        centres = [entry.cell.centre for entry in cells]
        named = [entry.prediction.label != UNIDENTIFIED for entry in cells]
        with self.stopwatch.stage("overlap"):
            shared, known = photographs.add(outcome.name, outcome.bgr, result.scale.um_per_px, centres, named)
        if not shared:
            return outcome
        again = {entry.id for entry, seen in zip(cells, known, strict=True) if seen}
        entries = [
            replace(entry, counted=False, repeated=True) if entry.id in again else entry for entry in result.cells
        ]
        return replace(outcome, result=replace(result, cells=tuple(entries)), shared=tuple(shared))

    def _outcome(self, taken: Frame | Lost, scale: Scale | None = None) -> Outcome:
        """ScaleUnknown passes; every other failure of one picture becomes its sentence."""
        if isinstance(taken, Lost):
            return _lost(taken, taken.sentence, taken.reason)
        try:
            return self._count(taken, scale)
        except ScaleUnknown:
            raise
        except PictureError as error:
            return _lost(taken, str(error), error.reason)
        except MemoryError:
            return _lost(taken, "there is not enough memory to count a picture of this size", Reason.NO_MEMORY)
        except cv2.error as error:
            if error.code == cv2.Error.StsNoMem:
                return _lost(taken, "there is not enough memory to count a picture of this size", Reason.NO_MEMORY)
            return _lost(taken, f"OpenCV could not process it ({error.err or error.code})")
        except (ValueError, IndexError, ArithmeticError) as error:  # ours to mend, but not the other pictures' loss
            return _lost(taken, f"counting it failed, please report this: {type(error).__name__}: {error}")

    def _count(self, frame: Frame, known: Scale | None) -> Outcome:
        """With a scale that is `known` its red cells are not looked at: they did not show it."""
        card, stage = self.classifier.card, self.stopwatch.stage
        with stage("light and scale"):
            seen = Field.from_bgr(frame.bgr, self.um_per_px if known is None else known)
        height, width = frame.bgr.shape[:2]
        memory.for_area(width, height, seen.scale.um_per_px, self.estimates)
        with stage("segment"):
            cells = find_cells(seen, self.finder)
        with stage("crop"):
            crops = cut(seen, [cell.centre for cell in cells], card.window_um, card.input_size)
        with stage("classify"):
            named = self.classifier.classify(crops) if cells else []
        scale = seen.scale.um_per_px
        predictions = [doubted(said, cell, scale, card) for said, cell in zip(named, cells, strict=True)]
        result = PictureResult(
            frame.source,
            width,
            height,
            seen.scale,
            Quality(seen.focus),
            _entries(cells, predictions, width, height),
            frame.page,
        )
        shown = signs(seen, cells) if frame.index < self.measured else None
        return Outcome(frame.index, result, frame.bgr, crops, signs=shown, estimate=self._estimate(seen, result))

    def _estimate(self, seen: Field, result: PictureResult) -> FieldEstimate | None:
        if not self.estimates:
            return None
        from .vision.estimate import estimate

        with self.stopwatch.stage("estimates"):
            return estimate(seen, [entry.cell for entry in result.cells if entry.prediction.label in WHITE])


def _entries(
    cells: Sequence[Cell], predictions: Sequence[Prediction], width: int, height: int
) -> tuple[CountedCell, ...]:
    entries = []
    for number, (cell, prediction) in enumerate(zip(cells, predictions, strict=True), start=1):
        x, y = cell.centre
        inside = 0 <= x < width and 0 <= y < height
        entries.append(CountedCell(number, cell, prediction, inside and prediction.label in LEUKOCYTES))
    return tuple(entries)


def _size(taken: Frame | Lost) -> tuple[int, ...]:
    return taken.bgr.shape[:2] if isinstance(taken, Frame) else ()


def _alone(taken: Frame | Lost) -> bool:
    """Whether it is so large that no other is to be in work beside it."""
    return isinstance(taken, Frame) and taken.bgr.shape[0] * taken.bgr.shape[1] > LARGE


def _lost(taken: Frame | Lost, sentence: str, reason: Reason = Reason.FAILED) -> Outcome:
    height, width = taken.bgr.shape[:2] if isinstance(taken, Frame) else (0, 0)
    quality = Quality(focus=math.nan, counted=False, reason=Skip.LOST)
    result = PictureResult(taken.source, width, height, None, quality, page=taken.page)
    return Outcome(taken.index, result, refused=sentence, reason=reason)
