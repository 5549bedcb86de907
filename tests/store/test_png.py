"""Pictures in the tables come out as they went in, or not at all."""

import zlib

import numpy as np
import pytest

from leuko_edge.store import png

CROP = np.random.default_rng(1).integers(0, 256, (24, 24, 3), np.uint8)


def test_a_crop_and_a_piece_of_the_map_come_out_as_they_went_in():
    np.testing.assert_array_equal(png.decode(png.encode(CROP)), CROP)
    fine = (CROP[:, :, 0].astype(np.int16) - 128).astype(np.int8)
    np.testing.assert_array_equal(png.decode_map(png.encode_map(fine)), fine)


@pytest.mark.parametrize("part", ["checksum", "pixels"])
def test_a_picture_whose_checksum_is_another_is_none(part):
    stored = bytearray(png.encode(CROP))
    length = int.from_bytes(stored[33:37], "big")  # of the first part after the header: IDAT
    assert stored[37:41] == b"IDAT"
    if part == "checksum":
        stored[41 + length] ^= 1
    else:  # another picture that zlib takes without a word: only the part's own checksum is left to tell
        pixels = bytearray(zlib.decompress(stored[41 : 41 + length]))
        pixels[100] ^= 64
        again = zlib.compress(bytes(pixels), 0)
        head, tail = stored[:33], stored[41 + length : 45 + length]
        end = b"\0\0\0\0IEND" + zlib.crc32(b"IEND").to_bytes(4, "big")
        stored = head + len(again).to_bytes(4, "big") + b"IDAT" + again + tail + end
    assert png.decode(bytes(stored)) is None


def test_what_is_cut_short_or_goes_on_behind_its_end_is_none():
    stored = png.encode(CROP)
    assert png.decode(stored[:-20]) is png.decode(stored + b"x") is png.decode(None) is None
