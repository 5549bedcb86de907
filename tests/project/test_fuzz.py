"""Hundreds of broken files through the real command: never a traceback, always a sentence for each refused file."""

from __future__ import annotations

import json
import random
import struct
import zlib
from collections.abc import Iterator

import pytest
from drawn import encoded, smear

from leuko_edge.cli import count, main
from leuko_edge.errors import PARTLY
from leuko_edge.model.classify import FixedClassifier

SUFFIXES = (".jpg", ".png", ".tif", ".bmp")
EACH = 25  # files of each kind of damage and each format


def flipped(data: bytes, rng: random.Random, bits: int, within: int) -> bytes:
    broken = bytearray(data)
    for _ in range(bits):
        broken[rng.randrange(min(within, len(data)))] ^= 1 << rng.randrange(8)
    return bytes(broken)


def truncated(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.choice([rng.randrange(64), rng.randrange(len(data))])]


def in_the_header(data: bytes, rng: random.Random) -> bytes:
    return flipped(data, rng, rng.randrange(1, 4), 64)


def anywhere(data: bytes, rng: random.Random) -> bytes:
    return flipped(data, rng, rng.randrange(1, 40), len(data))


def spliced(data: bytes, rng: random.Random) -> bytes:
    """A piece taken out, doubled, or overwritten with one byte."""
    start = rng.randrange(len(data))
    end = min(len(data), start + rng.randrange(1, 400))
    piece = rng.choice([b"", data[start:end] * 2, bytes([rng.randrange(256)]) * (end - start)])
    return data[:start] + piece + data[end:]


def checked_again(data: bytes, rng: random.Random) -> bytes:
    """A PNG whose damage is covered by right check sums, so that it reaches the decoder."""
    at, parts = 8, [data[:8]]
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        body = data[at + 4 : at + 8] + flipped(data[at + 8 : at + 8 + length] or b"\0", rng, 1, length or 1)[:length]
        parts.append(struct.pack(">I", length) + body + struct.pack(">I", zlib.crc32(body)))
        at += 12 + length
    return b"".join(parts)


def broken_files() -> Iterator[tuple[str, bytes]]:
    rng = random.Random(7)
    whole = {suffix: encoded(smear(160, 120), suffix) for suffix in SUFFIXES}
    for damage in (truncated, in_the_header, anywhere, spliced):
        for suffix, data in whole.items():
            for number in range(EACH):
                yield f"{damage.__name__}-{number}{suffix}", damage(data, rng)
    for number in range(EACH):
        yield f"checked-{number}.png", checked_again(whole[".png"], rng)
    for suffix in SUFFIXES:
        yield f"zero{suffix}", b""
        yield f"zeros{suffix}", bytes(5000)
        yield f"noise{suffix}", rng.randbytes(5000)
        yield f"letter{suffix}", b"Sehr geehrte Damen und Herren" * 40
        for other in SUFFIXES:
            seed = 100 + 10 * SUFFIXES.index(suffix) + SUFFIXES.index(other)  # each its own picture: copies count once
            yield f"wrong-name-{other[1:]}{suffix}", encoded(smear(160, 120, seed=seed), other)
            yield f"swapped-{other[1:]}{suffix}", whole[other][:32] + whole[suffix][32:]


@pytest.fixture
def fixed(monkeypatch):
    monkeypatch.setattr(count.Classifier, "from_path", lambda *_, **__: FixedClassifier("neutrophil"))


def test_some_hundred_broken_files_are_each_counted_or_refused_with_a_sentence(tmp_path, capfd, fixed):
    folder = tmp_path / "slide"
    folder.mkdir()
    files = dict(broken_files())
    for name, data in files.items():
        (folder / name).write_bytes(data)
    assert len(files) > 400
    assert main.main(["--image", str(folder), "--json", str(tmp_path / "r.json"), "--quiet"]) == PARTLY
    out, err = capfd.readouterr()
    report = json.loads((tmp_path / "r.json").read_text())
    refused = {image["path"] for image in report["images"] if not image["quality"]["counted"]}
    lines = [line for line in err.splitlines() if " overlaps " not in line]  # many of them show the same drawn field
    assert out == "" and report["frames"]["captured"] == len(files)
    assert len(lines) == len(refused) == report["frames"]["skipped"]["lost"]
    assert {line.split(": ", 1)[0] for line in lines} == refused
    assert all(len(line.split(": ", 1)[1]) > 15 for line in lines)
    # What is whole is counted whatever its name says, and what is truncated never is.
    names = {path.rsplit("/", 1)[1] for path in refused}
    assert not any(name.startswith("wrong-name") for name in names)
    assert sum(name.startswith("truncated") for name in names) >= 4 * EACH - 2  # a cut may spare the picture's data


@pytest.mark.parametrize("kind", ["empty", "text", "truncated"])
def test_a_folder_of_nothing_but_broken_files_is_exit_3(kind, tmp_path, capfd, fixed):
    data = {"empty": b"", "text": b"hello" * 99, "truncated": encoded(smear(), ".jpg")[:800]}[kind]
    for suffix in SUFFIXES:
        (tmp_path / f"a{suffix}").write_bytes(data)
    assert main.main(["--image", str(tmp_path)]) == 3
    out, err = capfd.readouterr()
    assert out == "" and len(err.splitlines()) == len(SUFFIXES) + 1
