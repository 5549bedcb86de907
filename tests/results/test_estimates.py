"""What --estimates adds to a report, and that nothing is added unasked."""

from __future__ import annotations

import csv
import json

import cv2
import numpy as np
import pytest

from leuko_edge.cli.main import main
from leuko_edge.results.estimates import figures, lines
from leuko_edge.simulate.field import draw_field
from leuko_edge.types import FieldEstimate


def field(platelets: int = 8, clumps: int = 0, widths=(7.0, 7.5, 8.0, 7.2, 7.8), known: bool = True) -> FieldEstimate:
    return FieldEstimate(platelets, clumps, 2, 100, tuple(widths), known, 0.0095)


def test_a_field_of_a_quarter_of_an_oil_field_with_eight_platelets_is_thirty_two_in_one():
    found = figures([field(), field()])
    assert found["platelets_per_field"] == 8 and found["white_cells_per_field"] == 2
    assert found["platelets_per_ul_rough"] == 480_000
    assert found["red_cells_measured"] == 10 and found["red_cell_um"] == 7.5
    assert found["red_cell_cv_percent"] == pytest.approx(100 * 0.4123 / 7.5, abs=0.1)


def test_two_scales_are_no_spread_and_an_unknown_scale_gives_no_width():
    small, large = field(widths=[7.0] * 6), field(widths=[8.0] * 6, known=False)
    assert figures([small, large])["red_cell_cv_percent"] == 0 and figures([small, large])["red_cell_um"] is None
    assert any("--um-per-px" in line for line in lines([small, large]))


def test_of_too_few_red_cells_nothing_is_said_and_clumps_are_flagged():
    found = lines([field(clumps=2, widths=[7.0, 8.0])])
    assert "CLUMPS: 2" in found[0] and "too few" in found[2] and "not counts" in found[-1]
    assert figures([])["platelets_per_field"] is None and lines([]) == []


@pytest.fixture(scope="module")
def picture(tmp_path_factory) -> str:
    file = tmp_path_factory.mktemp("smear") / "a.png"
    cv2.imwrite(str(file), draw_field(np.random.default_rng(2), cells=["neutrophil", "platelet", "platelet"]).bgr)
    return str(file)


def counted(picture: str, tmp_path, *more: str) -> tuple[dict, list[list[str]]]:
    words = ["--image", picture, "--um-per-px", "0.1", "--json", str(tmp_path / "a.json"), "--csv"]
    assert main([*words, str(tmp_path / "a.csv"), *more]) == 0
    return json.loads((tmp_path / "a.json").read_text()), list(csv.reader((tmp_path / "a.csv").open()))


def test_estimates_stand_beside_the_differential_where_they_are_asked_for_and_only_there(picture, tmp_path, capsys):
    plain, rows = counted(picture, tmp_path)
    assert "estimates" not in plain and "estimates" not in plain["images"][0] and "platelets" not in rows[0]
    assert "per field" not in capsys.readouterr().out
    asked, table = counted(picture, tmp_path, "--estimates")
    assert asked["differential"] == plain["differential"]
    one = asked["images"][0]["estimates"]
    assert one["platelets"] >= 2 and one["white_cells"] == 1 and one["red_cell_um"] == pytest.approx(7.4, abs=0.5)
    assert "not counts" in asked["estimates"]["limits"]
    assert table[0][:-5] == rows[0] and table[0][-5] == "platelets"
    assert {row[-5] for row in table[1:]} == {str(one["platelets"])}
    shown = capsys.readouterr().out
    assert "Platelets per field" in shown and "White cells per field: 1.0" in shown


def test_estimates_are_of_photographs(capsys):
    assert main(["--demo", "--estimates"]) == 2
    assert "--estimates goes with --image" in capsys.readouterr().err
