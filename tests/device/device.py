"""The device under test: leuko-edge installed in a booted machine, and what can be asked of it and done to it."""

from __future__ import annotations

import json
import math
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import film
from machine import LabError, Machine
from root import DIST_PACKAGES

UNIT = "leuko-edge.service"
STATE = "/var/lib/leuko-edge"
STATUS = "/run/leuko-edge/status.json"
DATABASE = f"{STATE}/sessions.sqlite3"
VIRTUAL = "usr/share/libcamera/pipeline/virtual/virtual.yaml"
FILMS = "opt/lab"
CAMERA_AWAY = f"/{FILMS}/camera-away"  # see inside/leuko_lab_camera.py
INSIDE = Path(__file__).with_name("inside")
POLL = 0.25  # seconds
PATIENCE = 90.0  # seconds for the film to be counted; the longest pause between two tries is 60
PASSING = (
    "/proc",
    "/sys",
    "/dev",
    "/run",
    "/tmp",
    "/var/tmp",
    "/var/log",
    "/var/cache",
    "/var/lib/apt",
    "/var/lib/dpkg",
)
PASSING += ("/var/lib/systemd", "/root/.cache", "*/__pycache__")
"""Where every system keeps what passes, or what belongs to apt and systemd."""

DROP_IN = """# Only in the lab: libcamera 0.4.0 of trixie drops the virtual camera's frames for ever without the first;
# the second keeps it from saying that there is no dma-buf here.
[Service]
Environment=GLIBC_TUNABLES=glibc.malloc.tcache_count=0:glibc.malloc.perturb=255
Environment=LIBCAMERA_LOG_LEVELS=*:FATAL
"""


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


class Device:
    """`machine` is booted, `reel` is a folder of `film.draw`; `truth` is how many cells and leukocytes that shows."""

    def __init__(self, machine: Machine, wheel: Path, deploy: Path, reel: Path) -> None:
        self.machine, self.wheel = machine, wheel
        self.run = machine.run
        self.truth = json.loads((reel / "truth.json").read_text())
        tree = machine.tree
        shutil.copytree(reel / "frames", tree / FILMS / "frames")
        for number in range(2):  # the first stop, twice: two pictures of one place with their own noise
            (tree / FILMS / "still").mkdir(exist_ok=True)
            shutil.copy(reel / "frames" / f"{number}.jpg", tree / FILMS / "still")
        shutil.copytree(INSIDE, tree / DIST_PACKAGES, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(deploy, tree / "root/deploy")
        shutil.copy(wheel, tree / "root")
        with open(tree / DIST_PACKAGES / "picamera2/__init__.py", "a") as stream:
            stream.write("\nimport leuko_lab_camera\n")
        (tree / VIRTUAL).parent.mkdir(parents=True, exist_ok=True)
        self.play("frames")
        self.drop_in("lab", DROP_IN)
        self.began = 0.0  # time.time() of the latest `begin`
        self._files = self._all_files()

    def drop_in(self, name: str, text: str) -> None:
        """Add to the unit what only the lab needs; remove it again where `text` is empty."""
        path = self.machine.tree / f"etc/systemd/system/{UNIT}.d/{name}.conf"
        path.parent.mkdir(parents=True, exist_ok=True)
        if text:
            path.write_text(text)
        else:
            path.unlink()
        self.run("systemctl daemon-reload")

    def play(self, which: str) -> None:
        """Give the camera a film: "frames", or "still". It reads it when it is opened."""
        width, height = film.VIEW
        text = film.VIRTUAL.format(width=width, height=height, path=f"/{FILMS}/{which}/")
        (self.machine.tree / VIRTUAL).write_text(text)

    def install(self) -> str:
        """What install.sh says."""
        return self.run(f"sh /root/deploy/install.sh --wheel /root/{self.wheel.name}", timeout=900)

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
            time.sleep(POLL)
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

    def started(self) -> float:
        """time.time() at which systemd began to start the unit; 0 where it has not."""
        began = int(self.unit("InactiveExitTimestampMonotonic")) / 1e6
        return began and time.time() - (time.clock_gettime(time.CLOCK_MONOTONIC) - began)

    def ready_after(self) -> float:
        """Seconds from there to READY."""
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
        if not self.wait(lambda: bool((count := self.count()) and count.cells), PATIENCE):
            raise LabError(f"no cell was counted within {PATIENCE:g} s: {self.unit('StatusText')}")
        count = self.must_count()
        self.began = time.time()
        return count

    def goes_on(self, what: str, before: Count, since: float, target: float = math.inf) -> Finding:
        """Counting again after `since`, in the session of `before`, and at its end every cell of the film once."""
        took = self.counting_after(since, PATIENCE)
        whole = self.whole("", before)
        limit = "" if math.isinf(target) else f" (at most {target:g})"
        lost = "the session is lost" if self.must_count().session != before.session else whole.said
        said = f"{what}: counting again after {took:.1f} s{limit}, {lost}"
        return Finding(math.isfinite(took) and whole.holds, said, took <= target)

    def whole(self, what: str, before: Count | None = None) -> Finding:
        """All cells of the film are counted, each once, and those of `before` are among them."""
        everything = self.truth["cells"]
        self.wait(lambda: bool((count := self.count()) and len(count.cells) == everything), PATIENCE)
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

    def new_files(self) -> list[str]:
        """Paths that were not there before the installation, but for what apt, pip and systemd keep for themselves."""
        return sorted(self._all_files() - self._files)

    def _all_files(self) -> set[str]:
        passing = " ".join(f"-path {path} -prune -o" for path in PASSING)
        return set(self.run(f"find / -xdev {passing} -print").splitlines())

    def journal(self, since: float) -> str:
        """The unit's own lines since `since` (time.time())."""
        return self.run(
            f"journalctl --unit={UNIT} --since=@{since:.0f} --output=short-precise --no-hostname --no-pager",
            check=False,
        )
