"""What a column of a differential is, by its name: "NEUT%", "Segs", "neutrophil_percent", "Eos 2", "NRBC/100 WBC"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from ..types import ERYTHROBLAST
from .sample import OTHER


class Unit(StrEnum):
    PERCENT = "percent"
    COUNT = "count"
    UNSAID = "unsaid"


@dataclass(frozen=True)
class Column:
    """`part`: of its class, as segmented neutrophils; parts are added up. `apart`: a part that laboratories also list
    beside the class, which then is without it: band forms. `observer`: "1" or "2" where the name ends so, else ""."""

    label: str
    unit: Unit = Unit.UNSAID
    observer: str = ""
    part: bool = False
    apart: bool = False


_WHOLE = {
    "neutrophil": "neutrophil neutrophils neut neuts neu ne neutro pmn pmns polys granulocytes",
    "lymphocyte": "lymphocyte lymphocytes lymph lymphs lym lymp ly",
    "monocyte": "monocyte monocytes mono monos mon mo",
    "eosinophil": "eosinophil eosinophils eosin eos eo",
    "basophil": "basophil basophils baso basos bas ba",
    "immature_granulocyte": "immature-granulocyte immature-granulocytes immature-granulocytes-ig ig igs",
    "variant_lymphocyte": "variant-lymphocyte variant-lymphocytes variant-lymphs atypical-lymphocyte "
    "atypical-lymphocytes atypical-lymphs reactive-lymphocyte reactive-lymphocytes reactive-lymphs aly",
    "blast": "blast blasts",
    ERYTHROBLAST: "erythroblast erythroblasts nrbc nrbcs",
    OTHER: "other others plasma-cell plasma-cells",
}
_PARTS = {
    "neutrophil": "seg segs segmented segmented-neutrophil segmented-neutrophils "
    "band bands band-neutrophils stab stabs",
    "immature_granulocyte": "metamyelocyte metamyelocytes meta metas myelocyte myelocytes myelo myelos promyelocyte "
    "promyelocytes promyelo promyelos",
}
_BANDS = ("band", "bands", "band-neutrophils", "stab", "stabs")
_NAMES = {name: (label, False) for label, names in _WHOLE.items() for name in names.split()} | {
    name: (label, True) for label, names in _PARTS.items() for name in names.split()
}
_KEYS = {
    "sample": "sample samples sample-id sample-no sample-number specimen specimen-id accession id case patient-sample",
    "observer": "observer reader technologist examiner operator",
    "simulated": "simulated",
    "state": "state",
    "total": "counted total total-cells cells cells-counted wbc-counted leukocytes-counted n",
}
_KEY_NAMES = {name: key for key, names in _KEYS.items() for name in names.split()}
_PERCENT = ("percent", "pct", "perc", "rel")
_COUNT = ("count", "counts", "n")
_ABSOLUTE = re.compile(r"#|\babs|10\s*[\^e*]|10⁹|/\s*[µμun]?l\b|cells/")
_PER_100 = re.compile(r"(per|/)\s*100(\s*(wbc|leukocytes|cells)s?)?")


def key_columns(names: Sequence[str]) -> dict[str, int]:
    """Where each of them stands; of several names for the same thing the plainest: "sample" before "id"."""
    found: dict[str, int] = {}
    for known, key in _KEY_NAMES.items():
        for index, name in enumerate(names):
            if known == "-".join(_words(name)):
                found.setdefault(key, index)
    return found


def class_column(name: str) -> Column | None:
    """None where the name is of no class; analyzers' absolute numbers (NEUT#, 10^9/L) are none either."""
    lowered = name.casefold().replace("_", " ")
    per_100 = bool(_PER_100.search(lowered))
    lowered = _PER_100.sub(" ", lowered)
    if _ABSOLUTE.search(lowered):
        return None
    unit = Unit.PERCENT if "%" in lowered or per_100 else Unit.UNSAID
    words, observer = _words(lowered), ""
    if len(words) > 1 and words[-1] in ("1", "2", "a", "b"):
        observer = {"a": "1", "b": "2"}.get(words[-1], words[-1])
        words = [word for word in words[:-1] if word not in ("observer", "obs", "reader")]
    while len(words) > 1 and words[-1] in (*_PERCENT, *_COUNT):
        unit = Unit.PERCENT if words.pop() in _PERCENT else Unit.COUNT
    said = "-".join(words)
    found = _NAMES.get(said)
    return Column(found[0], unit, observer, found[1], said in _BANDS) if found else None


def _words(name: str) -> list[str]:
    return re.findall(r"[^\W_]+", name.casefold())
