"""A second of a camera's frames, and what `leuko-edge doctor` makes of a camera that it cannot have."""

from __future__ import annotations

import os
from dataclasses import replace

import cv2
import numpy as np
import pytest
from configured import configured

from leuko_edge.camera import listing
from leuko_edge.doctor import Finding, Machine, cameras
from leuko_edge.doctor.cameras import Seen, check_camera, check_list
from leuko_edge.doctor.settings import Settings
from leuko_edge.doctor.systemd_unit import Unit
from leuko_edge.errors import CameraBusy, SourceLost
from leuko_edge.simulate import draw_field
from leuko_edge.types import Frame

USB = Seen("/dev/v4l/by-id/usb-scope", "USB scope")
BUSY = CameraBusy(f"the camera {USB.where} is used by another program", "close that one first")
RUNNING = Unit(
    "active", "running", "enabled", "success", "session 3: 41 of 100", False, 0, "30s", 812, "leuko-edge", ()
)
FIELD = draw_field(np.random.default_rng(1), width=640, height=480, cells=["neutrophil"]).bgr


class Film:
    """A camera of `rate` frames a second: `pictures` in turn, its time that of the frames and not of the clock."""

    name, live, dropped, warning, hangs = "film", True, 0, "", False

    def __init__(self, *pictures: np.ndarray, rate: float = 30.0, step: int = 1):
        self.pictures, self.rate, self.step = pictures, rate, step

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def __iter__(self):
        for n, bgr in enumerate(self.pictures):
            yield Frame(n * self.step, 1000 + n * self.step / self.rate, bgr)

    def describe(self):
        return {"kind": "v4l2", "width": 640, "height": 480, "fourcc": "MJPG", "fps": 30.0}


def examined(source, settings: Settings | None = None, unit: Unit | None = None, camera: Seen = USB) -> list[Finding]:
    def opened(where, wishes):
        assert where == camera.where and wishes["tries"] == 0
        if isinstance(source, Exception):
            raise source
        return source

    return check_camera(camera, settings or Settings(), unit, Machine(user="pi"), opened)


def named(findings: list[Finding], what: str) -> Finding:
    [found] = [finding for finding in findings if finding.name == f"USB scope: {what}"]
    return found


def noisy(bgr: np.ndarray, seed: int) -> np.ndarray:
    return cv2.add(bgr, np.random.default_rng(seed).normal(0, 2, bgr.shape), dtype=cv2.CV_8U)


@pytest.fixture(autouse=True)
def no_tuning(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def test_a_camera_that_counts_well_is_good_in_everything_and_its_rate_is_of_what_it_captured():
    found = examined(Film(*(noisy(FIELD, n) for n in range(5)), rate=24.0, step=3))
    assert {finding.state for finding in found} == {"good"}
    assert found[0].found == "gives MJPG at 640×480, says 30 frames a second"
    assert named(found, "frames").found == "640×480 pixels, 24.0 frames a second (5 looked at)"


def test_a_slow_camera_is_a_warning_also_where_one_frame_came():
    for film in (Film(FIELD, FIELD, rate=2.0), Film(FIELD)):
        assert named(examined(film), "frames").state == "warning"


def test_a_white_balance_that_moves_within_the_second_is_a_warning_and_one_that_rests_is_not():
    warmer = np.clip(FIELD * np.array([0.94, 1.0, 1.0]), 0, 255).astype(np.uint8)
    drifting = named(examined(Film(FIELD, warmer)), "white balance")
    assert drifting.state == "warning" and "camera tune" in drifting.advice
    dimmer = (FIELD * 0.94).astype(np.uint8)  # a lamp that flickers has not another colour
    assert named(examined(Film(FIELD, dimmer)), "white balance").state == "good"


@pytest.mark.parametrize(
    ("bgr", "what", "state", "words"),
    [
        (cv2.GaussianBlur(FIELD, (0, 0), 8), "focus", "warning", "nothing is in focus"),
        (np.full_like(FIELD, 210), "focus", "skipped", "an empty field"),
        ((FIELD * 0.1).astype(np.uint8), "light", "warning", "too dark"),
        (cv2.add(FIELD, np.full_like(FIELD, 90)), "light", "warning", "too bright"),
    ],
)
def test_blur_an_empty_field_and_wrong_light_are_told(bgr, what, state, words):
    found = named(examined(Film(bgr, bgr)), what)
    assert found.state == state and words in found.found and found.advice


def test_a_tuning_that_could_not_be_applied_is_a_warning():
    film = Film(FIELD, FIELD)
    film.warning = "the tuning is of another camera"
    assert named(examined(film), "tuning").found == film.warning


def test_a_camera_that_cannot_be_opened_is_bad_with_its_own_sentence():
    [found] = examined(SourceLost("the camera was unplugged", "plug it in again"))
    assert found == Finding("USB scope", "bad", "the camera was unplugged", "plug it in again")


def test_a_camera_that_the_service_counts_with_is_skipped_and_its_count_is_told():
    for source, camera in ((BUSY, USB), (Film(FIELD), replace(USB, problem=BUSY))):
        [found] = examined(source, unit=RUNNING, camera=camera)
        assert found.state == "skipped" and "41 of 100" in found.found and "attach" in found.advice


def test_a_camera_that_another_program_uses_is_bad_and_that_program_is_named(tmp_path):
    device = tmp_path / "video0"
    device.touch()
    process = tmp_path / "root" / "proc" / "812"
    (process / "fd").mkdir(parents=True)
    (process / "comm").write_text("motion\n")
    (process / "fd" / "3").symlink_to(device)
    camera = Seen(str(device), "USB scope", CameraBusy("it is used by another program", "close that one first"))
    [found] = check_camera(camera, Settings(), None, Machine(root=tmp_path / "root", user="pi"))
    assert found.state == "bad" and found.found == "in use by motion (process 812)"


def test_what_is_wrong_with_a_camera_that_is_not_counted_with_is_a_warning(tmp_path):
    lost = SourceLost("the camera was unplugged", "plug it in again")
    for source, state in (("/dev/video7", "warning"), (str(tmp_path), "warning"), (USB.where, "bad"), ("auto", "bad")):
        [found] = examined(lost, Settings(configured({"camera.source": source})))
        assert found.state == state, source


def test_no_camera_is_bad_unless_counting_is_from_a_film(tmp_path):
    film = tmp_path / "stage.mp4"
    film.touch()
    for source, state in (("auto", "bad"), (str(film), "skipped"), (str(tmp_path), "skipped")):
        [found] = check_list([], Settings(configured({"camera.source": source})))
        assert found.state == state, source
    [found] = check_list([USB], Settings())
    assert found.found == f"USB scope ({USB.where})"


def test_a_camera_that_the_configuration_names_is_looked_at_although_the_system_does_not_list_it(monkeypatch):
    monkeypatch.setattr(listing, "cameras", list)
    missing = "/dev/v4l/by-id/usb-that-was-sold"
    [seen] = cameras.list_cameras(Settings(configured({"camera.source": missing})))
    [found] = check_camera(seen, Settings(configured({"camera.source": missing})), None, Machine(user="pi"))
    assert found.state == "bad" and "is not there" in found.found and not os.path.exists(missing)
