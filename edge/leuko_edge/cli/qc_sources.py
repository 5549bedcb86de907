"""What a test looks at: the control's own photographs, today's, or the slide under the camera."""

from __future__ import annotations

import argparse
import contextlib
import os
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import cv2

from ..camera.opening import open_source
from ..camera.tuning import wishes
from ..config import Settings
from ..errors import UsageError
from ..live.engine import Engine
from ..live.goal import Goal
from ..live.session_info import TARGET, information
from ..model.card import ModelCard
from ..model.classify import Classifier
from ..pipeline import Pipeline
from ..qc.control import Control, KnownCell
from ..qc.drawn import DrawnSlide
from ..qc.measure import Measurement, measure, shares
from ..results.console import Terminal
from ..screen.face import facing
from ..sources.live_source import LiveSource
from ..sources.pictures import Pictures
from ..store import SessionStore
from ..store.archive import Archive
from ..store.quality import Quality
from ..vision.signs import medians


class Looked(NamedTuple):
    """A control looked at: as what (`control`), what it shows, by which model, and where it was."""

    control: Control
    seen: Measurement
    card: ModelCard
    source: str


def look_at_drawn(settings: Settings) -> Looked:
    with _classifying(settings) as classifier:
        slide = DrawnSlide()
        control = slide.control()
        pipeline = Pipeline(classifier, settings.count.um_per_px)
        return Looked(control, measure(pipeline, slide, control.cells), classifier.card, slide.name)


def look_at(control: Control, path: str, options: argparse.Namespace, settings: Settings) -> Looked:
    """The control of the file or folder `path`; live, today's photographs, or its own. LeukoErrors pass."""
    with _classifying(settings) as classifier:
        if options.camera is not None or options.video is not None or not (options.image or control.cells):
            source = _live_source(options, settings)
            control = replace(control, cells=())
            return Looked(control, _watched(source, classifier, settings), classifier.card, source.name)
        paths = options.image or [path if os.path.isdir(path) else os.path.dirname(os.path.abspath(path))]
        if not _are_its_own(paths, control):
            control = replace(control, cells=())  # other fields of the same blood: its differential is known, no place
        return Looked(control, _photographs(classifier, settings, paths, control.cells), classifier.card, paths[0])


@contextlib.contextmanager
def _classifying(settings: Settings) -> Iterator[Classifier]:
    threads = settings.count.threads or os.cpu_count() or 1
    cv2.setNumThreads(threads)
    model = settings.model
    with contextlib.closing(Classifier.from_path(model.path, threads, model.site, model.trusted_keys)) as classifier:
        yield classifier


def _photographs(
    classifier: Classifier, settings: Settings, paths: Sequence[str], cells: Sequence[KnownCell]
) -> Measurement:
    """Those of files and folders; what is no photograph counts as lost."""
    with Pictures(paths) as source:
        if not source.files:
            raise UsageError(f"{paths[0]} holds no photographs of the control", "name the folder that does")
        seen = measure(Pipeline(classifier, settings.count.um_per_px), source, cells)
        left = tuple((problem.path, problem.sentence) for problem in source.problems if not problem.harmless)
    return replace(seen, lost=(*seen.lost, *left), pictures=seen.pictures + len(left))


def _are_its_own(paths: Sequence[str], control: Control) -> bool:
    """Whether a photograph that the control knows is among them, by its name."""
    with Pictures(paths) as source:
        return bool({os.path.basename(file) for file in source.files} & {cell.picture for cell in control.cells})


def _live_source(options: argparse.Namespace, settings: Settings) -> LiveSource:
    if options.video is not None:
        return open_source("video", options.video)
    return open_source("camera", settings.camera.source, **wishes(settings))


def _watched(source: LiveSource, classifier: Classifier, settings: Settings) -> Measurement:
    """The slide counted as a patient's would be, into a database that is thrown away."""
    with tempfile.TemporaryDirectory(prefix="leuko-edge-qc-") as folder:
        database = str(Path(folder) / "qc.sqlite3")
        with source:
            goal = Goal(settings.count.target or TARGET)
            info = information(source, classifier.card, goal, settings.reference, sample="control")
            with SessionStore.create(database, info) as store:
                engine = Engine(classifier, store, goal, settings.count.um_per_px, settings.reference)
                with facing(Terminal(stderr=True), False, False) as face:
                    engine.run(source, face.show, face.actions)
                engine.finish(source.dropped)
        with Archive(database) as archive:
            counts = Counter(cell.label for cell in archive.record(store.id).standing)
        fields = [signs for one in Quality(database).sessions(1) for signs in one.fields]
    return Measurement({**medians(fields), **shares(counts)}, counts, pictures=len(fields))
