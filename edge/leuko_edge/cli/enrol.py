"""`leuko-edge enrol`: a laboratory teaches the model with a handful of cells that a person named."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

from .. import __version__, config
from ..config import values
from ..errors import NothingCountable, UsageError
from ..files import default_path
from ..session import FEWEST

if TYPE_CHECKING:
    from ..model.card import ModelCard
    from ..model.enrolment import Learnt
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
    from ..model import enrolment
    from ..model import site as sites
    from ..model.classify import Classifier
    from ..named_cells import labelled, of_sessions

    if (options.labelled is None) == (options.session is None):
        raise UsageError("say where the named cells are", "give --labelled FOLDER or --session ID")
    path = sites.place(options.site)
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
    for problem in named.problems:
        print(f"leuko-edge: {problem}", file=sys.stderr)
    counts = named.counts(card.classes)
    few = [f"{name} {n}" for name, n in counts.items() if n < FEWEST]
    if few:
        said = f"{', '.join(few)}: fewer than {FEWEST} cells of a class teach nothing, it stays as it is"
        print(f"leuko-edge: {said}", file=sys.stderr)
    if sum(n >= FEWEST for n in counts.values()) < 2:
        raise NothingCountable(
            f"cells of at least two classes are needed, {FEWEST} of each", "name more cells of other classes"
        )
    learnt = enrolment.learn(named.probabilities, named.features, named.labels, named.groups, card)
    _proof("as shipped", learnt.before)
    _proof("taught", learnt.after)
    if not learnt.better:
        print("Nothing is gained with these cells: the model stays as it ships, no site was written.")
        return NOTHING_GAINED
    operator = options.operator or configuration["session.operator"] or ""
    site = _site(options.site, card, learnt, counts, operator, source)
    site.save(path)
    print(f"{site.said}; use it with --site {options.site}, or the setting model.site")
    return 0


def _site(name: str, card: ModelCard, learnt: Learnt, counts: Mapping[str, int], operator: str, source: str) -> Site:
    from ..model.site import Site

    taught = tuple(card.classes[i] for i in learnt.head.at)
    return Site(
        name=os.path.basename(name).removesuffix(".json"),
        model=card.name,
        model_sha256=card.sha256,
        made=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        by=operator,
        program=f"leuko-edge {__version__}",
        cells={name: counts[name] for name in taught},
        classes=taught,
        weights=tuple(tuple(map(float, row)) for row in learnt.head.weights),
        bias=tuple(map(float, learnt.head.bias)),
        temperature=learnt.head.temperature,
        **asdict(learnt.limits),
        proof={"before": learnt.before, "after": learnt.after},
        source=source,
    )


def _proof(name: str, found: dict) -> None:
    low, high = found["balanced_accuracy_95"]
    recalls = ", ".join(f"{label.replace('_', ' ')} {value:.0%}" for label, value in found["recall"].items())
    print(
        f"{name}: {found['balanced_accuracy']:.1%} of the named cells right, each class alike "
        f"({low:.1%}–{high:.1%}, cross-validated): {recalls}; calibration error {found['ece']:.1f} %; "
        f"a normal differential would be {found['normal_bias']:+.1f} points off "
        f"({found['normal_bias_class'].replace('_', ' ')})"
    )


def _show(site: Site) -> None:
    print(site.said)
    cells = ", ".join(f"{label.replace('_', ' ')} {n}" for label, n in site.cells.items())
    print(f"made {site.made} by {site.by or 'nobody named'} with {site.program}, {site.model}; cells: {cells}")
    for name, key in (("as shipped", "before"), ("taught", "after")):
        if key in site.proof:
            _proof(name, site.proof[key])
