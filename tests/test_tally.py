import math

import pytest
from drawn import counted_cell
from hypothesis import given
from hypothesis import strategies as st

from leuko_edge.binomial import clopper_pearson
from leuko_edge.tally import Differential, Tally, flag
from leuko_edge.types import CountedCell, PictureResult, Prediction, Quality, Scale

# CLINICAL.md's table, exact limits in per cent: observed per cent -> n -> (low, high).
RUEMKE = {
    0: {100: (0, 3.6), 200: (0, 1.8), 400: (0, 0.9), 500: (0, 0.7)},
    5: {100: (1.6, 11.3), 200: (2.4, 9.0), 400: (3.1, 7.6), 500: (3.3, 7.3)},
    10: {100: (4.9, 17.6), 200: (6.2, 15.0), 400: (7.2, 13.4), 500: (7.5, 13.0)},
    50: {100: (39.8, 60.2), 200: (42.9, 57.1), 400: (45.0, 55.0), 500: (45.5, 54.5)},
}


def binomial_tail(count: int, total: int, p: float) -> float:
    return sum(math.comb(total, k) * p**k * (1 - p) ** (total - k) for k in range(count, total + 1))


def result(*labels: str, reason: str | None = None) -> PictureResult:
    cells = tuple(
        counted_cell(
            label, number=number, counted=label not in ("platelet", "artefact", "unidentified", "erythroblast")
        )
        for number, label in enumerate(labels, start=1)
    )
    scale = None if reason else Scale(0.1, "red cells", 20)
    return PictureResult("a.png", 100, 100, scale, Quality(0.5, reason is None, reason), cells)


@pytest.mark.parametrize(("percent", "total"), [(p, n) for p, row in RUEMKE.items() for n in row])
def test_limits_are_those_of_the_table(percent, total):
    low, high = clopper_pearson(percent * total // 100, total)
    assert (round(100 * low, 1), round(100 * high, 1)) == RUEMKE[percent][total]


@given(st.integers(1, 300).flatmap(lambda total: st.tuples(st.integers(1, total), st.just(total))))
def test_each_limit_leaves_a_fortieth_beyond_it(counted):
    count, total = counted
    low, high = clopper_pearson(count, total)
    assert 0 < low < count / total <= high <= 1
    assert binomial_tail(count, total, low) == pytest.approx(0.025, rel=1e-6)
    if count < total:
        assert 1 - binomial_tail(count + 1, total, high) == pytest.approx(0.025, rel=1e-6)


@given(st.integers(0, 400), st.integers(0, 400))
def test_limits_mirror_each_other(count, others):
    low, high = clopper_pearson(count, count + others)
    mirrored = clopper_pearson(others, count + others)
    assert (low, high) == pytest.approx((1 - mirrored[1], 1 - mirrored[0]))


def test_large_counts_stay_exact_enough():
    low, high = clopper_pearson(50_000, 100_000)
    assert (low, high) == pytest.approx((0.496896, 0.503104), abs=2e-6)


def test_nothing_counted_says_nothing():
    assert clopper_pearson(0, 0) == (0, 1)
    differential = Differential.from_counts({"platelet": 3, "erythroblast": 1})
    assert differential.counted == 0 and differential.nrbc_per_100_wbc is None
    assert all((s.percent, s.ci95, s.flag) == (None, (0, 100), None) for s in differential.classes)


@pytest.mark.parametrize("count", [-1, 11])
def test_impossible_counts_are_an_error(count):
    with pytest.raises(ValueError, match="between 0 and 10"):
        clopper_pearson(count, 10)


@pytest.mark.parametrize(
    ("percent", "ci95", "word"),
    [
        (50, (40, 60), "normal"),
        (40, (30, 50), "normal"),
        (35, (20, 52), "low?"),
        (35, (20, 61), None),
        (65, (39, 80), None),
        (35, (25, 45), "low?"),
        (20, (10, 39.9), "low"),
        (65, (50, 80), "high?"),
        (80, (60.1, 90), "high"),
    ],
)
def test_a_flag_asks_where_only_the_estimate_lies_outside(percent, ci95, word):
    assert flag(percent, ci95, (40, 60), 100) == word


def test_a_flag_waits_until_the_interval_says_something():
    """Of a few cells the estimate lies anywhere: only an interval wholly outside speaks, whatever the count."""
    shares = {s.label: s for s in Differential.from_counts({"neutrophil": 2, "basophil": 1}).classes}
    assert [shares[label].flag for label in ("neutrophil", "lymphocyte", "basophil")] == [None, None, None]
    few = {s.label: s for s in Differential.from_counts({"eosinophil": 3}).classes}
    assert few["eosinophil"].flag == "high" and few["eosinophil"].ci95[0] > 4
    hundred = {s.label: s for s in Differential.from_counts({"neutrophil": 94, "eosinophil": 4, "basophil": 2}).classes}
    assert hundred["basophil"].ci95[0] < 0.5 and hundred["basophil"].percent == 2 and hundred["basophil"].flag is None
    assert (hundred["eosinophil"].flag, hundred["neutrophil"].flag) == ("normal", "high")


def test_without_a_reference_there_is_no_flag():
    shares = {s.label: s for s in Differential.from_counts({"immature_granulocyte": 5}).classes}
    assert shares["immature_granulocyte"].reference is None and shares["immature_granulocyte"].flag is None


def test_ranges_are_configuration():
    counts = {"neutrophil": 70, "lymphocyte": 30}
    row = Differential.from_counts(counts, references={"neutrophil": (45, 79)}).classes[0]
    assert row.reference == (45, 79) and row.flag == "normal"
    assert Differential.from_counts(counts).classes[0].flag == "high"


def test_only_leukocytes_are_in_the_denominator():
    tally = Tally()
    tally.add(result("neutrophil", "neutrophil", "lymphocyte", "platelet", "unidentified"))
    tally.add(result("neutrophil", "erythroblast", "artefact", "artefact"))
    found = tally.differential()
    assert found.counted == 4
    assert {s.label: s.percent for s in found.classes if s.count} == {"neutrophil": 75, "lymphocyte": 25}
    assert found.nrbc_per_100_wbc == 25 and found.erythroblasts == 1 and found.unidentified == 1
    assert found.excluded == {"platelet": 1, "artefact": 2}


def test_a_leukocyte_that_is_not_counted_is_nowhere():
    tally = Tally()
    cell = counted_cell("neutrophil")
    tally.add(
        PictureResult(
            "a", 9, 9, None, Quality(1), (CountedCell(1, cell.cell, Prediction("neutrophil", 1, (1,)), False),)
        )
    )
    assert tally.differential().counted == 0


def test_every_captured_picture_is_counted_or_has_a_reason():
    tally = Tally()
    for picture in (result("neutrophil"), result(reason="lost"), result(reason="defocused"), result()):
        tally.add(picture)
    assert tally.frames == {
        "captured": 4,
        "counted": 2,
        "skipped": {"moving": 0, "defocused": 1, "clipped": 0, "lost": 1},
    }
    with pytest.raises(ValueError, match="reason must be one of"):
        tally.add(result(reason="ugly"))


def test_a_model_that_knows_fewer_classes_has_fewer_rows():
    assert [s.label for s in Tally().differential(("neutrophil", "lymphocyte")).classes] == ["neutrophil", "lymphocyte"]


def test_smudge_cells_stand_beside_the_denominator_per_100_white_cells():
    differential = Differential.from_counts({"neutrophil": 40, "blast": 10, "smudge": 5})
    assert differential.counted == 50 and differential.smudges == 5 and differential.smudges_per_100_wbc == 10
    assert Differential.from_counts({"smudge": 5}).smudges_per_100_wbc is None


def test_a_class_that_only_a_person_named_gets_its_row_and_counts():
    differential = Differential.from_counts({"neutrophil": 9, "blast": 1}, ("neutrophil", "lymphocyte"))
    assert differential.counted == 10 and [s.label for s in differential.classes] == [
        "neutrophil",
        "lymphocyte",
        "blast",
    ]
    assert differential.abnormal == 1


def test_a_small_display_has_no_row_for_abnormal_cells_that_were_not_seen():
    assert [s.label for s in Differential.from_counts({"blast": 1}).present][-2:] == ["immature_granulocyte", "blast"]
    assert len(Differential.from_counts({"neutrophil": 1}).present) == 6


def test_a_limit_belongs_to_the_reference_range_and_an_interval_that_touches_it_is_not_outside():
    def said(percent, ci95):
        return flag(percent, ci95, (40.0, 60.0), 50)

    assert said(40.0, (30.0, 50.0)) == said(60.0, (50.0, 70.0)) == "normal"
    assert said(39.9, (30.0, 40.0)) == "low?" and said(39.0, (30.0, 39.9)) == "low"
    assert said(60.1, (60.0, 70.0)) == "high?" and said(61.0, (60.1, 70.0)) == "high"
