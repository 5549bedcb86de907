"""Platelets and red cells of drawn fields, of which it is known how many and how wide they are."""

from __future__ import annotations

import numpy as np
import pytest

from leuko_edge.model.finder import shipped
from leuko_edge.simulate.background import Background
from leuko_edge.simulate.field import Drawn, draw_field
from leuko_edge.vision.estimate import estimate
from leuko_edge.vision.field import Field
from leuko_edge.vision.platelets import platelets
from leuko_edge.vision.red_cells import red_cells
from leuko_edge.vision.segment import find_cells

PX = 0.1  # µm
WIDE = 60  # px; what is narrower is no white cell


def drawn(seed: int, **background: float) -> Drawn:
    cells = ["neutrophil", *["platelet"] * 5]
    look = Background(**{"platelets": 0, **background})
    return draw_field(np.random.default_rng(seed), cells=cells, background=look)


def seen(field: Drawn, given: bool = True) -> tuple[Field, list]:
    of = Field.from_bgr(field.bgr, PX if given else None)
    return of, [cell for cell in find_cells(of, shipped()) if cell.diameter > WIDE]


@pytest.fixture(scope="module")
def fields() -> list[Drawn]:
    return [drawn(seed) for seed in range(3)]


def test_platelets_are_found_where_they_were_drawn_and_nowhere_else(fields):
    true = found = hits = 0
    for field in fields:
        some = platelets(*seen(field))
        places = [one.centre for one in field.truth if one.label == "platelet"]
        true, found = true + len(places), found + len(some.centres)
        hits += sum((np.hypot(*(some.centres - place).T) < 20).any() for place in places)
    assert true == 15 and hits >= 13 and found <= 16


def test_what_lies_in_a_white_cell_is_no_platelet(fields):
    of, white = seen(fields[0])
    nucleus = next(one for one in fields[0].truth if one.label == "neutrophil")
    away = np.hypot(*(platelets(of, white).centres - nucleus.centre).T)
    assert (away > nucleus.box[2] / 2).all()


def test_red_cells_that_lie_alone_are_as_wide_as_drawn_and_as_unequal():
    spreads = []
    for spread in (0.04, 0.12):
        of, _ = seen(drawn(7, red_cell_cv=spread, red_cell_um=7.2))
        red = red_cells(of)
        wide = red.diameters[red.alone] * PX
        assert len(wide) > 20 and wide.mean() == pytest.approx(7.2, abs=0.35)
        spreads.append(wide.std() / wide.mean())
    assert spreads[0] < 0.07 < 0.09 < spreads[1]


def test_a_field_without_anything_has_no_estimates_but_its_area(fields):
    empty = Field.from_bgr(np.full((300, 400, 3), 235, np.uint8), PX)
    found = estimate(empty, [])
    assert (found.platelets, found.white_cells, found.red_cells, found.red_cell_um) == (0, 0, 0, ())
    assert found.area_mm2 == pytest.approx(300 * 400 * (PX / 1000) ** 2, rel=0.05)


def test_how_wide_red_cells_are_is_known_only_where_the_scale_was_given(fields):
    of, white = seen(fields[1])
    guessed, _ = seen(fields[1], given=False)
    assert estimate(of, white).width_known and not estimate(guessed, white).width_known
