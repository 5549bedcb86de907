"""`python edge/benchmarks/review_pictures.py references | pages`: the drawn pictures of the review pages.

`references` draws four cells of each class, as counting crops them, for who compares where a site has signed none of
its own (`review/static/reference/`). `pages` counts a drawn slide with the shipped model, opens it in Debian's Chromium
and takes the pictures of the README (`edge/pictures/`), each below 150 kB.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import cv2
import numpy as np
from review_load import started
from review_page import browser

from leuko_edge.simulate import draw_field
from leuko_edge.types import CLASSES
from leuko_edge.vision.crop import cut
from leuko_edge.vision.field import Field

EDGE = Path(__file__).resolve().parents[1]
CELLS = 4
UM, WINDOW_UM, SIDE = 0.1, 24.0, 64


def references() -> None:
    folder = EDGE / "leuko_edge" / "review" / "static" / "reference"
    folder.mkdir(exist_ok=True)
    for number, label in enumerate(CLASSES):
        rng = np.random.default_rng(number)
        crops = []
        for _ in range(CELLS):
            drawn = draw_field(rng, width=480, height=480, um_per_px=UM, cells=[label])
            crops.append(cut(Field.from_bgr(drawn.bgr, UM), [drawn.truth[0].centre], WINDOW_UM, SIDE)[0])
        strip = cv2.cvtColor(np.concatenate(crops, axis=1), cv2.COLOR_RGB2BGR)
        cv2.imwrite(str(folder / f"{label}.png"), strip, [cv2.IMWRITE_PNG_COMPRESSION, 9])


def pages() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder, rng = Path(name), np.random.default_rng(4)
        (folder / "slide").mkdir()
        kinds = ["neutrophil"] * 5 + ["lymphocyte"] * 3 + ["monocyte", "eosinophil"]
        for number in range(10):
            extra = [["basophil"], ["blast"], ["variant_lymphocyte"], ["immature_granulocyte"]][number % 4]
            cells = [str(one) for one in rng.permutation(kinds)[:9]] + extra
            cv2.imwrite(str(folder / "slide" / f"{number + 1}.png"), draw_field(rng, cells=cells).bgr)
        database = folder / "sessions.sqlite3"
        words = ["--image", folder / "slide", "--sample", "S-17", "--operator", "AB", "--database", database]
        subprocess.run([sys.executable, "-m", "leuko_edge", *map(str, words), "--quiet"], check=True)
        opened = browser(folder / "browser")
        try:
            with started(database) as (address, _):
                opened.get(f"{address}/sessions/1")
                time.sleep(3)
                opened.execute_script("choose(state.unseen[0] ?? 1)")
                time.sleep(2)
                saved(opened.get_screenshot_as_png(), "review-gallery.png")
                opened.execute_script("openField(5)")
                time.sleep(3)
                saved(opened.get_screenshot_as_png(), "review-picture.png")
            live(opened, folder)
        finally:
            opened.quit()


def live(opened: object, folder: Path) -> None:
    told = {"LEUKO_EDGE_REVIEW_ENABLED": "true", "LEUKO_EDGE_REVIEW_PORT": "18642", "RUNTIME_DIRECTORY": str(folder)}
    words = [sys.executable, "-m", "leuko_edge", "serve", "--demo", "--display", "none"]
    with subprocess.Popen(words, env={**os.environ, **told}) as service:
        try:
            for _ in range(600):
                try:
                    if b"session" in urllib.request.urlopen("http://127.0.0.1:18642/live").read():
                        break
                except OSError:
                    pass
                time.sleep(0.2)
            opened.get("http://127.0.0.1:18642/sessions/1")  # type: ignore[attr-defined]
            for _ in range(90):
                seen = json.loads(urllib.request.urlopen("http://127.0.0.1:18642/live").read())
                if seen["differential"]["counted"] >= 5 and seen["counting"]:
                    break
                time.sleep(1)
            time.sleep(1)
            saved(opened.get_screenshot_as_png(), "review-live.png")  # type: ignore[attr-defined]
        finally:
            service.terminate()


def saved(png: bytes, name: str) -> None:
    """With as few colours as it needs to stay below 150 kB."""
    import io

    from PIL import Image

    for colours in (256, 128, 64, 32):
        out = io.BytesIO()
        Image.open(io.BytesIO(png)).convert("RGB").quantize(colours).save(out, "PNG", optimize=True)
        if out.tell() < 150_000:
            break
    (EDGE / "pictures" / name).write_bytes(out.getvalue())
    print(f"{name}: {out.tell() // 1000} kB, {colours} colours")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("references", "pages"))
    {"references": references, "pages": pages}[parser.parse_args().what]()
    return 0


if __name__ == "__main__":
    sys.exit(main())
