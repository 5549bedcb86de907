from dataclasses import replace

import cv2
import numpy as np
import pytest
from drawn import counted_cell, smear

from leuko_edge.pipeline import Outcome
from leuko_edge.results import annotate as render
from leuko_edge.results import contact_sheet
from leuko_edge.results.annotate import Annotations, annotate, caption, marks
from leuko_edge.results.contact_sheet import Gallery
from leuko_edge.results.wording import confidence
from leuko_edge.tally import Tally
from leuko_edge.types import CLASSES, UNIDENTIFIED, PictureResult, Quality, Scale, Skip

DONE = (Tally(), Tally().differential())


def outcome(index: int, path: str, *labels: str) -> Outcome:
    cells = tuple(counted_cell(label, number=number) for number, label in enumerate(labels, start=1))
    result = PictureResult(path, 320, 240, Scale(0.2, "given"), Quality(1), cells)
    return Outcome(index, result, smear(), np.full((len(labels), 64, 64, 3), (200, 90, 30), np.uint8))


def lost() -> Outcome:
    return Outcome(0, PictureResult("a.png", 0, 0, None, Quality(0, False, Skip.LOST)), refused="empty")


def test_the_picture_itself_is_left_alone():
    bgr = smear()
    before = bgr.copy()
    annotate(bgr, marks([counted_cell()]))
    assert np.array_equal(bgr, before)


@pytest.mark.parametrize(("size", "factor"), [((100, 100), 6), ((640, 480), 2), ((1280, 960), 1), ((3000, 100), 6)])
def test_small_pictures_are_enlarged_until_names_are_legible(size, factor):
    drawn = annotate(smear(*size, white_cells=0), marks([counted_cell()]))
    assert drawn.shape == (size[1] * factor, size[0] * factor, 3)


@pytest.mark.parametrize("label", [*CLASSES, UNIDENTIFIED])
def test_every_label_is_drawn_on_its_outline_and_beside_it(label):
    bgr = smear(1000, 700, white_cells=0)
    drawn = annotate(bgr, marks([counted_cell(label, box=(400, 300, 100, 100))]))
    changed = (drawn != bgr).any(axis=2)
    assert changed[395:405, 400:500].any() or changed[300:305, 400:500].any()  # the outline's upper edge
    assert changed[250:296, 380:520].sum() > 60  # the name above it
    assert not changed[330:370, 430:470].any()  # the cell's inside stays free to look at


def test_what_is_excluded_is_fainter_than_what_is_counted():
    bgr = np.full((700, 1000, 3), 230, np.uint8)
    strong, faint = (
        np.abs(annotate(bgr, marks([counted_cell(label, box=(400, 300, 100, 100))])).astype(int) - bgr).sum()
        for label in ("neutrophil", "artefact")
    )
    assert faint < strong / 3


@pytest.mark.parametrize("box", [(0, 0, 30, 30), (290, 0, 30, 30), (0, 210, 30, 30), (290, 210, 30, 30)])
def test_names_stay_inside_the_picture(box, monkeypatch):
    written = []
    monkeypatch.setattr(
        render, "put_text", lambda bgr, text, x, y, height, colour: written.append((text, x, y, height))
    )
    drawn = annotate(smear(), marks([counted_cell("immature_granulocyte", box=box)]))
    ((text, x, y, height),) = written
    assert x >= 0 and y - height >= 0 and y <= drawn.shape[0]
    assert x + render.text_width(text, height) <= drawn.shape[1]


def test_names_of_neighbours_do_not_cover_each_other(monkeypatch):
    written = []
    monkeypatch.setattr(render, "put_text", lambda bgr, text, x, y, height, colour: written.append((x, y, height)))
    annotate(smear(1200, 900), marks([counted_cell(box=(500 + 40 * n, 400, 120, 120)) for n in range(3)]))
    assert len(written) == 3
    canvas = np.zeros((900, 1200), int)
    for x, y, height in written:
        canvas[y - height : y, x : x + render.text_width("neutrophil 98%", height)] += 1
    assert canvas.max() == 1


@pytest.mark.parametrize(("side", "cell", "letters"), [(600, 300, 12), (2000, 300, 40), (2000, 60, 20), (2000, 9, 10)])
def test_letters_grow_with_the_picture_but_not_beyond_the_cells(side, cell, letters, monkeypatch):
    heights = []
    monkeypatch.setattr(render, "put_text", lambda bgr, text, x, y, height, colour: heights.append(height))
    annotate(np.full((side, side, 3), 230, np.uint8), marks([counted_cell(box=(100, 100, cell, cell))]))
    assert heights == [letters]


@pytest.mark.parametrize("height", [10, 17, 40])
def test_capitals_are_as_tall_as_asked(height):
    bgr = np.full((200, 400, 3), 255, np.uint8)
    render.put_text(bgr, "HHH", 20, 150, height, (0, 0, 0))
    rows = np.flatnonzero((bgr < 128).any(axis=(1, 2)))
    assert abs(rows[-1] - rows[0] + 1 - height) <= 3 + height // 10  # strokes have a width


def test_the_caption_names_the_class_and_never_rounds_up_to_certainty():
    assert caption("immature_granulocyte", 0.9999) == "immature granulocyte 99%"
    assert caption("neutrophil", 0.29) == "neutrophil 29%"


def test_the_confidence_of_an_unidentified_cell_is_that_of_the_class_it_was_nearest_to():
    cell = counted_cell(UNIDENTIFIED, number=7)
    said = replace(cell.prediction, confidence=0.89, probabilities=(0.11, 0.89))
    (mark,) = marks([replace(cell, prediction=said)], ("neutrophil", "immature_granulocyte"))
    assert mark.text == "#7 unidentified, imm. granulocyte? 89%"
    assert caption(UNIDENTIFIED, 0.89) == "unidentified"  # of what, nobody knows


def test_a_cell_bears_the_same_number_on_its_sheet_and_its_picture_and_the_sheet_names_the_picture(monkeypatch):
    written = []
    monkeypatch.setattr(contact_sheet, "sheet", lambda label, thumbnails: written.append(thumbnails) or smear())
    monkeypatch.setattr(contact_sheet, "put", lambda *_: None)
    taken = outcome(4, "slides/7/IMG_0012.jpg", "lymphocyte", "neutrophil")
    sink = Gallery("anywhere")
    sink.add(taken)
    sink.finish(*DONE)
    lines = {thumbnail[1:3] for thumbnails in written for thumbnail in thumbnails}
    sure = confidence(taken.result.cells[0].prediction.confidence)
    assert lines == {(f"#1 {sure}%", "7/IMG_0012.jpg"), (f"#2 {sure}%", "7/IMG_0012.jpg")}
    assert [mark.text.split()[0] for mark in marks(taken.result.cells)] == ["#1", "#2"]


def test_a_sheet_shows_the_end_of_a_name_that_is_too_long_for_it(monkeypatch):
    texts = []
    monkeypatch.setattr(contact_sheet, "put_text", lambda drawn, text, *_: texts.append(text))
    rgb = np.zeros((64, 64, 3), np.uint8)
    contact_sheet.sheet("blast", [(rgb, "#1 98%", "a-very-long-folder/of-a-picture-number-00012.jpg", True)])
    assert texts[1] == "#1 98%" and texts[2].startswith("..") and texts[2].endswith("00012.jpg")
    assert render.text_width(texts[2], contact_sheet.LETTERS) <= contact_sheet.TILE


def test_the_scale_bar_is_as_long_as_it_says():
    bgr = np.full((700, 1000, 3), 200, np.uint8)
    drawn = annotate(bgr, [], Scale(0.1, "given"))
    bar = (drawn.max(axis=2) == 0).sum(axis=1).max()
    assert bar in (200, 201)  # 20 µm at 0.1 µm per pixel


def test_each_picture_gets_a_file_of_its_own_and_lost_ones_none(tmp_path):
    sink = Annotations(str(tmp_path / "out"))
    for taken in (outcome(0, "a/x.jpg", "neutrophil"), outcome(1, "b/x.png"), outcome(2, "b/X.tif"), lost()):
        sink.add(taken)
    sink.finish(*DONE)
    names = sorted(path.name for path in (tmp_path / "out").glob("*.png"))
    assert names == ["X-cells-3.png", "x-cells-2.png", "x-cells.png"]
    assert cv2.imread(str(tmp_path / "out" / "x-cells.png")).shape == (720, 960, 3)


def test_a_contact_sheet_for_each_class_shows_the_crops_in_their_colours(tmp_path):
    sink = Gallery(str(tmp_path))
    sink.add(outcome(0, "a.png", "neutrophil", "platelet", "neutrophil"))
    sink.add(lost())
    assert list(tmp_path.iterdir()) == []
    sink.finish(*DONE)
    assert sorted(path.name for path in tmp_path.glob("*.png")) == ["neutrophil.png", "platelet.png"]
    sheet = cv2.imread(str(tmp_path / "neutrophil.png"))
    assert (sheet == (30, 90, 200)).all(axis=2).sum() == 2 * contact_sheet.TILE**2


def test_a_full_sheet_is_written_and_let_go(tmp_path, monkeypatch):
    monkeypatch.setattr(contact_sheet, "SHEET", 2)
    sink = Gallery(str(tmp_path))
    for index in range(3):
        sink.add(outcome(index, "a.png", "monocyte"))
    assert [path.name for path in tmp_path.glob("*.png")] == ["monocyte.png"]
    sink.finish(*DONE)
    assert sorted(path.name for path in tmp_path.glob("*.png")) == ["monocyte-2.png", "monocyte.png"]
