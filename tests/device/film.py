"""The lab's film: a drawn smear under a stage that goes round and comes back to where it began.

libcamera's virtual camera plays a folder's 0.jpg, 1.jpg, … again and again, so the way is closed: from the last frame
to the first the stage moves no further than between any other two.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from leuko_edge.demo import true_counts
from leuko_edge.simulate import NO_FAULTS, STEADY, SlideFilm, Smear, driven, serpentine
from leuko_edge.types import LEUKOCYTES

VIEW = (1280, 960)
SIDE = 2  # fields in a row, and rows: with two the way to and fro is a ring
OVERLAP = 0.4
CELLS = 11
MOTOR = replace(STEADY, rest=3, move=4)
# Few frames, for libcamera 0.4 keeps each of them four times, 7 MB, and decodes it three times before it starts.
SEED = 7

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


def draw(folder: Path) -> int:
    """Draw the film as JPEG files into `folder`/frames, with `folder`/truth.json beside; the number of frames.

    truth.json: "leukocytes" and "cells" that at least one frame shows whole, still and sharp.
    """
    width, height = (round(side * (1 + (SIDE - 1) * (1 - OVERLAP))) for side in VIEW)
    smear = Smear(SEED, true_counts(CELLS), width=width, height=height)
    stops = serpentine((width, height), VIEW, OVERLAP)
    poses = list(driven([*stops, stops[0]], MOTOR, np.random.default_rng(SEED)))[: -MOTOR.rest]
    frames = folder / "frames"  # the camera takes every file in it for a frame
    frames.mkdir(parents=True)
    with SlideFilm(smear, poses, view=VIEW, faults=NO_FAULTS, seed=SEED) as film:
        for number, frame in enumerate(film):
            cv2.imwrite(str(frames / f"{number}.jpg"), frame.bgr, [cv2.IMWRITE_JPEG_QUALITY, 95])
        seen = film.seen_whole(readable=True)
    truth = {"cells": len(seen), "leukocytes": sum(cell.label in LEUKOCYTES for cell in seen)}
    (folder / "truth.json").write_text(json.dumps(truth))
    return number + 1


def cached(cache: Path) -> Path:
    """The film's folder in `cache`, drawn where it is not there yet; one that was drawn otherwise is another."""
    recipe = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
    folder = cache / f"film-{recipe[:12]}"
    if not folder.is_dir():
        part = folder.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        draw(part)
        part.rename(folder)
    return folder
