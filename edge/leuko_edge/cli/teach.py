"""From named cells to a site's file: what `leuko-edge enrol` and the review pages' "teach this site" both do."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from .. import __version__
from ..errors import NothingCountable, UsageError
from ..session import FEWEST

if TYPE_CHECKING:
    from ..config.settings import ModelSettings
    from ..model.card import ModelCard
    from ..model.enrolment import Learnt
    from ..model.site import Site
    from ..named_cells import Named
    from ..results.teaching import Taught


def taught(
    name: str, named: Named, card: ModelCard, operator: str, source: str, sessions: Sequence[int] = ()
) -> Taught:
    """Learn from `named`, and write the site (`model.site.place`) where something is gained.

    `source`: the options that name the cells. NothingCountable for too few cells; EnvironmentBroken or OSError where it
    cannot be written, and then nothing is.
    """
    from ..model import enrolment, site
    from ..results.teaching import Taught

    path = site.place(name)
    counts = named.counts(card.classes)
    if sum(n >= FEWEST for n in counts.values()) < 2:
        raise NothingCountable(
            f"cells of at least two classes are needed, {FEWEST} of each", "name more cells of other classes"
        )
    learnt = enrolment.learn(named.probabilities, named.features, named.labels, named.groups, card)
    said = ""
    if learnt.better:
        made = _site(name, card, learnt, counts, operator, source, sessions)
        made.save(path)
        said = made.said
    return Taught(name, said, learnt.before, learnt.after)


def few(counts: dict[str, int]) -> tuple[str, ...]:
    """A sentence on the classes with too few cells, () for none."""
    short = [f"{name} {n}" for name, n in counts.items() if n < FEWEST]
    said = f"{', '.join(short)}: fewer than {FEWEST} cells of a class teach nothing, it stays as it is"
    return (said,) if short else ()


class SessionTeacher:
    """Teaches a site with the cells named in a signed session of `database`, and in those it was taught with before.

    `site`: the configured one, which may be a path; any other must be a plain name, since it comes from a browser.
    """

    def __init__(self, database: str, model: ModelSettings) -> None:
        self._database, self._model = database, model

    def __call__(self, session: int, name: str, who: str) -> Taught:
        """As `taught`; UsageError for no name, and for a site that pictures taught, which this would forget."""
        from ..model import site
        from ..model.classify import Classifier
        from ..named_cells import of_sessions

        if name != self._model.site and (name.endswith(".json") or os.sep in name):
            raise UsageError(f"{name!r} is no name of a site", "leave out folders and .json")
        sessions = {session}
        if site.place(name).exists():
            known = site.load(name)
            if not known.sessions:
                raise UsageError(
                    f"site {name} was taught with {known.source or 'pictures'}, which this session's cells alone "
                    "would replace",
                    "give another name, or remove that site first: leuko-edge enrol --remove " + name,
                )
            sessions |= set(known.sessions)
        numbers = sorted(sessions)
        with Classifier.from_path(self._model.path, 1, trusted=self._model.trusted_keys) as classifier:
            named = of_sessions(self._database, numbers, classifier)
            card = classifier.card
        done = taught(name, named, card, who, f"--session {' '.join(map(str, numbers))}", numbers)
        return replace(done, left_out=(*named.problems, *few(named.counts(card.classes))))


def _site(
    name: str,
    card: ModelCard,
    learnt: Learnt,
    counts: dict[str, int],
    operator: str,
    source: str,
    sessions: Sequence[int],
) -> Site:
    from ..model.site import Site

    classes = tuple(card.classes[i] for i in learnt.head.at)
    return Site(
        name=os.path.basename(name).removesuffix(".json"),
        model=card.name,
        model_sha256=card.sha256,
        made=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        by=operator,
        program=f"leuko-edge {__version__}",
        cells={label: counts[label] for label in classes},
        classes=classes,
        weights=tuple(tuple(map(float, row)) for row in learnt.head.weights),
        bias=tuple(map(float, learnt.head.bias)),
        temperature=learnt.head.temperature,
        **asdict(learnt.limits),
        proof={"before": learnt.before, "after": learnt.after},
        source=source,
        sessions=tuple(sessions),
    )
