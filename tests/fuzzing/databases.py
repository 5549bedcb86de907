"""Session databases with flipped bytes, cut short, or with strange values: what the program makes of them.

    python tests/fuzzing/databases.py --n 60 --seed 1

Each damaged copy is listed, exported, checked for an open session as `serve` does, and resumed. Printed are tried
(runs), refused (told with a sentence), read (nothing was said, and the cells are those that were stored), silently
changed (nothing was said, and they are others), tracebacks, and open sessions that counting could not go on after.
"""

# ruff: noqa: E402

from __future__ import annotations

import argparse
import contextlib
import io
import random
import shutil
import sqlite3
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[2] / "edge")]

import numpy as np
from made_session import ACCOUNTS, INFO, new_cell

from leuko_edge.cli.main import main as command
from leuko_edge.errors import LeukoError
from leuko_edge.live.engine import Engine
from leuko_edge.model.classify import FixedClassifier
from leuko_edge.service.resume import take_up
from leuko_edge.session import MapPiece
from leuko_edge.store import SessionDamaged, SessionStore, StoreDamaged, StoreError, rescue
from leuko_edge.types import CLASSES, Frame

TABLES = ("session", "cell", "event", "accounts", "keyframe", "field", "signature")
VALUES = (
    None,
    -1,
    0,
    1 << 62,
    1e300,
    float("inf"),
    "",
    "../../x",
    "[",
    "{}",
    "[[]]",
    '{"a": NaN}',
    b"\xff\x00",
    "\x1b[2J",
)


def made(path: Path) -> None:
    """A signed session, an ended one, and an open one with a map."""
    for state in ("signed", "closed", "open"):
        store = SessionStore.create(path, INFO)
        rng = np.random.default_rng(1)
        store.add_keyframes(
            [MapPiece(n, 0, 9.0 * n, 0.0, (240, 320, 3), rng.integers(-99, 99, (60, 80), np.int8)) for n in range(6)]
        )
        for number in range(1, 9):
            store.add_cell(new_cell(CLASSES[number], number, key=0), ACCOUNTS)
        if state == "signed":
            store.sign("A. B.", 1.8e9)
        store.close("closed" if state == "closed" else "open")


def damaged(path: Path, rng: random.Random) -> str:
    """Do one kind of damage to the file, and say which."""
    kind = rng.choice(("bytes", "bytes", "header", "page", "cut", "value", "value", "keyframe", "keyframe"))
    if kind in ("value", "keyframe"):
        _change(path, rng, kind)
        return kind
    data = bytearray(path.read_bytes())
    if kind == "cut":
        del data[rng.randrange(len(data)) :]
    elif kind == "page":
        start = 4096 * rng.randrange(len(data) // 4096)
        data[start : start + 4096] = rng.randbytes(4096)
    else:
        for _ in range(rng.choice((1, 4, 32))):
            data[rng.randrange(100 if kind == "header" else len(data))] = rng.randrange(256)
    path.write_bytes(data)
    return kind


def _change(path: Path, rng: random.Random, kind: str) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        if kind == "keyframe":
            view = bytearray(connection.execute("SELECT view FROM keyframe WHERE key = 2").fetchone()[0])
            for _ in range(rng.choice((1, 3))):
                view[rng.randrange(len(view))] ^= 1 << rng.randrange(8)
            connection.execute("UPDATE keyframe SET view = ? WHERE key = 2", (bytes(view),))
            return
        table = rng.choice(TABLES)
        column = rng.choice([row[1] for row in connection.execute(f"PRAGMA table_info({table})")])
        with contextlib.suppress(sqlite3.IntegrityError):
            connection.execute(f"UPDATE {table} SET {column} = ? WHERE rowid % 2", (rng.choice(VALUES),))


def goes_on(path: Path) -> bool:
    """Whether the service counts on, as its loop does after each kind of damage."""
    classifier, unclosed = FixedClassifier("neutrophil"), set[tuple[str, int]]()
    for _ in range(4):
        try:
            store = take_up(str(path), INFO, lambda sentence: None, unclosed) or SessionStore.create(path, INFO)
            with store:
                engine = Engine(classifier, store, um_per_px=0.2)
                engine.look(Frame(0, 1.8e9, np.full((240, 320, 3), 200, np.uint8)))
                store.add_cell(new_cell(), ACCOUNTS)
                engine.differential  # noqa: B018
                store.close("open")
            return True
        except SessionDamaged as error:
            print(error)
            try:
                SessionStore.give_up_session(error.path, error.session, error.what)
            except StoreError:
                unclosed.add((error.path, error.session))
        except StoreDamaged as error:
            print(error)
            rescue.set_aside(error.path)
        except LeukoError as error:
            print(error)
            return False
    return False


def run(call: Callable[[], int]) -> tuple[int | None, str]:
    """(exit code, what was printed); None where it was a traceback."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            return call(), said.getvalue()
        except Exception as error:
            return None, f"{type(error).__name__}: {error}"


def fuzz(n: int, seed: int, say: Callable[[str], None] = print) -> Counter[str]:
    rng, found = random.Random(seed), Counter[str]()
    with tempfile.TemporaryDirectory() as folder:
        whole, path, result = Path(folder, "whole.sqlite3"), Path(folder, "s.sqlite3"), Path(folder, "r.csv")
        made(whole)
        run(lambda: command(["export", "1", "--database", str(whole), "--csv", str(result)]))
        truth = result.read_text()
        for number in range(n):
            for old in Path(folder).glob("s.*"):
                old.unlink()
            shutil.copy(whole, path)
            Path(f"{path}.lock").touch()  # as on a device, where sessions were counted into it before
            kind = damaged(path, rng)
            for words in (["sessions"], ["sessions", "--json"], ["export", "1", "--csv", str(result)]):
                code, said = run(lambda words=words: command([*words, "--database", str(path)]))
                found["tried"] += 1
                if code is None:
                    found["tracebacks"] += 1
                    say(f"{number} {kind} {words}: {said}")
                elif code:
                    found["refused"] += 1
                elif words[0] == "export" and result.read_text() != truth:
                    found["silently changed"] += 1
                    say(f"{number} {kind}: another table without a word")
                else:
                    found["read"] += 1
            found["tried"] += 1
            code, said = run(lambda: 0 if goes_on(path) else 1)
            outcome = "tracebacks" if code is None else "counted on" if code == 0 else "not counted on"
            found[outcome] += 1
            if code != 0:
                say(f"{number} {kind} serve: {said}")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    found = fuzz(options.n, options.seed)
    print(", ".join(f"{name} {found[name]}" for name in sorted(found)))
    return 1 if found["tracebacks"] else 0


if __name__ == "__main__":
    sys.exit(main())
