"""The labs' films: a drawn smear under a stage that goes round and comes back to where it began.

Cameras play them again and again (libcamera's virtual one a folder's 0.jpg, 1.jpg, …), so the way is closed: from the
last frame to the first the stage moves no further than between any other two.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from leuko_edge.simulate import NO_FAULTS, STEADY, SlideFilm, Smear, driven, serpentine
from leuko_edge.simulate.demo import true_counts
from leuko_edge.types import LEUKOCYTES


@dataclass(frozen=True)
class Reel:
    """What a film is drawn from. The views lie in two rows, so that the way to and fro is a ring."""

    view: tuple[int, int] = (1280, 960)  # width, height, px
    um_per_px: float = 0.1
    columns: int = 2
    overlap: float = 0.4
    cells: int = 11  # leukocytes on the smear; truth.json tells how many the film shows
    rest: int = 3  # frames
    move: int = 4
    seed: int = 7


CONTAINER = Reel()
"""Few frames, for libcamera 0.4 keeps each of them four times, 7 MB, and decodes it three times before it starts."""

ROWS = 2
VIRTUAL = """%YAML 1.1
---
"Virtual0":
  supported_formats:
  - width: {width}
    height: {height}
    frame_rates:
    - 5
    - 30
  frames:
    path: "{path}"
  location: "CameraLocationBack"
  model: "imx708"
"""
"""For libcamera's /usr/share/libcamera/pipeline/virtual/virtual.yaml."""


def draw(folder: Path, reel: Reel) -> int:
    """Draw the film as JPEG files into `folder`/frames, with `folder`/truth.json beside; the number of frames.

    truth.json: "leukocytes" and "cells" that at least one frame shows whole, still and sharp.
    """
    width, height = (
        round(side * (1 + (views - 1) * (1 - reel.overlap)))
        for side, views in zip(reel.view, (reel.columns, ROWS), strict=True)
    )
    smear = Smear(reel.seed, true_counts(reel.cells), width=width, height=height, um_per_px=reel.um_per_px)
    stops = serpentine((width, height), reel.view, reel.overlap)
    motor = replace(STEADY, rest=reel.rest, move=reel.move)
    poses = list(driven([*stops, stops[0]], motor, np.random.default_rng(reel.seed)))[: -motor.rest]
    frames = folder / "frames"  # the camera takes every file in it for a frame
    frames.mkdir(parents=True)
    with SlideFilm(smear, poses, view=reel.view, faults=NO_FAULTS, seed=reel.seed) as film:
        for number, frame in enumerate(film):
            cv2.imwrite(str(frames / f"{number}.jpg"), frame.bgr, [cv2.IMWRITE_JPEG_QUALITY, 95])
        seen = film.seen_whole(readable=True)
    truth = {"cells": len(seen), "leukocytes": sum(cell.label in LEUKOCYTES for cell in seen)}
    (folder / "truth.json").write_text(json.dumps(truth))
    return number + 1


def cached(cache: Path, reel: Reel = CONTAINER) -> Path:
    """The film's folder in `cache`, drawn where it is not there yet; one that was drawn otherwise is another."""
    recipe = hashlib.sha256(Path(__file__).read_bytes() + repr(reel).encode()).hexdigest()
    folder = cache / f"film-{recipe[:12]}"
    if not folder.is_dir():
        part = folder.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        draw(part, reel)
        part.rename(folder)
    return folder
