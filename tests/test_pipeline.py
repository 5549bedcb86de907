import gc
import weakref

import cv2
import numpy as np
import pytest
from drawn import encoded, smear

from leuko_edge import pipeline
from leuko_edge.model.classify import FixedClassifier
from leuko_edge.pipeline import Outcome, Pipeline
from leuko_edge.sources.pictures import Lost, Pictures
from leuko_edge.tally import Tally
from leuko_edge.types import Cell, Frame, Scale
from leuko_edge.vision.field import ScaleUnknown
from leuko_edge.vision.scale_trial import TRIED


class Memory:
    """A source of pictures in memory; `taken` lists what was asked for again."""

    def __init__(self, *pictures):
        self.pictures, self.again = pictures, []

    def __iter__(self):
        return (self._taken(index) for index in range(len(self.pictures)))

    def take(self, index):
        self.again.append(index)
        return self._taken(index)

    def _taken(self, index):
        picture = self.pictures[index]
        if isinstance(picture, str):
            return Lost(index, f"{index}.png", picture)
        return Frame(index, 0.0, picture, f"{index}.png")


def bare(width: int = 320, height: int = 240) -> np.ndarray:
    """One nucleus and no red cell: nothing to measure the scale by."""
    bgr = np.full((height, width, 3), (228, 232, 235), np.uint8)
    cv2.circle(bgr, (width // 2, height // 2), 25, (120, 50, 90), -1, cv2.LINE_AA)
    return bgr


def run(*pictures, labels=("neutrophil",), um_per_px=None) -> list[Outcome]:
    return list(Pipeline(FixedClassifier(*labels), um_per_px).run(Memory(*pictures)))


def test_a_white_cell_is_found_measured_and_counted():
    (outcome,) = run(smear())
    result = outcome.result
    assert result.scale.origin == "red cells" and result.scale.um_per_px == pytest.approx(0.375, rel=0.1)
    assert len(result.cells) == 1 and result.cells[0].counted and result.cells[0].id == 1
    assert outcome.crops.shape == (1, 64, 64, 3) and (result.width, result.height) == (320, 240)


def test_a_given_scale_is_used_as_it_is():
    (outcome,) = run(smear(), um_per_px=0.4)
    assert outcome.result.scale == Scale(0.4, "given")


@pytest.mark.parametrize("label", ["platelet", "artefact", "erythroblast", "unidentified"])
def test_only_leukocytes_are_counted_the_others_are_listed(label):
    (outcome,) = run(smear(), labels=[label])
    assert [(entry.prediction.label, entry.counted) for entry in outcome.result.cells] == [(label, False)]


@pytest.mark.parametrize(("centre", "counted"), [((1.0, 120.0), True), ((-3.0, 120.0), False), ((320.0, 5.0), False)])
def test_a_cell_cut_by_the_border_is_counted_if_its_centre_lies_inside(centre, counted, monkeypatch):
    cell = Cell((0, 100, 20, 40), centre, np.zeros((4, 2), np.int32), at_border=True)
    monkeypatch.setattr(pipeline, "find_cells", lambda *_: [cell])
    (outcome,) = run(smear())
    assert [entry.counted for entry in outcome.result.cells] == [counted]


def test_a_picture_without_red_cells_takes_the_scale_of_its_size():
    outcomes = run(bare(), smear(), smear(seed=2), smear(640, 480, seed=3))
    assert [outcome.index for outcome in outcomes] == [1, 2, 3, 0]  # the waiting one comes last
    measured = [outcome.result.scale.um_per_px for outcome in outcomes[:2]]
    assert outcomes[3].result.scale == Scale(pytest.approx(np.median(measured)), "pooled")


def test_guesses_are_tried_only_where_no_red_cells_have_settled_the_scale(monkeypatch):
    asked = []
    monkeypatch.setattr(pipeline, "tried", lambda seen, _: asked.append(seen.bgr.shape) or Scale(0.2, "assumed"))
    settled, open_ = bare(), bare(640, 480)
    outcomes = run(settled, smear(), open_)
    assert asked == [open_.shape]
    assert [(outcome.index, outcome.result.scale.origin) for outcome in outcomes[1:]] == [(0, "pooled"), (2, "assumed")]


def test_pictures_of_another_size_lend_no_scale():
    outcomes = run(smear(640, 480), bare())
    assert outcomes[1].result.scale.origin == "assumed"


def test_without_any_measured_scale_the_guesses_are_pooled():
    small = bare()
    large = cv2.resize(small[60:180, 80:240], (320, 240))  # the same nucleus at twice the size
    alone = [run(picture)[0].result.scale for picture in (small, large)]
    together = [outcome.result.scale for outcome in run(small, large)]
    middle = sum(scale.um_per_px for scale in alone) / 2
    assert together == [Scale(pytest.approx(middle), "assumed", within=TRIED)] * 2 and alone[0] != alone[1]


def test_a_picture_that_waits_is_not_kept_but_read_again():
    source, pixels = Memory(bare(), smear()), []
    original = source._taken

    def fresh(index):
        taken = original(index)
        copy = Frame(taken.index, 0.0, taken.bgr.copy(), taken.source)
        pixels.append(weakref.ref(copy.bgr))
        return copy

    source._taken = fresh
    for outcome in Pipeline(FixedClassifier("neutrophil")).run(source):
        if outcome.index == 1:
            gc.collect()
            assert pixels[0]() is None
    assert source.again == [0]


def test_no_picture_stays_in_memory_behind_the_one_being_counted():
    held: list[weakref.ref] = []
    for outcome in Pipeline(FixedClassifier("neutrophil")).run(Memory(*(smear(seed=n) for n in range(4)))):
        held.append(weakref.ref(outcome))
        del outcome
        gc.collect()
        assert sum(reference() is not None for reference in held) <= 1


def test_a_picture_of_which_nothing_can_be_known_is_lost_with_its_reason(monkeypatch):
    def unknown(*_, **__):
        raise ScaleUnknown()

    monkeypatch.setattr(pipeline.Field, "from_bgr", unknown)
    (outcome,) = run(smear())
    assert outcome.refused.startswith("too few red cells") and not outcome.result.quality.counted


@pytest.mark.parametrize(
    ("error", "word"), [(cv2.error("(-215) assertion failed"), "OpenCV"), (MemoryError(), "not enough memory")]
)
@pytest.mark.parametrize("stage", ["find_cells", "cut"])
def test_whatever_one_picture_breaks_the_next_is_counted(error, word, stage, monkeypatch):
    original, calls = getattr(pipeline, stage), []

    def breaks_once(*args):
        calls.append(args)
        if len(calls) == 1:
            raise error
        return original(*args)

    monkeypatch.setattr(pipeline, stage, breaks_once)
    first, second = run(smear(), smear())
    assert word in first.refused and first.result.quality.reason == "lost"
    assert second.refused is None and second.result.cells


def test_black_and_unreadable_pictures_are_lost_and_accounted_for():
    tally = Tally()
    for outcome in run(np.zeros((240, 320, 3), np.uint8), "the file is empty", smear()):
        tally.add(outcome.result)
    assert tally.frames["captured"] == 3 and tally.frames["counted"] == 1 and tally.skipped["lost"] == 2


def test_files_run_through_to_a_differential(tmp_path):
    for number in range(4):
        (tmp_path / f"{number}.png").write_bytes(encoded(smear(seed=number), ".png"))
    tally = Tally()
    with Pictures([tmp_path]) as source:
        for outcome in Pipeline(FixedClassifier("neutrophil", "lymphocyte")).run(source):
            tally.add(outcome.result)
    shares = {share.label: share.percent for share in tally.differential().classes if share.count}
    assert tally.differential().counted == 4 and shares == {"neutrophil": 50, "lymphocyte": 50}


@pytest.mark.parametrize("workers", [2, 3])
def test_several_workers_give_what_one_gives_in_the_same_order(workers):
    def all_of(number: int) -> list[tuple[object, ...]]:
        source = Memory(smear(seed=1), bare(), smear(seed=2), "the file is empty", smear(seed=1), smear(seed=3))
        found = Pipeline(FixedClassifier("neutrophil"), workers=number).run(source)
        return [(o.index, o.refused, o.result.scale, [e.cell.box for e in o.result.cells]) for o in found]

    assert all_of(workers) == all_of(1)
