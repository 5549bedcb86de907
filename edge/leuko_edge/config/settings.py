"""The settings in force as the rooms take them: frozen and typed, a class for each table of the file.

Their fields are the keys of `keys.table()`, by table and name; None is what is not set and has no default.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True)
class CameraSettings:
    source: str
    size: tuple[int, int]  # width, height in px
    fps: float
    tuning: str | None  # path; None: beside the sessions' database


@dataclass(frozen=True)
class CountSettings:
    """At most one of `target` and `precision` is set."""

    target: int | None  # leukocytes
    precision: float | None  # points
    decisions: tuple[str, ...] | None  # see `decision.Decision.parse`
    um_per_px: float | None  # None: measured from the red cells
    threads: int | None  # None: all cores


@dataclass(frozen=True)
class ModelSettings:
    path: str | None  # None: the shipped one
    site: str | None  # what a laboratory taught it; None: nothing
    trusted_keys: str | None  # path, PEM; None: a model needs no signature


@dataclass(frozen=True)
class SessionSettings:
    database: str | None  # path; None: `files.default_path`
    operator: str | None


@dataclass(frozen=True)
class QcSettings:
    control: str | None  # path; None: there is none
    max_age: float | None  # hours; None: no test is asked for
    overdue: str  # warn or refuse


@dataclass(frozen=True)
class ServiceSettings:
    display: str


@dataclass(frozen=True)
class ReviewSettings:
    enabled: bool  # beside the service
    host: str
    port: int  # 0: a free one
    certificate: str | None  # path, PEM; with `key` or not at all
    key: str | None
    second_signature: bool


@dataclass(frozen=True)
class Settings:
    camera: CameraSettings
    count: CountSettings
    model: ModelSettings
    session: SessionSettings
    qc: QcSettings
    service: ServiceSettings
    review: ReviewSettings
    reference: Mapping[str, tuple[float, float]]
    """Per cent, by class; a class without a range is not in it."""


_TABLES = {
    "camera": CameraSettings,
    "count": CountSettings,
    "model": ModelSettings,
    "session": SessionSettings,
    "qc": QcSettings,
    "service": ServiceSettings,
    "review": ReviewSettings,
}


def typed(values: Mapping[str, Any]) -> Settings:
    """The settings of values in force by the names of `keys.table()`; a KeyError where one is not there."""
    tables: dict[str, Any] = {
        name: table(**{one.name: values[f"{name}.{one.name}"] for one in fields(table)})
        for name, table in _TABLES.items()
    }
    ranges = {
        name.removeprefix("reference."): values[name]
        for name in values
        if name.startswith("reference.") and values[name] is not None
    }
    return Settings(**tables, reference=ranges)
