"""The command `leuko-train`: cells -> fit -> evaluate, and the seed paper's own experiment."""

from __future__ import annotations

import importlib
import logging
import os
import sys
from collections.abc import Sequence
from types import ModuleType

from leuko_edge.cli.grammar import Terse
from leuko_edge.errors import EnvironmentBroken, LeukoError
from leuko_edge.native_stderr import captured

COMMANDS = {
    "finder": "train the finder of white cells, and measure it",
    "cells": "build the cell set from the laboratories' images",
    "pseudo": "add cells that have boxes and no class, as a trained network names them",
    "pack": "make a cell set small, to carry it to another machine",
    "unpack": "make a packed cell set one to train on",
    "pretrain": "teach a network to know a cell again, without names, before fit",
    "fit": "fine-tune a network on the cell set",
    "soup": "average the weights of runs that began alike",
    "prior": "make classes rarer, or commoner, to a trained network",
    "calibrate": "choose a trained network's temperature, turns, and limits of confidence and distance",
    "evaluate": "measure a trained network, laboratory by laboratory",
    "travel": "train without each laboratory in turn, and judge it there",
    "committee": "average the answers of several trainings of travel, and judge them",
    "own-statistics": "judge networks under the statistics of the laboratory left out",
    "learning-curve": "measure what more laboratories teach about one that is left out",
    "bands": "measure whether bands can be told from segmented neutrophils",
    "enrolment": "measure what a few named cells teach, on the laboratories that travel left out",
    "paper": "repeat the seed paper's experiment on the Kaggle pictures",
    "detect": "measure how many white cells are found in whole fields",
    "estimates": "measure platelets and red cells in whole fields, or teach what finds platelets",
}
HOMES = {
    "finder": "finder.command",
    "cells": "data.cells",
    "pseudo": "evaluation.pseudo",
    "pack": "data.pack",
    "unpack": "data.unpack",
    "pretrain": "training.pretrain",
    "fit": "training.fit",
    "soup": "training.soup",
    "prior": "training.prior",
    "calibrate": "calibration.calibrate",
    "evaluate": "evaluation.evaluate",
    "travel": "travel.travel",
    "committee": "travel.committee",
    "own-statistics": "travel.own_statistics",
    "learning-curve": "travel.learning_curve",
    "bands": "evaluation.bands",
    "enrolment": "enrolment.enrolment",
    "paper": "paper.paper",
    "detect": "evaluation.detect",
    "estimates": "estimates.command",
}
"""Each is a module with `add_arguments(parser)` and `run(args) -> int`, imported when asked for."""


def _command(name: str) -> ModuleType:
    try:
        with captured(2):  # what TensorFlow says of the machine before its log level counts; what fails is an exception
            return importlib.import_module(f".{HOMES[name]}", __package__)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("leuko_"):
            raise
        raise EnvironmentBroken(f"Training needs {error.name}", "pip install 'leuko-edge[train]'.") from error


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code 0, 2 for wrong usage, else the error's own."""
    words = list(sys.argv[1:] if argv is None else argv)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # it warns of every batch size that it compiles for
    try:
        return _run(words)
    except LeukoError as error:
        print(f"leuko-train: {error}", file=sys.stderr)
        return error.exit_code
    except OSError as error:  # a full disk, a folder that may not be written
        print(f"leuko-train: {error.strerror or error}: {error.filename or 'output'}.", file=sys.stderr)
        return EnvironmentBroken.exit_code
    except KeyboardInterrupt:
        print("leuko-train: interrupted; the same command goes on (fit: with --resume).", file=sys.stderr)
        return 130


def _run(words: Sequence[str]) -> int:
    parser = Terse(prog="leuko-train", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, help_text in COMMANDS.items():
        command = commands.add_parser(name, help=help_text, description=help_text)
        if words[:1] == [name]:
            module = _command(name)
            module.add_arguments(command)
            command.set_defaults(run=module.run)
    args = parser.parse_args(words)
    return args.run(args)


if __name__ == "__main__":
    sys.exit(main())
