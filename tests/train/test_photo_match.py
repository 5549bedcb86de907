"""Copies of one photograph are recognised though they are turned, scaled and compressed; unlike ones are not."""

from __future__ import annotations

from pathlib import Path

import cv2
import labfolder
import numpy as np
import pytest
from laid import turned

from leuko_train.data.photo_match import PhotoMatcher

COUNT = 6


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("photographs")
    return [stored(folder / f"{n}.png", labfolder.field(n, "neutrophil").bgr) for n in range(COUNT)]


def stored(path: Path, bgr: np.ndarray) -> Path:
    labfolder.save(path, bgr)
    return path


def pixels(path: Path) -> np.ndarray:
    bgr = cv2.imread(str(path))
    assert bgr is not None
    return bgr


CHANGES = {
    "turned": lambda bgr: turned(bgr, 25),
    "mirrored": lambda bgr: cv2.flip(bgr, 1),
    "mirrored and turned": lambda bgr: turned(cv2.flip(bgr, 1), 40),
    "upside down": lambda bgr: cv2.rotate(bgr, cv2.ROTATE_180),
    "on its side": lambda bgr: cv2.rotate(bgr, cv2.ROTATE_90_CLOCKWISE),
    "small": lambda bgr: cv2.resize(bgr, None, fx=0.75, fy=0.75, interpolation=cv2.INTER_AREA),
    "shifted": lambda bgr: cv2.warpAffine(bgr, np.float32([[1, 0, 40], [0, 1, -25]]), (320, 240)),
    "paler": lambda bgr: cv2.convertScaleAbs(bgr, alpha=0.85, beta=20),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_copy_is_recognised_as_its_own_photograph(photographs, tmp_path, change):
    copies = [stored(tmp_path / f"{n}.jpg", CHANGES[change](pixels(photographs[n]))) for n in (4, 1)]
    matcher = PhotoMatcher(photographs)
    assert [matcher.find(copy) for copy in copies] == [4, 1]


def test_another_photograph_under_the_same_microscope_is_none_of_them(photographs, tmp_path):
    others = [stored(tmp_path / f"{n}.jpg", labfolder.field(50 + n, "neutrophil").bgr) for n in range(4)]
    matcher = PhotoMatcher(photographs)
    assert [matcher.find(other) for other in others] == [None] * len(others)


def test_a_picture_without_any_detail_is_none_of_them(photographs, tmp_path):
    flat = stored(tmp_path / "flat.png", np.full((240, 320, 3), 200, np.uint8))
    assert PhotoMatcher(photographs).find(flat) is None
    assert PhotoMatcher([flat, photographs[0]]).find(photographs[0]) == 1


def test_photographs_that_overlap_or_mirror_each_other_show_one_place(photographs, tmp_path):
    again = [
        stored(tmp_path / "beside.png", CHANGES["shifted"](pixels(photographs[2]))),
        stored(tmp_path / "mirrored.png", CHANGES["mirrored"](pixels(photographs[0]))),
    ]
    place = PhotoMatcher([*photographs, *again]).places()
    assert place[COUNT] == place[2] and place[COUNT + 1] == place[0]
    assert len(set(place)) == COUNT
