"""Cross-entropy for labels of many laboratories, of which each names some classes only.

A target is (3 × classes): the cell's class; a weight for each class, 1 where the cell's laboratory names it, less
where it never does; and what teachers say of the view, if any. With these weights the answer is compared as if
the class were that much rarer in that laboratory (Menon et al. 2021, arXiv 2007.07314): that PBC shows no blast is
hardly evidence that what looks like PBC is none, what it calls a lymphocyte may be another's variant lymphocyte, and
still a normal cell may not be called a blast with conviction. To count `CellSet.may_be` as right without any weight was
tried: artefacts became smudges (18 of 100 of Raabin's, left out, were artefacts still), lymphocytes variant ones.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops

from leuko_edge.types import CLASSES

from ..data.cell_set import CellSet

TINY = 1e-7


def targets(cells: CellSet, absent: float) -> np.ndarray:
    """(n, 3 × classes) float32 of every cell of the set; `absent`: the weight of a class that its laboratory lacks.

    The last third, the teachers', is 0 until they have seen the view.
    """
    own = np.eye(len(CLASSES), dtype=bool)[cells.labels]
    weights = np.where(cells.named() | own, 1.0, absent)
    return np.concatenate([own, weights, np.zeros_like(weights)], axis=1).astype(np.float32)


def _parted(target: Any, found: Any) -> tuple[Any, Any, Any]:
    """(the cell's class, weights, answers so weighted), each (n, classes)."""
    target, classes = ops.convert_to_tensor(target, "float32"), found.shape[-1]
    own, weights = target[:, :classes], target[:, classes : 2 * classes]
    # A weight of 0 too leaves a logarithm.
    weighted = ops.maximum(weights, TINY) * ops.clip(ops.convert_to_tensor(found, "float32"), TINY, 1.0)
    return own, weights, weighted / ops.sum(weighted, axis=-1, keepdims=True)


def crossentropy(smoothing: float, taught: float = 0.0, focal: float = 0.0) -> Callable[[Any, Any], Any]:
    """The loss (n,) of `targets` and probabilities; `smoothing` of it asks for a little of every class named.

    `taught`: share of the loss that asks for the teachers' answer instead of the name. `focal`: the power to which
    what is missing of the right answer is taken, as a factor (Lin et al. 2017, arXiv 1708.02002).
    """

    def loss(target: Any, found: Any) -> Any:
        own, weights, answers = _parted(target, found)
        found_right = ops.sum(own * answers, axis=-1)
        right = -ops.log(found_right)
        if focal:
            right = right * ops.maximum(1 - found_right, TINY) ** focal
        named = ops.cast(weights >= 1, "float32")
        spread = -ops.sum(named * ops.log(answers), axis=-1) / ops.sum(named, axis=-1)
        named_right = (1 - smoothing) * right + smoothing * spread
        if not taught:
            return named_right
        teachers = ops.convert_to_tensor(target, "float32")[:, -found.shape[-1] :]
        said = ops.log(ops.clip(ops.convert_to_tensor(found, "float32"), TINY, 1.0))
        return (1 - taught) * named_right - taught * ops.sum(teachers * said, axis=-1)

    return loss


def accuracy(target: Any, found: Any) -> Any:
    """(n,) 1 where the likeliest class, so weighted, is its own."""
    own, _, answers = _parted(target, found)
    return ops.sum(own * ops.one_hot(ops.argmax(answers, axis=-1), found.shape[-1]), axis=-1)
