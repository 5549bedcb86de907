"""Under which terms the images and weights came that a model is made of. They go into its card."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leuko_train.data.laboratories import Laboratory

MODEL = "Apache-2.0 for the conversion and the code; the training data keep their own terms"
IMAGENET = "VGG-16 ImageNet weights: Simonyan & Zisserman 2014, arXiv 1409.1556, CC BY 4.0"


def of(used: Iterable[str], labs: Mapping[str, Laboratory], imagenet: bool = True) -> dict[str, object]:
    """The card's `licences`: model, weights, and each laboratory `used`; one that `labs` does not know says so."""
    data = {
        name: f"{labs[name].source}: {labs[name].licence}" if name in labs else "not stated"
        for name in sorted(set(used))
    }
    found: dict[str, object] = {"model": MODEL, "data": data}
    return found | {"weights": IMAGENET} if imagenet else found
