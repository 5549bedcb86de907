"""Run something that may hang, or end the program, in a process of its own.

A thread would not do: a driver can hold the interpreter, and a library built for another processor ends the process.
The child is forked, so nothing has to be importable or sent to it; the parent therefore loads neither NumPy nor
OpenCV, whose threads a fork does not copy.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import pickle
import select
import signal
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from ..errors import EnvironmentBroken, LeukoError
from .finding import Finding, bad, told, warning

T = TypeVar("T")
_REAP_SECONDS = 1.0  # a killed process that is still there then hangs in the kernel, and is left behind


class NotDone(Exception):
    """There is no answer; `str(error)` says why."""


class Hung(NotDone):
    """It was not done in time, and was ended."""


class Died(NotDone):
    """It ended by itself without an answer."""


class Failed(NotDone):
    """It raised what it should not; `str(error)` is "Type: message"."""


def contained(function: Callable[[], T], seconds: float) -> T:
    """What `function` returns, which must be picklable. Raises Hung, Died or Failed, and the LeukoErrors of `function`.

    What it writes to standard output and standard error is lost. Its own child processes end with it.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        _work(function, writing)
    os.close(writing)
    with contextlib.suppress(OSError):  # here too: whoever comes first
        os.setpgid(child, child)
    try:
        answer = _read(reading, time.monotonic() + seconds)
    finally:
        os.close(reading)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child, signal.SIGKILL)
        status = _reap(child)
    if answer is None:
        raise Hung(f"it was not done after {seconds:g} seconds")
    if not answer:
        raise Died(_how_it_ended(status))
    kind, value = pickle.loads(answer)
    if kind == "error":
        raise value
    if kind == "failed":
        raise Failed(value)
    return value  # type: ignore[no-any-return]  # what `function` returned, through the pipe


def guarded(name: str, function: Callable[[], Sequence[Finding]], seconds: float) -> list[Finding]:
    """The findings of a check; whatever goes wrong with it is one."""
    try:
        return list(contained(function, seconds))
    except (LeukoError, NotDone) as error:
        return [trouble(name, error)]


def trouble(name: str, error: LeukoError | NotDone) -> Finding:
    """What `contained` raised, as a finding."""
    if isinstance(error, Hung):
        return bad(name, f"{error}: a device or the disk hangs", "switch the device off and on again")
    if isinstance(error, Died):
        advice = "install leuko-edge again, for this very device and system"
        return bad(name, f"the check was ended {error}", advice)
    if isinstance(error, NotDone):
        return warning(name, f"the check itself failed ({error})", "please report this")
    return told(name, error)


def _work(function: Callable[[], Any], writing: int) -> None:
    """The child: never returns."""
    try:
        with contextlib.suppress(OSError):
            os.setpgid(0, 0)
        silent = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(silent, stream)
        faulthandler.disable()  # how this process ends is told by the other one
        try:
            answer = pickle.dumps(("value", function()))
        except LeukoError as error:
            answer = pickle.dumps(("error", _of_the_ground(error)))
        except ImportError as error:
            reason = str(error).split("\n")[0]
            broken = EnvironmentBroken(f"a library does not load ({reason})", "install leuko-edge again")
            answer = pickle.dumps(("error", broken))
        except Exception as error:
            answer = pickle.dumps(("failed", f"{type(error).__name__}: {error}".split("\n")[0]))
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(answer)
        os._exit(0)
    finally:  # KeyboardInterrupt, SystemExit: the parent's stack is not this process's
        os._exit(1)


def _of_the_ground(error: LeukoError) -> LeukoError:
    """The same as the nearest of its types that the parent knows without loading a library."""
    kind = next(kind for kind in type(error).__mro__ if kind.__module__ == LeukoError.__module__)
    same: LeukoError = kind(*error.args)
    return same


def _read(reading: int, deadline: float) -> bytes | None:
    """All that comes until the other end is closed; None where that does not happen in time."""
    parts: list[bytes] = []
    while select.select([reading], [], [], max(0.0, deadline - time.monotonic()))[0]:
        part = os.read(reading, 1 << 16)
        if not part:
            return b"".join(parts)
        parts.append(part)
    return None


def _reap(child: int) -> int | None:
    """The status it ended with; None where it cannot be ended."""
    deadline = time.monotonic() + _REAP_SECONDS
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    return None


def _how_it_ended(status: int | None) -> str:
    if status is None or status >= 0:
        return f"without an answer (status {status})"
    words = signal.strsignal(-status) or f"signal {-status}"
    return f"by the system: {words}"
