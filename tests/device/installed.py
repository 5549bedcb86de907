"""leuko-edge installed in a booted machine, container or virtual: what can be asked of it and done to it."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from machine import LabError
from root import DIST_PACKAGES

UNIT = "leuko-edge.service"
STATE = "/var/lib/leuko-edge"
STATUS = "/run/leuko-edge/status.json"
DATABASE = f"{STATE}/sessions.sqlite3"
POLL = 0.25  # seconds
PATIENCE = 90.0  # seconds for the film to be counted; the longest pause between two tries is 60


@dataclass(frozen=True)
class Finding:
    """Whether something holds, and the sentence for it with what was measured."""

    holds: bool
    said: str
    timely: bool = True  # whether what was timed stayed within its limit; a machine that does other things is slow


@dataclass(frozen=True)
class Count:
    """What the database holds of the newest session; see inside/ask.py."""

    session: int
    state: str
    cells: list[int]  # ids that stand
    leukocytes: int
    fields: int  # counted fields of view
    frames: int
    days: float  # between the earliest and the latest capture of its fields
    first_after: float | None  # time.time()

    def lost_since(self, before: Count) -> list[int]:
        """The cells of `before` that are no longer there; all of them where this is another session."""
        return sorted(set(before.cells) - set(self.cells if before.session == self.session else []))


class Runs(Protocol):
    """A booted machine."""

    def run(self, command: str, *, check: bool = True, timeout: float = ...) -> str:
        """What a shell command prints in it, both streams; LabError where it fails and `check`."""
        ...


class Installed:
    """`machine` is booted; `truth` is how many cells and leukocytes its camera's film shows."""

    poll, patience = POLL, PATIENCE

    def __init__(self, machine: Runs, truth: dict[str, int]) -> None:
        self.run = machine.run
        self.truth = truth
        self.began = 0.0  # `now` of the latest `begin`

    def now(self) -> float:
        """time.time() of the machine; a container has ours."""
        return time.time()

    def drop_in(self, name: str, text: str) -> None:
        """Add to the unit what only the lab needs; remove it again where `text` is empty."""
        folder = f"/etc/systemd/system/{UNIT}.d"
        put = f"mkdir -p {folder} && cat > {folder}/{name}.conf <<'END'\n{text}END" if text else ""
        self.run(put or f"rm {folder}/{name}.conf")
        self.run("systemctl daemon-reload")

    def unit(self, name: str) -> str:
        """Of the unit, as `systemctl show` has it."""
        return self.run(f"systemctl show --property={name} --value {UNIT}")

    @property
    def pid(self) -> int:
        """Of the service's main process in the container; LabError where none runs."""
        pid = int(self.unit("MainPID"))
        if not pid:
            raise LabError(f"{UNIT} has no process: {self.unit('ActiveState')}, {self.unit('StatusText')}")
        return pid

    def count(self, since: float = 0.0) -> Count | None:
        """As the database has it; None before there is a session."""
        ask = f"runuser -u leuko-edge -- python3 /{DIST_PACKAGES}/ask.py {since}"
        told = self.run(f"test -s {DATABASE} && {ask} || echo null", check=False)
        try:
            fields = json.loads(told.splitlines()[-1])
        except (ValueError, IndexError):
            return None
        return fields and Count(**fields)

    def must_count(self) -> Count:
        count = self.count()
        if count is None:
            raise LabError("there is no session in the database")
        return count

    def counting_after(self, since: float, seconds: float) -> float:
        """Seconds from `since` (time.time()) to the capture of the first frame counted after it; inf where none comes
        within `seconds`."""
        count: Count | None = None

        def again() -> bool:
            nonlocal count
            count = self.count(since)
            return count is not None and count.first_after is not None

        if not self.wait(again, seconds):
            return float("inf")
        assert count is not None and count.first_after is not None
        return count.first_after - since

    def wait(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Whether `condition` became true within `seconds`."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if condition():
                return True
            time.sleep(self.poll)
        return condition()

    def status(self) -> dict[str, object]:
        """What the service publishes of itself; empty where it does not run."""
        try:
            told = json.loads(self.run(f"cat {STATUS}", check=False))
        except ValueError:
            return {}
        return dict(told)

    def fault(self) -> str:
        """The sentence of the fault it waits at; "" where it counts or does not run."""
        return str(self.status().get("fault") or "")

    def ready_after(self) -> float:
        """Seconds from the start of the unit to READY."""
        begun, ready = (int(self.unit(f"{when}TimestampMonotonic")) for when in ("InactiveExit", "ActiveEnter"))
        return (ready - begun) / 1e6

    def rss_mb(self) -> int:
        """Megabytes of the service's process in memory."""
        return round(int(self.run(f"grep VmRSS /proc/{self.pid}/status").split()[1]) * 1024 / 1e6)

    def forget_sessions(self, start: bool) -> None:
        """Begin with an empty database; leave the service running or not."""
        self.run(f"systemctl stop {UNIT}; rm -f {DATABASE}*; systemctl reset-failed {UNIT}", check=False)
        if start:
            self.run(f"systemctl start {UNIT}")

    def begin(self) -> Count:
        """A new session with its first cells counted, but, if it is quick enough, not yet all of them."""
        self.forget_sessions(start=True)
        if not self.wait(lambda: bool((count := self.count()) and count.cells), self.patience):
            raise LabError(f"no cell was counted within {self.patience:g} s: {self.unit('StatusText')}")
        count = self.must_count()
        self.began = self.now()
        return count

    def goes_on(self, what: str, before: Count, since: float, target: float = math.inf) -> Finding:
        """Counting again after `since`, in the session of `before`, and at its end every cell of the film once."""
        took = self.counting_after(since, self.patience)
        whole = self.whole("", before)
        limit = "" if math.isinf(target) else f" (at most {target:g})"
        lost = "the session is lost" if self.must_count().session != before.session else whole.said
        said = f"{what}: counting again after {took:.1f} s{limit}, {lost}"
        return Finding(math.isfinite(took) and whole.holds, said, took <= target)

    def whole(self, what: str, before: Count | None = None) -> Finding:
        """All cells of the film are counted, each once, and those of `before` are among them."""
        everything = self.truth["cells"]
        self.wait(lambda: bool((count := self.count()) and len(count.cells) == everything), self.patience)
        count = self.must_count()
        lost = count.lost_since(before) if before else []
        holds = len(count.cells) == everything and not lost
        was = f", cells lost {len(lost)} of {len(before.cells)}" if before else ""
        return Finding(holds, f"{what} {len(count.cells)} of {everything} cells{was}".strip())

    def one_sentence(self, word: str) -> Finding:
        """The fault is told in one line in the journal and the same in systemctl status, with `word` in it."""
        fault, journal, status = self.fault(), self.journal(self.began), self.unit("StatusText")
        lines = [line for line in journal.splitlines() if fault and fault in line]
        holds = bool(fault) and word in fault and bool(lines) and fault in status and "Traceback" not in journal
        return Finding(holds, f"in status and journal: {fault or journal[-300:]}")

    def journal(self, since: float) -> str:
        """The unit's own lines since `since` (time.time())."""
        return self.run(
            f"journalctl --unit={UNIT} --since=@{since:.3f} --output=short-precise --no-hostname --no-pager",
            check=False,
        )
