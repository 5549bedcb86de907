"""The grammar of `leuko-edge` without a further command: what is counted, how, and what becomes of it."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

from ..config import add_option, values
from ..config.options import add_reference, add_setting
from ..errors import UsageError
from .commands import COMMANDS
from .grammar import Parser

_EPILOG = """\
examples:
  leuko-edge --image slide-7/ --json slide-7.json --annotate slide-7-cells/
  leuko-edge --image a.jpg b.tif --um-per-px 0.065
  leuko-edge --image slide-7/ --sample 4711 --operator AB; leuko-edge review
  leuko-edge --demo
  leuko-edge --camera auto --sample 4711 --operator AB --target 200
  leuko-edge --video stage.mp4 --json result.json
  leuko-edge sessions; leuko-edge export 3 --json result.json --crops sheets/

further commands, each with its own --help: {commands}

Not a medical device."""


_LIVE = ("target", "precision", "decide", "max_age", "resume", "window")
_PHOTOGRAPHS = ("recursive", "no_session", "estimates")


def build_parser() -> Parser:
    parser = Parser(
        prog="leuko-edge",
        description="A white-cell differential from photographs of a stained blood smear, or live from the microscope.",
        epilog=_EPILOG.format(commands=", ".join(COMMANDS)),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    what = parser.add_argument_group("what to count")
    what.add_argument(
        "--image",
        nargs="+",
        action="extend",
        metavar="PATH",
        help="pictures, and folders of them (JPEG, PNG, TIFF, BMP)",
    )
    add_setting(
        what,
        "camera.source",
        nargs="?",
        const=True,
        help="count live: the Pi's camera, or a USB microscope's (alone: the configured one)",
    )
    what.add_argument("--video", metavar="FILE", help="count a film of a moved stage, or a folder of pictures as one")
    what.add_argument(
        "--demo", action="store_true", help="count live on a simulated smear, drawn here; needs no camera"
    )
    what.add_argument("--seed", type=values.whole(0), metavar="N", help="with --demo: another slide (default 1)")
    what.add_argument(
        "--cells", type=values.whole(1, 2000), metavar="N", help="with --demo: white cells on it (default 100)"
    )
    how = parser.add_argument_group("how")
    for name in ("count.um_per_px", "model.path", "model.site", "count.threads"):
        add_setting(how, name)
    add_reference(how)
    add_option(how)
    record = parser.add_argument_group(
        "the session's record",
        "Live counting always keeps a session. Photographs are kept as one where --sample, --operator, --notes, "
        "--database or --recursive is given; their cells can then be reviewed, corrected, signed and exported.",
    )
    record.add_argument("--sample", metavar="ID", help="whose blood it is")
    add_setting(record, "session.operator")
    record.add_argument("--notes", metavar="TEXT", help="anything else for the record")
    add_setting(record, "session.database")
    record.add_argument(
        "--recursive", action="store_true", help="with --image: each folder below is a sample, and a session of its own"
    )
    record.add_argument("--no-session", action="store_true", help="with --image: keep no session, whatever is given")
    live = parser.add_argument_group("live counting (--camera, --video, --demo)")
    add_setting(live, "count.target")
    add_setting(live, "count.precision")
    add_setting(live, "count.decisions")
    add_setting(live, "qc.max_age")
    live.add_argument(
        "--resume",
        type=values.whole(1),
        nargs="?",
        const=0,
        metavar="ID",
        help="go on with an open session, the last or ID",
    )
    live.add_argument("--window", action="store_true", help="the live picture, its cells named, in a window")
    out = parser.add_argument_group("results")
    out.add_argument("--json", metavar="FILE", help="the result for other programs; - for standard output")
    out.add_argument("--csv", metavar="FILE", help="a row for each cell")
    out.add_argument("--annotate", metavar="DIR", help="each picture with its cells outlined and named")
    out.add_argument("--crops", metavar="DIR", help="a contact sheet for each class")
    out.add_argument(
        "--estimates",
        action="store_true",
        help="with --image: also platelets and white cells per field, and how unequal red cells are; never in the "
        "differential",
    )
    out.add_argument(
        "--quiet", action="store_true", help="no table and no progress, only errors, warnings and the files asked for"
    )
    out.add_argument("--timings", action="store_true", help="milliseconds of each stage and peak memory, afterwards")
    out.add_argument(
        "--version", action="store_true", help="version; with --verbose also the model and its certificate"
    )
    out.add_argument("--verbose", action="store_true", help="with --version")
    return parser


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Options that make sense together; UsageError where they do not."""
    parser = build_parser()
    options, left = parser.parse_known_args(argv)
    if left:
        if os.path.exists(left[0]):
            raise UsageError(f"{left[0]} goes with no option", f"to count it: leuko-edge --image {left[0]}")
        raise parser.unknown(left[0], tuple(COMMANDS) if left == list(argv or ())[: len(left)] else ())
    if options.verbose and not options.version:
        parser.error("--verbose goes with --version")
    if options.version:
        return options
    named = [name for name in ("image", "camera", "video", "demo") if getattr(options, name) not in (None, False)]
    if len(named) > 1:
        parser.error(f"--{named[0]} and --{named[1]} cannot be counted together", "leave one out")
    if not named:
        parser.error("name what to count with --image PATH, --camera auto or --video FILE, or try --demo")
    live = [name for name in _LIVE if getattr(options, name) not in (None, False)]
    if options.image and live:
        parser.error(f"--{live[0].replace('_', '-')} is for live counting", "leave it out with --image")
    photographs = [name for name in _PHOTOGRAPHS if getattr(options, name)]
    if photographs and not options.image:
        parser.error(f"--{photographs[0].replace('_', '-')} goes with --image")
    if options.recursive:
        _check_recursive(parser, options)
    begun_with = ("sample", "operator", "notes", "reference", "decide")
    named = [name for name in begun_with if getattr(options, name) not in (None, [], ())]
    if options.resume is not None and named:
        parser.error(f"--{named[0]} was given when the session began", "leave it out with --resume")
    if options.target is not None and options.precision is not None:
        parser.error("--target and --precision are two goals", "give one")
    if not options.demo and (options.seed is not None or options.cells is not None):
        parser.error("--seed and --cells go with --demo")
    if options.csv == "-":
        parser.error("--csv needs a file name", "only --json can go to standard output")
    if options.json and options.csv and os.path.realpath(options.json) == os.path.realpath(options.csv):
        parser.error("--json and --csv name the same file")
    return options


def _check_recursive(parser: Parser, options: argparse.Namespace) -> None:
    if options.sample is not None:
        parser.error("--sample names one sample", "with --recursive each folder's name is its sample")
    if files := [name for name in ("json", "csv", "annotate", "crops") if getattr(options, name)]:
        parser.error(
            f"--{files[0]} is for one sample", f"count with --recursive first, then leuko-edge export ID --{files[0]}"
        )
    if options.no_session:
        parser.error("--recursive and --no-session leave nothing of the counts", "leave one out")
