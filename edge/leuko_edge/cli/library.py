"""`leuko_edge.count`: photographs to a differential, for another program. Nothing is printed, nothing written."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..config import values
from ..errors import UsageError
from ..model.classify import Classifier
from ..pipeline import Pipeline
from ..sources.pictures import Pictures
from ..tally import Differential, Tally
from ..tally import warning as review_warning
from ..types import LEUKOCYTES, REFERENCES, CountedCell, PictureResult

Path = str | os.PathLike[str]


@dataclass(frozen=True)
class Counted:
    """What photographs gave.

    `pictures` are in the order given, those that could not be counted among them. `problems` are (path, sentence) of
    each of those, and of each path that gave no picture. `warning` is why a person must look at the count, "" where
    nothing asks for one. `model` and `sha256` name the network that said so.
    """

    differential: Differential
    pictures: tuple[PictureResult, ...]
    problems: tuple[tuple[str, str], ...]
    warning: str
    model: str
    sha256: str

    @property
    def cells(self) -> tuple[CountedCell, ...]:
        """Those of all pictures, the ones beside the differential too."""
        return tuple(entry for picture in self.pictures for entry in picture.cells)


def count(
    paths: Path | Sequence[Path],
    *,
    model: Path | None = None,
    um_per_px: float | None = None,
    threads: int | None = None,
    references: Mapping[str, tuple[float, float]] | None = None,
) -> Counted:
    """Count the white cells of `paths`: pictures (JPEG, PNG, TIFF, BMP), and folders of them.

    `model` is a .tflite file with its card beside it (None: the shipped one), `um_per_px` micrometres per pixel, 0.005
    to 5 (None: measured from the red cells of each picture), `threads` those of the network, `references` ranges of
    classes in per cent that take the place of the usual ones. The configuration and the environment change nothing.

    A picture that cannot be used is told in `problems` and ends nothing; no white cell at all is an answer too.
    UsageError for no path, ModelError for a model that cannot be used, ValueError for a number out of range.
    """
    names = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    if not names:
        raise UsageError("there is nothing to count: name a picture or a folder of them")
    if um_per_px is not None:
        values.UM_PER_PX.check(um_per_px)
    if threads is not None:
        values.THREADS.check(threads)
    ranges = _ranges(references or {})
    tally, pictures = Tally(), dict[int, PictureResult]()
    with Classifier.from_path(model, threads) as classifier, Pictures(names) as source:
        problems = [(left.path, left.sentence) for left in source.problems]
        for outcome in Pipeline(classifier, um_per_px).run(source):
            pictures[outcome.index] = outcome.result
            tally.add(outcome.result)
            if outcome.refused is not None:
                problems.append((outcome.result.path, outcome.refused))
        card = classifier.card
    differential = tally.differential(card.leukocytes, ranges)
    return Counted(
        differential,
        tuple(pictures[index] for index in sorted(pictures)),
        tuple(problems),
        review_warning(differential, card.warn_share),
        card.name,
        card.sha256,
    )


def _ranges(given: Mapping[str, tuple[float, float]]) -> dict[str, tuple[float, float]]:
    for label in given:
        if label not in LEUKOCYTES:
            raise UsageError(f"references: there is no class {label!r}", f"the classes are {', '.join(LEUKOCYTES)}")
    return {**REFERENCES, **{label: values.RANGE.check(limits) for label, limits in given.items()}}
