"""Candidates timed in turns, each in its own process, so that whatever else the machine does hits all of them alike."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np

WORKER = Path(__file__).with_name("worker.py")


@dataclass(frozen=True)
class Candidate:
    """A model file under a runtime. `network` is "full" or "shipped", `precision` "float" or "int8"."""

    network: str
    precision: str
    runtime: str  # a key of worker.OPENERS
    path: Path


@dataclass
class Timed:
    """(rounds,) milliseconds a cell, the median of each round's runs."""

    version: str
    ms: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    peak_rss_mb: float | None = None


class _Process:
    def __init__(self, candidate: Candidate, python: str, threads: int, crops: Path) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        words = [python, "-I", str(WORKER), candidate.runtime, str(candidate.path), str(threads), str(crops)]
        try:
            self._process = subprocess.Popen(
                words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, text=True
            )
        except OSError:
            self._errors.close()
            raise

    def answer(self) -> dict[str, Any]:
        """The next line; {"error": why} where the process has ended instead."""
        if line := _pipe(self._process.stdout).readline():
            return json.loads(line)
        code = self._process.wait()
        self._errors.seek(0)
        last = self._errors.read().decode(errors="replace").strip().splitlines()[-1:]
        ended = f"crashed with signal {-code}" if code < 0 else f"ended with code {code}"
        return {"error": ": ".join([ended, *last])[:200]}

    def turn(self, seconds: float) -> dict[str, Any]:
        with contextlib.suppress(BrokenPipeError):  # it has ended; `answer` says how
            print(seconds, file=_pipe(self._process.stdin), flush=True)
        return self.answer()

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()
        self._errors.close()


def _pipe(stream: IO[str] | None) -> IO[str]:
    assert stream is not None  # opened with PIPE
    return stream


def run(
    candidates: Sequence[Candidate],
    crops: Path,
    threads: int,
    rounds: int,
    seconds: float,
    pythons: Mapping[str, str],
) -> tuple[dict[Candidate, Timed], dict[Candidate, str]]:
    """(what each candidate took, why others were not measured). `crops` is the worker's `.npy` of one batch.

    Every round takes all candidates in an order drawn anew, `seconds` each. `pythons` names the interpreter of a
    runtime that is not installed in this one's.
    """
    timed: dict[Candidate, Timed] = {}
    failed: dict[Candidate, str] = {}
    processes: dict[Candidate, _Process] = {}
    rng = np.random.default_rng(0)
    try:
        for candidate in candidates:
            try:
                process = _Process(candidate, pythons.get(candidate.runtime, sys.executable), threads, crops)
            except OSError as error:
                failed[candidate] = f"{error.filename}: {error.strerror}"
                continue
            processes[candidate] = process
            found = process.answer()
            if "error" in found:
                failed[candidate] = found["error"]
            else:
                timed[candidate] = Timed(found["version"])
        for _ in range(rounds):
            waiting = [candidate for candidate in candidates if candidate in timed]
            for number in rng.permutation(len(waiting)):
                one = timed[waiting[number]]
                found = processes[waiting[number]].turn(seconds)
                if "error" in found:
                    failed[waiting[number]] = found["error"]
                    del timed[waiting[number]]
                    continue
                one.ms.append(float(np.median(found["ms"])))
                one.cpu_ms.append(float(np.median(found["cpu_ms"])))
                one.peak_rss_mb = found["peak_rss_mb"]
    finally:
        for process in processes.values():
            process.close()
    return timed, failed
