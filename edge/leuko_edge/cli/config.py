"""`leuko-edge config`: what is in force, and where each value comes from."""

from __future__ import annotations

import argparse
import json

from ..config.keys import PLAIN, table
from ..config.loading import DEFAULT, Configuration, add_option, load
from ..config.options import add_reference, add_setting, given
from ..config.values import shown

SCHEMA = "leuko-edge-config/1"


def add_parsers(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command; `options.run(options)` runs it and returns its exit code."""
    parser = subparsers.add_parser(
        "config",
        help="what is set, and where",
        description="What is in force, and the file and line, variable or flag that each value comes from.",
    )
    add_option(parser)
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--json", action="store_true", help="for other programs")
    how.add_argument("--example", action="store_true", help="a commented file with every setting, to begin with")
    flags = parser.add_argument_group("flags of counting, to see what they change")
    for key in PLAIN:
        if key.flag:
            add_setting(flags, key.name)
    add_reference(flags)
    parser.set_defaults(run=run_config)


def run_config(options: argparse.Namespace) -> int:
    """Print and return 0; ConfigurationError as of `load`, UsageError for a range of no class."""
    if options.example:
        from ..config.example import example

        print(example(), end="")
        return 0
    configuration = load(options.config, flags=given(options))
    if options.json:
        print(json.dumps(_fields(configuration), indent=1, allow_nan=False))
    else:
        _show(configuration)
    return 0


def _fields(configuration: Configuration) -> dict[str, object]:
    return {
        "schema": SCHEMA,
        "files": [file._asdict() for file in configuration.files],
        "settings": {name: setting._asdict() for name, setting in configuration.settings.items()},
        "notices": [],  # what was only pointed out once is refused now; the field stays for those who read it
    }


def _show(configuration: Configuration) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from ..results.console import Terminal

    console = Terminal()
    rows = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    rows.add_column("setting", no_wrap=True)
    rows.add_column("value", overflow="fold")
    rows.add_column("from", overflow="fold")
    for name, (value, origin) in configuration.settings.items():
        said = Text(shown(value)) if value is not None else Text(table()[name].otherwise, style="dim")
        rows.add_row(Text(name), said, Text(origin, style="dim" if origin == DEFAULT else "bold"))
    console.print(rows)
    for file in configuration.files:
        console.print(Text(f"{file.path}: {'read' if file.read else 'not there'}"), soft_wrap=True)
