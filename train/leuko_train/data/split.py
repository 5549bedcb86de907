"""Which photographs train, validate and test: by group of linked pictures, never by picture.

A group is what `Item.source` names, a patient or a smear where that is known, with whatever shows the same place.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict

from .items import Item

SHARES = {
    "bccd": (0.5, 0.1),
    "deepbionet": (0.4, 0.1),
    "kaggle": (0.2, 0.1),
    "lisc": (0.25, 0.12),
    "pbc": (0.2, 0.08),
    "tecom": (1.0, 0.0),
    "deepapl": (0.25, 0.12),
    "raabin": (0.25, 0.12),
    "rv_pbs": (0.25, 0.12),
}
"""Share of a laboratory's cells that test and that validate; TECOM (licence, unchecked labels) only tests."""
OTHERWISE = (0.2, 0.1)
LARGE = 0.3  # of a class: where the largest patient or smear has more of it, it trains; a test would be of that one
ROOM = 1.25  # times its share of any class that a split may hold for the sake of another class

Kind = tuple[str, str]
"""Laboratory and class."""


def assign(items: list[Item], names: dict[tuple[str, str], str]) -> list[tuple[str, str]]:
    """(group, split) of each item.

    Class by class of a laboratory, those of the fewest groups first, its groups fill test and validation up to the
    laboratory's shares in the order of their name's hash, so that a class of ten photographs is in every split. A
    group goes where its first class sends it, and its other cells count there.
    """
    group_of = [names.get((item.lab, item.source), f"{item.lab}/{item.source}") for item in items]
    held: dict[str, Counter[Kind]] = defaultdict(Counter)  # cells of each kind in each group
    groups: dict[Kind, Counter[str]] = defaultdict(Counter)  # the same the other way round
    for item, group in zip(items, group_of, strict=True):
        for label in item.labels or ("",):
            held[group][item.lab, label] += 1
            groups[item.lab, label][group] += 1
    split_of: dict[str, str] = {}
    sent: Counter[tuple[Kind, str]] = Counter()
    order = [*SHARES, *sorted({item.lab for item in items} - set(SHARES))]  # bccd's fields decide for their copies
    for kind in sorted(groups, key=lambda kind: (order.index(kind[0]), not kind[1], len(groups[kind]), kind[1])):
        members = _in_order(groups[kind])
        largest = _largest(members, groups[kind]) if SHARES.get(kind[0], OTHERWISE)[0] < 1 else None
        for group in members:
            if group not in split_of:
                part = "train" if group == largest else _part_for(kind, held[group], groups, sent)
                split_of[group] = part
                for other, count in held[group].items():
                    sent[other, part] += count
    return [(group, split_of[group]) for group in group_of]


def _in_order(members: Counter[str]) -> list[str]:
    return sorted(members, key=lambda name: hashlib.sha256(name.encode()).hexdigest())


def _largest(ordered: list[str], members: Counter[str]) -> str | None:
    """The one of several groups that holds too much of a class to test it; None where none does."""
    largest = max(ordered, key=lambda group: members[group])
    return largest if len(ordered) > 1 and members[largest] > LARGE * members.total() else None


def _part_for(
    kind: Kind, held: Counter[Kind], groups: dict[Kind, Counter[str]], sent: Counter[tuple[Kind, str]]
) -> str:
    """Where a group goes that `kind` sends: test or validation, the first that wants it and has room for its cells."""
    lab, members = kind[0], groups[kind]
    shares = dict(zip(("test", "validation"), SHARES.get(lab, OTHERWISE), strict=True))
    for part, share in shares.items():
        room = all(
            sent[other, part] + count <= ROOM * share * groups[other].total() + 1
            for other, count in held.items()
            if other != kind and other[0] == lab
        )
        if sent[kind, part] < share * members.total() and room:
            return part
    return "train"
