"""Which laboratories a mean is taken over, and which folders are one laboratory."""

from __future__ import annotations

from collections.abc import Iterable

COPIES = {"kaggle": "bccd"}
"""Folders whose pictures are turned copies of another's photographs: no laboratory of their own."""
GUESSED = "raabin"
"""Cells that a network named (`leuko-train pseudo`)."""
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
