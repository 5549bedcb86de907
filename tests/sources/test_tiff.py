"""Every layout of a TIFF is read right or refused with the true reason, and no damage goes unheard."""

import io
import random
import sys

import cv2
import numpy as np
import pytest
from drawn import encoded, smear

from leuko_edge.errors import PictureError, Reason
from leuko_edge.sources.picture_decoding import decode
from leuko_edge.sources.pictures import Lost, Pictures

tifffile = pytest.importorskip("tifffile")
pytest.importorskip("imagecodecs")


def tiff(bgr: np.ndarray, **layout) -> bytes:
    """By tifffile; `planarconfig="separate"` moves the planes to the front as it wants them."""
    values = bgr if bgr.ndim == 2 else bgr[:, :, [2, 1, 0, *range(3, bgr.shape[2])]]
    if layout.get("planarconfig") == "separate":
        values = np.moveaxis(values, 2, 0)
    if "tile" not in layout:
        layout.setdefault("rowsperstrip", 32)
    file = io.BytesIO()
    tifffile.imwrite(file, np.ascontiguousarray(values), **{"photometric": "rgb", "metadata": None, **layout})
    return file.getvalue()


def refusal(data: bytes) -> PictureError:
    with pytest.raises(PictureError) as caught:
        decode(data)
    return caught.value


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("compression", [None, "lzw", "deflate", "packbits"])
@pytest.mark.parametrize("blocks", [{}, {"tile": (64, 64)}, {"byteorder": ">"}, {"bigtiff": True}])
def test_every_layout_gives_the_stored_pixels(bits, planar, compression, blocks):
    bgr = smear(200, 120)
    values = bgr if bits == 8 else bgr.astype(np.uint16) * 257
    predictor = compression in ("lzw", "deflate")
    assert np.array_equal(
        decode(tiff(values, planarconfig=planar, compression=compression, predictor=predictor, **blocks)), bgr
    )


@pytest.mark.parametrize("alpha", ["unassalpha", "assocalpha", "unspecified"])
@pytest.mark.parametrize("bits", [8, 16])
def test_the_colours_of_a_tiff_are_not_multiplied_by_its_alpha(alpha, bits):
    bgr = smear(200, 120)
    bgra = np.dstack([bgr, np.zeros((120, 200), np.uint8)])
    values = bgra if bits == 8 else bgra.astype(np.uint16) * 257
    assert np.array_equal(decode(tiff(values, extrasamples=[alpha], compression="deflate")), bgr)


@pytest.mark.parametrize("compression", ["zstd", "jpeg2000", "lzma"])
def test_what_opencv_cannot_unpack_is_read_by_tifffile(compression):
    bgr = smear(200, 120)
    assert np.array_equal(decode(tiff(bgr, compression=compression)), bgr)


@pytest.mark.parametrize(
    ("layout", "bits", "word"),
    [({"compression": "zstd"}, 8, "Zstandard"), ({"planarconfig": "separate"}, 16, "layout that OpenCV gets wrong")],
)
def test_without_the_extra_the_reason_is_that_and_how_to_get_it(layout, bits, word, monkeypatch):
    values = smear(200, 120) if bits == 8 else smear(200, 120).astype(np.uint16) * 257
    data = tiff(values, **layout)
    monkeypatch.setitem(sys.modules, "tifffile", None)
    refused = refusal(data)
    assert refused.reason is Reason.NEEDS_EXTRA and word in str(refused) and "leuko-edge[photos]" in str(refused)


def test_without_the_codecs_alone_it_is_said_too_and_with_them_that_nothing_reads_it(monkeypatch):
    data = tiff(smear(200, 120), compression="zstd")
    monkeypatch.setattr(tifffile.TIFF, "DECOMPRESSORS", {1: bytes})  # as tifffile has them without imagecodecs
    assert refusal(data).reason is Reason.LAYOUT
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    refused = refusal(data)
    assert refused.reason is Reason.NEEDS_EXTRA and "leuko-edge[photos]" in refused.cure()


def test_planes_that_are_not_packed_are_read_without_the_codecs(monkeypatch):
    values = smear(200, 120).astype(np.uint16) * 257
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    assert np.array_equal(decode(tiff(values, planarconfig="separate")), smear(200, 120))


def test_colours_under_a_grey_photometric_are_not_called_grey():
    data = tiff(smear(200, 120), photometric="minisblack", planarconfig="contig")
    assert refusal(data).reason is Reason.LAYOUT and "PhotometricInterpretation" in str(refusal(data))


def test_a_tiff_in_inks_or_floats_is_refused_as_that():
    inks = np.dstack([smear(200, 120), np.zeros((120, 200), np.uint8)])
    assert "CMYK" in str(refusal(tiff(inks, photometric="separated")))
    assert "float32" in str(refusal(tiff(smear(200, 120).astype(np.float32))))


@pytest.mark.parametrize("compression", ["deflate", "lzw", "packbits", None])
@pytest.mark.parametrize("blocks", [{}, {"tile": (64, 64)}])
def test_a_piece_of_zeros_in_the_picture_is_refused_or_changes_nothing_that_was_checked(compression, blocks):
    """What is stored as it is carries no check; of all else lengths or checksums tell."""
    data = tiff(smear(200, 120), compression=compression, **blocks)
    start = len(data) // 2
    broken = data[:start] + bytes(200) + data[start + 200 :]
    if compression is None:
        assert decode(broken).shape == (120, 200, 3)
    else:
        assert refusal(broken).reason is Reason.DAMAGED


def test_flipped_bits_in_deflate_are_all_found_and_in_lzw_those_that_change_a_length():
    rng, found = random.Random(5), {"deflate": 0, "lzw": 0}
    for compression in found:
        data = tiff(smear(200, 120), compression=compression)
        whole = decode(data)
        for _ in range(60):
            broken = bytearray(data)
            broken[rng.randrange(2000, len(data) - 400)] ^= 1 << rng.randrange(8)
            try:
                found[compression] += np.array_equal(decode(bytes(broken)), whole)
            except PictureError:
                found[compression] += 1
    assert found["deflate"] == 60 and found["lzw"] > 10


def test_a_long_lzw_strip_with_many_clear_codes_is_whole():
    bgr = np.random.default_rng(1).integers(0, 255, (300, 400, 3)).astype(np.uint8)
    for data in (tiff(bgr, compression="lzw", rowsperstrip=300), encoded(bgr, ".tif")):
        assert np.array_equal(decode(data), bgr)


def pages(*pictures: np.ndarray, **layout) -> bytes:
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        for bgr in pictures:
            writer.write(bgr[:, :, ::-1].copy(), photometric="rgb", metadata=None, **layout)
    return file.getvalue()


def test_each_page_of_a_tiff_is_a_picture(tmp_path):
    first, second = smear(200, 120, seed=1), smear(200, 120, seed=2)
    (tmp_path / "slide.tif").write_bytes(pages(first, second))
    (tmp_path / "z.png").write_bytes(encoded(first, ".png"))
    one, two, three = Pictures([tmp_path])
    assert [one.page, two.page, three.page] == [1, 2, None] and [one.index, two.index] == [0, 1]
    assert np.array_equal(one.bgr, first) and np.array_equal(two.bgr, second)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_thumbnail_is_no_picture_wherever_it_stands(order, tmp_path):
    bgr = smear(400, 300)
    both = (bgr, cv2.resize(bgr, (100, 75), interpolation=cv2.INTER_AREA))
    (tmp_path / "slide.tif").write_bytes(pages(*(both[number] for number in order)))
    (taken,) = Pictures([tmp_path])
    assert np.array_equal(taken.bgr, bgr)


def test_a_reduced_copy_is_no_picture_even_where_it_is_large(tmp_path):
    bgr, file = smear(400, 300), io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        writer.write(bgr[:, :, ::-1].copy(), photometric="rgb", metadata=None)
        writer.write(bgr[::1, ::1, ::-1].copy(), photometric="rgb", metadata=None, subfiletype=1)
    (tmp_path / "slide.tif").write_bytes(file.getvalue())
    assert len(Pictures([tmp_path])) == 1


def test_a_damaged_second_page_does_not_take_the_first_with_it(tmp_path):
    data = pages(smear(200, 120, seed=1), smear(200, 120, seed=2), compression="deflate")
    second = tifffile.TiffFile(io.BytesIO(data)).pages[1]
    at = second.dataoffsets[0] + 2000
    (tmp_path / "slide.tif").write_bytes(data[:at] + bytes(300) + data[at + 300 :])
    one, two = Pictures([tmp_path])
    assert np.array_equal(one.bgr, smear(200, 120, seed=1))
    assert isinstance(two, Lost) and two.reason is Reason.DAMAGED and two.page == 2


def test_pages_that_lead_in_a_circle_are_refused_as_damaged():
    data = bytearray(tiff(smear(200, 120)))
    first = int.from_bytes(data[4:8], "little")
    at = first + 2 + 12 * int.from_bytes(data[first : first + 2], "little")
    data[at : at + 4] = data[4:8]
    assert refusal(bytes(data)).reason is Reason.DAMAGED


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("field_plain.png", None),
        ("field_16bit_planar_separate.tif", None),
        ("field_rgba_alpha0.tif", None),
        ("field_jpeg2000.tif", None),
        ("field_zstd.tif", None),
        ("field_photometric_minisblack.tif", Reason.LAYOUT),
        ("field_deflate_damaged_tiles.tif", Reason.DAMAGED),
        ("field_lzw_damaged_strips.tif", Reason.DAMAGED),
        ("progressive_one_scan_of_ten.jpg", Reason.TRUNCATED),
    ],
)
def test_the_cases_that_went_wrong_give_their_pixels_or_the_true_reason(name, said, cases):
    data = (cases / name).read_bytes()
    if said is None:
        assert np.array_equal(decode(data), cv2.imread(str(cases / "field_plain.png")))
    else:
        assert refusal(data).reason is said


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "pictures"), [("field_lzw.tif", 1), ("progressive_whole.jpg", 1), ("two_fields_in_two_pages.tif", 2)]
)
def test_the_whole_cases_give_all_their_pictures(name, pictures, cases):
    assert [taken.bgr.ndim for taken in Pictures([cases / name])] == [3] * pictures
