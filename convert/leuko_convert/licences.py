"""Under which terms the images and weights came that a model is made of. They go into its card."""

from __future__ import annotations

from collections.abc import Iterable

MODEL = "Apache-2.0 for the conversion and the code; the training data keep their own terms"
IMAGENET = "VGG-16 ImageNet weights: Simonyan & Zisserman 2014, arXiv 1409.1556, CC BY 4.0"

DATA = {
    "pbc": "Acevedo et al. 2020, doi 10.17632/snkd93bnjr.1, CC BY 4.0",
    "kaggle": "Mooney, Kaggle 'Blood Cell Images', MIT",
    "bccd": "Shenggan/BCCD_Dataset, MIT",
    "deepbionet": "Shams et al. 2024, Blood Cells, Molecules & Diseases, PII S1079979624000019, cite the paper",
    "raabin": "TXL-PBC (Gan et al. 2024) from Raabin-WBC, MIT (TXL-PBC)",
    "lisc": "LISC, Rezatofighi & Soltanian-Zadeh 2011, for research, cite the paper",
    "tecom": "Zheng et al. 2018, from a GPL-3 repository, for evaluation only",
    "simulated": "drawn by leuko_edge.simulate, Apache-2.0",
}
"""By the first word of the laboratory's name in the cell set."""


def of(labs: Iterable[str], imagenet: bool = True) -> dict[str, object]:
    """The card's `licences`: model, weights, and each of `labs`; a laboratory not known here says so."""
    data = {lab: DATA.get(lab.lower().replace("-", "_").split("_")[0], "not stated") for lab in sorted(set(labs))}
    return {"model": MODEL, "data": data} | ({"weights": IMAGENET} if imagenet else {})
