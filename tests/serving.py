"""A service for the tests: a real process with a camera that plays a film, and a systemd that only listens."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np

from leuko_edge.simulate import STEADY, SlideFilm, Smear, driven, serpentine

EDGE = Path(__file__).resolve().parents[1] / "edge"
PATIENCE = 60.0  # seconds that any one thing may take on a busy machine
WATCHDOG = 10.0

CHILD = '''
import os, sys, time
from pathlib import Path
import cv2
from leuko_edge.model import classify
from leuko_edge.cli import main as cli
from leuko_edge.errors import Hint, SourceLost
from leuko_edge.service import loop
from leuko_edge.store import errors as faults
from leuko_edge.types import Frame

FOLDER, FILM = Path(sys.argv[1]), sys.argv[2]
real_model, real_room, real_time = classify.Classifier.from_path, faults.room, time.time


class Camera:
    """Plays FILM to and fro. What befalls it is the file `mode`: "", "none" is none to open, "held" gives no picture
    yet, "silent" gives up as a real one does, "hung" never comes back; `heard` says that it has come to that."""

    name, live, dropped, warning, hangs = "a camera", True, 0, "", False

    def __init__(self, mode=lambda: (FOLDER / "mode").read_text()):
        self._mode = mode
        film = cv2.VideoCapture(FILM)
        self._bgr = []
        while (read := film.read())[0]:
            self._bgr.append(read[1])

    def __enter__(self):
        if self._mode() == "none":
            raise SourceLost("no camera was found", "plug one in", Hint.START_AGAIN)
        return self

    def __exit__(self, *error):
        pass

    def describe(self):
        return {"kind": "test", "width": self._bgr[0].shape[1], "height": self._bgr[0].shape[0]}

    def __iter__(self):
        index = 0
        while True:
            for bgr in (*self._bgr, *self._bgr[::-1]):
                if (mode := self._mode()) != "":
                    (FOLDER / "heard").write_text(mode)
                while self._mode() == "held":
                    time.sleep(0.01)
                if mode == "silent":
                    raise SourceLost(
                        "no picture came from a camera for 5 seconds", "check its cable", Hint.START_AGAIN
                    )
                while self._mode() == "hung":
                    time.sleep(0.01)
                yield Frame(index, time.time(), bgr, self.name)
                index += 1
                time.sleep(0.005)


def open_source(kind, value, **wishes):
    return loop_open(kind, value) if kind == "video" else Camera()


def room(path):
    return 0 if (FOLDER / "full").exists() else real_room(path)


def model(path=None, *wanted):
    return real_model(path, *wanted)


loop_open, loop.open_source = loop.open_source, open_source
classify.Classifier.from_path, faults.room = model, room
time.time = lambda: real_time() - (1e9 if (FOLDER / "clock").exists() else 0)
sys.exit(cli.main(sys.argv[3:]))
'''


def five_cells(folder: Path) -> Path:
    """The film of a stage over a simulated smear, five cells."""
    size, view = (1088, 816), (640, 480)
    smear = Smear(5, {"neutrophil": 5}, width=size[0], height=size[1], um_per_px=0.2)
    path = folder / "stage.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 15, view)
    for frame in SlideFilm(smear, driven(serpentine(size, view), STEADY, np.random.default_rng(0)), view=view):
        writer.write(frame.bgr)
    writer.release()
    return path


class Service:
    """`leuko-edge serve` in `folder`, with `film` for its camera. `words` are all datagrams so far, one dict each."""

    def __init__(self, folder: Path, film: Path, mode: str = "", abstract: bool = False) -> None:
        self.folder, self._film = folder, film
        self.database, self.runtime = folder / "sessions.sqlite3", folder / "run"
        self.words: list[dict[str, str]] = []
        self.mode(mode)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._address = f"@leuko-edge-test-{os.getpid()}-{folder.name}" if abstract else str(folder / "notify")
        self._socket.bind("\0" + self._address[1:] if abstract else self._address)
        self._socket.settimeout(0.05)
        self.process: subprocess.Popen[str] | None = None

    def start(self, *arguments: object, **environ: str) -> None:
        self.words.clear()
        told = {name: value for name, value in os.environ.items() if not name.startswith("LEUKO_EDGE_")}
        told |= {"PYTHONPATH": str(EDGE), "XDG_CONFIG_HOME": str(self.folder), "RUNTIME_DIRECTORY": str(self.runtime)}
        told |= {"NOTIFY_SOCKET": self._address, "WATCHDOG_USEC": str(round(WATCHDOG * 1e6)), **environ}
        given = ["serve", "--database", self.database, "--display", "none", *arguments]
        self.process = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(self.folder), str(self._film), *map(str, given)],
            env=told,
            stderr=subprocess.PIPE,
            text=True,
        )

    def mode(self, mode: str) -> None:
        beside = self.folder / "mode.new"
        beside.write_text(mode)
        os.replace(beside, self.folder / "mode")

    def hear(self, wanted: Callable[[], bool]) -> None:
        """Listen until `wanted`."""
        end = time.monotonic() + PATIENCE
        while not wanted():
            assert time.monotonic() < end, f"waited in vain; heard {self.words[-5:]}"
            assert self.process is None or self.process.poll() is None, self.process.stderr.read()
            self.listen()

    def listen(self) -> None:
        try:
            data = self._socket.recv(65536).decode()
        except TimeoutError:
            return
        self.words.append(dict(line.split("=", 1) for line in data.split("\n")))

    def hush(self) -> None:
        """Take what was said until now."""
        heard = -1
        while heard != len(self.words):
            heard = len(self.words)
            self.listen()

    def said(self, key: str) -> list[str]:
        return [word[key] for word in self.words if key in word]

    def counts(self) -> list[int]:
        """Cells in the differential of each session."""
        return [cells for _, cells in self._sessions()]

    def states(self) -> list[str]:
        return [state for state, _ in self._sessions()]

    def _sessions(self) -> list[tuple[str, int]]:
        cells = "(SELECT count(*) FROM cell WHERE session = session.id AND undone_at IS NULL AND counted)"
        try:
            with closing(sqlite3.connect(f"{self.database.as_uri()}?mode=ro", uri=True)) as connection:
                return connection.execute(f"SELECT state, {cells} FROM session ORDER BY id").fetchall()
        except sqlite3.DatabaseError:  # not made yet, or damaged by the test
            return []

    def status(self) -> dict:
        return json.loads((self.runtime / "status.json").read_text())

    def attach(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "leuko_edge.cli.main", "attach", "--folder", str(self.runtime), *arguments],
            env={**os.environ, "PYTHONPATH": str(EDGE)},
            capture_output=True,
            text=True,
        )

    def attached(self, *arguments: str, on: int) -> subprocess.Popen[bytes]:
        """`leuko-edge attach` on the terminal `on`."""
        return subprocess.Popen(
            [sys.executable, "-m", "leuko_edge.cli.main", "attach", "--folder", str(self.runtime), *arguments],
            env={**os.environ, "PYTHONPATH": str(EDGE), "TERM": "xterm", "COLUMNS": "100", "LINES": "40"},
            stdin=on,
            stdout=on,
            stderr=on,
            start_new_session=True,
        )

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """(exit code, the journal)."""
        assert self.process is not None
        self.process.send_signal(number)
        journal = self.process.communicate(timeout=PATIENCE)[1]
        self.hush()
        return self.process.returncode, journal

    def __enter__(self) -> Service:
        return self

    def __exit__(self, *error: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.communicate()
        self._socket.close()
