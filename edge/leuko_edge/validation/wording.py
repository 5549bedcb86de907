"""What is said of samples and lines that were not taken as they stand: a sentence for each code."""

from __future__ import annotations

from collections.abc import Mapping

from ..plain_text import printable
from .sample import LEFT_OUT, Code, Remark

_SENTENCES: Mapping[Code, str] = {
    Code.NO_NAME: "no sample is named",
    Code.NOT_A_NUMBER: "this is no number ({})",
    Code.OUT_OF_RANGE: "this is no share or count of cells ({})",
    Code.TOO_MANY_FIELDS: "more fields than the header has ({}); a decimal comma in a file separated by commas?",
    Code.EMPTY: "no cell is given ({})",
    Code.MISSING_VALUE: "a class is empty and not compared ({})",
    Code.SUM: "the percentages do not sum to 100 ({})",
    Code.SUM_FAR: "the percentages are far from 100 in sum ({})",
    Code.TOTAL_DIFFERS: "the classes' sum and the total given differ, the sum is taken ({})",
    Code.DUPLICATE: "this sample is there more than once ({}); leave one",
    Code.UNMATCHED_RESULT: "no line of the other file is of this sample ({})",
    Code.UNMATCHED_REFERENCE: "there is no result of this sample ({})",
    Code.COLUMNS_UNUSED: "columns that are not used: {}",
    Code.NOT_A_RESULT: "this is no report of leuko-edge",
    Code.NO_CELLS: "no leukocyte was counted ({})",
    Code.SIMULATED: "this session is simulated, nobody's blood ({})",
    Code.NOT_FINISHED: "this session is not finished ({})",
    Code.UNREADABLE: "{}",
    Code.THIRD_OBSERVER: "more than two observers ({})",
}


def said(remark: Remark) -> str:
    """One line: where, what, and whether it is left out."""
    where = f"{remark.where}, {remark.line}" if remark.line else remark.where
    out = "left out: " if remark.code in LEFT_OUT else ""
    return f"{where}: {out}{_SENTENCES[remark.code].format(printable(remark.detail))}"
