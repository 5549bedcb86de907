import io
import re
from datetime import datetime

from rich.console import Console

from leuko_edge.model.classify import simulated_card
from leuko_edge.results import table
from leuko_edge.results.wording import whose
from leuko_edge.tally import Tally
from leuko_edge.types import PictureResult, Quality, Scale, Skip


def shown(counts: dict[str, int], scales: tuple[Scale, ...] = (), lost: int = 0, truth=None, width: int = 80) -> str:
    tally = Tally()
    tally.counts.update(counts)
    for scale in scales:
        tally.add(PictureResult("a", 9, 9, scale, Quality(1)))
    for _ in range(lost):
        tally.add(PictureResult("a", 0, 0, None, Quality(0, False, Skip.LOST)))
    console = Console(file=io.StringIO(), width=width, highlight=False)
    table.show(console, tally.differential(), tally.fields, truth)
    return console.file.getvalue()


def row(text: str, label: str) -> list[str]:
    line = next(line for line in text.splitlines() if line.startswith(label))
    return re.split(r"\s{2,}", line.strip())


def test_a_row_says_class_count_share_interval_range_and_flag():
    text = shown({"neutrophil": 50, "lymphocyte": 50})
    assert row(text, "neutrophil") == ["neutrophil", "50", "50.0", "39.8–60.2", "40–60", "normal"]
    assert row(text, "lymphocyte") == ["lymphocyte", "50", "50.0", "39.8–60.2", "20–40", "high?"]
    assert row(text, "immature") == ["immature granulocyte", "0", "0.0", "0.0–3.6", "–", "–"]
    assert "100 cells counted" in text


def test_below_the_table_stands_what_is_not_in_the_denominator():
    text = shown({"neutrophil": 50, "erythroblast": 2, "unidentified": 3, "platelet": 1, "artefact": 7})
    assert "nRBC per 100 WBC: 4.0 (2 erythroblasts)" in text
    assert "Unidentified: 3" in text and "1 platelet, 7 artefacts" in text
    assert "Not a medical device" in text


def test_the_report_names_sample_operator_and_time():
    at = datetime(2026, 11, 27, 1, 30).astimezone()
    assert whose("S-17", "AB", at.timestamp()) == f"Sample S-17 · operator AB · 2026-11-27 01:30 {at.tzname()}"
    assert whose("", "", 0).startswith("Sample not named · operator not named · ")
    assert "\x1b" not in whose("\x1b[2J", "AB", 0)


def test_each_way_of_knowing_the_scale_has_its_line():
    text = shown(
        {"neutrophil": 1},
        (Scale(0.1, "red cells"), Scale(0.12, "red cells"), Scale(0.11, "pooled"), Scale(0.2, "assumed", within=1.5)),
        lost=2,
        width=160,
    )
    assert "Scale: 0.11 µm per pixel (0.1 to 0.12), measured from red cells; 2 fields" in text
    assert "Scale: 0.11 µm per pixel, taken from the other pictures of their size; 1 field" in text
    assert "ASSUMED" in text and "right to within a factor of 1.5: give --um-per-px" in text
    assert "Fields: 4 of 6 counted (2 lost)" in text


def test_a_simulated_slide_says_so_and_shows_the_truth_beside_the_count():
    text = shown({"neutrophil": 9, "platelet": 1}, truth={"neutrophil": 10, "erythroblast": 2}, width=100)
    assert text.startswith("SIMULATED") and "no patient" in text
    assert row(text, "neutrophil")[:4] == ["neutrophil", "10", "100.0", "9"]
    assert "erythroblast 2 (listed as such: 0)" in text


def test_the_table_fits_eighty_columns():
    text = shown({"neutrophil": 2000}, truth={"neutrophil": 2000})
    assert "immature granulocyte" in text and "…" not in text and all(len(line) <= 80 for line in text.splitlines())


def test_a_card_is_described_with_its_certificate():
    text = table.describe(simulated_card())
    assert "model fixed" in text and "certificate:\n  none recorded" in text


def test_smudge_cells_are_named_where_there_are_any():
    assert "Smudge cells per 100 WBC: 4.0 (2)" in shown({"neutrophil": 50, "smudge": 2})
    assert "Smudge" not in shown({"neutrophil": 50})
