"""What laboratories and public data sets call the cells, and the class of each name: the one table of names.

The network's classes are `leuko_edge.types.CLASSES`. A name may say more than the class, a stage or a kind; that is
kept as the cell's sub-type, so that it is not lost and can be told apart later.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from leuko_edge.types import CLASSES

SUB_TYPES = {
    "segmented_neutrophil": "neutrophil",
    "band_neutrophil": "neutrophil",
    "large_granular_lymphocyte": "lymphocyte",
    "promyelocyte": "immature_granulocyte",
    "myelocyte": "immature_granulocyte",
    "metamyelocyte": "immature_granulocyte",
    "plasma_cell": "variant_lymphocyte",
    "reactive_lymphocyte": "variant_lymphocyte",
    "atypical_lymphocyte": "variant_lymphocyte",
    "myeloblast": "blast",
    "lymphoblast": "blast",
    "monoblast": "blast",
    "giant_platelet": "platelet",
    "platelet_clump": "platelet",
}
"""Bands are neutrophils (ICSH 2015: counted together unless a laboratory has its reasons); plasma cells stand with the
variant lymphocytes, as most manual differentials list them there."""

SPELLINGS = {
    "neutrophil": "neu neut",
    "segmented_neutrophil": "seg segmented sne ngs segment",
    "band_neutrophil": "bne band ngb stab",
    "lymphocyte": "lym lymph ly lyt",
    "monocyte": "mon mono mo",
    "eosinophil": "eos eosin eo",
    "basophil": "bas baso ba",
    "immature_granulocyte": "ig immature",
    "promyelocyte": "pmy pmo pmb",
    "myelocyte": "my myb",
    "metamyelocyte": "mmy mmz",
    "erythroblast": "erb ebo nrbc normoblast",
    "platelet": "plt thrombocyte",
    "giant_platelet": "gt",
    "artefact": "artifact art debris",
    "variant_lymphocyte": "vly variant",
    "plasma_cell": "pc plasma",
    "reactive_lymphocyte": "reactive",
    "atypical_lymphocyte": "lya atypical",
    "blast": "bl",
    "myeloblast": "myo",
    "monoblast": "mob",
    "smudge": "smu ksc smudge_cell basket_cell",
}
"""The short forms of PBC and DeepAPL (SNE, BNE, PMY …) and of the Munich leukaemia set (NGS, NGB, MYO …) among them.
Capitals and a plural s do not matter."""


class Named(NamedTuple):
    """A cell's class, and its sub-type where the name says more than that, else ""."""

    label: str
    sub_type: str = ""


_NAMED = {name: Named(name) for name in CLASSES} | {name: Named(label, name) for name, label in SUB_TYPES.items()}
KNOWN = tuple(_NAMED)
"""The names in full: the classes, then the sub-types."""
_MEANING = {word: named for name, named in _NAMED.items() for word in (name, *SPELLINGS.get(name, "").split())}


def meaning(name: str) -> Named | None:
    """What a folder's or a column's name says of a cell; None where it is no name of any."""
    word = re.sub(r"[^a-z]+", "_", name.lower()).strip("_")
    return _MEANING.get(word) or _MEANING.get(word.removesuffix("s"))
