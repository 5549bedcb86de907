"""Completion in bash, made of the grammar: `python -m leuko_edge.cli.completion > deploy/completion.bash`.

shtab writes it, so this needs the test extra. The words stand in the file, because asking the program takes a second on
a Raspberry Pi; a test holds the file against the grammar.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Iterator
from typing import Any

from ..types import LEUKOCYTES
from .commands import COMMANDS
from .count_options import build_parser

_WORDS = {"--camera": ("auto", "picamera2"), "--display": ("auto", "none")}
_PATHS = {"FILE", "PATH", "DIR"}


def whole() -> argparse.ArgumentParser:
    """The grammar with every command in it; the program itself loads one at a time."""
    parser = build_parser()
    words = parser.add_subparsers()
    for module in dict.fromkeys(COMMANDS.values()):
        importlib.import_module(f".{module}", __package__).add_parsers(words)
    return parser


def actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Those of a parser and of all below it."""
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from actions(below)


def script() -> str:
    """The text of the file."""
    import shtab

    parser = whole()
    preamble = []
    for action in actions(parser):
        option = action.option_strings[-1] if action.option_strings else ""
        words = [f"{label}=" for label in LEUKOCYTES] if option == "--reference" else _WORDS.get(option)
        if words is not None:
            name = f"_leuko_edge_{option.strip('-')}"
            files = '; compgen -f -- "$1"' if option == "--camera" else ""
            function = f'{name}() {{ compgen -W "{" ".join(words)}" -- "$1"{files}; }}'
            if function not in preamble:
                preamble.append(function)
            action.complete = {"bash": name}  # type: ignore[attr-defined]
        elif action.metavar in _PATHS:
            action.complete = shtab.DIRECTORY if action.metavar == "DIR" else shtab.FILE  # type: ignore[attr-defined]
    said: Any = {"bash": "\n".join(preamble)}  # shtab takes it, although its signature says text
    text = shtab.complete(parser, "bash", root_prefix="leuko_edge", preamble=said)
    return f"# shellcheck shell=bash disable=all\n{text.rstrip()}\n"


if __name__ == "__main__":
    sys.stdout.write(script())
