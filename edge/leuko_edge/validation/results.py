"""What leuko-edge counted, as samples: JSON reports, a database of sessions, or a table."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ..errors import LeukoError, UsageError
from ..plain_text import readable
from ..store.archive import Archive
from ..types import ERYTHROBLAST
from .differential_table import Table, read_table
from .sample import Code, Remark, Sample

LARGEST = 500_000_000  # bytes of a report
_SQLITE = b"SQLite format 3\0"


def read_results(paths: Iterable[Path]) -> Table:
    """Of files and of folders of reports; UsageError where one is not there or a table cannot be used."""
    samples: list[Sample] = []
    remarks: list[Remark] = []
    for path in paths:
        for found in _of(path):
            samples += found.samples
            remarks += found.remarks
    return Table(tuple(samples), tuple(remarks))


def _of(path: Path) -> Iterator[Table]:
    name = readable(str(path))
    if path.is_dir():
        reports = sorted(path.glob("*.json"))
        if not reports:
            raise UsageError(
                f"there is no report (.json) in {name}", "write them with leuko-edge --image … --json FILE"
            )
        yield from map(_report, reports)
        return
    try:
        with path.open("rb") as stream:
            head = stream.read(len(_SQLITE))
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {error.strerror or error}") from None
    if head == _SQLITE:
        yield _sessions(path)
    elif head.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"{"):
        yield _report(path)
    else:
        yield read_table(path)


def _report(path: Path) -> Table:
    """Of one sample: the one that the session names, else the one that the file is named after."""
    where = readable(str(path))
    try:
        if path.stat().st_size > LARGEST:
            raise ValueError
        report = json.loads(path.read_bytes())
        session = report.get("session") or {}
        name = session.get("sample") or path.stem
        percent, total = _percent(report["differential"])
        simulated, state = bool(session.get("simulated")), session.get("state")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Table((), (Remark(Code.NOT_A_RESULT, where),))
    return _judged(Sample(str(name), where, 0, percent, total), simulated, state == "open")


def _percent(differential: dict[str, Any]) -> tuple[dict[str, float], int]:
    total = int(differential["counted"])
    counts = {label: int(row["count"]) for label, row in differential["classes"].items()}
    if total < 0 or sum(counts.values()) != total:
        raise ValueError
    if not total:
        return {}, 0
    percent = {label: 100 * count / total for label, count in counts.items()}
    return {**percent, ERYTHROBLAST: float(differential["nrbc_per_100_wbc"])}, total


def _sessions(path: Path) -> Table:
    samples: list[Sample] = []
    remarks: list[Remark] = []
    where = readable(str(path))
    with Archive(path) as archive:
        for summary in archive.sessions():
            try:
                differential = archive.record(summary.id).differential()
            except LeukoError as error:
                remarks.append(Remark(Code.UNREADABLE, where, summary.id, str(error)))
                continue
            percent = {share.label: share.percent for share in differential.classes if share.percent is not None}
            if differential.nrbc_per_100_wbc is not None:
                percent[ERYTHROBLAST] = differential.nrbc_per_100_wbc
            sample = Sample(summary.info.sample, where, summary.id, percent, differential.counted)
            found = _judged(sample, summary.info.simulated, summary.state == "open")
            samples += found.samples
            remarks += found.remarks
        remarks += [Remark(Code.UNREADABLE, where, detail=str(error)) for error in archive.unreadable]
    return Table(tuple(samples), tuple(remarks))


def _judged(sample: Sample, simulated: bool, running: bool) -> Table:
    """Without what is nobody's blood, not finished, of no name or of no cell."""
    cases = (
        (simulated, Code.SIMULATED),
        (running, Code.NOT_FINISHED),
        (not sample.key, Code.NO_NAME),
        (not sample.total, Code.NO_CELLS),
    )
    for case, code in cases:
        if case:
            return Table((), (Remark(code, sample.where, sample.line, sample.name),))
    return Table((sample,), ())
