"""How the container reaches packages: by the host's network, and by the host's own settings for pip."""

from __future__ import annotations

import configparser
import os
from dataclasses import dataclass
from pathlib import Path

CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


@dataclass(frozen=True)
class Reach:
    """`binds`: options of systemd-nspawn that show files of the host, read-only; `environment`: for every command."""

    binds: tuple[str, ...]
    environment: dict[str, str]


def of_this_host() -> Reach:
    """Certificates, pip's files and PIP_ variables, and the folders that these name, at their own places."""
    home = Path.home()
    files = [Path("/etc/pip.conf"), home / ".pip/pip.conf", home / ".config/pip/pip.conf"]
    files = [path for path in files if path.is_file()]
    environment = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    values = list(environment.values())
    for path in files:
        settings = configparser.ConfigParser(interpolation=None)
        settings.read(path)
        values += [value for section in settings.values() for value in section.values()]
    named = [Path(word.removeprefix("file://")) for value in values for word in value.split()]
    # an index ("…/simple") refers to files beside it
    shown = {path.parent if path.name == "simple" else path for path in named if path.is_absolute() and path.exists()}
    if CERTIFICATES.exists():
        shown.add(CERTIFICATES)
    binds = [f"--bind-ro={path}" for path in sorted(shown)]
    for path in files:
        inside = Path("/root", path.relative_to(home)) if path.is_relative_to(home) else path
        binds.append(f"--bind-ro={path}:{inside}")
    return Reach(tuple(binds), environment)
