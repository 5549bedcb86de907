"""`leuko-edge enough`: how many cells a decision needs, and whether those counted suffice."""

from __future__ import annotations

import argparse

from ..config import values
from ..decision import ERROR, MOST, Answer, cells_needed, cells_to_see_one, decide
from ..errors import UsageError

_SURE = f"{1 - ERROR:.0%}".replace("%", " %")


def add_parsers(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command; `options.run(options)` runs it and returns its exit code."""
    parser = subparsers.add_parser(
        "enough",
        help="how many cells does a decision need?",
        description="Whether a class is above a share, by a rule that may be asked after every cell and is wrong in at "
        f"most {100 * ERROR:g} of 100 counts, and how many cells that needs.",
    )
    parser.add_argument(
        "--above", type=float, required=True, metavar="PERCENT", help="is the class above this share of the leukocytes?"
    )
    parser.add_argument("--seen", type=values.whole(0, MOST), metavar="N", help="cells of the class so far")
    parser.add_argument("--of", type=values.whole(1, MOST), metavar="N", help="leukocytes counted so far")
    parser.add_argument("--expect", type=float, metavar="PERCENT", help="the share that is expected, before counting")
    parser.set_defaults(run=run_enough)


def run_enough(options: argparse.Namespace) -> int:
    """Print the answer and return 0; UsageError for numbers that make no sense."""
    threshold = _share(options.above, "--above")
    if (options.seen is None) != (options.of is None):
        raise UsageError("--seen and --of go together", "give both")
    if options.seen is not None:
        if options.seen > options.of:
            raise UsageError("--seen is more than --of", "--of counts all leukocytes, those of the class too")
        print(_so_far(options.seen, options.of, threshold, options.above))
    if options.expect is not None:
        needed = cells_needed(_share(options.expect, "--expect"), threshold)
        words = f"more than {MOST}" if needed is None else f"about {needed}"
        print(f"A share of {options.expect:g} % is told from {options.above:g} % with {words} cells.")
    one = cells_to_see_one(threshold)
    print(f"With {one} cells at least one is seen, {_SURE} sure, of a class that is {options.above:g} % of the blood.")
    return 0


def _so_far(seen: int, counted: int, threshold: float, above: float) -> str:
    answer, share = decide(seen, counted, threshold), f"{100 * seen / counted:.1f} %"
    if answer is not Answer.OPEN:
        return f"Decided: {answer.value} {above:g} % ({share} of {counted} cells, at least {_SURE} sure)."
    needed = cells_needed(seen / counted, threshold)
    if needed is None:
        return f"Not decided: {share} of {counted} cells is too near {above:g} % for any count."
    return f"Not decided: {share} of {counted} cells; if it stays so, count about {needed - counted} more."


def _share(percent: float, name: str) -> float:
    if not 0 < percent < 100:
        raise UsageError(f"{name} must lie between 0 and 100, got {percent:g}")
    return percent / 100
