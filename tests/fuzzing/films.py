"""Films with pieces overwritten, zeroed or cut off: which frames are delivered.

    python tests/fuzzing/films.py --n 20 --seed 1

Printed are tried, refused (told with a sentence), counted (every frame delivered is as recorded, and what is missing is
in `dropped`) and silently changed (a frame was delivered that is not as recorded, or one is missing without a word).
"""

# ruff: noqa: E402

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections import Counter
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[2] / "edge")]

import cv2
import numpy as np
from drawn import smear

from leuko_edge.errors import LeukoError
from leuko_edge.sources.video import VideoFile

FRAMES, NEAR = 36, 3  # grey values
KINDS = (("MJPG", ".avi"), ("mp4v", ".mp4"), ("XVID", ".avi"), ("FFV1", ".mkv"))


def film(path: Path, fourcc: str) -> bytes:
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter_fourcc(*fourcc), 10, (320, 240))
    slide = smear(800, 600, 12)
    for number in range(FRAMES):
        writer.write(np.ascontiguousarray(slide[5 * number : 5 * number + 240, 8 * number : 8 * number + 320]))
    writer.release()
    return path.read_bytes()


def frames(path: Path) -> tuple[list[np.ndarray], int, bool]:
    """What is delivered, what is dropped, and whether a sentence said that something is wrong."""
    found: list[np.ndarray] = []
    source = VideoFile(path)
    try:
        with source:
            found.extend(frame.bgr for frame in source)
    except LeukoError:
        return found, source.dropped, True
    return found, source.dropped, False


def damaged(data: bytes, rng: random.Random) -> bytes:
    at, size = rng.randrange(len(data) // 4, len(data)), rng.randrange(1, 2000)
    piece = rng.choice([rng.randbytes(size), bytes(size), None])
    return data[:at] if piece is None else (data[:at] + piece + data[at + size :])[: len(data)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--n", type=int, default=20, help="damaged films of each kind")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        for fourcc, suffix in KINDS:
            path, said = Path(folder) / f"film{suffix}", Counter[str]()
            data = film(path, fourcc)
            whole = frames(path)[0]
            for _ in range(options.n):
                path.write_bytes(damaged(data, rng))
                found, dropped, told = frames(path)
                true = all(any(cv2.absdiff(bgr, one).max() <= NEAR for one in whole) for bgr in found)
                missing = len(whole) - len(found)
                silent = not true or (missing > 0 and not dropped and not told)
                said["silently changed" if silent else "refused" if told else "counted"] += 1
            words = ("refused", "counted", "silently changed")
            print(f"{fourcc} {options.n} tried,", ", ".join(f"{said[word]} {word}" for word in words))
    return 0


if __name__ == "__main__":
    sys.exit(main())
