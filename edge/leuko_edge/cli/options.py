"""What counting's flags left open, taken from the configuration."""

from __future__ import annotations

import argparse

from ..config.loading import Configuration, load
from ..config.values import MEASURED
from ..types import LEUKOCYTES

_OPTIONS = {  # the settings that are options of counting too
    "model.path": "model",
    "count.threads": "threads",
    "count.um_per_px": "um_per_px",
    "count.target": "target",
    "count.precision": "precision",
    "session.operator": "operator",
    "session.database": "database",
    "camera.source": "camera",
}
_AT_THE_START = ("count.target", "count.precision", "session.operator")  # an open session has its own


def fill(options: argparse.Namespace) -> Configuration:
    """Complete the options of `cli.parse` in place, and return what was in force; ConfigurationError as of `load`.

    A flag always stays. `--camera` without a value is camera.source. A resumed session keeps the goal and the operator
    that it began with. The simulated slide has its own scale, end and place, so it takes the model, the threads and the
    ranges only.
    """
    flags = {key: getattr(options, name) for key, name in _OPTIONS.items()}
    if options.camera is True:
        flags["camera.source"] = None
    configuration = load(options.config, flags=flags)
    options.session = not options.image or keeps_session(options)
    for key in _for(options):
        setattr(options, _OPTIONS[key], configuration[key])
    if options.um_per_px == MEASURED:
        options.um_per_px = None
    ranges = [(label, configuration[f"reference.{label}"]) for label in LEUKOCYTES]
    options.reference = [*((label, limits) for label, limits in ranges if limits is not None), *options.reference]
    if options.camera is not None:
        from ..camera.tuning import wishes

        options.camera_wishes = wishes(configuration)
    return configuration


def keeps_session(options: argparse.Namespace) -> bool:
    """Whether photographs are to be kept as a session; as the command line was given, before it is filled."""
    asked = (options.sample, options.operator, options.notes, options.database)
    return not options.no_session and (options.recursive or any(value is not None for value in asked))


def _for(options: argparse.Namespace) -> set[str]:
    """The settings that count for what is to be counted."""
    keys = {"model.path", "count.threads"}
    if options.demo:
        return keys
    keys |= {"count.um_per_px"}
    if options.image:
        return keys | ({"session.database", "session.operator"} if keeps_session(options) else set())
    keys |= {"session.database"}
    if options.resume is None:
        keys.update(_AT_THE_START)
    if options.camera is not None:
        keys |= {"camera.source"}
    return keys
