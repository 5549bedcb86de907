"""Every laboratory here: where it is from, its licence, and which classes it names.

A laboratory that never names a class says nothing against it: what its experts called a lymphocyte may be another's
variant lymphocyte. Loss, validation and reports ask `named` and `may_hold`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from leuko_edge.types import CLASSES

FIVE = ("neutrophil", "lymphocyte", "monocyte", "eosinophil", "basophil")
BOXED = ("platelet", "artefact")  # where every cell has a box, what lies in none is an artefact


@dataclass(frozen=True)
class Laboratory:
    """`classes`: those that it names. `permissive`: the licence lets anybody use and pass on what is made of it."""

    licence: str
    source: str
    classes: tuple[str, ...]
    permissive: bool = False


LABORATORIES: Mapping[str, Laboratory] = {
    "pbc": Laboratory(
        "CC BY 4.0",
        "Acevedo et al. 2020, doi 10.17632/snkd93bnjr.1",
        (*FIVE, "immature_granulocyte", "erythroblast", "platelet"),
        permissive=True,
    ),
    "deepapl": Laboratory(
        "Copyright Johns Hopkins University, no grant stated: research, with citation",
        "Sidhom et al. 2021, doi 10.1038/s41698-021-00179-y",
        CLASSES,
    ),
    "raabin": Laboratory(
        "research, with citation; the fields MIT (TXL-PBC)",
        "Kouzehkanan et al. 2022, doi 10.1038/s41598-021-04426-x; Gan et al. 2024",
        (*FIVE, *BOXED),
    ),
    "rv_pbs": Laboratory(
        "research, with citation",
        "Pal et al. 2024, doi 10.1016/j.eswa.2024.123660",
        (*FIVE, "immature_granulocyte", "blast"),
    ),
    "lisc": Laboratory("research, with citation", "Rezatofighi & Soltanian-Zadeh 2011", FIVE),
    "bccd": Laboratory("MIT", "Shenggan/BCCD_Dataset", (*FIVE, *BOXED), permissive=True),
    "kaggle": Laboratory("MIT", "Mooney, Kaggle: Blood Cell Images", FIVE[:4], permissive=True),
    "deepbionet": Laboratory(
        "research, with citation", "Shams et al. 2024, PII S1079979624000019", (*FIVE[:4], *BOXED)
    ),
    "tecom": Laboratory("GPL-3 repository: evaluation only", "Zheng et al. 2018", FIVE),
    "simulated": Laboratory("Apache-2.0", "leuko_edge.simulate", CLASSES, permissive=True),
    "guessed": Laboratory("as of its pictures (DeepBioNet)", "named by a network: leuko-train pseudo", FIVE),
}

HIDES: Mapping[str, tuple[str, ...]] = {
    "neutrophil": ("immature_granulocyte",),
    "lymphocyte": ("variant_lymphocyte", "blast"),
    "monocyte": ("variant_lymphocyte", "blast"),
    "immature_granulocyte": ("blast",),
    "artefact": ("smudge",),
}
"""Which classes may stand under a class in a laboratory that does not name them: those that a person who knows only
the common ones would put there."""

COPIES = {"kaggle": "bccd"}
"""Folders whose pictures are turned copies of another's photographs: no laboratory of their own."""
GUESSED = "guessed"
"""Cells that a network named (`leuko-train pseudo`)."""
GUESSED_FROM = "deepbionet"  # whose they are
APART = ("simulated", "tecom", GUESSED)
"""No laboratory to be judged by: drawn cells, labels that no expert checked, and labels that no one gave."""
EVALUATION_ONLY = "tecom"


def groups(names: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """{"bccd": ("bccd", "kaggle"), "lisc": ("lisc",), …}: each laboratory among `names` with its copies.

    A laboratory of the user's own is one too. Copies without their original stand for it.
    """
    result: dict[str, tuple[str, ...]] = {}
    for name in sorted(set(names) - set(APART), key=lambda name: (name in COPIES, name)):
        lab = COPIES.get(name, name)
        result[lab] = (*result.get(lab, ()), name)
    return result


def named(lab: Laboratory) -> np.ndarray:
    """(classes,) bool: those that the laboratory names, in the order of CLASSES."""
    return np.isin(CLASSES, lab.classes)


def may_hold(lab: Laboratory) -> np.ndarray:
    """(classes, classes) bool: [i, j] where a cell that the laboratory calls i may be a j that it does not name, or i.

    The diagonal is true. A loss that sums the probabilities of a row, and a report that counts an answer within it as
    right, hold nothing against a network that knows more classes than the laboratory.
    """
    held = np.eye(len(CLASSES), dtype=bool)
    for label, others in HIDES.items():
        for other in others:
            if other not in lab.classes:
                held[CLASSES.index(label), CLASSES.index(other)] = True
    return held
