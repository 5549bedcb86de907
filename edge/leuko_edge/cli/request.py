"""What counting is asked for: the options, and what the configuration says where they leave something open."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..config import Configuration, Settings, load
from ..config.options import given
from ..config.values import MEASURED

_AT_THE_START = (
    "count.target",
    "count.precision",
    "count.decisions",
    "session.operator",
)  # an open session has its own


@dataclass(frozen=True)
class Results:
    """Files and folders that a result goes to, None where it is not asked for; `json` may be "-"."""

    json: str | None = None
    csv: str | None = None
    annotate: str | None = None
    crops: str | None = None
    pdf: str | None = None  # this and what follows: of a stored session, from `leuko-edge export`
    fhir: str | None = None
    hl7: str | None = None
    mllp: str | None = None  # HOST:PORT

    def __bool__(self) -> bool:
        return any(vars(self).values())

    @property
    def folders(self) -> tuple[str, ...]:
        """Those of pictures."""
        return tuple(folder for folder in (self.annotate, self.crops) if folder)

    def of_session(self, number: int) -> Results:
        """The same for a further session of a run, so that nothing is written over that of the one before."""
        return Results(**{name: path and _numbered(path, number) for name, path in vars(self).items()})


def _numbered(path: str, number: int) -> str:
    """result.json of session 4 is result-4.json, sheets/ is sheets-4; standard output stays."""
    if path == "-":
        return path
    stem, suffix = os.path.splitext(path.rstrip(os.sep))
    return f"{stem}-{number}{suffix}"


@dataclass(frozen=True)
class Demo:
    seed: int = 1
    cells: int | None = None  # None: as many as a session's usual goal


@dataclass(frozen=True)
class Request:
    """One run. Of `images`, `demo` and `video` one is there at most; where none is, the camera is counted.

    `settings` are those in force for what is counted, see `read`. `resume` is the session to go on with, 0 the last.
    """

    settings: Settings
    images: tuple[str, ...] = ()
    video: str | None = None
    demo: Demo | None = None
    sample: str = ""
    notes: str = ""
    resume: int | None = None
    keep: bool = True  # as a session
    recursive: bool = False
    window: bool = False
    quiet: bool = False
    timings: bool = False
    estimates: bool = False  # of photographs: platelets and red cells too
    results: Results = Results()
    afterwards: Settings | None = None  # of further sessions, where the one that is gone on with has its own
    first: bool = True  # session of this run; there are further ones where the person counts another slide

    @property
    def threads(self) -> int:
        return self.settings.count.threads or os.cpu_count() or 1


def read(options: argparse.Namespace) -> Request:
    """Of the options of `count_options.parse`; ConfigurationError as of `load`, UsageError for a range of no class.

    An option always counts. `--camera` without a value is camera.source. A resumed session keeps the goal and the
    operator that it began with. The simulated slide has its own scale, end and place, so it takes the model, threads
    and ranges only.
    """
    flags = given(options)
    if flags["camera.source"] is True:
        flags["camera.source"] = None
    configuration = load(options.config, flags=flags)
    now = _for(options, flags)
    return Request(
        _in_force(configuration, flags, now),
        afterwards=None if options.resume is None else _in_force(configuration, flags, now | {*_AT_THE_START}),
        images=tuple(options.image or ()),
        video=options.video,
        demo=Demo(1 if options.seed is None else options.seed, options.cells) if options.demo else None,
        sample=options.sample or "",
        notes=options.notes or "",
        resume=options.resume,
        keep=not options.image or _keeps_session(options, flags),
        recursive=options.recursive,
        window=options.window,
        quiet=options.quiet,
        timings=options.timings,
        estimates=options.estimates,
        results=Results(options.json, options.csv, options.annotate, options.crops),
    )


def _in_force(configuration: Configuration, flags: Mapping[str, Any], taken: set[str]) -> Settings:
    """The settings, but those that are not `taken` from the configuration as the flags alone have them."""
    settings = configuration.typed()

    def own(table: str, *names: str) -> dict[str, Any]:
        keys = {name: f"{table}.{name}" for name in names}
        return {name: flags[key] for name, key in keys.items() if key not in taken}

    count = replace(settings.count, **own("count", "target", "precision", "decisions", "um_per_px"))
    if count.um_per_px == MEASURED:
        count = replace(count, um_per_px=None)
    session = replace(settings.session, **own("session", "database", "operator"))
    model = replace(settings.model, **own("model", "site"))
    return replace(settings, count=count, session=session, model=model)


def _keeps_session(options: argparse.Namespace, flags: Mapping[str, Any]) -> bool:
    """Whether photographs are to be kept as a session."""
    asked = (options.sample, options.notes, flags["session.operator"], flags["session.database"])
    return not options.no_session and (options.recursive or any(value is not None for value in asked))


def _for(options: argparse.Namespace, flags: Mapping[str, Any]) -> set[str]:
    """The settings of counts and sessions that the configuration makes for what is to be counted."""
    if options.demo:
        return set()
    if options.image:
        kept = {"session.database", "session.operator"} if _keeps_session(options, flags) else set()
        return {"count.um_per_px", "model.site", *kept}
    begun = () if options.resume is not None else _AT_THE_START
    return {"count.um_per_px", "model.site", "session.database", *begun}
