"""Small, fixed samples of the laboratories' own pictures; bounds lie a few points below what was measured."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from leuko_edge.errors import ModelError
from leuko_edge.model.classify import Classifier, FixedClassifier
from leuko_edge.model.finder import shipped as shipped_finder
from leuko_edge.types import LEUKOCYTES
from leuko_edge.vision.field import Field
from leuko_edge.vision.segment import find_cells
from leuko_train.data import build, readers, split
from leuko_train.data.augment import Window
from leuko_train.data.items import Item
from leuko_train.data.photo_match import PhotoMatcher
from leuko_train.data.views import identity_view
from leuko_train.evaluation.detect import measure

pytestmark = pytest.mark.realdata

FIELDS = {"bccd": readers.bccd, "deepbionet": readers.deepbionet_fields, "raabin": readers.raabin}
RED_CELL_PX = 34  # the median width of PBC's red cells by the data's README


def sample(items: list[Item], count: int, seed: int = 0) -> list[Item]:
    return random.Random(seed).sample(items, min(count, len(items)))


@pytest.mark.parametrize("lab", FIELDS)
def test_white_cells_of_whole_fields_are_found_and_little_else(data, lab):
    reader: Callable[[Path], Iterator[Item]] = FIELDS[lab]
    found = measure(lab, sample(list(reader(data)), 40), FixedClassifier("neutrophil"))
    assert found.true >= 25
    assert found.raw_hits / found.true >= 0.94
    assert found.raw_hits / (found.raw_hits + found.raw_false) >= 0.88  # before artefacts are set aside


def test_red_cells_of_pbc_are_measured_near_their_width(data):
    scales = [build.measured_scale(item.path)[1] for item in sample(list(readers.pbc(data)), 40)]
    widths = [7.5 / scale.um_per_px for scale in scales if scale is not None and scale.origin == "red cells"]
    assert len(widths) >= 32
    assert np.median(widths) == pytest.approx(RED_CELL_PX, rel=0.15)


def test_the_black_frames_of_turned_pictures_give_no_cells(data):
    cells = black = 0
    for item in sample(list(readers.kaggle(data)), 25):
        bgr = build.read(item.path)
        for cell in find_cells(Field.from_bgr(bgr, 0.16), shipped_finder()):
            x, y = (int(v) for v in cell.centre)
            cells += 1
            black += bool(bgr[max(0, y - 2) : y + 3, max(0, x - 2) : x + 3].max() < 20)
    assert cells >= 20 and black == 0


def test_kaggles_pictures_are_copies_of_fields_of_bccd_of_their_class(data):
    fields = list(readers.bccd(data))
    matcher = PhotoMatcher([item.path for item in fields])
    copies = sample(list(readers.kaggle(data)), 16)
    found = [(copy.label, matcher.find(copy.path)) for copy in copies]
    linked = [(label, fields[photograph].label) for label, photograph in found if photograph is not None]
    assert len(linked) >= 15  # of all 3,872 pictures 20 show fields that BCCD does not hold
    assert all(copy == photograph for copy, photograph in linked if photograph)


@pytest.mark.parametrize(
    ("folder", "sources"), [("bccd", 364), ("deepbionet_fields", 349), ("pbc", 8000), ("lisc", 242)]
)
def test_the_folders_hold_what_their_readers_expect(data, folder, sources):
    items = list(getattr(readers, folder)(data))
    assert len({item.source for item in items}) == len(items)
    assert sources is None or len(items) == sources
    assert cv2.haveImageReader(str(items[0].path))


@pytest.mark.parametrize(
    ("folder", "pictures", "sources", "classes"),
    [("deepapl", 4700, 79, 12), ("raabin_cells", 2717, 58, 5), ("raabin", 450, 26, 5), ("rv_pbs", 362, 20, 7)],
)
def test_patients_smears_and_blocks_are_told_apart(data, folder, pictures, sources, classes):
    items = list(getattr(readers, folder)(data))
    assert len(items) == pictures and len({item.source for item in items}) == sources
    assert len({label for item in items for label in item.labels}) == classes


@pytest.fixture(scope="module")
def shipped() -> Iterator[Classifier]:
    try:
        classifier = Classifier.from_path(None)
    except ModelError as missing:
        pytest.skip(f"no model ships yet: {missing}")
    with classifier:
        yield classifier


@pytest.mark.parametrize("lab", ["pbc", "lisc"])
def test_the_shipped_model_names_cells_that_it_was_not_trained_on(data, shipped, lab):
    own = [item for item in build.select(data, {}) if item.lab == lab]
    tested = [item for item, (_, part) in zip(own, split.assign(own, {}), strict=True) if part == "test"]
    right: dict[str, list[bool]] = {}
    window = Window(shipped.card.window_um, shipped.card.input_size)
    for label in LEUKOCYTES:
        for item in sample([i for i in tested if i.label == label], 6):
            for cell in build.cut_item((item, "", "test"), data, {}):
                (found,) = shipped.classify(identity_view(cell.rgb[None], window))
                right.setdefault(label, []).append(found.label == label)
    assert len(right) >= 5 and np.mean([np.mean(hits) for hits in right.values()]) >= 0.8


def test_the_shipped_model_finds_raabins_cells(data, shipped):
    found = measure("raabin", sample(list(readers.raabin(data)), 30, seed=1), shipped)
    assert found.recall >= 0.9 and found.precision >= 0.9
