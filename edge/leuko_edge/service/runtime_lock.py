"""One service for each runtime folder: a second one would take the first one's socket and write over its status."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path

from ..errors import EnvironmentBroken

FILE = "serve.lock"


class RuntimeLock:
    """Held until `close`, or until the process ends, however that comes."""

    def __init__(self, folder: Path | None) -> None:
        """EnvironmentBroken where another service holds it; without a folder, or in one that is not ours, nothing."""
        self._file: int | None = None
        self._path = None if folder is None else folder / FILE
        while self._path is not None and self._file is None:
            try:
                self._path.parent.mkdir(mode=0o750, exist_ok=True)
                file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o640)
            except OSError:
                return
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.path.samestat(os.fstat(file), os.stat(self._path)):  # not one that was let go meanwhile
                    self._file = file
                    os.ftruncate(file, 0)
                    os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
                    return
                os.close(file)
            except BlockingIOError:
                holder = os.pread(file, 20, 0).decode("ascii", "replace").strip()
                os.close(file)
                raise EnvironmentBroken(
                    f"another leuko-edge serve (process {holder or 'unknown'}) runs in {folder}",
                    "end that one first, or give this one a folder of its own with RUNTIME_DIRECTORY",
                ) from None
            except OSError:
                os.close(file)

    def close(self) -> None:
        if self._file is not None and self._path is not None:
            with contextlib.suppress(OSError):
                self._path.unlink()
            os.close(self._file)
            self._file = None
