"""What somebody meant who wrote a name that there is not: a key, a variable, an option, a command."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def cure(name: str, known: Iterable[str], otherwise: str, prefix: str = "") -> str:
    """The nearest of `known` as a question, or `otherwise` where none is near.

    What all of them begin with, `prefix`, tells nothing and is left out of the comparison.
    """
    names = [each.removeprefix(prefix) for each in known]
    near = difflib.get_close_matches(name.removeprefix(prefix), names, 1)
    return f"did you mean {prefix}{near[0]}?" if near else otherwise
