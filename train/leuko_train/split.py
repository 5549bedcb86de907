"""Which photographs train, validate and test: by group of linked pictures, never by picture."""

from __future__ import annotations

import hashlib
from collections import defaultdict

from .labs import Item

SHARES = {
    "bccd": (0.5, 0.1),
    "deepbionet": (0.4, 0.1),
    "kaggle": (0.2, 0.1),
    "lisc": (0.25, 0.12),
    "pbc": (0.2, 0.08),
    "tecom": (1.0, 0.0),
}
"""Share of a laboratory's groups that test and that validate; TECOM (licence, unchecked labels) only tests."""


def assign(items: list[Item], names: dict[tuple[str, str], str]) -> list[tuple[str, str]]:
    """(group, split) of each item.

    Within each (laboratory, class) the groups are ordered by their name's hash and cut at the laboratory's
    shares, so that a class of ten photographs is in every split; a group goes where its first picture goes.
    """
    group_of = [names.get((item.lab, item.source), f"{item.lab}/{item.source}") for item in items]
    strata: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)
    for item, group in zip(items, group_of, strict=True):
        strata[item.lab, item.label or ""][group] = None
    split_of: dict[str, str] = {}
    for lab in SHARES:  # bccd before kaggle: the fields decide for their copies
        for (owner, _), members in sorted(strata.items()):
            if owner != lab:
                continue
            ordered = sorted(members, key=lambda name: hashlib.sha256(name.encode()).hexdigest())
            test, validation = (share * len(ordered) for share in SHARES[lab])
            for place, group in enumerate(ordered):
                split = "test" if place < test else "validation" if place < test + validation else "train"
                split_of.setdefault(group, split)
    return [(group, split_of[group]) for group in group_of]
