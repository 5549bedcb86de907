"""The finder's network and its card: refused where they do not belong together, the same maps at any size."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from leuko_edge.errors import ModelError
from leuko_edge.model.finder import EMPTY, shipped
from leuko_edge.model.finder_card import FinderCard, load_verified, shipped_finder


@pytest.fixture
def copy(tmp_path):
    for suffix in (".tflite", ".json"):
        shutil.copy(shipped_finder().with_suffix(suffix), tmp_path / f"finder{suffix}")
    return tmp_path / "finder.tflite"


def changed(path, **fields):
    card = path.with_suffix(".json")
    card.write_text(json.dumps(json.loads(card.read_text()) | fields))


def test_the_shipped_finder_is_small_certified_and_licensed():
    card, content = load_verified()
    assert len(content) < 500_000
    assert card.certificate["agreed"] <= card.certificate["cells"]
    assert {name.removesuffix("_cells") for name in card.training["pictures"]} == set(card.licences["data"])


def test_a_network_that_is_not_the_cards_is_refused(copy):
    copy.write_bytes(copy.read_bytes() + b"\0")
    with pytest.raises(ModelError, match="not the one its card was written for"):
        load_verified(copy)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"certificate": {}}, "no certificate"),
        ({"threshold": 1.0}, "threshold"),
        ({"um_per_px": 0.4}, "0.4 µm per pixel"),
        ({"schema": "leuko-edge-card/1"}, "not a finder card"),
        ({"sha256": None}, "'sha256'"),
    ],
)
def test_a_card_that_does_not_hold_is_refused_with_the_reason(copy, fields, says):
    changed(copy, **fields)
    with pytest.raises(ModelError, match=says):
        load_verified(copy)


def test_a_finder_without_its_card_is_refused(copy):
    copy.with_suffix(".json").unlink()
    with pytest.raises(ModelError, match="no card"):
        load_verified(copy)


def test_a_card_is_read_as_it_was_written(copy):
    card = FinderCard.load(copy.with_suffix(".json"))
    card.save(copy.with_name("again.json"))
    assert FinderCard.load(copy.with_name("again.json")) == card


@pytest.mark.parametrize("shape", [(1, 1), (30, 41), (64, 96), (131, 70)])
def test_maps_are_half_as_large_as_any_picture_and_empty_where_that_is(shape):
    shown = np.tile(EMPTY.astype(np.uint8), (*shape, 1))
    maps = shipped().maps(shown)
    assert maps.shape == (-(-shape[0] // 2), -(-shape[1] // 2), 2)
    assert maps[:, :, 0].max() < 0.2


def test_a_field_after_another_of_another_size_gives_the_same_maps():
    rng = np.random.default_rng(0)
    one, other = (rng.integers(0, 255, (*shape, 6)).astype(np.uint8) for shape in ((64, 80), (100, 50)))
    before = shipped().maps(one)
    shipped().maps(other)
    np.testing.assert_array_equal(shipped().maps(one), before)
