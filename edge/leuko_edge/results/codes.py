"""LOINC codes of a manual differential, with where each was seen, for everything that other programs read.

None of them was looked up at loinc.org itself: they are those of secondary sources (laboratory catalogues and open LIS
mappings), so that a laboratory checks them against its own catalogue before it connects. Match on the code, not on the
name. Not to be mistaken: 26508-2 is of band forms though public maps call it neutrophils; 770-8 is the automated count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ..types import ERYTHROBLAST, SMUDGE, UNIDENTIFIED

LOINC = "http://loinc.org"
LOCAL = "urn:leuko-edge:class"
SEEN, SEEN_ONCE, LOCAL_ONLY = "secondary sources", "one secondary source", "no code known: leuko-edge's own"


@dataclass(frozen=True)
class Code:
    """`status` says how well `code` is known; where it is LOCAL_ONLY, `code` is leuko-edge's own name."""

    code: str
    name: str
    status: str

    @property
    def local(self) -> bool:
        return self.status == LOCAL_ONLY


PERCENT_CODES: Mapping[str, Code] = MappingProxyType(
    {
        "neutrophil": Code("23761-0", "Neutrophils/100 leukocytes in Blood by Manual count", SEEN_ONCE),
        "lymphocyte": Code("737-7", "Lymphocytes/100 leukocytes in Blood by Manual count", SEEN),
        "monocyte": Code("744-3", "Monocytes/100 leukocytes in Blood by Manual count", SEEN),
        "eosinophil": Code("714-6", "Eosinophils/100 leukocytes in Blood by Manual count", SEEN),
        "basophil": Code("707-0", "Basophils/100 leukocytes in Blood by Manual count", SEEN),
        "immature_granulocyte": Code("immature_granulocyte", "Immature granulocytes/100 leukocytes", LOCAL_ONLY),
        "variant_lymphocyte": Code("variant_lymphocyte", "Variant lymphocytes/100 leukocytes", LOCAL_ONLY),
        "blast": Code("709-6", "Blasts/100 leukocytes in Blood by Manual count", SEEN),
    }
)
"""Of leukocytes, in per cent. The class neutrophil holds segmented and band forms (segmented alone: 769-0)."""

BESIDE_CODES: Mapping[str, Code] = MappingProxyType(
    {
        ERYTHROBLAST: Code("18309-5", "Nucleated erythrocytes/100 leukocytes in Blood", SEEN),
        UNIDENTIFIED: Code("44095-8", "Unidentified cells/100 leukocytes in Blood by Manual count", SEEN),
        SMUDGE: Code("smudge", "Smudge cells/100 leukocytes", LOCAL_ONLY),
    }
)
"""Of what is counted beside the leukocytes, per 100 of them."""
