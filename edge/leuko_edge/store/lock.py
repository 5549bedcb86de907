"""One live session for each database: an advisory lock that dies with its process, however that ends."""

from __future__ import annotations

import contextlib
import fcntl
import os

from ..errors import Hint
from .errors import StoreError

SUFFIX = ".lock"


class SessionLock:
    """Holds `flock` on the file PATH.lock, which names the holder's process for messages and stays where it is.

    The kernel drops the lock with the process, also on kill -9; removing the file would let two in.
    """

    def __init__(self, path: str) -> None:
        """StoreError where another session holds it or the file cannot be made."""
        self._path = path
        self._file: int | None = _locked(path)

    def hold(self) -> bool:
        """Whether the file was removed meanwhile, and is locked anew; StoreError where another session was quicker."""
        if self._file is None:
            return False
        try:
            if os.path.samestat(os.stat(self._path + SUFFIX), os.fstat(self._file)):
                return False
        except OSError:
            pass
        anew = _locked(self._path)
        os.close(self._file)
        self._file = anew
        return True

    @property
    def released(self) -> bool:
        return self._file is None

    def release(self) -> None:
        """Twice is harmless."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _locked(path: str) -> int:
    """The open, locked file; StoreError as of `SessionLock`."""
    try:
        file = os.open(path + SUFFIX, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise StoreError(
            f"{path + SUFFIX} cannot be written ({error.strerror})", "name another place ", Hint.NAME_DATABASE
        ) from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        holder = os.pread(file, 20, 0).decode("ascii", "replace").strip()
        os.close(file)
        if isinstance(error, BlockingIOError):
            who = f"another session (process {holder})" if holder else "another session"
            raise StoreError(
                f"{path} is in use by {who}", "end that one first, or name another file ", Hint.NAME_DATABASE
            ) from None
        raise StoreError(
            f"{path} cannot be locked ({error.strerror})", "put it on a local disk ", Hint.NAME_DATABASE
        ) from None
    with contextlib.suppress(OSError):  # a full disk: the number is only for messages
        os.ftruncate(file, 0)
        os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
    return file
