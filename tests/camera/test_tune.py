"""Tuning on microscopes that are drawn: what is set changes the pictures, some pictures later, as on a real one."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from cameras import Kernel, Picamera2, Scope, ScopeCapture, ScopePi, install, plug_in

from leuko_edge.camera.picamera import PiCamera
from leuko_edge.camera.tune import AIM, LightUnfit, tune
from leuko_edge.camera.tuning import Tuning
from leuko_edge.camera.v4l2 import V4l2Camera
from leuko_edge.cli import main
from leuko_edge.errors import SourceLost

SIZE = (160, 120)


def tuned_pi(monkeypatch, scope, frames=8, fps=30, **attributes):
    made = install(monkeypatch, ScopePi, scope=scope, **attributes)
    return tune(PiCamera(SIZE, fps), fps, frames), made.made[0]


def tuned_usb(monkeypatch, tmp_path, scope, known=Kernel.UVC, frames=8):
    kernel = Kernel(monkeypatch, known)
    made = plug_in(monkeypatch, tmp_path / "video0", base=ScopeCapture, scope=scope, kernel=kernel)
    return tune(V4l2Camera(str(tmp_path / "video0"), SIZE), 30, frames), kernel, made.made[0]


def middle(bgr) -> np.ndarray:
    return np.median(bgr, axis=(0, 1))


@pytest.mark.parametrize("lamp", [5.0, 60.0, 900.0])
def test_a_pi_camera_is_set_to_a_bright_grey_unclipped_background_at_the_lowest_gain(monkeypatch, lamp):
    scope = Scope(SIZE, lamp)
    tuned, camera = tuned_pi(monkeypatch, scope)
    controls = tuned.tuning.controls
    assert controls["AeEnable"] is False and controls["AwbEnable"] is False
    red, blue = controls["ColourGains"]
    bgr = scope.picture(controls["ExposureTime"] / 1000, controls["AnalogueGain"], red, blue)
    assert 200 <= bgr.max() < 255 and np.percentile(bgr, 99) == pytest.approx(AIM, rel=0.05)
    assert np.ptp(middle(bgr)) <= 0.05 * AIM
    assert controls["AnalogueGain"] == pytest.approx(max(1.0, AIM / lamp / (1000 / 30)), rel=0.1)
    assert tuned.tuning.is_for("picamera2", "imx708") and tuned.tuning.size == SIZE and not tuned.notes
    assert camera.calls[-2:] == ["cancel", "close"]


@pytest.mark.parametrize("lamp", [5.0, 30.0, 150.0])
def test_a_usb_camera_is_set_through_the_kernel_automatics_first(monkeypatch, tmp_path, lamp):
    scope = Scope(SIZE, lamp, cast=(0.9, 1.0, 0.8))
    tuned, kernel, capture = tuned_usb(monkeypatch, tmp_path, scope)
    names = [name for name, _ in kernel.written]
    assert names.index("exposure_auto") < names.index("exposure_absolute")
    assert (kernel["exposure_auto"], kernel["white_balance_automatic"]) == (1, 0)
    assert dict(tuned.tuning.controls) == {name: kernel[name] for name in kernel.known}
    for _ in range(5):
        capture.grab()
    bgr = capture._next
    assert np.percentile(bgr, 99) == pytest.approx(AIM, rel=0.08) and bgr.max() < 255
    assert bgr[..., 2].mean() / bgr[..., 0].mean() == pytest.approx(1, abs=0.05)  # all that it sets
    assert kernel["exposure_absolute"] <= 333  # no exposure is longer than a picture; what is missing is the gain's
    assert (kernel["gain"] > 0) == (lamp * 33.3 < AIM)
    assert capture.released


def test_red_and_blue_of_a_usb_camera_are_balanced_where_it_has_them(monkeypatch, tmp_path):
    known = {
        "exposure_absolute": [1, 5000, 1, 157],
        "red_balance": [0, 1023, 1, 100],
        "blue_balance": [0, 1023, 1, 100],
    }
    tuned, kernel, _ = tuned_usb(monkeypatch, tmp_path, Scope(SIZE, cast=(0.5, 1.0, 0.8)), known)
    assert kernel["red_balance"] == pytest.approx(125, rel=0.04)
    assert kernel["blue_balance"] == pytest.approx(200, rel=0.04)
    assert set(tuned.tuning.controls) == set(known)


def test_a_camera_without_controls_gets_its_flat_field_alone_and_says_so(monkeypatch, tmp_path):
    scope = Scope(SIZE, lamp=27.0)
    tuned, _ = tuned_pi(monkeypatch, scope, controls={"FrameDurationLimits": (1, 2, 3)})
    assert dict(tuned.tuning.controls) == {} and "only the flat field was measured" in tuned.notes[0]
    assert tuned.tuning.flat.white == pytest.approx(27 * 8, rel=0.1)
    tuned, _, _ = tuned_usb(monkeypatch, tmp_path, scope, known={})
    assert dict(tuned.tuning.controls) == {} and "only the flat field was measured" in tuned.notes[0]


def test_a_camera_whose_colours_cannot_be_set_says_so(monkeypatch):
    controls = {name: value for name, value in ScopePi.controls.items() if name != "ColourGains"}
    tuned, _ = tuned_pi(monkeypatch, Scope(SIZE), controls=controls)
    assert "colours cannot be set" in tuned.notes[0] and "ColourGains" not in tuned.tuning.controls


def test_a_few_cells_in_the_field_change_nothing(monkeypatch):
    empty, _ = tuned_pi(monkeypatch, Scope(SIZE))
    strewn, _ = tuned_pi(monkeypatch, Scope(SIZE, cells=0.1))
    assert 0.08 < strewn.measured.covered < 0.25
    assert np.abs(strewn.tuning.flat.levels / empty.tuning.flat.levels - 1).max() < 0.04


@pytest.mark.parametrize(
    ("scope", "words"),
    [
        ({"lamp": 0.2}, r"too weak for the camera at the longest exposure and the highest gain: .* \d+ of 255; turn"),
        ({"lamp": 0.0}, r"too weak"),
        ({"lamp": 2e5}, r"too bright for the camera at the shortest exposure: .*; turn the lamp down"),
        ({"vignette": 0.9}, r"uneven: at the (top|bottom) (left|right) of the picture .*; centre the condenser"),
        ({"cells": 0.5}, r"\d+ % of the field is covered .*; move to an empty place"),
        ({"noise": 12.0}, r"too noisy .*; turn the lamp up"),
    ],
)
def test_a_light_that_will_not_do_is_one_sentence_with_what_to_do(monkeypatch, scope, words):
    with pytest.raises(LightUnfit, match=words) as caught:
        tuned_pi(monkeypatch, Scope(SIZE, **scope))
    assert "\n" not in str(caught.value)


def test_a_camera_that_cannot_be_dimmed_asks_for_less_light(monkeypatch):
    with pytest.raises(LightUnfit, match="too bright for the camera and its exposure cannot be set"):
        tuned_pi(monkeypatch, Scope(SIZE, lamp=40.0), controls={})


def test_a_flickering_lamp_is_told(monkeypatch):
    class Mains(Scope):
        def picture(self, *how):
            self.lamp = 25.0 + 3.0 * self._rng.random()
            return super().picture(*how)

    with pytest.raises(LightUnfit, match=r"flickers by \d+ %"):
        tuned_pi(monkeypatch, Mains(SIZE))


def test_a_camera_that_dies_while_it_is_tuned_is_a_sentence_and_closed(monkeypatch):
    made = install(monkeypatch, Picamera2, buffers=(np.zeros(160 * 120 * 3, np.uint8),) * 3)
    with pytest.raises(SourceLost, match="check the ribbon cable"):
        tune(PiCamera(SIZE), 30)
    assert made.made[0].calls[-1] == "close"


# The command


@pytest.fixture
def home(monkeypatch, tmp_path):
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    return tmp_path


def test_the_command_writes_what_counting_then_applies(monkeypatch, home, capsys):
    made = install(monkeypatch, ScopePi, scope=Scope(SIZE, vignette=0.3))
    monkeypatch.setenv("LEUKO_EDGE_CAMERA_SIZE", "160x120")
    assert main.main(["camera", "tune", "--camera", "picamera2", "--frames", "6"]) == 0
    printed = capsys.readouterr()
    path = home / "leuko-edge" / "camera.json"
    assert f"written to {path}" in printed.out and printed.err == ""
    assert json.loads(path.read_text())["schema"] == "leuko-edge-tuning/1"
    tuning = Tuning.load(path)
    with PiCamera(SIZE, tuning=tuning) as source:
        for frame in source:
            if frame.index > 5:
                break
        about = source.describe()
        assert source.warning == ""
    assert about["tuned"] == tuning.made and about["controls"].items() >= tuning.controls.items()
    assert made.made[-1].wished["controls"]["ExposureTime"] == tuning.controls["ExposureTime"]
    corners = cv2.resize(frame.bgr, (4, 3), interpolation=cv2.INTER_AREA)
    assert np.ptp(corners) <= 6 and corners.min() > 200  # even, white and bright from edge to edge


def test_the_command_writes_nothing_where_the_light_will_not_do(monkeypatch, home, capsys):
    install(monkeypatch, ScopePi, scope=Scope(SIZE, lamp=0.1))
    monkeypatch.setenv("LEUKO_EDGE_CAMERA_SIZE", "160x120")
    assert main.main(["camera", "tune", "--camera", "picamera2", "--out", str(home / "t.json")]) == 4
    printed = capsys.readouterr()
    assert "too weak" in printed.err and printed.err.count("\n") == 1 and not (home / "t.json").exists()


def test_the_command_refuses_what_makes_no_flat_field(home, capsys):
    assert main.main(["camera", "tune", "--frames", "1"]) == 2
    assert main.main(["camera", "tune", "--out", str(home)]) == 2
    assert main.main(["camera"]) == 2
    assert "is a folder" in capsys.readouterr().err
