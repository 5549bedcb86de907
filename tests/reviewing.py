"""For tests of the review pages: photographs of drawn cells counted into a session, and the pages served."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import uvicorn
from drawn import encoded, smear
from snapshots import snapshot

from leuko_edge.cli import count
from leuko_edge.cli.main import main
from leuko_edge.model.classify import FixedClassifier
from leuko_edge.review.app import create_app
from leuko_edge.screen.conversation import Conversation
from leuko_edge.service.status import Status

SEEDS = (3, 5)  # of smears whose three cells lie apart
LABELS = ("neutrophil", "lymphocyte", "monocyte", "neutrophil", "unidentified", "blast")


def counted(folder: Path) -> Path:
    """The database of one session of two drawn photographs of three cells each, named as LABELS say."""
    pictures = folder / "slide"
    pictures.mkdir()
    for number, seed in enumerate(SEEDS, start=1):
        (pictures / f"{number}.png").write_bytes(encoded(smear(white_cells=3, seed=seed), ".png"))
    database = folder / "sessions.sqlite3"
    words = ["--image", str(pictures), "--sample", "S-17", "--operator", "AB", "--database", str(database)]
    words += ["--threads", "1"]  # names come in the order of the pictures
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(count.Classifier, "from_path", lambda *_, **__: FixedClassifier(*LABELS))
        assert main([*words, "--quiet"]) == 0
    return database


def copied(database: Path, folder: Path) -> Path:
    """A copy for one test; its photographs stay where they are."""
    return Path(shutil.copy(database, folder / "sessions.sqlite3"))


@contextlib.contextmanager
def served(database: Path, **options: object):
    """The address of the pages, served by a thread of this process."""
    application = create_app(database, lambda: FixedClassifier("eosinophil"), **options)
    server = uvicorn.Server(uvicorn.Config(application, port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)


class Counted:
    """A service that counts session 1 of `database`, and never gets on; `pressed` are its keys and by whom."""

    def __init__(self, database: Path, **changes: object) -> None:
        self._database, self._snapshot = database, snapshot(**{"session": 1, **changes})
        self._conversation, self.pressed = Conversation(), list[tuple[str, str]]()
        self._conversation.shows(self._snapshot)

    def standing(self) -> Status:
        question = self._conversation.question
        return Status("counting", "well", None, None, question, self._snapshot, str(self._database))

    def picture(self) -> bytes:
        return encoded(np.zeros((8, 8, 3), np.uint8), ".jpg")

    def press(self, key: str, who: str) -> None:
        self.pressed.append((key, who))
        self._conversation.actions([key])


@contextlib.contextmanager
def started(database: Path, *words: object, before: str = ""):
    """`leuko-edge review` as a process: (its address, the process). `before` is run in it first."""
    program = f"import sys\n{before}\nfrom leuko_edge.cli.main import main\nsys.exit(main(sys.argv[1:]))"
    told = {name: value for name, value in os.environ.items() if not name.startswith("LEUKO_EDGE_")}
    told |= {"PYTHONPATH": os.pathsep.join(sys.path), "RUNTIME_DIRECTORY": str(database.parent / "run")}
    process = subprocess.Popen(
        [sys.executable, "-c", program, "review", "--port", "0", "--database", str(database), *map(str, words)],
        env=told,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield re.search(r"https?://[^/]+", process.stdout.readline())[0], process
    finally:
        process.kill()
        process.communicate()
