"""`leuko-edge camera list` on machines that are made up: nodes by their kernel's answers, and a fake picamera2."""

from __future__ import annotations

import errno
import json
import sys

import pytest
from cameras import install

from leuko_edge.camera import picamera, v4l2_node
from leuko_edge.cli import main
from leuko_edge.errors import SourceLost

CAMERA, METADATA = 0x04200001, 0x04A00000  # device capabilities of a UVC camera's two nodes


@pytest.fixture
def nodes(monkeypatch, tmp_path):
    """Two nodes of one USB camera; returns what may be changed: formats, and the errors of opening and of buffers."""
    (tmp_path / "by-id").mkdir()
    for number in (0, 1):
        (tmp_path / f"video{number}").touch()
        (tmp_path / "by-id" / f"usb-Scope-index{number}").symlink_to(tmp_path / f"video{number}")
    monkeypatch.setattr(v4l2_node, "BY_ID", str(tmp_path / "by-id"))
    monkeypatch.setattr(v4l2_node, "NODES", str(tmp_path / "video"))
    monkeypatch.setitem(sys.modules, "picamera2", None)
    state = {"formats": [b"MJPG", b"YUYV"], "open": None, "buffers": None, "path": tmp_path}
    real = v4l2_node.os.open
    opened = {}

    def open_(path, flags):
        if state["open"]:
            raise state["open"]
        handle = real(path, flags)
        opened[handle] = str(path)
        return handle

    def ioctl(handle, request, argument):
        if request == v4l2_node._QUERYCAP:
            device = CAMERA if opened[handle][-1] == "0" else METADATA
            return v4l2_node._CAPABILITY.pack(b"uvcvideo", b"HD Scope", b"usb-1", 1, 0x80000000 | 0x84A00001, device)
        if request == v4l2_node._ENUM_FMT:
            index = v4l2_node._FORMAT.unpack(argument)[0]
            if index >= len(state["formats"]):
                raise OSError(errno.EINVAL, "no more")
            return v4l2_node._FORMAT.pack(index, 1, 0, b"a format", state["formats"][index])
        if state["buffers"]:
            raise state["buffers"]
        return argument

    monkeypatch.setattr(v4l2_node.os, "open", open_)
    monkeypatch.setattr(v4l2_node.fcntl, "ioctl", ioctl)
    return state


def listed(capsys):
    assert main.main(["camera", "list", "--json"]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    return json.loads(printed.out)


def test_a_usb_camera_is_listed_once_by_its_stable_name_with_its_formats(nodes, capsys):
    stable = str(nodes["path"] / "by-id" / "usb-Scope-index0")
    about = listed(capsys)
    assert about["schema"] == "leuko-edge-cameras/1" and "picamera2" in about["no_picamera2"]
    assert about["cameras"] == [
        {
            "kind": "v4l2",
            "source": stable,
            "name": "HD Scope",
            "driver": "uvcvideo",
            "node": str(nodes["path"] / "video0"),
            "formats": ["MJPG", "YUYV"],
            "problem": "",
            "opens": True,
        }
    ]
    assert main.main(["camera", "list"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"{stable}\n") and "MJPG YUYV" in out and "can be opened" in out


def test_a_camera_in_use_is_listed_with_its_name_and_the_reason(nodes, capsys):
    nodes["buffers"] = OSError(errno.EBUSY, "busy")
    [camera] = listed(capsys)["cameras"]
    assert camera["name"] == "HD Scope" and not camera["opens"] and "used by another program" in camera["problem"]


def test_a_camera_that_may_not_be_opened_is_listed_with_what_to_do(nodes, capsys):
    nodes["open"] = OSError(errno.EACCES, "denied")
    cameras = listed(capsys)["cameras"]
    assert [camera["opens"] for camera in cameras] == [False, False]
    assert all("usermod -aG video" in camera["problem"] for camera in cameras)


def test_formats_that_never_end_end_here(nodes):
    nodes["formats"] = [b"MJPG"] * 10_000
    node, formats = v4l2_node.look(str(nodes["path"] / "video0"))
    assert node.camera and len(formats) == v4l2_node._MOST_FORMATS


def test_what_is_no_node_cannot_be_looked_at(nodes):
    with pytest.raises(SourceLost, match="is not there"):
        v4l2_node.look(str(nodes["path"] / "video7"))


def test_the_pis_own_cameras_come_first_and_only_the_first_of_them_is_used(nodes, monkeypatch, capsys):
    made = install(
        monkeypatch, cameras=({"Model": "imx477", "Id": "/base/i2c@1/a"}, {"Model": "imx708", "Id": "/base/i2c@2/b"})
    )
    about = listed(capsys)
    assert about["no_picamera2"] is None
    assert [camera["source"] for camera in about["cameras"]][:2] == ["picamera2", "picamera2"]
    assert [(camera["name"], camera["opens"]) for camera in about["cameras"]] == [
        ("imx477", True),
        ("imx708", False),
        ("HD Scope", True),
    ]
    assert [camera.calls[-1] for camera in made.made] == ["close", "close"]


def test_a_pi_camera_in_use_is_listed_with_the_reason(nodes, monkeypatch, capsys):
    install(monkeypatch, fails=RuntimeError("Camera __init__ sequence did not complete."))
    assert "another program uses it" in listed(capsys)["cameras"][0]["problem"]


def test_without_a_camera_the_list_says_what_was_looked_for(nodes, capsys):
    for path in (nodes["path"] / "by-id").iterdir():
        path.unlink()
    for number in (0, 1):
        (nodes["path"] / f"video{number}").unlink()
    assert main.main(["camera", "list"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("no camera was found: picamera2") and "/dev/v4l/by-id" in out
    assert listed(capsys)["cameras"] == []


def test_a_pi_camera_that_comes_later_is_found_though_picamera2_listed_none_at_first(monkeypatch):
    class Manager:
        def reset(self):
            made.cameras = ({"Model": "imx708", "Id": "/base/i2c/imx708@1a"},)

    made = install(monkeypatch, cameras=(), _cm=Manager())
    assert [camera.model for camera in picamera.own_cameras(picamera.load())] == ["imx708"]
