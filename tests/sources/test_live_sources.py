from __future__ import annotations

import errno
import itertools
import os
import signal
import subprocess
import sys
import threading
import time

import cv2
import numpy as np
import pytest
from cameras import Capture, HandedReader, install, jpeg, picture, plug_in, tuned
from drawn import encoded, smear

from leuko_edge.camera import picamera, v4l2_node
from leuko_edge.camera.decoding import decode_jpeg, to_bgr
from leuko_edge.camera.newest import Newest
from leuko_edge.camera.opening import open_source
from leuko_edge.camera.picamera import PiCamera
from leuko_edge.camera.reader import Damaged, wall_time
from leuko_edge.camera.v4l2 import V4l2Camera
from leuko_edge.errors import EnvironmentBroken, PictureError, SourceLost, UsageError
from leuko_edge.sources.folder import FolderFilm
from leuko_edge.sources.video import VideoFile
from leuko_edge.sources.video_container import is_whole

FRAMES = 12


def newest(reader, **options) -> Newest:
    return Newest("the test camera", lambda: reader, **{"tries": 0, **options})


def camera_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "leuko camera"]


def lost(source) -> str:
    """The sentence that `source` ends with."""
    with pytest.raises(SourceLost) as caught, source:
        list(source)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# The newest picture


def test_a_slow_consumer_gets_the_newest_picture_and_the_others_are_tallied():
    reader = HandedReader()
    with newest(reader) as source:
        frames = iter(source)
        reader.hand(picture(1))
        first = next(frames)
        reader.hand(picture(2), picture(3), picture(4))
        second = next(frames)
        assert (first.index, second.index, source.dropped) == (0, 3, 2)
        assert np.array_equal(second.bgr, picture(4)) and second.captured_at == 1000.0
        reader.hand_later(picture(5))


def test_captured_is_delivered_plus_dropped_also_at_the_end():
    reader = HandedReader()
    with newest(reader, timeout=0.05) as source:
        reader.hand(picture(1), picture(2))
        next(iter(source))
        reader.hand(picture(3), picture(4))
        assert source.dropped == 2  # pictures 1 and 3; 4 can still be asked for
    assert source.dropped == 3
    reader.hand(picture(5))  # after the end it counts for nothing
    assert source.dropped == 3


def test_a_damaged_picture_is_dropped_and_the_next_is_delivered():
    reader = HandedReader()
    with newest(reader) as source:
        reader.hand(Damaged("cut"), picture(1))
        assert next(iter(source)).index == 1
        assert source.dropped == 1
        reader.hand_later(picture(2))


def test_nothing_but_damaged_pictures_is_said_to_be_just_that():
    reader = HandedReader()
    with newest(reader, timeout=0.05) as source:
        reader.hand(Damaged("a picture was cut on its way"))
        with pytest.raises(SourceLost, match=r"only damaged pictures.*cut on its way.*shorter cable"):
            next(iter(source))
        reader.hand_later(picture())


def test_a_silent_camera_is_lost_after_the_timeout_and_leaves_no_wait_behind():
    reader = HandedReader()
    with newest(reader, timeout=0.05) as source:
        with pytest.raises(SourceLost, match=r"no picture came from the test camera for 0\.05 seconds; check"):
            next(iter(source))
        assert reader.closed == 0  # closing under a read that hangs would crash some drivers
    reader.hand_later(picture())
    for thread in camera_threads():
        thread.join(5)
    assert reader.closed == 1 and source.dropped == 0


def test_a_camera_unplugged_while_counting_gives_its_last_picture_and_then_the_reason():
    reader = HandedReader()
    with newest(reader) as source:
        frames = iter(source)
        reader.hand(picture(1))
        reader.hand_later(SourceLost("unplugged"))
        assert next(frames).index == 0
        with pytest.raises(SourceLost, match="unplugged"):
            next(frames)
    assert reader.closed == 1 and not camera_threads()


def test_a_frozen_camera_is_lost():
    reader = HandedReader()
    with newest(reader, frozen_after=0.05) as source:
        reader.hand(picture(1), picture(1))
        time.sleep(0.06)
        reader.hand_later(picture(1))
        frames = iter(source)
        with pytest.raises(SourceLost, match=r"is frozen: the very same picture"):
            for _ in frames:
                pass


@pytest.mark.parametrize("seeds", [(1, 1, 2), (1, 2, 2)])
def test_the_same_picture_for_a_moment_is_not_frozen(seeds):
    reader = HandedReader()
    with newest(reader, frozen_after=30) as source:
        reader.hand(*map(picture, seeds))
        assert next(iter(source)).index == 2
        reader.hand_later(picture(9))


def test_a_covered_or_dazzled_sensor_is_not_called_frozen():
    reader = HandedReader()
    black = np.zeros((120, 160, 3), np.uint8)
    with newest(reader, frozen_after=0.0) as source:
        reader.hand(black, black.copy(), black.copy())
        assert next(iter(source)).index == 2
        reader.hand_later(black)


def test_pictures_that_change_their_size_while_counting_end_the_source():
    reader = HandedReader()
    with newest(reader) as source:
        reader.hand(picture(1))
        reader.hand_later(picture(1, 320, 240))
        with pytest.raises(SourceLost, match="changed from 160×120 to 320×240 pixels while counting"):
            list(source)


def test_pictures_too_small_to_count_are_refused():
    reader = HandedReader()
    reader.hand_later(np.zeros((48, 64, 3), np.uint8))
    assert "too small, 64×48" in lost(newest(reader))


# A camera that is lost and found again


@pytest.fixture
def soon(monkeypatch):
    """No pauses before a camera is opened anew."""
    monkeypatch.setattr("leuko_edge.camera.newest.LONGEST_PAUSE", 0.0)


def handed(readers, **options) -> Newest:
    """A source that opens `readers` one after the other; an exception among them is what opening raises."""
    left = iter(readers)

    def open_reader():
        reader = next(left)
        if isinstance(reader, BaseException):
            raise reader
        return reader

    return Newest("the test camera", open_reader, **options)


def test_a_camera_that_is_lost_is_opened_anew_and_its_pictures_go_on(soon):
    one, other = HandedReader(), HandedReader()
    with handed([one, SourceLost("not yet"), EnvironmentBroken("nor now"), other]) as source:
        frames = iter(source)
        one.hand(picture(1))
        assert next(frames).index == 0 and source.reopened == 0 and source.warning == ""
        one.hand_later(SourceLost("unplugged"))
        other.hand(picture(2))
        frame = next(frames)
        assert (frame.index, source.reopened, source.dropped, one.closed) == (1, 1, 0, 1)
        assert np.array_equal(frame.bgr, picture(2)) and source.describe()["reopened"] == 1
        assert "lost and found again 1 time; check its cable" in source.warning
        other.hand_later(picture(3))
    assert not camera_threads() and other.closed == 1


def test_only_after_all_tries_is_a_camera_lost_for_its_first_reason(soon):
    reader = HandedReader()
    with handed([reader, *[SourceLost("still away")] * 9], tries=3) as source:
        reader.hand(picture(1))
        reader.hand_later(SourceLost("unplugged"))
        with pytest.raises(SourceLost, match="unplugged"):
            list(source)
        assert source.reopened == 0 and reader.closed == 1


def test_a_camera_that_dies_again_and_again_uses_its_tries_up(soon):
    readers = [HandedReader() for _ in range(9)]
    for n, reader in enumerate(readers):
        reader.hand_later(picture(n))
        reader.hand_later(SourceLost(f"death {n}"))
    assert lost(handed(readers, tries=3)) == "death 3"


def test_a_camera_that_was_steady_for_long_has_all_its_tries_again(soon, monkeypatch):
    monkeypatch.setattr("leuko_edge.camera.newest.STEADY", -1.0)
    readers = [HandedReader() for _ in range(9)]
    for reader in readers:
        reader.hand_later(picture(1))
        reader.hand_later(SourceLost("unplugged"))
    source = handed([*readers, *[SourceLost("gone")] * 9], tries=1)
    assert lost(source) == "unplugged" and source.reopened == 8


def test_a_frozen_camera_is_opened_anew(soon):
    one, other = HandedReader(), HandedReader()
    with handed([one, other], frozen_after=0.05) as source:
        one.hand(picture(1))
        time.sleep(0.06)
        one.hand_later(picture(1))
        other.hand(picture(2))
        assert [next(iter(source)).index, source.reopened] == [1, 1]
        other.hand_later(picture(3))


def test_a_camera_that_gives_only_damaged_pictures_from_now_on_is_opened_anew(soon):
    one, other = HandedReader(), HandedReader()
    with handed([one, other], timeout=0.5) as source:
        frames = iter(source)
        one.hand(picture(1))
        next(frames)
        time.sleep(0.45)
        one.hand_later(Damaged("cut"))
        other.hand_later(picture(2))
        assert next(frames).index == 2 and source.reopened == 1
        other.hand_later(picture(3))


def test_a_camera_that_comes_back_with_pictures_of_another_size_is_lost(soon):
    one, *others = (HandedReader() for _ in range(3))
    one.hand_later(picture(1))
    one.hand_later(SourceLost("unplugged"))
    for other in others:
        other.hand_later(picture(2, 320, 240))
    assert "changed from 160×120 to 320×240" in lost(handed([one, *others], tries=2))


def test_a_camera_that_never_gave_a_picture_is_not_tried_again(soon):
    reader = HandedReader()
    reader.hand_later(SourceLost("no picture"))
    assert lost(handed([reader])) == "no picture"


def test_while_a_camera_is_opened_anew_the_wait_is_longer_than_the_timeout(monkeypatch):
    monkeypatch.setattr("leuko_edge.camera.newest.LONGEST_PAUSE", 0.5)
    one, other = HandedReader(), HandedReader()
    other.hand_later(picture(2))
    with handed([one, other], timeout=0.4) as source:
        frames = iter(source)
        one.hand(picture(1))
        next(frames)
        one.hand_later(SourceLost("unplugged"))
        assert next(frames).index == 1
        other.hand_later(picture(3))


def test_closing_while_a_camera_is_opened_anew_ends_at_once():
    reader = HandedReader()
    with handed([reader]) as source:
        reader.hand(picture(1))
        reader.hand_later(SourceLost("unplugged"))
        frames = iter(source)
        next(frames)
        threading.Timer(0.1, source.close).start()
        assert list(frames) == []
    assert not camera_threads()


def test_closing_ends_the_iteration_and_is_harmless_twice():
    reader = HandedReader()
    source = newest(reader, timeout=30)
    with source:
        reader.hand(picture(1))
        reader.hand_later(picture(2))
        source.close()
        source.close()
        assert list(source) == []
    source.close()
    assert not camera_threads() and reader.closed == 1


def test_a_source_is_entered_and_iterated_once():
    reader = HandedReader()
    source = newest(reader)
    with pytest.raises(RuntimeError):
        iter(source)
    with source:
        iter(source)
        with pytest.raises(RuntimeError):
            iter(source)
        with pytest.raises(RuntimeError):
            source.__enter__()
        reader.hand_later(picture())


def test_a_fault_of_the_program_in_the_thread_is_not_swallowed():
    reader = HandedReader()
    reader.hand_later(ZeroDivisionError())
    with newest(reader) as source, pytest.raises(ZeroDivisionError):
        list(source)


def test_ctrl_c_while_waiting_for_a_picture_leaves_no_thread():
    reader = HandedReader()
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt), newest(reader, timeout=30) as source:
            threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
            threading.Timer(0.3, reader.hand_later, (picture(),)).start()
            list(source)
    finally:
        signal.signal(signal.SIGINT, before)
    assert not camera_threads() and reader.closed == 1


def test_a_camera_that_hangs_for_ever_does_not_keep_the_program_from_ending():
    code = (
        "import threading\n"
        "from leuko_edge.camera.newest import Newest\n"
        "class Hung:\n"
        "    def read(self): threading.Event().wait()\n"
        "    def close(self): raise SystemError('closed under a read')\n"
        "try:\n"
        "    with Newest('it', Hung, timeout=0.1) as source: list(source)\n"
        "except Exception as error: print(error)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, env=environment)
    assert (done.returncode, done.stderr) == (0, "") and done.stdout.startswith("no picture came from it")


def test_a_drivers_time_becomes_the_time_of_day():
    assert time.time() - wall_time(stamp=100.0, clock=100.5) == pytest.approx(0.5, abs=0.1)
    for strange in (0.0, 101.0):  # not stamped at all, or by another clock
        assert time.time() - wall_time(stamp=strange, clock=100.0) == pytest.approx(0, abs=0.1)


# USB cameras


def test_mjpg_is_asked_for_first_and_everything_is_read_back(monkeypatch, tmp_path):
    made = plug_in(monkeypatch, tmp_path / "video0", gives=(jpeg(picture(1)),))
    with V4l2Camera(str(tmp_path / "video0"), size=(1280, 960), fps=30) as source:
        [frame] = [next(iter(source))]
        about = source.describe()
    first, *_, last = made.made[0].sets
    assert first == (cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG")) and last == (cv2.CAP_PROP_CONVERT_RGB, 0)
    assert about["asked"] == {"width": 1280, "height": 960, "fps": 30, "fourcc": "MJPG"}
    assert (about["width"], about["height"], about["fps"], about["fourcc"]) == (160, 120, 25.0, "MJPG")
    assert about["card"] == "USB microscope" and "USB microscope" in source.name
    assert frame.bgr.shape == (120, 160, 3) and np.abs(frame.bgr.astype(int) - picture(1)).mean() < 8
    assert made.made[0].released


@pytest.mark.parametrize("form", ["YUYV", "NV12", "BGR3"])
def test_an_uncompressed_camera_is_left_to_opencv(monkeypatch, tmp_path, form):
    made = plug_in(monkeypatch, tmp_path / "video0", fourcc=form, gives=(picture(1),))
    with V4l2Camera(str(tmp_path / "video0")) as source:
        assert np.array_equal(next(iter(source)).bgr, picture(1))
    assert cv2.CAP_PROP_CONVERT_RGB not in dict(made.made[0].sets)


def test_a_picture_is_timed_by_the_driver(monkeypatch, tmp_path):
    stamp = (time.monotonic() - 0.25) * 1000
    plug_in(monkeypatch, tmp_path / "video0", gives=(jpeg(picture(1)),), stamp_ms=stamp)
    with V4l2Camera(str(tmp_path / "video0")) as source:
        assert time.time() - next(iter(source)).captured_at == pytest.approx(0.25, abs=0.2)


def test_a_camera_that_gives_no_more_pictures_is_lost(monkeypatch, tmp_path):
    plug_in(monkeypatch, tmp_path / "video0", gives=(jpeg(picture(1)),))
    assert "stopped giving pictures; check its cable" in lost(V4l2Camera(str(tmp_path / "video0"), tries=0))


def test_a_vanished_node_is_an_unplugged_camera_although_reading_goes_on(monkeypatch, tmp_path):
    made = plug_in(monkeypatch, tmp_path / "video0")
    made.retrieve = lambda self: (True, (tmp_path / "video0").unlink(missing_ok=True) or jpeg(picture(1)))
    made.grab = lambda self: True
    assert "was unplugged; plug it in again" in lost(V4l2Camera(str(tmp_path / "video0"), tries=0))


def test_a_usb_camera_that_is_plugged_in_again_is_found_at_its_path(soon, monkeypatch, tmp_path):
    path = tmp_path / "video0"
    made = plug_in(monkeypatch, path, fourcc="YUYV")
    shown = itertools.count()
    made.grab = lambda self: True
    made.retrieve = lambda self: (True, picture(next(shown)))
    with V4l2Camera(str(path)) as source:
        frames = iter(source)
        next(frames)
        new = tmp_path / "new"
        new.touch()
        new.rename(path)  # another node of the same name: the handle of before is dead, although reading goes on
        while not source.reopened:
            next(frames)
        assert next(frames).bgr.shape == (120, 160, 3) and len(made.made) == 2
        assert made.made[0].released and source.describe()["path"] == str(path)


def test_a_usb_camera_that_comes_back_at_another_node_is_known_by_its_card(soon, monkeypatch, tmp_path):
    before, after, beside = (tmp_path / name for name in ("video0", "video2", "video1"))
    made = plug_in(monkeypatch, before, after, beside, fourcc="YUYV", gives=tuple(map(picture, range(5))))
    after.unlink()
    made.grab = lambda self: Capture.grab(self) or (before.exists() and before.rename(after) and False)
    with V4l2Camera(str(before)) as source:
        frames = iter(source)
        while not source.reopened:
            next(frames)
        assert source.describe()["path"] == str(after)  # not the one beside it, which was there before


def test_another_camera_at_the_same_path_is_not_taken(soon, monkeypatch, tmp_path):
    plug_in(monkeypatch, tmp_path / "video0", fourcc="YUYV", gives=(picture(1),))
    other = v4l2_node.Node(str(tmp_path / "video0"), "Webcam", "uvcvideo", True)
    monkeypatch.setattr("leuko_edge.camera.v4l2.look", lambda path: (other, ("YUYV",)))  # asked only when it was lost
    source = V4l2Camera(str(tmp_path / "video0"), tries=2)
    assert "stopped giving pictures" in lost(source) and source.reopened == 0


@pytest.mark.parametrize("form", ["P010", "BG10"])
def test_more_than_8_bits_a_colour_are_refused_with_a_sentence(monkeypatch, tmp_path, form):
    plug_in(monkeypatch, tmp_path / "video0", fourcc=form, gives=(np.zeros((120, 160, 3), np.uint16),))
    assert f"in the format {form}, of uint16" in lost(V4l2Camera(str(tmp_path / "video0")))


def test_a_camera_that_cannot_be_started_is_said_to_be_in_use(monkeypatch, tmp_path):
    plug_in(monkeypatch, tmp_path / "video0", opens=False)
    assert "another program uses it" in lost(V4l2Camera(str(tmp_path / "video0")))


def test_a_node_without_pictures_of_its_own_is_not_opened(monkeypatch, tmp_path):
    made = plug_in(monkeypatch, tmp_path / "video1")
    monkeypatch.setattr("leuko_edge.camera.v4l2.ask", lambda path: v4l2_node.Node(path, "Scope", "uvcvideo", False))
    assert "gives no pictures of its own" in lost(V4l2Camera(str(tmp_path / "video1")))
    assert not made.made


def test_a_grey_camera_is_refused(monkeypatch, tmp_path):
    made = plug_in(monkeypatch, tmp_path / "video0", fourcc="GREY")
    assert "a colour camera is needed" in lost(V4l2Camera(str(tmp_path / "video0")))
    assert made.made[0].released


@pytest.mark.parametrize("part", [0.0, 0.5, 0.97])
def test_a_jpeg_cut_on_the_cable_is_damaged(part):
    data = jpeg(picture()).tobytes()
    for cut in (data[: int(len(data) * part)], data[: int(len(data) * part)] + b"\xff\xd9"):
        with pytest.raises(Damaged):
            decode_jpeg(cut)


def test_a_dark_grey_or_padded_picture_of_a_camera_is_not_damaged(capfd):
    black = np.zeros((120, 160, 3), np.uint8)
    assert np.array_equal(decode_jpeg(jpeg(black).tobytes() + bytes(500)), black)
    whole = jpeg(picture()).tobytes()
    assert decode_jpeg(whole[:-2] + b"\0\0" + whole[-2:]).shape == (120, 160, 3)  # libjpeg complains of each such
    assert capfd.readouterr() == ("", "")


def test_a_camera_picture_of_which_a_stretch_was_lost_is_damaged_whatever_follows_it():
    whole = jpeg(picture()).tobytes()
    middle = whole.index(b"\xff\xda") + 400
    broken = whole[:middle] + b"\xff\xd0" + whole[middle:]  # a restart where none is due: libjpeg skips what follows
    with pytest.raises(Damaged, match="arrived with errors"):
        decode_jpeg(broken)
    with pytest.raises(Damaged):
        stream = {"format": "MJPEG", "size": (160, 120), "stride": 0}
        to_bgr(np.frombuffer(broken, np.uint8), stream)


def test_auto_takes_the_first_camera_that_delivers(monkeypatch, tmp_path):
    paths = [tmp_path / name for name in ("video0", "video1")]
    made = plug_in(monkeypatch, *paths)
    made.retrieve = lambda self: (True, jpeg(picture(1)))
    made.grab = lambda self: self.path.endswith("video1")
    with V4l2Camera("auto") as source:
        assert next(iter(source)).bgr.shape == (120, 160, 3)
        assert source.describe()["path"] == str(paths[1])
    assert [capture.released for capture in made.made] == [True, True]


def test_auto_gives_up_a_camera_whose_pictures_are_all_damaged(monkeypatch, tmp_path):
    made = plug_in(monkeypatch, tmp_path / "video0", gives=(np.zeros((1, 40), np.uint8),) * 99)
    assert "only damaged pictures" in lost(V4l2Camera("auto"))
    assert made.made[0].released


def test_without_a_camera_auto_says_what_was_looked_for(monkeypatch):
    plug_in(monkeypatch)
    monkeypatch.setitem(sys.modules, "picamera2", None)
    sentence = lost(open_source("camera", "auto"))
    assert "picamera2" in sentence and "/dev/v4l/by-id" in sentence and "--camera PATH" in sentence


def test_a_stable_name_is_preferred_to_a_number(monkeypatch, tmp_path):
    (tmp_path / "by-id").mkdir()
    for number in (0, 2, 10):
        (tmp_path / f"video{number}").touch()
    (tmp_path / "by-id" / "usb-Scope-index0").symlink_to(tmp_path / "video2")
    monkeypatch.setattr(v4l2_node, "BY_ID", str(tmp_path / "by-id"))
    monkeypatch.setattr(v4l2_node, "NODES", str(tmp_path / "video"))
    stable = str(tmp_path / "by-id" / "usb-Scope-index0")
    assert v4l2_node.candidates() == [stable, str(tmp_path / "video0"), str(tmp_path / "video10")]
    assert [v4l2_node.named(where) for where in (2, "2", stable)] == [stable] * 3
    assert v4l2_node.named(0) == str(tmp_path / "video0")


def test_what_is_no_camera_is_named_by_the_kernel_itself(tmp_path):
    (tmp_path / "letter").write_text("hello")
    for path, word in ((tmp_path / "absent", "is not there"), (tmp_path / "letter", "is not a camera")):
        with pytest.raises(SourceLost, match=word):
            v4l2_node.ask(str(path))
    with pytest.raises(SourceLost, match="is not a camera"):
        v4l2_node.ask("/dev/null")


@pytest.mark.parametrize(
    ("number", "word"),
    [(errno.EACCES, "usermod -aG video"), (errno.EBUSY, "another program"), (errno.ENODEV, "unplug")],
)
def test_why_a_camera_cannot_be_used_is_said_with_what_to_do(monkeypatch, number, word):
    def refuse(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(v4l2_node.os, "open", refuse)
    with pytest.raises(SourceLost, match=word):
        v4l2_node.ask("/dev/video0")


@pytest.mark.parametrize(
    ("driver", "device", "camera"),
    [
        (b"uvcvideo", 0x04200001, True),  # as a UVC camera answers
        (b"uvcvideo", 0x04A00000, False),  # its second node, for metadata
        (b"imx7-csi", 0x25200001, False),  # a ribbon connector that needs its chain set up (IO_MC)
        (b"bcm2835-codec", 0x04204000, False),
    ],
)
def test_a_node_says_whether_it_is_a_camera(monkeypatch, driver, device, camera):
    asked = []

    def ioctl(_, request, argument):
        asked.append(request)
        if request == v4l2_node._QUERYCAP:
            return v4l2_node._CAPABILITY.pack(
                driver, b"HD USB Camera", b"usb-1", 0x60100, 0x80000000 | 0x84A00001, device
            )
        raise OSError(errno.EBUSY, "busy")

    monkeypatch.setattr(v4l2_node.fcntl, "ioctl", ioctl)
    if camera:
        with pytest.raises(SourceLost, match="used by another program"):
            v4l2_node.ask(os.devnull)
    else:
        assert v4l2_node.ask(os.devnull) == v4l2_node.Node(os.devnull, "HD USB Camera", driver.decode(), False)


# The Raspberry Pi camera


def test_the_pi_camera_gives_pictures_and_says_what_it_is(monkeypatch):
    bgr = picture(1)
    made = install(monkeypatch, buffers=(bgr.ravel(),), controls={"FrameDurationLimits": ()})
    with PiCamera(size=(160, 120), fps=20, tuning=tuned("picamera2", "imx708", {"LensPosition": 1.0})) as source:
        frame = next(iter(source))
        about = source.describe()
    camera = made.made[0]
    assert np.array_equal(frame.bgr, bgr) and "imx708" in source.name
    assert (about["width"], about["height"], about["format"]) == (160, 120, "RGB888")
    assert about["controls"] == {"FrameDurationLimits": (50_000, 50_000)} and about["controls_missing"] == [
        "LensPosition"
    ]
    assert camera.wished["buffer_count"] <= 5 and camera.held == 0
    assert camera.calls == ["start", "cancel", "close"]


def test_the_pi_camera_is_timed_by_its_sensor(monkeypatch):
    now = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    install(monkeypatch, buffers=(picture().ravel(),), stamp_ns=now - 250_000_000)
    with PiCamera(size=(160, 120)) as source:
        assert time.time() - next(iter(source)).captured_at == pytest.approx(0.25, abs=0.2)


def test_a_loose_ribbon_cable_ends_in_a_sentence_and_the_camera_is_closed(monkeypatch):
    made = install(monkeypatch, buffers=(picture().ravel(),))
    assert "check the ribbon cable" in lost(PiCamera(size=(160, 120), tries=0))
    assert made.made[0].calls == ["start", "cancel", "close"]


def test_a_pi_camera_that_hangs_is_cancelled_closed_and_opened_anew(soon, monkeypatch):
    made = install(monkeypatch, buffers=(picture().ravel(),))
    with PiCamera(size=(160, 120)) as source:
        frames = iter(source)
        while source.reopened < 2:
            assert next(frames).bgr.shape == (120, 160, 3)
    assert [camera.calls for camera in made.made[:2]] == [["start", "cancel", "close"]] * 2


def test_another_pi_camera_is_not_taken_for_the_lost_one(soon, monkeypatch):
    made = install(monkeypatch, buffers=(picture().ravel(),))
    exchanged = ({"Model": "imx477", "Id": "/base/soc/i2c@9/imx477@1a"},)
    made.cancel_all_and_flush = lambda self: setattr(made, "cameras", exchanged)
    source = PiCamera(size=(160, 120), tries=2)
    assert "check the ribbon cable" in lost(source)
    assert source.reopened == 0 and len(made.made) == 1


def test_a_pi_camera_that_cannot_even_be_closed_is_opened_anew(soon, monkeypatch):
    def stuck(self):
        raise RuntimeError("Closing failed")

    install(monkeypatch, buffers=(picture().ravel(),), close=stuck)
    with PiCamera(size=(160, 120)) as source:
        frames = iter(source)
        while not source.reopened:
            next(frames)


def as_buffer(form: str, bgr: np.ndarray, stride: int) -> np.ndarray:
    """`bgr` laid out in memory as libcamera's `form`, every row `stride` bytes long and some padding behind."""
    height, width = bgr.shape[:2]
    blank = np.full((height, width, 1), 255, np.uint8)
    if form in ("YUV420", "NV12", "YUYV"):
        planes = cv2.cvtColor(bgr, cv2.COLOR_BGR2YUV_I420).ravel()
        luma, u, v = np.split(planes, [height * width, height * width * 5 // 4])
        if form == "YUYV":
            u, v = (c.reshape(height // 2, width // 2).repeat(2, axis=0) for c in (u, v))
            pairs = np.stack([luma.reshape(height, -1, 2)[..., 0], u, luma.reshape(height, -1, 2)[..., 1], v], -1)
            rows = np.pad(pairs.reshape(height, -1), ((0, 0), (0, stride - 2 * width)))
        elif form == "NV12":
            rows = np.vstack([luma.reshape(height, width), np.stack([u, v], 1).reshape(height // 2, width)])
            rows = np.pad(rows, ((0, 0), (0, stride - width)))
        else:
            colour = [np.pad(c.reshape(height // 2, width // 2), ((0, 0), (0, (stride - width) // 2))) for c in (u, v)]
            rows = np.concatenate(
                [np.pad(luma.reshape(height, width), ((0, 0), (0, stride - width))).ravel()]
                + [c.ravel() for c in colour]
            )
        return np.concatenate([rows.ravel(), np.zeros(64, np.uint8)])
    pixels = {
        "RGB888": bgr,
        "BGR888": bgr[:, :, ::-1],
        "XRGB8888": np.dstack([bgr, blank]),
        "XBGR8888": np.dstack([bgr[:, :, ::-1], blank]),
    }[form]
    rows = pixels.reshape(height, -1)
    return np.concatenate([np.pad(rows, ((0, 0), (0, stride - rows.shape[1]))).ravel(), np.zeros(64, np.uint8)])


@pytest.mark.parametrize(
    ("form", "row", "exact"),
    [
        ("RGB888", 480, True),
        ("BGR888", 480, True),
        ("XRGB8888", 640, True),
        ("XBGR8888", 640, True),
        ("YUV420", 160, False),
        ("NV12", 160, False),
        ("YUYV", 320, False),
    ],
)
@pytest.mark.parametrize("padding", [0, 64])
def test_a_buffer_is_converted_by_the_format_that_is_reported(form, row, exact, padding):
    bgr = cv2.resize(np.array([[[200, 40, 30], [20, 180, 90]], [[60, 60, 220], [240, 240, 240]]], np.uint8), (160, 120))
    stream = {"format": form, "size": (160, 120), "stride": row + padding}
    got = to_bgr(as_buffer(form, bgr, row + padding), stream)
    assert got.shape == bgr.shape and got.flags.c_contiguous
    assert np.abs(got.astype(int) - bgr).max() <= (0 if exact else 12)
    with pytest.raises(Damaged):
        to_bgr(np.zeros(100, np.uint8), stream)


def test_the_pi_cameras_own_format_is_used_when_another_was_asked_for(monkeypatch):
    bgr = picture(1)
    reported = {"format": "XBGR8888", "size": (160, 120), "stride": 640}
    install(monkeypatch, buffers=(as_buffer("XBGR8888", bgr, 640),), stream=reported)
    with PiCamera(size=(160, 120)) as source:
        assert np.array_equal(next(iter(source)).bgr, bgr)


def test_a_format_that_cannot_be_read_is_said_before_anything_starts(monkeypatch):
    made = install(monkeypatch, stream={"format": "SRGGB10_CSI2P", "size": (160, 120), "stride": 640})
    assert "SRGGB10_CSI2P" in lost(PiCamera())
    assert made.made[0].calls == ["cancel", "close"]


def test_a_pi_camera_in_use_is_a_sentence(monkeypatch):
    install(monkeypatch, fails=RuntimeError("Camera __init__ sequence did not complete."))
    assert "another program uses it, or its cable is loose" in lost(PiCamera())


@pytest.mark.parametrize("cameras", [(), ({"Model": "C270", "Id": "/base/scb/pcie@7d500000/pci@0,0/usb@0,0-1.3:1.0"},)])
def test_libcameras_usb_cameras_are_not_taken_for_the_pis_own(monkeypatch, cameras):
    install(monkeypatch, cameras=cameras)
    assert "no Raspberry Pi camera was found; check its ribbon cable" in lost(PiCamera())
    assert picamera.missing()


def test_a_missing_picamera2_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.delitem(sys.modules, "picamera2", raising=False)
    with (
        pytest.raises(EnvironmentBroken, match=r"is not installed; .*apt install python3-picamera2.*system-site"),
        PiCamera(),
    ):
        pass


def test_a_picamera2_built_for_another_numpy_is_a_sentence(monkeypatch, tmp_path):
    (tmp_path / "picamera2.py").write_text("raise ValueError('numpy.dtype size changed\\nmore')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "picamera2", raising=False)
    with pytest.raises(EnvironmentBroken, match=r"does not work here \(numpy.dtype size changed\)"), PiCamera():
        pass


# Video files


def drawn(index: int) -> np.ndarray:
    """A mottled field, so that a missing part shows, with one dark disc, further right in each frame."""
    bgr = picture() // 4 + 180
    return cv2.circle(bgr, (15 + 10 * index, 60), 9, (130, 40, 90), -1)


def disc_at(bgr: np.ndarray) -> float:
    return float(np.nonzero(bgr[:, :, 1] < 120)[1].mean())


@pytest.fixture(scope="session")
def films(tmp_path_factory):
    """One short film in three containers."""
    folder = tmp_path_factory.mktemp("films")
    for name, code in (("film.avi", "MJPG"), ("film.mp4", "mp4v"), ("film.mkv", "MJPG")):
        writer = cv2.VideoWriter(str(folder / name), cv2.VideoWriter_fourcc(*code), 20, (160, 120))
        assert writer.isOpened()
        for index in range(FRAMES):
            writer.write(drawn(index))
        writer.release()
    return folder


@pytest.mark.parametrize("name", ["film.avi", "film.mp4", "film.mkv"])
def test_a_video_gives_every_frame_once_in_order_and_simply_ends(films, name, capfd):
    with VideoFile(films / name) as source:
        about = source.describe()
        frames = list(source)
    assert [round((disc_at(frame.bgr) - 15) / 10) for frame in frames] == list(range(FRAMES))
    assert [frame.index for frame in frames] == list(range(FRAMES))
    begun = os.stat(films / name).st_mtime
    assert [frame.captured_at - begun for frame in frames] == pytest.approx([i / 20 for i in range(FRAMES)], abs=0.002)
    assert source.dropped == 0 and not source.live
    assert (about["width"], about["height"], about["fps"], about["whole"]) == (160, 120, 20, True)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["film.avi", "film.mkv"])
def test_a_truncated_video_gives_what_is_whole_and_then_says_so(films, name, tmp_path, capfd):
    data = (films / name).read_bytes()
    (tmp_path / name).write_bytes(data[: int(len(data) * 0.6)])
    frames = []
    with VideoFile(tmp_path / name) as source, pytest.raises(SourceLost, match=r"is truncated: it ends after \d+"):
        for frame in source:
            frames.append(frame)
    assert 3 <= len(frames) < FRAMES and source.dropped == 1
    with VideoFile(films / name) as whole:
        for cut, frame in zip(frames, whole, strict=False):
            assert np.array_equal(cut.bgr, frame.bgr)  # the half picture at the cut is not among them
    assert capfd.readouterr() == ("", "")


def test_a_video_cut_before_its_index_cannot_be_opened(films, tmp_path, capfd):
    data = (films / "film.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(data[: int(len(data) * 0.6)])
    with (
        pytest.raises(PictureError, match="is truncated: the video ends before its index"),
        VideoFile(tmp_path / "cut.mp4"),
    ):
        pass
    assert capfd.readouterr() == ("", "")


def test_a_bad_stretch_is_dropped_and_the_film_goes_on_behind_it(films, tmp_path, capfd):
    data = bytearray((films / "film.avi").read_bytes())
    starts = [at for at in range(len(data)) if data.startswith(b"\xff\xd8\xff", at)]
    data[starts[5] : starts[5] + 500] = bytes(500)
    (tmp_path / "bad.avi").write_bytes(data)
    with VideoFile(tmp_path / "bad.avi") as source:
        places = [round((disc_at(frame.bgr) - 15) / 10) for frame in source]
    assert places == [place for place in range(FRAMES) if place != 5] and source.dropped == 1
    assert capfd.readouterr() == ("", "")


def test_what_is_no_video_is_one_sentence(tmp_path, capfd):
    (tmp_path / "empty.avi").touch()
    (tmp_path / "letter.avi").write_text("hello\n" * 500)
    (tmp_path / "folder.avi").mkdir()
    os.mkfifo(tmp_path / "pipe.avi")
    for name, error, word in (
        ("empty.avi", PictureError, "is empty"),
        ("letter.avi", PictureError, "is not a video"),
        ("folder.avi", UsageError, "is not a video file"),
        ("pipe.avi", UsageError, "is not a video file"),
        ("absent.avi", UsageError, "No such file"),
        ("nul\0.avi", UsageError, "check the name"),
    ):
        with pytest.raises(error, match=word) as caught, VideoFile(tmp_path / name):
            pass
        assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_a_name_that_is_not_utf_8_is_a_sentence_and_not_a_crash(films, tmp_path):
    path = os.path.join(os.fsencode(tmp_path), b"caf\xe9.avi")
    with open(path, "wb") as file:
        file.write((films / "film.avi").read_bytes())
    with pytest.raises(UsageError, match="not UTF-8; rename"), VideoFile(os.fsdecode(path)):
        pass


def test_a_video_of_tiny_pictures_is_refused(tmp_path):
    writer = cv2.VideoWriter(str(tmp_path / "tiny.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 20, (64, 48))
    writer.write(np.zeros((48, 64, 3), np.uint8))
    writer.release()
    with pytest.raises(PictureError, match="64×48 pixels"), VideoFile(tmp_path / "tiny.avi"):
        pass


def test_leaving_a_video_early_loses_nothing_and_closing_twice_is_harmless(films):
    source = VideoFile(films / "film.avi")
    with source:
        frames = iter(source)
        next(frames)
        source.close()
        assert list(frames) == [] and source.dropped == 0
    with pytest.raises(RuntimeError):
        iter(source)


@pytest.mark.parametrize("name", ["film.avi", "film.mp4", "film.mkv"])
def test_a_recording_is_whole_only_to_its_last_byte(films, name, tmp_path):
    data = (films / name).read_bytes()
    assert is_whole(str(films / name))
    for missing in (1, 100, len(data) // 2):
        (tmp_path / name).write_bytes(data[:-missing])
        assert not is_whole(str(tmp_path / name))
    (tmp_path / name).write_bytes(data + b"\0\0\0\0appended")
    assert is_whole(str(tmp_path / name))


# A folder as a film


def test_a_folder_plays_its_pictures_in_natural_order(tmp_path):
    for number in (10, 9, 2, 1):
        bgr = smear()
        bgr[:20, :20] = number
        (tmp_path / f"frame{number}.png").write_bytes(encoded(bgr, ".png"))
    with FolderFilm(tmp_path) as source:
        frames = list(source)
        assert source.describe()["frames"] == 4
    assert [int(frame.bgr[0, 0, 0]) for frame in frames] == [1, 2, 9, 10]
    assert source.dropped == 0 and not source.problems and not source.live


def test_pictures_that_do_not_fit_the_film_are_dropped_with_a_sentence(tmp_path):
    for name, data in (
        ("1.png", encoded(smear(), ".png")),
        ("2.png", encoded(smear(200, 120), ".png")),
        ("3.png", b""),
        ("4.png", encoded(smear(), ".png")),
    ):
        (tmp_path / name).write_bytes(data)
    with FolderFilm(tmp_path) as source:
        frames = list(source)
    assert [frame.index for frame in frames] == [0, 3] and source.dropped == 2
    assert [
        (os.path.basename(path), word in sentence)
        for (path, sentence), word in zip(
            source.problems, ("200×120 pixels in a film of 320×240", "empty"), strict=True
        )
    ] == [("2.png", True), ("3.png", True)]


def test_the_size_of_a_folder_film_can_be_given(tmp_path):
    for name, width in (("1.png", 320), ("2.png", 200)):
        (tmp_path / name).write_bytes(encoded(smear(width, 120), ".png"))
    with FolderFilm(tmp_path, size=(200, 120)) as source:
        assert [frame.bgr.shape[1] for frame in source] == [200]


def test_a_folder_without_pictures_is_a_sentence(tmp_path):
    with pytest.raises(UsageError, match="holds no pictures"), FolderFilm(tmp_path):
        pass
    with pytest.raises(UsageError, match="is not a folder"), FolderFilm(tmp_path / "absent"):
        pass
    (tmp_path / "1.png").touch()
    assert "not one picture can be used" in lost(FolderFilm(tmp_path))


# Which source an option means


def test_an_option_means_its_source(monkeypatch, films, tmp_path):
    monkeypatch.setitem(sys.modules, "picamera2", None)
    assert isinstance(open_source("video", str(films / "film.avi")), VideoFile)
    assert isinstance(open_source("video", str(tmp_path)), FolderFilm)
    assert isinstance(open_source("camera", "auto"), V4l2Camera)
    assert isinstance(open_source("camera", "/dev/video7", size=(640, 480)), V4l2Camera)
    assert isinstance(open_source("camera", "picamera2", fps=15), PiCamera)
    install(monkeypatch)
    assert isinstance(open_source("camera", "auto"), PiCamera)
    with pytest.raises(UsageError):
        open_source("camera", "")


def test_the_stand_in_for_opencv_has_the_methods_of_the_real_one():
    assert all(
        hasattr(cv2.VideoCapture, name) for name in vars(Capture) if name[0] != "_" and callable(vars(Capture)[name])
    )
