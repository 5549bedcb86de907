"""The configuration: can it be read, and what does it ask for? And the tuning that goes with it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .. import config
from ..config.loading import DEFAULT
from ..errors import LeukoError
from .finding import Finding, bad, good, skipped, told, warning


@dataclass(frozen=True)
class Settings:
    """What is in force, and what of it is `told`: (key, value, where it comes from).

    `problem` is why it cannot be used; then the defaults stand in for it.
    """

    in_force: config.Settings = field(default_factory=config.defaults)
    told: tuple[tuple[str, Any, str], ...] = ()
    problem: LeukoError | None = None

    @property
    def camera(self) -> str:
        return self.in_force.camera.source

    @property
    def wants_camera(self) -> bool:
        """Whether counting is from a camera, rather than from a film or a folder of pictures."""
        return not (os.path.isdir(self.camera) or (os.path.isfile(self.camera) and not self.camera.startswith("/dev/")))

    @property
    def database(self) -> str:
        from ..files import default_path

        return os.path.expanduser(self.in_force.session.database or default_path())


def read(path: str | None, environ: Mapping[str, str]) -> Settings:
    """The configuration as every command takes it; `path` is that of --config."""
    try:
        configuration = config.load(path, environ)
    except LeukoError as error:
        return Settings(problem=error)
    told = tuple(
        (key, value, origin)
        for key, (value, origin) in configuration.settings.items()
        if origin != DEFAULT and not key.startswith("reference.")
    )
    return Settings(configuration.typed(), told)


def check_settings(settings: Settings, of_service: bool = False) -> list[Finding]:
    """`of_service`: these are in force for the service, which may differ from those of the person who asks."""
    if settings.problem is not None:
        return [told("configuration", settings.problem)]
    words = "; ".join(f"{key} = {value} ({origin})" for key, value, origin in settings.told)
    words = words or "nothing is set, all values are the defaults"
    return [good("configuration", f"as the service has it: {words}" if of_service else words)]


def check_tuning(settings: Settings) -> list[Finding]:
    """Is there one, can it be read, and does its flat field fit the size asked for?"""
    from ..camera.tuning import Tuning, default_path
    from .machine import may_look

    path, tune = default_path(settings.in_force), "put an empty field under the objective, then: leuko-edge camera tune"
    if not settings.wants_camera:
        return [skipped("tuning", "none is needed: counting is not from a camera")]
    if not may_look(path):
        return [skipped("tuning", f"{path} may not be read by this user", "sudo leuko-edge doctor")]
    if not os.path.exists(path):
        return [warning("tuning", "none: exposure and white balance are the camera's own, and may drift", tune)]
    tuning = Tuning.load(path)
    words = f"{tuning.camera} at {tuning.size[0]}×{tuning.size[1]}, made {tuning.made or 'at an unknown time'}, {path}"
    size = settings.in_force.camera.size
    if not tuning.fits(size):
        return [bad("tuning", f"of another shape than camera.size, {size[0]}×{size[1]}: {words}", tune)]
    return [good("tuning", words)]
