"""Reports: JSON for machines, Markdown and PNG for people; each says from which code and data it came."""

from __future__ import annotations

import hashlib
import json
import math
import os
import platform
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

COMMIT = "LEUKO_COMMIT"
"""Environment variable that names the commit where the code is but no repository: on a borrowed GPU machine, say."""
PACKAGES = ("numpy", "opencv-python-headless", "keras", "tensorflow", "jax", "torch")


def _git(*words: str) -> str | None:
    done = subprocess.run(["git", *words], cwd=Path(__file__).parent, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None


def _installed(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def provenance(data_sha256: str, seed: int | None) -> dict[str, Any]:
    """Commit (outside a repository `COMMIT` may name it), dirty flag, data hash, seed, versions; None: not known."""
    try:
        commit, changed = _git("rev-parse", "HEAD"), _git("status", "--porcelain")
    except FileNotFoundError:  # no git on this machine
        commit, changed = None, None
    commit = commit or os.environ.get(COMMIT)
    versions = {name: version for name in PACKAGES if (version := _installed(name))}
    return {
        "commit": commit,
        "dirty": None if changed is None else bool(changed),
        "data_sha256": data_sha256,
        "seed": seed,
        "versions": {"python": platform.python_version(), **versions},
    }


def hash_files(files: Iterable[Path], root: Path) -> str:
    """SHA-256 over names (relative to `root`) and contents of files, in sorted order."""
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _plain(value: Any) -> Any:
    """NumPy values as JSON's own; NaN becomes null, because JSON has no NaN."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, Path) else value


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(_plain(content), indent=2) + "\n", encoding="utf-8")


def _cell(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A Markdown table; numbers with four decimals, NaN as a dash."""
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(_cell(value) for value in row) + " |" for row in rows]
    return "\n".join(lines)


def provenance_lines(made: Mapping[str, Any]) -> str:
    """One Markdown paragraph out of `provenance`."""
    state = {None: "", True: " (with uncommitted changes)", False: ""}[made["dirty"]]
    versions = ", ".join(f"{name} {version}" for name, version in made["versions"].items())
    origin = f"Commit {made['commit'] or 'unknown'}{state}; data {made['data_sha256'][:16]}; seed {made['seed']}"
    return f"{origin}; {versions}."
