import os
import struct
import zlib

import cv2
import numpy as np
import pytest
from drawn import encoded, smear

from leuko_edge.errors import PictureError
from leuko_edge.sources import picture_container
from leuko_edge.sources import pictures as sources
from leuko_edge.sources.picture_decoding import decode, read_picture
from leuko_edge.sources.pictures import Lost, Pictures
from leuko_edge.types import Frame

SUFFIXES = (".jpg", ".png", ".tif", ".bmp")


def with_orientation(data: bytes, value: int) -> bytes:
    """A JPEG or PNG with an EXIF orientation tag put in."""
    tag = b"II*\0\x08\0\0\0" + struct.pack("<HHHII", 1, 0x112, 3, 1, value) + bytes(4)
    if data[:2] == b"\xff\xd8":
        exif = b"Exif\0\0" + tag
        return data[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + data[2:]
    chunk = b"eXIf" + tag
    return data[:33] + struct.pack(">I", len(tag)) + chunk + struct.pack(">I", zlib.crc32(chunk)) + data[33:]


def tiff(bgr: np.ndarray, orientation: int = 1, order: str = "<") -> bytes:
    """An uncompressed TIFF of one strip."""
    height, width = bgr.shape[:2]
    tags = [(256, width), (257, height), (258, 8), (259, 1), (262, 2), (273, 8), (274, orientation), (277, 3)]
    tags += [(278, height), (279, bgr.size)]
    directory = struct.pack(order + "H", len(tags))
    directory += b"".join(struct.pack(order + "HHII", tag, 4, 1, value) for tag, value in tags if tag != 274)
    at = 2 + 12 * 6  # orientation is a SHORT and keeps its place among the tags
    short = struct.pack(order + "HHIHH", 274, 3, 1, orientation, 0)
    directory = directory[:at] + short + directory[at:] + bytes(4)
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8 + bgr.size)
    return head + cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB).tobytes() + directory


def refusal(data: bytes) -> str:
    with pytest.raises(PictureError) as caught:
        decode(data)
    return str(caught.value)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp"])
def test_lossless_files_give_their_own_pixels(suffix):
    bgr = smear()
    assert np.array_equal(decode(encoded(bgr, suffix)), bgr)


def test_a_jpeg_gives_nearly_its_pixels():
    bgr = smear()
    assert np.abs(decode(encoded(bgr, ".jpg")).astype(int) - bgr).mean() < 4


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
@pytest.mark.parametrize("value", [3, 6])
def test_an_orientation_tag_is_not_applied(suffix, value):
    data = encoded(smear(), suffix)
    assert np.array_equal(decode(with_orientation(data, value)), decode(data))


@pytest.mark.parametrize("value", [1, 2, 3, 6])
@pytest.mark.parametrize("order", ["<", ">"])
def test_a_tiff_is_read_as_stored_in_either_byte_order(value, order):
    bgr = smear(width=200, height=120)
    assert np.array_equal(decode(tiff(bgr, value, order)), bgr)


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_sixteen_bits_are_scaled_by_the_range_that_the_camera_used(bits, suffix):
    bgr = smear()
    bgr[0, 0] = 255  # the camera's white
    wide = (bgr.astype(np.uint16) << (bits - 8)) + (2 ** (bits - 8) - 1)
    assert np.array_equal(decode(encoded(wide, suffix)), bgr)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_a_few_hot_pixels_do_not_darken_a_picture_of_twelve_bits(suffix):
    bgr = smear()
    bgr[0, 0] = 255
    wide = (bgr.astype(np.uint16) << 4) + 15
    wide[5, 7] = wide[90, 100, 1] = 65535
    found = decode(encoded(wide, suffix))
    bgr[5, 7] = bgr[90, 100, 1] = 255
    assert np.array_equal(found, bgr)


def test_a_picture_wider_than_the_decoder_takes_is_called_too_long():
    data = encoded(smear(), ".png")
    part = b"IHDR" + struct.pack(">II", 1_250_000, 40) + data[24:29]
    assert "too long" in refusal(data[:12] + part + struct.pack(">I", zlib.crc32(part)) + data[33:])


def test_a_jpeg_whose_decoder_lost_its_place_is_damaged_and_filling_is_not():
    data = encoded(smear(), ".jpg")
    assert decode(data[:-2] + bytes(4) + data[-2:]).shape == (240, 320, 3)
    assert "damaged" in refusal(data[:-2] + bytes(range(1, 200)) + data[-2:])


def test_a_progressive_jpeg_without_its_later_scans_is_damaged():
    done, coded = cv2.imencode(".jpg", smear(), [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])
    data = coded.tobytes()
    scans = [at for at in range(len(data)) if data[at : at + 2] == b"\xff\xda"]
    assert done and len(scans) > 2 and decode(data).shape == (240, 320, 3)
    assert "later parts" in refusal(data[: scans[-1]] + b"\xff\xd9")


def test_eight_bits_kept_in_sixteen_are_not_darkened():
    bgr = smear()
    assert np.array_equal(decode(encoded(bgr.astype(np.uint16), ".png")), bgr)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_alpha_is_dropped(kind):
    bgr = smear()
    bgra = np.dstack([bgr, np.full(bgr.shape[:2], 7, np.uint8)])
    shift = 0 if kind is np.uint8 else 8
    assert np.array_equal(decode(encoded(bgra.astype(kind) << shift, ".png")), bgr)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("channels", [1, 3])
def test_grey_is_refused_in_one_channel_and_in_three(suffix, channels):
    grey = cv2.cvtColor(smear(), cv2.COLOR_BGR2GRAY)
    pixels = grey if channels == 1 else np.dstack([grey] * 3)
    assert "grey" in refusal(encoded(pixels, suffix))


def test_values_that_are_not_8_or_16_bits_are_named():
    assert "float32" in refusal(encoded(smear().astype(np.float32), ".tif"))


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("part", [0.3, 0.9, 0.999])
def test_a_truncated_file_is_refused_never_half_read(suffix, part):
    data = encoded(smear(), suffix)
    assert refusal(data[: int(len(data) * part)])


def test_a_jpeg_cut_short_and_closed_again_is_refused():
    data = encoded(smear(), ".jpg")
    assert "damaged" in refusal(data[: len(data) // 2] + b"\xff\xd9")


def test_the_end_of_a_thumbnail_is_not_the_end_of_the_picture():
    data, thumbnail = encoded(smear(), ".jpg"), encoded(smear(120, 120), ".jpg")
    marked = data[:2] + b"\xff\xe1" + struct.pack(">H", len(thumbnail) + 2) + thumbnail + data[2:]
    assert decode(marked).shape == (240, 320, 3)
    assert "truncated" in refusal(marked[: len(marked) - len(data) // 2])


def test_what_cameras_append_to_a_jpeg_does_not_matter():
    assert decode(encoded(smear(), ".jpg") + b"trailer" * 100).shape == (240, 320, 3)


def test_a_flipped_bit_in_a_png_is_noticed():
    data = bytearray(encoded(smear(), ".png"))
    data[len(data) // 2] ^= 4
    assert "damaged" in refusal(bytes(data))


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "empty"),
        (b"hello, I am a letter" * 50, "not a JPEG"),
        (b"GIF89a" + bytes(99), "not a JPEG"),
        (b"\xff\xd8\xff", "truncated"),
        (b"BM", "truncated"),
        (b"II*\0", "truncated"),
        (b"\x89PNG\r\n\x1a\n", "damaged"),
    ],
)
def test_what_is_no_picture_is_named(data, word):
    assert word in refusal(data)


@pytest.mark.parametrize(
    ("width", "height", "word"),
    [(0, 480, "no pixels"), (39, 480, "too small"), (10_000, 5_001, "too large"), (2**31, 2**31, "too large")],
)
def test_a_header_is_believed_before_anything_is_decoded(width, height, word, monkeypatch):
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("was decoded"))
    data = encoded(smear(), ".png")
    part = b"IHDR" + struct.pack(">II", width, height) + data[24:29]
    assert word in refusal(data[:12] + part + struct.pack(">I", zlib.crc32(part)) + data[33:])


def test_a_header_that_lies_about_the_size_is_refused():
    data = bytearray(encoded(smear(), ".jpg"))
    assert decode(bytes(data)).shape == (240, 320, 3)
    at = data.index(b"\xff\xc0") + 5
    struct.pack_into(">HH", data, at, 2000, 320)
    assert refusal(bytes(data))


def test_the_smallest_and_the_largest_picture_are_within_the_limits():
    assert decode(encoded(smear(40, 40, 0), ".png")).shape == (40, 40, 3)
    header = picture_container.inspect(tiff(np.zeros((40, 40, 3), np.uint8)))
    assert (header.width, header.height) == (40, 40)
    assert picture_container.MAX_PIXELS == 50_000_000


def test_decoders_keep_quiet(capfd):
    data = encoded(smear(), ".jpg")
    refusal(data[: len(data) // 2] + b"\xff\xd9")
    refusal(tiff(smear())[:-6] + b"\xff" * 6)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("error", "word"),
    [(MemoryError(), "not enough memory"), (cv2.error("assertion failed"), "damaged")],
)
def test_whatever_opencv_throws_becomes_a_sentence(error, word, monkeypatch):
    def imdecode(*_):
        raise error

    monkeypatch.setattr(cv2, "imdecode", imdecode)
    assert word in refusal(encoded(smear(), ".png"))


def test_a_folder_gives_its_own_pictures_sorted(tmp_path):
    for name in ("b.PNG", "a.png", ".hidden.png", "notes.txt"):
        (tmp_path / name).write_bytes(encoded(smear(), ".png"))
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "c.png").write_bytes(encoded(smear(), ".png"))
    with Pictures([tmp_path]) as source:
        frames = list(source)
    assert [os.path.basename(frame.source) for frame in frames] == ["a.png", "b.PNG"]
    assert [frame.index for frame in frames] == [0, 1] and len(source) == 2


def test_a_bad_file_does_not_end_the_iteration(tmp_path):
    (tmp_path / "a.png").write_bytes(b"")
    (tmp_path / "b.png").write_bytes(encoded(smear(), ".png"))
    first, second = Pictures([tmp_path])
    assert isinstance(first, Lost) and "empty" in first.sentence and first.reason == "empty"
    assert isinstance(second, Frame) and second.bgr.shape == (240, 320, 3)


def test_a_file_named_by_hand_needs_no_suffix(tmp_path):
    (tmp_path / "picture").write_bytes(encoded(smear(), ".png"))
    assert [type(taken) for taken in Pictures([tmp_path / "picture"])] == [Frame]


def test_a_picture_named_twice_is_taken_once(tmp_path):
    (tmp_path / "a.png").write_bytes(encoded(smear(), ".png"))
    source = Pictures([tmp_path, tmp_path / "a.png"])
    assert len(source) == 1 and "twice" in source.problems[0][1]


def test_paths_without_pictures_are_problems_with_a_reason(tmp_path):
    (tmp_path / "empty").mkdir()
    source = Pictures([tmp_path / "empty", tmp_path / "absent.jpg"])
    assert list(source) == []
    assert ["no pictures" in source.problems[0][1], "no such file" in source.problems[1][1]] == [True, True]


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(PictureError, match="not a regular file"):
        read_picture(tmp_path / "pipe.png")


@pytest.mark.realdata
@pytest.mark.parametrize("folder", ["bccd/images", "deepbionet/fields", "raabin/images", "lisc/neutrophil"])
def test_no_laboratory_picture_is_refused(data, folder):
    files = [entry for entry in sorted((data / folder).rglob("*")) if entry.suffix.lower() in sources.SUFFIXES][:40]
    assert files and all(read_picture(file).ndim == 3 for file in files)
