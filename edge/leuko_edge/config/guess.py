"""What somebody meant who wrote a name that there is not: a key, a variable, an option, a command."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The one of `known` that `name` was most likely meant to be, None where none is near."""
    found = difflib.get_close_matches(name, list(known), 1)
    return found[0] if found else None


def cure(name: str, known: Iterable[str], otherwise: str, one_of_these: bool = False) -> str:
    """ "did you mean …?", or `otherwise` where none is near; with `one_of_these` the first of `known` is meant."""
    meant = next(iter(known), None) if one_of_these else nearest(name, known)
    return f"did you mean {meant}?" if meant else otherwise
