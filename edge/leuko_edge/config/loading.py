"""The configuration in force: defaults, the system's file, the user's, `--config`, the environment, flags.

Each of these is stronger than those before it.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

from ..files import xdg_folder
from .files import ConfigurationError, read
from .guess import cure
from .keys import GOALS, PREFIX, Key, table
from .settings import Settings, typed
from .values import Refused

SYSTEM = "/etc/leuko-edge/leuko-edge.toml"
DEFAULT = "default"
"""The origin of what nobody has set."""
_ALL = "`leuko-edge config` lists those there are"


class Setting(NamedTuple):
    value: Any
    origin: str


class File(NamedTuple):
    path: str
    read: bool  # False: it is not there


@dataclass(frozen=True)
class Configuration:
    """What is in force, by the names of `keys.table()`; a name that is not there is a KeyError.

    Sizes and ranges are tuples, paths are absolute where a file named them, and what is not set and has no default is
    None.
    """

    settings: Mapping[str, Setting]
    files: tuple[File, ...] = ()  # looked at, weakest first

    def __getitem__(self, name: str) -> Any:
        return self.settings[name].value

    def __iter__(self) -> Iterator[str]:
        return iter(self.settings)

    def typed(self) -> Settings:
        """The same for the rooms: frozen, with a type for each."""
        return typed({name: setting.value for name, setting in self.settings.items()})

    def origin(self, name: str) -> str:
        """Where a value comes from: "FILE:LINE", the variable, the flag, or "default"."""
        return self.settings[name].origin


def add_option(parser: argparse._ActionsContainer, **how: Any) -> None:
    """`--config FILE`, for each command that calls `load(options.config)`."""
    said = "settings, stronger than the system's and the user's own file"
    parser.add_argument("--config", metavar="FILE", **{"help": said, **how})


def load(
    path: str | None = None,
    environ: Mapping[str, str] = os.environ,
    flags: Mapping[str, Any] | None = None,
) -> Configuration:
    """The configuration; `path` is `--config`'s, `flags` are values by key (None: not given).

    ConfigurationError, one sentence that names file, line and key, or the variable, or the flag, for what cannot be
    used: a variable that begins with LEUKO_EDGE_ and is no setting, too, for it was meant to be one.
    """
    files = [SYSTEM, user_file(environ), *([path] if path is not None else [])]
    layers, seen = [], []
    for name in files:
        settings = _from_file(name, required=name is path)
        seen.append(File(name, settings is not None))
        layers.append(settings or {})
    layers += [_from_environment(environ), _from_flags(flags or {})]
    force = _defaults()
    for layer in layers:
        _over(force, layer)
    return Configuration(MappingProxyType(force), tuple(seen))


def defaults() -> Settings:
    """What is in force where nothing is set."""
    return Configuration(_defaults()).typed()


def _defaults() -> dict[str, Setting]:
    return {
        name: Setting(None if key.default is None else key.kind.check(key.default), DEFAULT)
        for name, key in table().items()
    }


def user_file(environ: Mapping[str, str]) -> str:
    """$XDG_CONFIG_HOME/leuko-edge/leuko-edge.toml, by default under ~/.config (XDG Base Directory 0.8)."""
    return str(xdg_folder("config", environ) / "leuko-edge.toml")


def _over(force: dict[str, Setting], layer: Mapping[str, Setting]) -> None:
    """Lay a stronger layer over what is in force; a goal takes the place of the other one."""
    goals = [name for name in GOALS if name in layer]
    if len(goals) == 2:
        first, second = (f"{name} ({layer[name].origin})" for name in goals)
        raise ConfigurationError(f"{first} and {second} are two goals", "keep one")
    if goals:
        force.update((name, Setting(None, DEFAULT)) for name in GOALS)
    force.update(layer)


def _from_file(path: str, required: bool) -> dict[str, Setting] | None:
    entries = read(path, required)
    if entries is None:
        return None
    settings = {}
    for name, (raw, line) in entries.items():
        key = table().get(name)
        if raw == {} and any(known.startswith(f"{name}.") for known in table()):
            continue  # a heading below which all is commented out
        if key is None:
            raise _unknown_key(f"{path}, line {line}: ", name)
        try:
            value = key.kind.check(raw)
        except Refused as error:
            raise ConfigurationError(f"{path}, line {line}: {name}: {error}") from None
        if key.kind.path:
            value = os.path.join(os.path.dirname(os.path.abspath(path)), value)
        settings[name] = Setting(value, f"{path}:{line}")
    return settings


def _from_environment(environ: Mapping[str, str]) -> dict[str, Setting]:
    settings = {}
    known = [key.variable for key in table().values()]
    for name in sorted(environ):
        if name.startswith(PREFIX) and name not in known:
            raise ConfigurationError(f"the environment's {name} is no setting", cure(name, known, _ALL, PREFIX))
    for name, key in table().items():
        if text := environ.get(key.variable, ""):  # an empty variable is as good as none
            try:
                settings[name] = Setting(key.kind.check(key.kind.value(text)), key.variable)
            except Refused as error:
                raise ConfigurationError(f"the environment's {key.variable}: {error}") from None
    return settings


def _from_flags(flags: Mapping[str, Any]) -> dict[str, Setting]:
    settings = {}
    for name, raw in flags.items():
        key: Key = table()[name]
        if raw is not None:
            origin = key.flag or "the command line"
            try:
                settings[name] = Setting(key.kind.check(raw), origin)
            except Refused as error:
                raise ConfigurationError(f"{origin}: {error}") from None
    return settings


def _unknown_key(where: str, name: str) -> ConfigurationError:
    known = table()
    if below := [key.split(".")[1] for key in known if key.startswith(f"{name}.")]:
        return ConfigurationError(f"{where}{name} is a table", f"write [{name}], and below it {' or '.join(below)} = …")
    last = name.rsplit(".", 1)[-1]
    same = [key for key in known if key.rsplit(".", 1)[-1] == last]
    said = f"did you mean {same[0]}?" if same else cure(name, known, _ALL)
    return ConfigurationError(f"{where}there is no setting {name}", said)
