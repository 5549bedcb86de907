"""Films woven of half pictures are refused with what to do, by what FFmpeg says of them or by their combs."""

import cv2
import numpy as np
import pytest
from laid import body, lay

from leuko_edge.errors import PictureError, Reason
from leuko_edge.sources import interlacing
from leuko_edge.sources.video import VideoFile


@pytest.fixture(scope="module")
def slide():
    return lay([(body("neutrophil", 1), 30, 20)], 640, 400)


def film(path, slide, fourcc: str, step: int, woven: bool) -> None:
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter_fourcc(*fourcc), 25, (320, 240))
    if not writer.isOpened():
        pytest.skip(f"this OpenCV writes no {fourcc}")
    for number in range(12):
        x = 2 * number * step
        view = slide[60:300, x : x + 320].copy()
        if woven:
            view[1::2] = slide[61:300:2, x + step : x + step + 320]
        writer.write(view)
    writer.release()


@pytest.mark.parametrize(("fourcc", "suffix"), [("MJPG", ".avi"), ("mp4v", ".mp4"), ("FFV1", ".mkv")])
def test_a_woven_film_is_refused_and_none_of_its_combed_pictures_delivered(slide, fourcc, suffix, tmp_path):
    film(tmp_path / f"woven{suffix}", slide, fourcc, 5, True)
    found = []
    with (
        pytest.raises(PictureError, match=r"interlaced.*bwdif") as caught,
        VideoFile(tmp_path / f"woven{suffix}") as source,
    ):
        found.extend(source)
    assert caught.value.reason is Reason.INTERLACED and not found


@pytest.mark.parametrize("step", [0, 1, 5, 12])
def test_a_film_of_whole_pictures_is_delivered_however_fast_the_stage(slide, step, tmp_path):
    film(tmp_path / "whole.avi", slide, "MJPG", step, False)
    with VideoFile(tmp_path / "whole.avi") as source:
        assert len(list(source)) == 12 and source.dropped == 0


def test_what_ffmpeg_says_of_an_interlaced_picture_is_heard():
    complaint = b"[OPENCV:FFMPEG:16] Cannot convert interlaced to progressive frames or vice versa.\n"
    assert interlacing.said(complaint) and not interlacing.said(b"[OPENCV:FFMPEG:16] error while decoding MB 3 4")


def test_lines_of_an_even_noisy_picture_are_no_combs():
    noise = np.random.default_rng(1).normal(120, 6, (240, 320, 3))
    assert interlacing.lines(np.clip(noise, 0, 255).astype(np.uint8)) < 1.1
    assert interlacing.lines(np.full((240, 320, 3), 120, np.uint8)) == 0
