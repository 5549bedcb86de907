"""`leuko-edge enrol`: a laboratory teaches the model with a handful of cells that a person named."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from .. import config
from ..config import values
from ..errors import UsageError
from ..files import default_path
from .teach import few, taught

if TYPE_CHECKING:
    from ..model.site import Site

NOTHING_GAINED = 3


def add_parsers(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser(
        "enrol",
        help="teach the model your laboratory with cells that you named",
        description="Teach the model your laboratory with cells that a person named: from three of a class on. "
        "Used with --site SITE or the setting model.site. Nothing is learnt that makes it worse on these cells.",
    )
    parser.add_argument("site", nargs="?", metavar="SITE", help="the laboratory's name")
    parser.add_argument(
        "--labelled",
        metavar="FOLDER",
        help="FOLDER/class/picture or FOLDER/class/patient/picture, each of one named cell in its middle",
    )
    parser.add_argument(
        "--session",
        type=values.whole(1),
        nargs="+",
        metavar="ID",
        help="signed sessions: the cells that a person named",
    )
    parser.add_argument("--model", metavar="PATH", help="a .tflite file with its card beside it")
    parser.add_argument("--operator", metavar="NAME", help="who named the cells")
    parser.add_argument("--database", metavar="FILE", help="where sessions are kept")
    parser.add_argument("--list", action="store_true", help="the sites there are")
    parser.add_argument("--show", metavar="SITE", help="what a site was taught, and how good it is")
    parser.add_argument("--remove", metavar="SITE", help="forget a site")
    config.add_option(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """0 done, 3 where nothing was gained and the shipped model stays; UsageError and others with their sentences."""
    from ..model import site as sites

    asked = [name for name in ("site", "list", "show", "remove") if getattr(options, name)]
    if len(asked) != 1:
        raise UsageError("name one thing to do: SITE --labelled FOLDER, --list, --show SITE or --remove SITE")
    if options.list:
        for path in sorted(sites.folder().glob("*.json")):
            print(sites.load(str(path)).said)
        return 0
    if options.show:
        _show(sites.load(options.show))
        return 0
    if options.remove:
        sites.load(options.remove)
        sites.place(options.remove).unlink()
        print(f"site {options.remove} is forgotten")
        return 0
    return _enrol(options)


def _enrol(options: argparse.Namespace) -> int:
    from ..model import site as sites
    from ..model.classify import Classifier
    from ..named_cells import labelled, of_sessions
    from ..results.teaching import outcome

    if (options.labelled is None) == (options.session is None):
        raise UsageError("say where the named cells are", "give --labelled FOLDER or --session ID")
    sites.place(options.site)  # a name that is none is refused before the cells are read
    configuration = config.load(options.config)
    model, trusted = options.model or configuration["model.path"], configuration["model.trusted_keys"]
    with Classifier.from_path(model, trusted=trusted) as classifier:
        if options.labelled is not None:
            named, source = labelled(options.labelled, classifier), f"--labelled {options.labelled}"
        else:
            database = options.database or configuration["session.database"] or os.fspath(default_path())
            named = of_sessions(database, options.session, classifier)
            source = f"--session {' '.join(map(str, options.session))}"
        card = classifier.card
    for problem in (*named.problems, *few(named.counts(card.classes))):
        print(f"leuko-edge: {problem}", file=sys.stderr)
    operator = options.operator or configuration["session.operator"] or ""
    done = taught(options.site, named, card, operator, source, options.session or ())
    print(*outcome(done), sep="\n")
    return 0 if done.said else NOTHING_GAINED


def _show(site: Site) -> None:
    from ..results.teaching import proof

    print(site.said)
    cells = ", ".join(f"{label.replace('_', ' ')} {n}" for label, n in site.cells.items())
    print(f"made {site.made} by {site.by or 'nobody named'} with {site.program}, {site.model}; cells: {cells}")
    for name, key in (("as shipped", "before"), ("taught", "after")):
        if key in site.proof:
            print(proof(name, site.proof[key]))
