"""Small changes to the program's decisive lines, one at a time, and whether the tests notice them.

    python tests/mutants.py --list
    python tests/mutants.py --only store tracks --n 10 --seed 1

For each change a copy of the packages is altered, and the test files nearest to it run against the copy; before, they
have to pass as it is. Printed are the changes that went unnoticed, and how many were noticed. By hand: each
takes some seconds.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
EDGE = "edge/leuko_edge/"
PATIENCE = 600  # seconds; a change after which the tests never end is noticed


class Mutant(NamedTuple):
    room: str  # what --only takes
    file: str  # below edge/leuko_edge
    line: str  # a piece of the file that stands there once
    instead: str
    tests: str  # what must notice, below tests/: the files nearest to it


def _of(room: str, file: str, tests: str, *pairs: tuple[str, str]) -> Iterator[Mutant]:
    yield from (Mutant(room, file, line, instead, tests) for line, instead in pairs)


MUTANTS = (
    *_of(
        *("tally", "tally.py", "test_tally.py"),
        ("if percent < low:", "if percent <= low:"),
        ("if percent > high:", "if percent >= high:"),
        ("ci95[1] < low", "ci95[1] <= low"),
        ("ci95[0] > high", "ci95[0] < high"),
        (
            "nrbc_per_100_wbc=100 * erythroblasts / total",
            "nrbc_per_100_wbc=100 * erythroblasts / (total + erythroblasts)",
        ),
        ("counts.get(UNIDENTIFIED, 0)", "0"),
    ),
    *_of(
        *("qc", "qc/westgard.py", "qc/test_westgard.py"),
        ("if abs(newest.z) > 3:", "if abs(newest.z) >= 3:"),
        ("_same_side(within, 2, 2) or _same_side(across, 2, 2)", "_same_side(within, 2, 2)"),
        ("if one.run == newest.run]", "]"),
        ("or max(last) < -limit)", "or max(last) < limit)"),
    ),
    *_of(
        *("qc", "qc/judge.py", "qc/test_judge.py"),
        ("now = replace(now, passed=False)", "now = replace(now, passed=True)"),
        ("abs(off) > watched.span(watched.allowed, expected)", "off > watched.span(watched.allowed, expected)"),
        ("if total and (now[0] > before[1] or now[1] < before[0]):", "if total and now[0] > before[1]:"),
    ),
    *_of(
        *("qc", "qc/standing.py", "qc/test_judge.py"),
        ("if not run.drawn]", "]"),
        ("if not last.passed:", "if not any(run.passed for run in real):"),
        ("abs(now - last.at)", "(now - last.at)"),
    ),
    *_of(
        *("drift", "qc/drift.py", "qc/test_drift.py"),
        ("or one.source == other.source)", "or True)"),
        ("spread = max(spread, _by_counting(usual, last.white))", "pass"),
        ("len(values) < FEWEST", "len(values) < 1"),
    ),
    *_of(
        *("tally", "binomial.py", "test_tally.py"),
        ("tail = (1 - confidence) / 2", "tail = 1 - confidence"),
        ("for _ in range(60)", "for _ in range(6)"),
        ("if count == 0:", "if count <= 1:"),
        ("return 0.0\n    low, high", "return 0.01\n    low, high"),
    ),
    *_of(
        *("tracks", "live/tracks.py", "live/test_tracks.py"),
        ("SAME_UM = 5.0", "SAME_UM = 3.0"),
        ("SAME_UM = 5.0", "SAME_UM = 6.9"),
        ("VIEWS = 4", "VIEWS = 1"),
        ("BETTER = 1.15", "BETTER = 1.0"),
        ("-view.quality)[:VIEWS]", "view.quality)[:VIEWS]"),
        ("placed[:, 0] == place.area", "placed[:, 0] >= -9"),
        ("distance[cell, :] = np.inf", "pass"),
        ("distance[:, track] = np.inf", "pass"),
        ("a == area and np.hypot", "np.hypot"),
        ("if not t.undone]", "]"),
        ("near & (placed[later, 0] == placed[i, 0])", "near"),
        ("gone.add(int(j))", "pass"),
        ("return combined / combined.sum()", "return combined"),
    ),
    *_of(
        *("gate", "live/gate.py", "live/test_gate.py"),
        ("SHARP = 0.60", "SHARP = 0.40"),
        ("SHARP = 0.60", "SHARP = 0.80"),
        ("STILL = 0.004", "STILL = 0.008"),
        ("SLOW = 0.02", "SLOW = 0.04"),
        ("BURNT_SHARE = 0.6", "BURNT_SHARE = 0.95"),
        ("DARK = 45", "DARK = 20"),
        ("STAINED_SHARE = 0.015", "STAINED_SHARE = 0.0"),
        ("FIRST = 8", "FIRST = 1"),
        ("self._still, 90)", "self._still, 50)"),
        ("step < STILL", "step <= SLOW"),
        ("if reference and focus < SHARP and motion", "if reference and focus < 0 and motion"),
    ),
    *_of(
        *("map", "mapping/keyframes.py", "mapping/test_keyframes.py"),
        ("if len(self.views) > self._most:", "if False:"),
        ("* (self.areas == area)", "* 1"),
        ("share[~seen] = 0", "pass"),
        ("(min(a, b), max(a, b)) in self._links", "(a, b) in self._links"),
        ("self.areas[moving] = self.areas[a]", "pass"),
        ("self.places[a] + shift - self.places[b]", "self.places[a] - self.places[b]"),
        ("self.count = key\n", "pass\n"),
    ),
    *_of(
        *("map", "mapping/slide_map.py", "mapping/test_slide_map.py"),
        ("settle = self._settle if self._areas else 1", "settle = 1"),
        ("KNOW = Demand(ncc=0.65", "KNOW = Demand(ncc=0.05"),
        ("self._given = area", "pass"),
    ),
    *_of(
        *("store", "store/ledger.py", "store/test_store.py store/test_damage.py store/test_upkeep.py"),
        ('execute("BEGIN IMMEDIATE")', 'execute("BEGIN")'),
        ('execute("BEGIN IMMEDIATE")', "pass"),
        ('execute("ROLLBACK")', "pass"),
        ("if self._signed:\n                raise", "if False:\n                raise"),
        ("self._fields.clear()", "pass"),
        ("self._keyframes.clear()\n            self._written", "self._written"),
        ("self._in_place()\n            try", "try"),
        ("self._lock.hold()", "pass"),
        ("SAVE_SECONDS = 1.0", "SAVE_SECONDS = 1e9"),
        ('execute("DELETE FROM keyframe WHERE session = ?", (self.id,))\n        return ended', "return ended"),
    ),
    *_of(
        *("store", "store/errors.py", "store/test_store.py"),
        ("STOP_BYTES = 10_000_000", "STOP_BYTES = 1000"),
        ("WARN_BYTES = 50_000_000", "WARN_BYTES = 5_000"),
    ),
    *_of(
        *("store", "store/corrections.py", "store/test_store.py store/test_review.py"),
        ("label = ?, changed_by = ?, counted = (undone_at IS NULL AND ?)", "label = ?, changed_by = ?, counted = ?"),
        ("undone_by = ?, counted = 0", "undone_by = ?"),
        ("if before == label:", "if False:"),
        ("ORDER BY id DESC LIMIT 1", "ORDER BY id LIMIT 1"),
        ("undone_by <> ?", "undone_by <> ? || 'x'"),
    ),
    *_of(
        *("store", "store/columns.py", "store/test_damage.py store/test_store.py"),
        ("if value not in NAMES:", "if False:"),
        (
            'not low <= value <= high:\n        raise ValueError(f"its {name} makes no sense")\n    return float',
            'False:\n        raise ValueError(f"its {name} makes no sense")\n    return float',
        ),
    ),
    *_of(
        *("store", "store/clock.py", "store/test_damage.py"),
        ("return max(self._began, float(at))", "return float(at)"),
        ("if abs(jump) >= JUMP:", "if False:"),
        ("if self._wall < BEFORE:", "if False:"),
    ),
    *_of(
        *("store", "store/schema.py", "store/test_store.py store/test_damage.py"),
        ("st_nlink > 1", "st_nlink > 9"),
        ('"PRAGMA synchronous = FULL")  # a', '"PRAGMA synchronous = OFF")  # a'),
    ),
    *_of(
        *("store", "store/rescue.py", "store/test_damage.py"),
        ("if not ours:", "if False:"),
    ),
    *_of(
        *("nuclei", "vision/nuclei.py", "vision/test_nuclei.py"),
        ("NUCLEAR = 1.25", "NUCLEAR = 1.05"),
        ("signal[~valid] = 0", "pass"),
    ),
    *_of(
        *("sources", "sources/picture_decoding.py", "sources/test_sources.py"),
        ("except cv2.error", "except ZeroDivisionError"),
        ("GREY_SPREAD = ", "GREY_SPREAD = 1e9 + "),
    ),
)


def noticed(mutant: Mutant, copy: Path) -> bool | None:
    """Whether the tests fail with the change; None where the line no longer stands there once."""
    target = copy / EDGE / mutant.file
    text = target.read_text()
    if text.count(mutant.line) != 1:
        return None
    target.write_text(text.replace(mutant.line, mutant.instead))
    try:
        return failing(mutant.tests, copy)
    finally:
        target.write_text(text)


def failing(tests: str, copy: Path) -> bool:
    """Whether one of the tests fails, or they never end, with the copy as it stands."""
    files = [f"tests/{name}" for name in tests.split()]
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *files]
    paths = os.pathsep.join(str(copy / folder) for folder in ("edge", "train", "convert"))
    try:
        done = subprocess.run(
            command, cwd=copy, env={**os.environ, "PYTHONPATH": paths}, capture_output=True, timeout=PATIENCE
        )
        return done.returncode == 1
    except subprocess.TimeoutExpired:
        return True


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=sorted({mutant.room for mutant in MUTANTS}), help="these rooms")
    parser.add_argument("--n", type=int, help="a random sample of so many")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--list", action="store_true", help="print the changes, run nothing")
    options = parser.parse_args()
    mutants = [mutant for mutant in MUTANTS if not options.only or mutant.room in options.only]
    if options.n is not None:
        mutants = random.Random(options.seed).sample(mutants, min(options.n, len(mutants)))
    caught = 0
    ran = len(mutants)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in ("edge", "train", "convert", "tests", "deploy", "models", "pyproject.toml"):
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, copy / name)
        if not options.list:
            for tests in sorted({mutant.tests for mutant in mutants}):
                if failing(tests, copy):
                    sys.exit(f"tests/{tests}: fails as it is, and would notice everything")
        for mutant in mutants:
            said = " -> ".join(" ".join(text.split()) for text in (mutant.line, mutant.instead))
            if options.list:
                stands = (copy / EDGE / mutant.file).read_text().count(mutant.line) == 1
                print(f"{'' if stands else 'GONE '}{mutant.file}: {said}")
                continue
            found = noticed(mutant, copy)
            if found is None:
                ran -= 1
                print(f"gone       {mutant.file}: {said}", flush=True)
                continue
            caught += found
            print(f"{'noticed  ' if found else 'UNNOTICED'}  {mutant.file}: {said}", flush=True)
    if not options.list:
        print(f"{caught} of {ran} noticed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
