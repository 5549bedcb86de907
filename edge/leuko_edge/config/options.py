"""The options that set a setting, made from the table: the same name, rule and help at every command."""

from __future__ import annotations

import argparse
from typing import Any

from ..errors import UsageError
from .guess import cure
from .keys import PLAIN, Key
from .values import reference, shown


def add_setting(parser: argparse._ActionsContainer, name: str, **how: Any) -> None:
    """The option of one setting; `how` goes to argparse, before what the table says."""
    key = next(key for key in PLAIN if key.name == name)
    parser.add_argument(key.flag, **{"type": key.kind, "metavar": key.metavar, "help": _help(key), **how})


def add_reference(parser: argparse._ActionsContainer) -> None:
    parser.add_argument(
        "--reference",
        type=reference,
        action="append",
        default=[],
        metavar="CLASS=LOW-HIGH",
        help="your laboratory's range in per cent, as neutrophil=45-79; may be given for each class",
    )


def _help(key: Key) -> str:
    default = key.otherwise if key.default is None else shown(key.default).strip('"')
    return f"{key.help} (default: {default})".replace("%", "%%")


def given(options: argparse.Namespace) -> dict[str, Any]:
    """What options set, by key: the `flags` of `load`. UsageError for a range of no class."""
    flags = {key.name: getattr(options, key.flag[2:].replace("-", "_"), None) for key in PLAIN if key.flag}
    for label, limits in getattr(options, "reference", ()):
        from ..types import LEUKOCYTES

        if label not in LEUKOCYTES:
            raise UsageError(
                f"--reference: there is no class {label!r}",
                cure(label, LEUKOCYTES, f"the classes are {', '.join(LEUKOCYTES)}"),
            )
        flags[f"reference.{label}"] = limits
    return flags
