import subprocess
import sys

import cv2
import numpy as np
import pytest
from snapshots import snapshot

from leuko_edge.errors import EnvironmentBroken
from leuko_edge.live.snapshot import Outline
from leuko_edge.screen import window
from leuko_edge.screen.window import Window, check, picture
from leuko_edge.session import Advice


def disc(x: int, y: int, radius: int) -> np.ndarray:
    turn = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    return np.stack([x + radius * np.cos(turn), y + radius * np.sin(turn)], 1).astype(np.int32)


@pytest.fixture
def seen():
    bgr = np.full((960, 1280, 3), 220, np.uint8)
    outlines = (
        Outline(disc(300, 400, 70), "neutrophil", 0.98, True),
        Outline(disc(800, 300, 60), "artefact", 0.8, False),
        Outline(disc(1100, 700, 60), None, 0.0, False),
    )
    return snapshot(bgr=bgr, outlines=outlines)


def coloured(bgr: np.ndarray, x: int, y: int, radius: int) -> bool:
    """Whether anything but grey was drawn around a place."""
    part = bgr[y - radius : y + radius, x - radius : x + radius].astype(int)
    return bool((np.ptp(part, axis=2) > 30).any())


def test_the_picture_outlines_cells_and_keeps_artefacts_and_waiting_cells_faint(seen):
    drawn = picture(seen)
    strip = drawn.shape[0] - 960
    assert strip > 0 and drawn.shape[1] == 1280 and (seen.bgr == 220).all()
    view = drawn[strip:]
    assert coloured(view, 300, 400, 100)
    for x, y in ((800, 300), (1100, 700)):
        assert not coloured(view, x, y, 100) and (view[y - 70 : y + 70, x - 70 : x + 70] != 220).any()


def test_the_strip_above_says_what_to_do_and_hides_no_cell(seen):
    plain, advised = (picture(s) for s in (seen, snapshot(bgr=seen.bgr, outlines=seen.outlines, advice=Advice.FOCUS)))
    strip = plain.shape[0] - 960
    assert (plain[strip:] == advised[strip:]).all() and (plain[:strip] != advised[:strip]).any()
    assert (picture(seen, "Sign? y/n")[:strip] != plain[:strip]).any()


def test_a_long_question_fits_into_a_small_picture():
    drawn = picture(snapshot(bgr=np.full((240, 320, 3), 220, np.uint8)), "Sign? y: sign and quit · n: quit unsigned")
    assert not drawn[:12, -6:].any()


class Desktop:
    """Stands in for OpenCV's window functions, which the headless build lacks."""

    def __init__(self, monkeypatch) -> None:
        self.shown, self.codes, self.visible, self.closed = [], [], 1.0, 0
        for name in ("namedWindow", "resizeWindow", "imshow", "waitKeyEx", "getWindowProperty", "destroyAllWindows"):
            monkeypatch.setattr(cv2, name, getattr(self, name))
        monkeypatch.setattr(window, "check", lambda: None)

    def namedWindow(self, name, flags):
        pass

    def resizeWindow(self, name, width, height):
        pass

    def imshow(self, name, bgr):
        self.shown.append(bgr)

    def waitKeyEx(self, delay):
        return self.codes.pop(0) if self.codes else -1

    def getWindowProperty(self, name, which):
        if self.visible is None:
            raise cv2.error("no such window")
        return self.visible

    def destroyAllWindows(self):
        self.closed += 1


@pytest.fixture
def desktop(monkeypatch):
    return Desktop(monkeypatch)


def test_the_window_shows_frames_but_not_every_one(desktop, seen, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(window.time, "monotonic", lambda: now[0])
    with Window() as shown:
        for frame in range(60):
            now[0] = 100 + frame / 30
            shown.show(seen)
        shown.show(snapshot())  # no picture came with it
    assert 15 <= len(desktop.shown) <= 20 and desktop.closed == 1


def test_keys_pressed_in_the_window_are_passed_on_and_arrows_are_not(desktop):
    desktop.codes = [ord("p"), 0x100031, 0xFF51, 0x10FFB3, 27, 0x250000, 0x01000012, 13, ord(" ")]
    with Window() as shown:
        assert shown.poll() == ["p", "1", "3", "esc", "enter", " "]
        assert shown.poll() == []


@pytest.mark.parametrize("visible", [0.0, -1.0, None])
def test_closing_the_window_does_not_end_the_count(desktop, seen, visible, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(window.time, "monotonic", lambda: now[0])
    with Window() as shown:
        shown.show(seen)
        desktop.visible = visible
        assert shown.poll() == []
        now[0] += 60
        shown.show(seen)
        assert shown.poll() == [] and len(desktop.shown) == 1


def built(monkeypatch, gui: str) -> None:
    monkeypatch.setattr(cv2, "currentUIFramework", lambda: gui)


def tried(monkeypatch, code: int, stderr: bytes = b"") -> None:
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: subprocess.CompletedProcess(a, code, b"", stderr))


def refused() -> str:
    with pytest.raises(EnvironmentBroken) as error:
        check()
    return str(error.value)


def test_the_headless_build_is_refused_with_how_to_get_the_other(monkeypatch):
    built(monkeypatch, "")
    assert "leuko-edge[window]" in refused()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems have their desktop without DISPLAY")
def test_without_a_desktop_nothing_is_tried(monkeypatch):
    built(monkeypatch, "QT")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr(subprocess, "run", None)
    assert "desktop" in refused()


def test_a_desktop_that_ends_the_program_ends_only_the_trial(monkeypatch):
    built(monkeypatch, "QT")
    monkeypatch.setenv("DISPLAY", ":99")
    tried(monkeypatch, -6, b"qt.qpa.xcb: could not connect to display :99")
    assert "desktop" in refused()
    tried(monkeypatch, 0)
    check()


def test_a_desktop_that_never_answers_is_given_up(monkeypatch):
    def hangs(*_, **how):
        raise subprocess.TimeoutExpired("python", how["timeout"])

    built(monkeypatch, "GTK")
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(subprocess, "run", hangs)
    assert "desktop" in refused()


@pytest.mark.skipif(bool(cv2.currentUIFramework()), reason="a desktop build")
def test_the_build_installed_here_says_so_in_one_sentence():
    with pytest.raises(EnvironmentBroken, match="desktop build"), Window():
        pass
