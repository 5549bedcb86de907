"""`python edge/benchmarks/store_kill.py --kills 200`: counting is killed at random moments; what is lost?

A writer process counts made-up cells into a database and says each number once `add_cell` has returned. It is ended
with SIGKILL at a random moment, while it opens, makes or writes the database; then the database must open, hold all
that was said and at most the one change that was not yet, and the next writer goes on in it. Every tenth kill a new
database is begun, so that its making is hit too. This measures what a killed process loses, not what a disk that lies
about having written does.
"""

from __future__ import annotations

import argparse
import os
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

import numpy as np

from leuko_edge.errors import LeukoError, UsageError
from leuko_edge.session import Accounts
from leuko_edge.store.archive import Archive
from leuko_edge.store.records import NewCell, StoredCell
from leuko_edge.store.store import SessionInfo, SessionStore
from leuko_edge.types import LEUKOCYTES

DATABASE_KILLS = 10  # in one database
LONGEST = 40  # lines that a writer may say before it is killed; every second one is killed while it opens the database
WITHIN = 0.03  # s after the last of these lines: any moment of opening, or of the next change or two
NAMED, UNDONE = 10, 25  # every so-manyth cell is reclassified, or undone


def made_cell(number: int) -> NewCell:
    """The writer's cell of that number: the checker knows what must be found."""
    rgb = np.random.default_rng(number).integers(0, 256, (64, 64, 3), np.uint8)
    label, other = LEUKOCYTES[number % 6], LEUKOCYTES[(number + 1) % 6]
    shares = tuple(0.875 if name == label else 0.125 if name == other else 0.0 for name in LEUKOCYTES)
    at = (number // 50, number // 5, 1.5, 2.5, 9.0 * number, 7.0 * number)
    return NewCell(label, 0.875, shares, 3, *at, (number, number + 1, 90, 80), number, rgb, 1e9 + number)


def made_accounts(number: int) -> Accounts:
    skipped = {"moving": number // 3, "defocused": number % 7}
    return Accounts(number, {reason: count for reason, count in skipped.items() if count}, number % 5)


def write(path: str) -> None:
    """The writer: resume or begin, then count until killed; each line is printed after what it says is done."""
    print("ready", flush=True)
    try:
        store = SessionStore.resume(path)
    except UsageError:
        store = SessionStore.create(path, SessionInfo(sample="killed", operator="trial"))
    print("open", flush=True)
    number = len(store.cells())
    while True:
        number += 1
        store.add_field(number, 1e9 + number, 0, 0.0, 0.0, 0.5, 1)
        print("cell", store.add_cell(made_cell(number), made_accounts(number)), flush=True)
        if number % NAMED == 0:
            store.reclassify(number, "eosinophil", "trial", 1e9)
            print("named", number, flush=True)
        if number % UNDONE == 0:
            print("undone", store.undo_last("trial", 1e9), flush=True)


def kill_once(path: Path, lines: int, delay: float) -> list[str]:
    """Let a writer go on in `path`, kill it `delay` seconds after it has said so many lines; returns all it said."""
    root = os.fspath(Path(__file__).resolve().parents[1])
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))}
    command = [sys.executable, __file__, "--write", os.fspath(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env) as writer:
        assert writer.stdout is not None
        said = [writer.stdout.readline().strip() for _ in range(lines)]
        time.sleep(delay)
        writer.kill()
        said += [line.strip() for line in writer.stdout if line.endswith("\n")]
        if writer.wait() >= 0:  # it was not the kill that ended it
            said.append("failed")
    return said


def check(path: Path, said: list[str], known: int = 0) -> tuple[int, list[str]]:
    """How many cells the database holds, and what is wrong with it after all that its writers `said`, in sentences.

    `known` is how many there were before the last of them began.
    """
    acknowledged = max((int(line.split()[1]) for line in said if line.startswith("cell ")), default=0)
    acknowledged = max(acknowledged, known)
    wrong = [f"a writer failed by itself after cell {acknowledged}"] if "failed" in said else []
    try:
        store = SessionStore.resume(path)
    except UsageError as error:
        lost = "open" in said or known > 0
        return 0, [*wrong, str(error)] if lost else wrong  # else killed before there was a session
    except LeukoError as error:
        return 0, [*wrong, f"it does not open: {error}"]
    cells, accounts = store.cells(), store.accounts
    store.close("open")
    if len(cells) not in (acknowledged, acknowledged + 1):
        wrong.append(f"{acknowledged} cells were acknowledged, {len(cells)} are there")
    if [cell.id for cell in cells] != list(range(1, len(cells) + 1)):
        wrong.append("the cells' numbers have gaps")
    if accounts != made_accounts(len(cells)):
        wrong.append(f"the accounts {accounts} are not those of cell {len(cells)}")
    wrong += [f"cell {cell.id} is not what was stored: {cell}" for cell in cells if not _right(cell, said)]
    with Archive(path) as archive:
        for cell in cells[-5:]:
            crop, made = archive.crop(store.id, cell.id), made_cell(cell.id).crop
            if crop is None or made is None or not np.array_equal(crop, made):
                wrong.append(f"cell {cell.id} has lost its crop")
    with closing(sqlite3.connect(path)) as connection:
        for question, answer in (("integrity_check", [("ok",)]), ("foreign_key_check", [])):
            if connection.execute(f"PRAGMA {question}").fetchall() != answer:
                wrong.append(f"SQLite's {question} fails")
    return len(cells), wrong


def _right(cell: StoredCell, said: list[str]) -> bool:
    """Whether `cell` is as its writer made it, and changed where that was acknowledged, and only where it may be."""
    made = made_cell(cell.id)
    renamed, undone = cell.changed, cell.undone
    same = (cell.model_label, cell.views, cell.x, cell.y, cell.box) == (made.label, 3, made.x, made.y, made.box)
    return (
        same
        and cell.label == ("eosinophil" if renamed else made.label)
        and (renamed or f"named {cell.id}" not in said or made.label == "eosinophil")
        and (not renamed or cell.id % NAMED == 0)
        and (undone or f"undone {cell.id}" not in said)
        and (not undone or cell.id % UNDONE == 0)
        and cell.counted == (not undone)
    )


def trial(folder: Path, kills: int, seed: int) -> tuple[int, list[str]]:
    """Kill `kills` times; the number of cells acknowledged in all, and what went wrong."""
    rng = random.Random(seed)
    acknowledged, wrong = 0, []
    for number in range(kills):
        path = folder / f"{number // DATABASE_KILLS}.sqlite3"
        if number % DATABASE_KILLS == 0:
            said, known = list[str](), 0
        new = kill_once(path, 1 if number % 2 else rng.randint(2, LONGEST), rng.uniform(0, WITHIN))
        acknowledged += sum(line.startswith("cell ") for line in new)
        said += new
        known, found = check(path, said, known)
        wrong += [f"kill {number + 1}: {sentence}" for sentence in found]
    return acknowledged, wrong


def pace(folder: Path, cells: int = 400) -> list[float]:
    """Milliseconds that each of so many `add_cell` takes on this disk."""
    taken = []
    with SessionStore.create(folder / "pace.sqlite3", SessionInfo()) as store:
        for number in range(1, cells + 1):
            cell, accounts = made_cell(number), made_accounts(number)
            began = time.perf_counter()
            store.add_cell(cell, accounts)
            taken.append(1000 * (time.perf_counter() - began))
    return taken


def main() -> int:
    """Print the figures; 1 where anything was lost."""
    parser = argparse.ArgumentParser(description="Kill counting at random moments and report what is lost.")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", help="on the disk to be tried (default: a temporary one)")
    parser.add_argument("--write", metavar="DATABASE", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.write:
        write(options.write)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        acknowledged, wrong = trial(Path(folder), options.kills, options.seed)
        taken = pace(Path(folder))
    for sentence in wrong:
        print(sentence)
    print(f"kills {options.kills}, cells acknowledged {acknowledged}, things wrong afterwards {len(wrong)}")
    late = statistics.quantiles(taken, n=20)[-1]
    print(f"add_cell: median {statistics.median(taken):.1f} ms, 95 % {late:.1f} ms, of {len(taken)} cells")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
