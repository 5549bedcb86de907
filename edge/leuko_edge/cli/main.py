"""The `leuko-edge` command: which module runs it, and its exits. Only here and in `counting` are things constructed.

Exit codes: `errors.EXIT_CODES`, the same for every command.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import sys
from collections.abc import Sequence

from .. import __version__
from ..errors import INTERRUPTED, EnvironmentBroken, LeukoError
from .commands import COMMANDS
from .count_options import parse
from .grammar import Parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code; every error is one sentence on standard error."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal without µ or – gets ? rather than a traceback
            stream.reconfigure(errors="replace")
    try:
        code = _run(argv)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        _say("interrupted: the count was not finished and no report was written")
        return INTERRUPTED
    except BrokenPipeError:  # the reader has seen enough
        _discard_stdout()
        return 0
    except LeukoError as error:
        _say(str(error))
        return error.exit_code
    except OSError as error:
        _discard_stdout()
        _say(f"standard output cannot be written: {error.strerror or error}")
        return EnvironmentBroken.exit_code


def _command_options(argv: Sequence[str]) -> argparse.Namespace:
    """Of one of `COMMANDS`, whose own module alone is loaded."""
    module = importlib.import_module(f".{COMMANDS[argv[0]]}", __package__)
    parser = Parser(prog="leuko-edge")
    module.add_parsers(parser.add_subparsers(required=True))
    return parser.parse_args(argv)


def _run(argv: Sequence[str] | None) -> int:
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == ["--config"] and words[2:3] and words[2] in COMMANDS:  # before the command is as good as after it
        words = [*words[2:], *words[:2]]
    _working_directory()
    os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", "4")  # seconds; OpenCV reads it when it is loaded
    try:
        if words[:1] and words[0] in COMMANDS:
            options = _command_options(words)
            return int(options.run(options))
        options = parse(words)
        if options.version:
            return _version(options)
        return _count(options)
    except SystemExit as done:  # --help
        return int(done.code or 0)
    except ImportError as error:
        raise EnvironmentBroken(f"a part of the installation is missing or broken: {error}") from error


def _working_directory() -> None:
    """EnvironmentBroken where it was removed meanwhile: every path that is no absolute one hangs on it."""
    try:
        os.getcwd()
    except OSError as error:
        raise EnvironmentBroken(
            f"the working directory is gone ({error.strerror})", "cd to one that is there"
        ) from None


def _count(options: argparse.Namespace) -> int:
    from .count import count  # numpy, OpenCV, LiteRT and rich: not for --help
    from .request import read

    return count(read(options))


def _version(options: argparse.Namespace) -> int:
    print(f"leuko-edge {__version__}")
    if options.verbose:
        from ..model.card import load_verified
        from ..results.table import describe

        print(describe(load_verified(options.model)[0]))
    return 0


def _say(sentence: str) -> None:
    with contextlib.suppress(OSError):
        print(f"leuko-edge: {sentence}", file=sys.stderr, flush=True)


def _discard_stdout() -> None:
    """Nobody reads standard output any more: the interpreter's own flush at exit must not complain."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
