"""The file that tuning leaves, and what a camera makes of it."""

from __future__ import annotations

import json
import os

import cv2
import numpy as np
import pytest
from cameras import Kernel, ScopePi, install, jpeg, picture, plug_in, tuned
from configured import configured

from leuko_edge.camera import v4l2_controls
from leuko_edge.camera.picamera import PiCamera
from leuko_edge.camera.tuning import Tuning, default_path, wishes
from leuko_edge.camera.v4l2 import V4l2Camera
from leuko_edge.errors import EnvironmentBroken

CONTROLS = {"AeEnable": False, "ExposureTime": 8123, "AnalogueGain": 1.5, "ColourGains": (1.6, 2.25)}
HALF = np.full((12, 16, 3), 200, np.float32)
HALF[:, 8:] = 100  # the right half gets half the light


def settings(**values):
    return configured({name.replace("_", ".", 1): value for name, value in values.items()})


# The file


def test_a_tuning_comes_back_as_it_was_written(tmp_path):
    levels = np.random.default_rng(1).uniform(60, 240, (48, 64, 3)).astype(np.float32)
    path = tmp_path / "new" / "camera.json"
    before = tuned("picamera2", "imx708", CONTROLS, (1280, 960), levels)
    before.save(path)
    after = Tuning.load(path)
    assert (after.kind, after.camera, after.size, after.controls) == ("picamera2", "imx708", (1280, 960), CONTROLS)
    assert (after.made, after.program) == (before.made, before.program)
    assert np.abs(after.flat.levels - levels).max() < 0.01
    assert path.stat().st_size < 60_000 and os.listdir(path.parent) == ["camera.json"]


def test_a_write_that_fails_leaves_the_tuning_of_before(tmp_path, monkeypatch):
    path = tmp_path / "camera.json"
    tuned("v4l2", "old").save(path)
    monkeypatch.setattr("leuko_edge.camera.tuning.os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space")))
    with pytest.raises(EnvironmentBroken, match=r"cannot be written to .*: No space; name another file"):
        tuned("v4l2", "new").save(path)
    assert Tuning.load(path).camera == "old" and os.listdir(tmp_path) == ["camera.json"]


def record(path, **changes):
    written = json.loads(path.read_text())
    return json.dumps({name: value for name, value in {**written, **changes}.items() if value is not None})


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"schema": "leuko-edge-tuning/9"}, "no tuning that this version knows"),
        ({"schema": None}, "no tuning that this version knows"),
        ({"flat": "AAAA"}, "damaged"),
        ({"flat": "not base64 %"}, "damaged"),
        ({"flat": None}, "damaged"),
        ({"size": [0, 5]}, "damaged"),
        ({"size": "big"}, "damaged"),
        ({"controls": {"gain": "much"}}, "damaged"),
        ({"controls": None}, "damaged"),
        ({"camera": None}, "damaged"),
    ],
)
def test_a_damaged_tuning_is_a_sentence_with_what_to_do(tmp_path, changes, word):
    path = tmp_path / "camera.json"
    tuned("v4l2", "scope").save(path)
    path.write_text(record(path, **changes))
    with pytest.raises(EnvironmentBroken, match=rf"{word}.*; run leuko-edge camera tune again, or delete"):
        Tuning.load(path)


@pytest.mark.parametrize("data", [b"", b"[1, 2]", b"{", b"\xff\xfe{}"])
def test_what_is_no_tuning_at_all_is_a_sentence(tmp_path, data):
    (tmp_path / "camera.json").write_bytes(data)
    with pytest.raises(EnvironmentBroken, match="run leuko-edge camera tune again"):
        Tuning.load(tmp_path / "camera.json")
    with pytest.raises(EnvironmentBroken, match="cannot be read"):
        Tuning.load(tmp_path)


def test_the_configuration_says_what_a_camera_is_asked_for(tmp_path):
    path = tmp_path / "camera.json"
    asked = settings(camera_size=(640, 480), camera_fps=15, session_database=str(tmp_path / "sessions.sqlite3"))
    assert default_path(asked) == path
    assert wishes(asked) == {"size": (640, 480), "fps": 15.0}
    tuned("v4l2", "scope").save(path)
    assert wishes(asked)["tuning"].camera == "scope" and "tuning" not in wishes(asked, tuned=False)
    assert wishes(settings(camera_tuning=str(path)))["tuning"].camera == "scope"
    path.write_text("{")
    with pytest.raises(EnvironmentBroken):
        wishes(asked)


# What a camera makes of it


def first(source):
    return next(iter(source)).bgr


def test_a_pi_camera_is_configured_with_its_tuning_and_its_pictures_are_flattened(monkeypatch):
    bgr = np.full((120, 160, 3), 180, np.uint8)
    bgr[:, 80:] = 90
    made = install(monkeypatch, buffers=(bgr.ravel(),), controls=ScopePi.controls)
    with PiCamera((160, 120), tuning=tuned("picamera2", "imx708", CONTROLS, (1280, 960), HALF)) as source:
        got, about, warning = first(source), source.describe(), source.warning
    assert (got[:, :55] == 180).all() and (got[:, 105:] == 180).all()  # the flat field was stretched to 160×120
    assert made.made[0].wished["controls"].items() >= CONTROLS.items()
    assert about["tuned"] == "2026-11-23T12:00:00+00:00" and about["controls_missing"] == [] and warning == ""


def test_the_tuning_of_another_camera_is_not_applied_and_that_is_said(monkeypatch):
    made = install(monkeypatch, buffers=(picture(1).ravel(),), controls=ScopePi.controls)
    with PiCamera((160, 120), tuning=tuned("picamera2", "imx477", CONTROLS, levels=HALF)) as source:
        assert np.array_equal(first(source), picture(1))
        assert "the tuning is of another camera (imx477) and not used for imx708" in source.warning
        assert "tuned" not in source.describe()
    assert "ExposureTime" not in made.made[0].wished["controls"]


def test_another_shape_of_picture_keeps_the_settings_and_leaves_the_flat_field_out(monkeypatch):
    made = install(monkeypatch, buffers=(picture(1).ravel(),), controls=ScopePi.controls)
    with PiCamera((160, 120), tuning=tuned("picamera2", "imx708", CONTROLS, (1280, 720), HALF)) as source:
        assert np.array_equal(first(source), picture(1))
        assert "taken at 1280×720 pixels and does not fit 160×120" in source.warning
    assert made.made[0].wished["controls"]["ExposureTime"] == 8123


def test_a_usb_cameras_settings_are_set_again_and_read_back(monkeypatch, tmp_path):
    kernel = Kernel(monkeypatch)
    plug_in(monkeypatch, tmp_path / "video0", fourcc="YUYV", gives=(picture(1), picture(1)))
    controls = {"exposure_auto": 1, "exposure_absolute": 210, "gain": 3, "focus_absolute": 7}
    with V4l2Camera(str(tmp_path / "video0"), tuning=tuned("v4l2", "USB microscope", controls)) as source:
        first(source)
        about, warning = source.describe(), source.warning
    assert (kernel["exposure_auto"], kernel["exposure_absolute"], kernel["gain"]) == (1, 210, 3)
    assert about["controls"] == {"exposure_auto": 1, "exposure_absolute": 210, "gain": 3}
    assert about["controls_refused"] == ["focus_absolute"] and "did not take its tuned focus_absolute" in warning


def test_a_setting_that_a_camera_refuses_is_told(monkeypatch, tmp_path):
    kernel = Kernel(monkeypatch)
    kernel.refuses = {"gain"}
    plug_in(monkeypatch, tmp_path / "video0", gives=(jpeg(picture(1)),) * 2)
    with V4l2Camera(str(tmp_path / "video0"), tuning=tuned("v4l2", "USB microscope", {"gain": 3})) as source:
        first(source)
        assert "did not take its tuned gain; run leuko-edge camera tune again" in source.warning
        assert source.describe()["controls"] == {"gain": 20}


def test_the_flat_field_of_a_usb_camera_divides_its_pictures(monkeypatch, tmp_path):
    bgr = np.full((120, 160, 3), 100, np.uint8)
    plug_in(monkeypatch, tmp_path / "video0", fourcc="YUYV", gives=(bgr,))
    with V4l2Camera(str(tmp_path / "video0"), tuning=tuned("v4l2", "USB microscope", levels=HALF)) as source:
        got = first(source)
    assert (got[:, :55] == 100).all() and (got[:, 105:] == 200).all()


# The kernel's controls


def test_automatics_are_set_before_what_they_govern_whatever_the_order(monkeypatch, tmp_path):
    kernel = Kernel(monkeypatch)
    (tmp_path / "video0").touch()
    wanted = {"white_balance_temperature": 5000, "exposure_absolute": 99, "white_balance_automatic": 0}
    taken = v4l2_controls.write(str(tmp_path / "video0"), {**wanted, "exposure_auto": 1})
    assert taken == {**wanted, "exposure_auto": 1} and kernel["exposure_absolute"] == 99


def test_a_camera_says_which_settings_it_has_and_which_values_they_take(monkeypatch, tmp_path):
    Kernel(monkeypatch)
    (tmp_path / "video0").touch()
    found = v4l2_controls.ranges(str(tmp_path / "video0"))
    assert set(found) == set(Kernel.UVC)
    warmth = found["white_balance_temperature"]
    assert [warmth.nearest(v) for v in (0, 2804, 2806, 9999)] == [2800, 2800, 2810, 6500]
    assert v4l2_controls.Range(1, 10, 4, 1).nearest(99) == 9


def test_what_cannot_be_asked_has_no_settings(tmp_path):
    (tmp_path / "letter").touch()
    assert v4l2_controls.ranges(str(tmp_path / "letter")) == {} == v4l2_controls.read(str(tmp_path / "letter"))
    with pytest.raises(OSError):
        v4l2_controls.read(str(tmp_path / "absent"))


def test_the_png_in_the_file_is_one_that_other_programs_read(tmp_path):
    import base64

    tuned("v4l2", "scope", levels=HALF).save(tmp_path / "camera.json")
    png = base64.b64decode(json.loads((tmp_path / "camera.json").read_text())["flat"])
    levels = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)
    assert png.startswith(b"\x89PNG") and levels.shape == HALF.shape and levels[0, 0, 0] == 200 * 256
