"""The configuration: can it be read, and what does it ask for? And the tuning that goes with it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import LeukoError
from .finding import Finding, bad, good, skipped, told, warning

KEYS = (
    *("camera.source", "camera.size", "camera.fps", "camera.tuning", "count.target", "count.precision"),
    *("count.um_per_px", "count.threads", "model.path", "session.database", "session.operator", "service.display"),
)


@dataclass(frozen=True)
class Settings:
    """What is in force, as plain values, None where nothing is; `problem` is why it cannot be used."""

    values: Mapping[str, Any] = field(default_factory=dict)
    origins: Mapping[str, str] = field(default_factory=dict)
    problem: LeukoError | None = None

    def __getitem__(self, key: str) -> Any:
        return self.values.get(key)

    @property
    def camera(self) -> str:
        return str(self["camera.source"] or "auto")

    @property
    def wants_camera(self) -> bool:
        """Whether counting is from a camera, rather than from a film or a folder of pictures."""
        return not (os.path.isdir(self.camera) or (os.path.isfile(self.camera) and not self.camera.startswith("/dev/")))

    @property
    def database(self) -> str:
        from ..files import default_path

        return os.path.expanduser(self["session.database"] or default_path())


def read(path: str | None, environ: Mapping[str, str]) -> Settings:
    """The configuration as every command takes it; `path` is that of --config."""
    from .. import config

    try:
        configuration = config.load(path, environ)
    except LeukoError as error:
        return Settings(problem=error)
    values = {key: configuration[key] for key in KEYS}
    return Settings(values, {key: configuration.origin(key) for key in KEYS})


def check_settings(settings: Settings, of_service: bool = False) -> list[Finding]:
    """`of_service`: these are in force for the service, which may differ from those of the person who asks."""
    if settings.problem is not None:
        return [told("configuration", settings.problem)]
    origins = {key: origin for key, origin in settings.origins.items() if origin not in ("default", "not set")}
    words = "; ".join(f"{key} = {settings[key]} ({origin})" for key, origin in origins.items())
    words = words or "nothing is set, all values are the defaults"
    return [good("configuration", f"as the service has it: {words}" if of_service else words)]


def check_tuning(settings: Settings) -> list[Finding]:
    """Is there one, can it be read, and does its flat field fit the size asked for?"""
    from ..camera.tuning import Tuning, default_path
    from .machine import may_look

    path, tune = default_path(settings), "put an empty field under the objective, then: leuko-edge camera tune"
    if not settings.wants_camera:
        return [skipped("tuning", "none is needed: counting is not from a camera")]
    if not may_look(path):
        return [skipped("tuning", f"{path} may not be read by this user", "sudo leuko-edge doctor")]
    if not os.path.exists(path):
        return [warning("tuning", "none: exposure and white balance are the camera's own, and may drift", tune)]
    tuning = Tuning.load(path)
    words = f"{tuning.camera} at {tuning.size[0]}×{tuning.size[1]}, made {tuning.made or 'at an unknown time'}, {path}"
    size = settings["camera.size"]
    if size and not tuning.fits((int(size[0]), int(size[1]))):
        return [bad("tuning", f"of another shape than camera.size, {size[0]}×{size[1]}: {words}", tune)]
    return [good("tuning", words)]
