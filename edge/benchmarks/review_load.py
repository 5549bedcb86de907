"""Several people change one session of 200 cells at once over the review pages: how long each waits, and what is lost.

    python edge/benchmarks/review_load.py --changes 10000 --clients 4

Each client changes cells at random, as it last saw them; a change that came too late is refused and made anew. At the
end every change that was answered must stand in the history once, in an unbroken chain for each cell.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from leuko_edge.session import Accounts
from leuko_edge.store import NewCell, SessionInfo, SessionStore
from leuko_edge.store.archive import Archive
from leuko_edge.types import CLASSES

CELLS = 200


def made(path: Path) -> None:
    shares = tuple(1.0 if label == "neutrophil" else 0.0 for label in CLASSES)
    rng = np.random.default_rng(1)
    with SessionStore.create(path, SessionInfo(sample="load", classes=CLASSES)) as store:
        for number in range(CELLS):
            crop = rng.integers(0, 255, (64, 64, 3), np.uint8)
            place = {"area": 1, "key": 0, "dx": 0.0, "dy": 0.0, "x": 200.0 * number, "y": 0.0}
            cell = NewCell("neutrophil", 1.0, shares, 1, **place, box=(0, 0, 90, 90), frame=1, crop=crop, seen_at=1.0)
            store.add_cell(cell, Accounts(1))


@contextlib.contextmanager
def started(path: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The pages of the database at `path`: their address, and the process that serves them."""
    words = [sys.executable, "-m", "leuko_edge", "review", "--port", "0", "--database", str(path)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield re.search(r"http://[^/]+", server.stdout.readline())[0], server  # type: ignore[index]
        finally:
            server.terminate()


def processor_ms(server: subprocess.Popen[str]) -> float:
    """Of the server since it started, which other work on the machine does not change."""
    spent = Path(f"/proc/{server.pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13]
    return 1000 * sum(map(int, spent)) / os.sysconf("SC_CLK_TCK")


def asked(address: str, body: object = None, token: str = "") -> bytes:
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(address, data, {"x-token": token}), timeout=60) as answer:
        return bytes(answer.read())


def client(address: str, changes: int, seed: int, times: list[float], refused: Counter[str]) -> None:
    rng = random.Random(seed)
    token = re.search(rb'name="token" content="(\w+)"', asked(f"{address}/"))[1].decode()  # type: ignore[index]
    state = json.loads(asked(f"{address}/sessions/1/state"))
    done = 0
    while done < changes:
        cell = rng.choice(state["cells"])
        after = rng.choice([label for label in CLASSES if label != cell["label"]])
        body = {"changes": [{"cell": cell["id"], "before": cell["label"], "after": after}]}
        began = time.perf_counter()
        try:
            state = json.loads(asked(f"{address}/sessions/1/change", body, token))
        except urllib.error.HTTPError as error:
            refused[json.loads(error.read())["code"]] += 1
            state = json.loads(asked(f"{address}/sessions/1/state"))
            continue
        times.append(1000 * (time.perf_counter() - began))
        done += 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--changes", type=int, default=10_000)
    parser.add_argument("--clients", type=int, default=4)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sessions.sqlite3"
        made(path)
        with started(path) as (address, server):
            times: list[float] = []
            before = processor_ms(server)
            refused: Counter[str] = Counter()
            each = options.changes // options.clients
            threads = [
                threading.Thread(target=client, args=(address, each, n, times, refused)) for n in range(options.clients)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            ended = server.poll()
            spent = 0.0 if ended is not None else processor_ms(server) - before
            memory = "" if ended is not None else Path(f"/proc/{server.pid}/status").read_text()
        with Archive(path) as archive:
            record = archive.record(1)
    now = {cell.id: "neutrophil" for cell in record.cells}
    broken = 0
    for event in record.events:
        broken += event.before != now[event.cell or 0]
        now[event.cell or 0] = event.after or ""
    broken += sum(now[cell.id] != cell.label for cell in record.cells)
    print(f"{len(times)} changes answered, {len(record.events)} in the history, {broken} out of order, {dict(refused)}")
    print(
        f"ms from a change to the new differential: median {statistics.median(times):.0f}, "
        f"95 % below {statistics.quantiles(times, n=20)[-1]:.0f}; {spent / len(times):.1f} ms of the server's processor"
    )
    if ended is not None:
        print(f"the server ended by itself, exit code {ended}")
    else:
        print(re.search(r"VmHWM:\s+(.*)", memory)[0])  # type: ignore[index]
    wanted = options.changes // options.clients * options.clients
    return int(broken > 0 or len(record.events) != len(times) or len(times) < wanted or ended is not None)


if __name__ == "__main__":
    sys.exit(main())
