"""deploy/completion.bash offers what the program takes."""

from __future__ import annotations

import argparse
import importlib
import subprocess

import pytest
from installing import DEPLOY

from leuko_edge.cli.commands import COMMANDS
from leuko_edge.cli.count_options import build_parser


def offered(*words: str) -> list[str]:
    """What bash offers for the last of `words`, which may be empty."""
    program = (
        f'source "{DEPLOY}/completion.bash"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _shtab_leuko_edge; '
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(["bash", "-c", program, "bash", *words], capture_output=True, text=True, check=True)
    return done.stdout.split()


def taken(parser: argparse.ArgumentParser) -> set[str]:
    return {name for action in parser._actions for name in action.option_strings if name.startswith("--")}


def parsers(word: str) -> dict[str, argparse.ArgumentParser]:
    """The parser of a command, and of its own words where it has some, by what is typed."""
    parser = argparse.ArgumentParser()
    module = importlib.import_module(f"leuko_edge.cli.{COMMANDS[word]}")
    module.add_parsers(parser.add_subparsers())
    return {typed: found for typed, found in _below(parser, "") if typed.split()[0] == word}


def _below(parser: argparse.ArgumentParser, typed: str):
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, found in action.choices.items():
                yield f"{typed} {name}".strip(), found
                yield from _below(found, f"{typed} {name}".strip())


def test_without_a_command_every_option_and_every_command_is_offered():
    assert set(offered("leuko-edge", "")) == set(COMMANDS)
    assert set(offered("leuko-edge", "--")) == taken(build_parser())


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_offers_its_options_and_words(command):
    for typed, parser in parsers(command).items():
        below = {name.split()[-1] for name in parsers(command) if name.startswith(f"{typed} ")}
        assert set(offered("leuko-edge", *typed.split(), "--")) == taken(parser), typed
        if below:
            assert set(offered("leuko-edge", *typed.split(), "")) == below, typed


def test_a_switch_and_an_option_of_the_same_name_are_told_apart(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "result.json").touch()
    assert offered("leuko-edge", "export", "3", "--json", "res") == ["result.json"]
    assert "--once" in offered("leuko-edge", "attach", "--json", "--")
    assert offered("leuko-edge", "--camera", "pi") == ["picamera2"]
    assert offered("leuko-edge", "config", "--reference", "mono") == ["monocyte="]
    assert offered("leuko-edge", "serve", "--display", "n") == ["none"]
