"""A table of differentials, a line a sample (and observer): columns by name, in per cent or counts."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import UsageError
from ..plain_text import readable
from ..types import ERYTHROBLAST, LEUKOCYTES
from .columns import Column, Unit, class_column, key_columns
from .sample import OTHER, Code, Remark, Sample
from .table_file import Rows, number, read_rows

ROUNDED, WRONG = 1.0, 5.0
"""Points by which the percentages of a line may miss 100: rounding; above the first it is said, above the second the
line is left out."""
_MAIN = LEUKOCYTES[:5]


@dataclass(frozen=True)
class Table:
    samples: tuple[Sample, ...]
    remarks: tuple[Remark, ...]
    unit: Unit | None = None  # in which it was read; None of what is no table


def read_table(path: Path, cells: int | None = None) -> Table:
    """`cells`: how many each line of a table in per cent was counted on, where it does not say. UsageError where no
    sample column or no class is found, or the numbers are neither per cent nor counts."""
    rows, where = read_rows(path), readable(str(path))
    keys = key_columns(rows.header)
    columns = {index: column for index, name in enumerate(rows.header) if (column := class_column(name))}
    if "sample" not in keys or not columns:
        missing = "sample" if "sample" not in keys else "class of cells"
        raise UsageError(
            f"{where} has no column of the {missing} (it has {readable(', '.join(rows.header))})",
            "its first line must name columns such as sample, neutrophil, lymphocyte",
        )
    columns, unit = _in_one_unit(_observers(columns), rows, where)
    columns = _without_doubles(columns)
    unused = [name for index, name in enumerate(rows.header) if index not in columns and index not in keys.values()]
    remarks = [Remark(Code.COLUMNS_UNUSED, where, 1, ", ".join(unused))] if any(unused) else []
    filled = {i for i in columns if any(i < len(fields) and fields[i] for _, fields in rows.lines)}
    columns = {index: column for index, column in columns.items() if index in filled}
    line_reader = _Lines(where, len(rows.header), keys, columns, unit, cells)
    samples = []
    for line, fields in rows.lines:
        found, said = line_reader.read(line, fields)
        samples += found
        remarks += said
    return Table(tuple(samples), tuple(remarks), unit)


def _observers(columns: Mapping[int, Column]) -> dict[int, Column]:
    """With two of them, what is of neither is left out; a lone "1" means nothing."""
    if {"1", "2"} <= {column.observer for column in columns.values()}:
        return {index: column for index, column in columns.items() if column.observer}
    return {index: replace(column, observer="") for index, column in columns.items()}


def _in_one_unit(columns: Mapping[int, Column], rows: Rows, where: str) -> tuple[dict[int, Column], Unit]:
    """Where a class stands in per cent and plain, plain are counts; counts are preferred, they say the denominator."""
    white = {index: column for index, column in columns.items() if column.label != ERYTHROBLAST}
    labels = {unit: {column.label for column in white.values() if column.unit is unit} for unit in Unit}
    if labels[Unit.PERCENT]:
        plain = Unit.COUNT if labels[Unit.PERCENT] & labels[Unit.UNSAID] else Unit.PERCENT
    else:
        plain = Unit.COUNT if labels[Unit.COUNT] else _by_sums(white, rows, where)
    said = {i: replace(one, unit=plain if one.unit is Unit.UNSAID else one.unit) for i, one in white.items()}
    percent, count = ({c.label for c in said.values() if c.unit is unit} for unit in (Unit.PERCENT, Unit.COUNT))
    unit = Unit.COUNT if count and count >= percent else Unit.PERCENT
    red = {i: replace(one, unit=unit if one.unit is Unit.UNSAID else one.unit) for i, one in columns.items()}
    return {i: one for i, one in red.items() if i not in white or said[i].unit is unit}, unit


def _by_sums(white: Mapping[int, Column], rows: Rows, where: str) -> Unit:
    observer = min(column.observer for column in white.values())
    mine = [index for index, column in _without_doubles(white).items() if column.observer == observer]
    values = [[number(fields[i]) or 0.0 for i in mine if i < len(fields)] for _, fields in rows.lines]
    sums = [sum(line) for line in values if any(line)]
    if not sums:
        raise UsageError(f"{where} holds no number", "write a line for each sample")
    middle = statistics.median(sums)
    if abs(middle - 100) <= WRONG:
        return Unit.PERCENT
    if middle > WRONG and all(value == int(value) for line in values for value in line):
        return Unit.COUNT
    raise UsageError(
        f"the numbers of {where} are neither per cent nor counts: a line's sum is {middle:g} (median)",
        'name the columns so that they say it, as "neutrophil %" or "neutrophil count"',
    )


def _without_doubles(columns: Mapping[int, Column]) -> dict[int, Column]:
    """A class that stands whole and in parts is taken whole; nRBC per 100 leukocytes before their number. Bands beside
    "neutrophils" and no "segs" are added to them: so laboratories write it."""
    kept: dict[int, Column] = {}
    for index, column in columns.items():
        like = [one for one in columns.values() if (one.label, one.observer) == (column.label, column.observer)]
        whole = any(not one.part for one in like)
        beside = column.apart and all(one.apart for one in like if one.part)
        double = column.part and whole and not beside
        if column.label == ERYTHROBLAST and column.unit is Unit.COUNT:
            double = any(one.unit is Unit.PERCENT for one in like)
        first = not any((k.label, k.observer, k.part) == (column.label, column.observer, False) for k in kept.values())
        if not double and (column.part or first or column.label == OTHER):
            kept[index] = column
    return kept


class _Lines:
    """Reads one line after the other."""

    def __init__(
        self,
        where: str,
        width: int,
        keys: Mapping[str, int],
        columns: Mapping[int, Column],
        unit: Unit,
        cells: int | None,
    ) -> None:
        self._where, self._width, self._keys = where, width, keys
        self._columns, self._unit, self._cells = columns, unit, cells

    def read(self, line: int, fields: tuple[str, ...]) -> tuple[list[Sample], list[Remark]]:
        name = self._key(fields, "sample")
        if len(fields) > self._width and any(fields[self._width :]):
            return [], [Remark(Code.TOO_MANY_FIELDS, self._where, line, name)]
        if not name:
            return [], [Remark(Code.NO_NAME, self._where, line)]
        if self._key(fields, "simulated").casefold() == "true":  # a list that `leuko-edge sessions --csv` wrote
            return [], [Remark(Code.SIMULATED, self._where, line, name)]
        if self._key(fields, "state").casefold() == "open":
            return [], [Remark(Code.NOT_FINISHED, self._where, line, name)]
        samples, remarks = [], []
        for observer in sorted({column.observer for column in self._columns.values()}):
            mine = {index: column for index, column in self._columns.items() if column.observer == observer}
            sample, said = self._sample(line, fields, name, mine, observer or self._key(fields, "observer"))
            samples += [sample] if sample else []
            remarks += said
        return samples, remarks

    def _sample(
        self, line: int, fields: tuple[str, ...], name: str, columns: Mapping[int, Column], observer: str
    ) -> tuple[Sample | None, list[Remark]]:
        def remark(code: Code, detail: str = "") -> Remark:
            return Remark(code, self._where, line, f"{name}: {detail}" if detail else name)

        values: dict[str, float] = {}
        per_100: set[str] = set()
        absent: set[str] = set()
        for index, column in columns.items():
            text = fields[index] if index < len(fields) else ""
            if not text:
                absent.add(column.label)
                continue
            value = number(text)
            if value is None:
                return None, [remark(Code.NOT_A_NUMBER, text)]
            white = column.label != ERYTHROBLAST
            whole = column.unit is not Unit.COUNT or value == int(value)
            if value < 0 or not whole or (white and column.unit is Unit.PERCENT and value > 100):
                return None, [remark(Code.OUT_OF_RANGE, text)]
            values[column.label] = values.get(column.label, 0.0) + value
            per_100 |= {column.label} if column.unit is Unit.PERCENT else set()
        values = {label: value for label, value in values.items() if label not in absent}
        white_sum = sum(value for label, value in values.items() if label != ERYTHROBLAST)
        if not white_sum:
            return None, [remark(Code.EMPTY)]
        remarks = [remark(Code.MISSING_VALUE, ", ".join(sorted(absent)))] if absent else []
        given = number(self._key(fields, "total"))
        total = int(given) if given and given == int(given) and given > 0 else None
        if self._unit is Unit.COUNT:
            if total is not None and total != white_sum:
                remarks.append(remark(Code.TOTAL_DIFFERS, f"{white_sum:g}, {total}"))
            total = int(white_sum)
            values = {k: v if k in per_100 else 100 * v / white_sum for k, v in values.items()}
        elif not absent and all(label in values for label in _MAIN):
            missed = abs(white_sum - 100)
            if missed > WRONG:
                return None, [*remarks, remark(Code.SUM_FAR, f"{white_sum:g}")]
            if missed > ROUNDED + 1e-9:
                remarks.append(remark(Code.SUM, f"{white_sum:g}"))
        values.pop(OTHER, None)
        return Sample(name, self._where, line, values, total or self._cells, observer), remarks

    def _key(self, fields: tuple[str, ...], key: str) -> str:
        index = self._keys.get(key, self._width)
        return fields[index] if index < len(fields) else ""
