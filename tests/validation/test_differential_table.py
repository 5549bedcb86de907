"""A laboratory's table, however its program writes it: what is taken, and what is said of each line that is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from leuko_edge.errors import UsageError
from leuko_edge.validation.columns import Column, Unit, class_column, key_columns
from leuko_edge.validation.differential_table import Table, read_table
from leuko_edge.validation.sample import Code
from leuko_edge.validation.wording import said

HEADER = "sample,neutrophil,lymphocyte,monocyte,eosinophil,basophil\n"


def table(folder: Path, text: str | bytes, cells: int | None = None) -> Table:
    file = folder / "manual.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_table(file, cells)


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("NEUT%", Column("neutrophil", Unit.PERCENT)),
        ("Segs", Column("neutrophil", part=True)),
        ("Bands (%)", Column("neutrophil", Unit.PERCENT, part=True, apart=True)),
        ("neutrophil_percent", Column("neutrophil", Unit.PERCENT)),
        ("Lymph count", Column("lymphocyte", Unit.COUNT)),
        ("Eos 2", Column("eosinophil", observer="2")),
        ("baso_obs_a", Column("basophil", observer="1")),
        ("NRBC/100 WBC", Column("erythroblast", Unit.PERCENT)),
        ("nrbc_per_100_wbc", Column("erythroblast", Unit.PERCENT)),
        ("Reactive Lymphs", Column("variant_lymphocyte")),
    ],
)
def test_columns_are_known_by_the_names_that_laboratories_use(name, column):
    assert class_column(name) == column


@pytest.mark.parametrize("name", ["NEUT#", "Lymph (10^9/L)", "MONO abs", "Eos cells/µL", "HGB", "neutrophil_low", ""])
def test_absolute_numbers_and_other_things_are_no_share(name):
    assert class_column(name) is None


def test_the_sample_and_the_number_of_cells_are_known_by_name_and_a_bare_id_only_without_a_sample():
    assert key_columns(["id", "Sample ID", "date", "Counted", "Reader"]) == {"sample": 1, "total": 3, "observer": 4}
    assert key_columns(["ID", "neut"]) == {"sample": 0}


WRITTEN = {
    "plain": b"sample,neut,lymph,mono,eos,baso\nA1,62.5,30,5,2,0.5\n",
    "semicolons, decimal commas, a mark": "\ufeffsample;neut;lymph;mono;eos;baso\nA1;62,5;30;5;2;0,5\n".encode(),
    "tabs, per cent signs": b"sample\tneut\tlymph\tmono\teos\tbaso\nA1\t62.5 %\t30\t5\t2\t0.5%\n",
    "quoted decimal commas": b'sample,neut,lymph,mono,eos,baso\nA1,"62,5",30,5,2,"0,5"\n',
    "Excel's separator line, UTF-16": "sep=;\r\nsample;neut;lymph;mono;eos;baso\r\nA1;62,5;30;5;2;0,5\r\n".encode(
        "utf-16"
    ),
    "counts": b"sample,neut,lymph,mono,eos,baso\nA1,125,60,10,4,1\n",
    "segs and bands": b"sample,segs,bands,lymph,mono,eos,baso\nA1,60,2.5,30,5,2,0.5\n",
    "neutrophils in whole and in parts": b"sample,neut,segs,bands,lymph,mono,eos,baso\nA1,62.5,60,2.5,30,5,2,0.5\n",
    "absolute numbers beside": b"sample,neut#,neut%,lymph%,mono%,eos%,baso%\nA1,4.1,62.5,30,5,2,0.5\n",
    "counts and per cent beside": b"sample,neut,neut%,lymph,lymph%,mono,eos,baso\nA1,125,62,60,30,10,4,1\n",
}


@pytest.mark.parametrize("how", WRITTEN)
def test_the_same_differential_is_read_however_it_is_written(how, tmp_path):
    (sample,) = table(tmp_path, WRITTEN[how]).samples
    five = ("neutrophil", "lymphocyte", "monocyte", "eosinophil", "basophil")
    assert sample.name == "A1" and [sample.percent[label] for label in five] == pytest.approx([62.5, 30, 5, 2, 0.5])


def test_counts_say_how_many_were_counted_and_per_cent_only_when_told(tmp_path):
    assert table(tmp_path, HEADER + "a,125,60,10,4,1\n").samples[0].total == 200
    assert table(tmp_path, HEADER + "a,60,30,5,4,1\n").samples[0].total is None
    assert table(tmp_path, HEADER + "a,60,30,5,4,1\n", cells=100).samples[0].count("lymphocyte") == 30
    counted = "sample,counted,neut%,lymph%\na,400,60,40\n"
    assert table(tmp_path, counted).samples[0].count("neutrophil") == 240


def test_nrbc_are_per_100_leukocytes_and_in_no_sum(tmp_path):
    counts = table(tmp_path, "sample,neut,lymph,nrbc\na,150,50,20\n").samples[0]
    assert counts.percent == {"neutrophil": 75, "lymphocyte": 25, "erythroblast": 10} and counts.total == 200
    ratio = table(tmp_path, "sample,neut,lymph,nrbc/100 wbc\na,150,50,120\n").samples[0]
    assert ratio.percent["erythroblast"] == 120 and ratio.total == 200


BAD = {
    "a,60,30,5,4,x": (Code.NOT_A_NUMBER, 0),
    "a,60,30,5,nan,1": (Code.NOT_A_NUMBER, 0),
    "a,60,30,5,-4,1": (Code.OUT_OF_RANGE, 0),
    "a,160,30,5,4,1": (Code.OUT_OF_RANGE, 0),
    ",60,30,5,4,1": (Code.NO_NAME, 0),
    "a,60,5,30,5,4,1": (Code.TOO_MANY_FIELDS, 0),
    "a,,,,,": (Code.EMPTY, 0),
    "a,60,30,,4,1": (Code.MISSING_VALUE, 1),
    "a,62,30,5,4,1": (Code.SUM, 1),
    "a,50,30,5,4,1": (Code.SUM_FAR, 0),
}


@pytest.mark.parametrize("line", BAD)
def test_each_line_that_is_not_as_it_should_be_is_said_with_its_number(line, tmp_path):
    code, taken = BAD[line]
    good = "".join(f"g{number},60,30,5,4,1\n" for number in range(3))
    found = table(tmp_path, HEADER + good + line + "\n")
    assert code in [remark.code for remark in found.remarks]
    assert all(remark.line == 5 for remark in found.remarks)
    assert len(found.samples) == 3 + taken
    assert all("manual.csv, 5: " in said(remark) for remark in found.remarks)


def test_rounded_percentages_are_not_complained_of(tmp_path):
    assert not table(tmp_path, HEADER + "a,60,30,5,4,0\nb,61,30,5,4,1\n").remarks


def test_two_observers_stand_side_by_side_or_in_two_lines(tmp_path):
    beside = table(tmp_path, "sample,neut 1,lymph 1,neut 2,lymph 2\na,60,40,64,36\n").samples
    below = table(tmp_path, "sample,reader,neut,lymph\na,AB,60,40\na,CD,64,36\n").samples
    for samples, names in ((beside, ["1", "2"]), (below, ["AB", "CD"])):
        assert [sample.observer for sample in samples] == names
        assert [sample.percent["neutrophil"] for sample in samples] == [60, 64]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("patient,neut\na,1\n", "no column of the sample"),
        ("sample,hgb\na,1\n", "no column of the class"),
        ("sample,neut,lymph\na,0.6,0.4\n", "neither per cent nor counts"),
        ("sample,neut,lymph\n", "holds no number"),
    ],
)
def test_a_table_that_is_none_is_refused_in_one_sentence(text, words, tmp_path):
    with pytest.raises(UsageError, match=words):
        table(tmp_path, text)
