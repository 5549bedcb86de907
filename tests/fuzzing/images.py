"""Pictures with flipped bits, zeros, cuts and doubled pieces: what the program makes of them.

    python tests/fuzzing/images.py --n 200 --seed 1

Printed are tried, refused (told with a sentence), counted (the pixels are those of the whole picture) and silently
changed (read as other pixels although nothing was said: JPEG, and what is stored as it is, carry no checksum). Exit
code 1 where one of a format with checksums was silently changed.
"""

# ruff: noqa: E402

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[2] / "edge")]

import cv2
import numpy as np
from drawn import smear

from leuko_edge.errors import PictureError
from leuko_edge.sources.picture_decoding import decode

_TIFF = cv2.IMWRITE_TIFF_COMPRESSION
KINDS = {
    "jpeg": (".jpg", []),
    "jpeg progressive": (".jpg", [cv2.IMWRITE_JPEG_PROGRESSIVE, 1]),
    "png": (".png", []),
    "tiff deflate": (".tif", [_TIFF, 8]),
    "tiff lzw": (".tif", [_TIFF, 5]),
    "tiff packbits": (".tif", [_TIFF, 32773]),
    "tiff stored": (".tif", [_TIFF, 1]),
    "bmp": (".bmp", []),
}
CHECKED = ("png", "tiff deflate")


def flipped(data: bytes, rng: random.Random) -> bytes:
    broken = bytearray(data)
    for _ in range(rng.randrange(1, 10)):
        broken[rng.randrange(len(broken))] ^= 1 << rng.randrange(8)
    return bytes(broken)


def zeroed(data: bytes, rng: random.Random) -> bytes:
    at, size = rng.randrange(len(data)), rng.randrange(16, 4096)
    return (data[:at] + bytes(size) + data[at + size :])[: len(data)]


def cut(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data))]


def doubled(data: bytes, rng: random.Random) -> bytes:
    at, size = rng.randrange(len(data)), rng.randrange(1, 400)
    return data[: at + size] + data[at:]


DAMAGE: tuple[Callable[[bytes, random.Random], bytes], ...] = (flipped, zeroed, cut, doubled)


def tried(kind: str, number: int, rng: random.Random) -> Counter[str]:
    """What became of `number` damaged pictures of one of KINDS."""
    suffix, how = KINDS[kind]
    data = cv2.imencode(suffix, smear(), how)[1].tobytes()
    whole, said = decode(data), Counter[str]()
    for _ in range(number):
        said["tried"] += 1
        try:
            pixels = decode(rng.choice(DAMAGE)(data, rng))
        except PictureError:
            said["refused"] += 1
        else:
            said["counted" if np.array_equal(pixels, whole) else "silently changed"] += 1
    return said


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--n", type=int, default=200, help="damaged pictures of each kind")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng, bad = random.Random(options.seed), 0
    for kind in KINDS:
        said = tried(kind, options.n, rng)
        words = ("tried", "refused", "counted", "silently changed")
        print(f"{kind:17}", ", ".join(f"{said[word]} {word}" for word in words))
        bad += said["silently changed"] if kind in CHECKED else 0
    print(f"silently changed although a checksum could tell: {bad}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
