"""What FFmpeg conceals in a film is left out and tallied, and a film without colour is refused as a grey picture is."""

import random

import cv2
import numpy as np
import pytest
from drawn import smear

from leuko_edge.errors import PictureError, Reason
from leuko_edge.sources.video import VideoFile

FRAMES = 36


def film(path, fourcc: str, colour: bool = True, black: int = 0) -> bytes:
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter_fourcc(*fourcc), 10, (320, 240))
    if not writer.isOpened():
        pytest.skip(f"this OpenCV writes no {fourcc}")
    slide = smear(800, 600, 12)
    if not colour:
        slide = cv2.cvtColor(cv2.cvtColor(slide, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    for number in range(FRAMES):
        view = slide[5 * number : 5 * number + 240, 8 * number : 8 * number + 320]
        writer.write(np.zeros_like(view) if number < black else np.ascontiguousarray(view))
    writer.release()
    return path.read_bytes()


def frames(path) -> tuple[dict[int, np.ndarray], int]:
    """Delivered frames by their time in the film, in tenths of a second, and how many were dropped."""
    with VideoFile(path) as source:
        first = path.stat().st_mtime
        return {round(10 * (frame.captured_at - first)): frame.bgr for frame in source}, source.dropped


@pytest.mark.parametrize(("fourcc", "suffix"), [("MJPG", ".avi"), ("mp4v", ".mp4"), ("XVID", ".avi"), ("FFV1", ".mkv")])
def test_no_frame_that_ffmpeg_complained_of_or_that_builds_on_it_is_delivered(fourcc, suffix, tmp_path):
    path, rng = tmp_path / f"film{suffix}", random.Random(2)
    data = film(path, fourcc)
    whole, dropped = frames(path)
    assert len(whole) == FRAMES and dropped == 0
    for _ in range(3):
        broken = bytearray(data)
        at = rng.randrange(len(data) // 3, 2 * len(data) // 3)
        broken[at : at + 300] = rng.randbytes(300)
        path.write_bytes(broken)
        found, dropped = frames(path)
        assert dropped > 0 and found
        assert all(np.abs(bgr.astype(int) - whole[at]).max() <= 3 for at, bgr in found.items())


def test_a_film_without_colour_is_refused(tmp_path):
    film(tmp_path / "grey.avi", "MJPG", colour=False)
    with pytest.raises(PictureError, match="grey") as caught:
        frames(tmp_path / "grey.avi")
    assert caught.value.reason is Reason.GREY


def test_a_film_that_begins_in_black_is_not_without_colour(tmp_path):
    film(tmp_path / "black.avi", "MJPG", black=5)
    found, dropped = frames(tmp_path / "black.avi")
    assert len(found) == FRAMES - 5 and dropped == 5


@pytest.mark.realdata
def test_the_film_without_colour_that_was_counted_is_refused(cases):
    with pytest.raises(PictureError, match="grey"):
        frames(cases / "film_without_colour.mp4")
