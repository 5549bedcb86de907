"""`python edge/benchmarks/review_page.py`: a session of 200 cells on the review pages, in Debian's Chromium.

Prints how long the page takes until something useful is painted and until all its cells are, how long from a key to the
new differential on the page, and what memory the server takes meanwhile: resident, and its share of it (PSS), for most
of its libraries other processes use too.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from review_load import CELLS, made, processor_ms, started

CHANGE = """
const done = arguments[arguments.length - 1], label = arguments[1];
const button = document.querySelector(`.cell[data-cell="${arguments[0]}"]`), key = page.keys[label];
button.click();
const before = document.getElementById("differential").tBodies[0].innerText, began = performance.now();
new MutationObserver((_, watching) => {
  if (document.getElementById("differential").tBodies[0].innerText === before) return;
  watching.disconnect();
  requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - began)));
}).observe(document.getElementById("differential"), { childList: true, subtree: true });
document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
"""
SEEN = """
const painted = performance.getEntriesByName("first-contentful-paint")[0];
const cells = [...document.querySelectorAll(".cell img")].filter((one) => {
  const box = one.getBoundingClientRect();
  return box.top < innerHeight && box.bottom > 0;
});
const got = performance.getEntriesByType("resource").filter((one) => one.name.includes("/cells/"));
const ready = painted && cells.length && cells.every((one) => one.complete && one.naturalWidth);
return ready ? [painted.startTime, Math.max(...got.map((one) => one.responseEnd)), cells.length] : null;
"""


def browser(folder: Path) -> Any:
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for word in ("--headless", "--no-sandbox", "--disable-gpu", "--window-size=1280,800", f"--user-data-dir={folder}"):
        options.add_argument(word)
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))


def memory(process: subprocess.Popen[str]) -> str:
    lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
    found = {line.split(":")[0]: int(line.split()[1]) / 1024 for line in lines if line.startswith(("Rss:", "Pss:"))}
    return f"{found['Rss']:.0f} MB resident, {found['Pss']:.0f} MB its share"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loads", type=int, default=5)
    parser.add_argument("--changes", type=int, default=40)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sessions.sqlite3"
        made(path)
        with started(path) as (address, process):
            print(f"server: {memory(process)} when started")
            opened = browser(Path(folder) / "browser")
            try:
                seen, before = [], processor_ms(process)
                for _ in range(options.loads):
                    opened.get("about:blank")
                    opened.get(f"{address}/sessions/1")
                    while not (found := opened.execute_script(SEEN)):
                        time.sleep(0.02)
                    seen.append(found)
                paints, wholes, in_view = zip(*seen, strict=True)
                print(
                    f"page of {CELLS} cells, ms to the first paint: {_said(paints)}; to the picture of the last of the "
                    f"{in_view[-1]} cells in view: {_said(wholes)}; "
                    f"{(processor_ms(process) - before) / len(seen):.0f} of the server's processor"
                )
                times, before = [], processor_ms(process)
                for number in range(options.changes):
                    label = ("monocyte", "lymphocyte")[number // CELLS % 2]
                    times.append(opened.execute_async_script(CHANGE, number % CELLS + 1, label))
                spent = (processor_ms(process) - before) / len(times)
                print(
                    f"ms from a key to the new differential painted: {_said(times)}; {spent:.0f} of the server's"
                    " processor"
                )
            finally:
                opened.quit()
            print(f"server: {memory(process)} after that")
            urllib.request.urlopen(f"{address}/sessions/1/report.pdf").read()
            print(f"server: {memory(process)} after a PDF")
    return 0


def _said(times: Sequence[float]) -> str:
    return f"median {statistics.median(times):.0f}, largest {max(times):.0f}"


if __name__ == "__main__":
    sys.exit(main())
