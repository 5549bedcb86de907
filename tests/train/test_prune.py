"""Pruning: the narrow network begins with what the full one knows."""

import keras
import numpy as np
import pytest

from leuko_train.network.prune import fitted, inherit, spanning
from leuko_train.network.vgg16 import HALF, VGG_MEAN_BGR, build_slim, vgg16


def test_the_columns_kept_span_those_that_go():
    rng = np.random.default_rng(0)
    base = rng.normal(size=(500, 3))
    mixed = base @ rng.normal(size=(3, 4)) * 0.1
    kept = spanning(np.concatenate([mixed, 10 * base], 1), 3)
    assert kept.tolist() == [4, 5, 6]


def test_a_copy_of_a_column_is_not_kept_beside_it():
    rng = np.random.default_rng(0)
    strong, weak = rng.normal(size=(200, 1)) * 9, rng.normal(size=(200, 1))
    assert spanning(np.concatenate([strong, strong * 0.9, weak], 1), 2).tolist() == [0, 2]


def test_the_fit_finds_the_weights_that_made_the_targets():
    rng = np.random.default_rng(1)
    patches, weights = rng.normal(size=(4000, 12)), rng.normal(size=(12, 2))
    found, bias = fitted(patches, patches @ weights + [3.0, -1.0])
    np.testing.assert_allclose(found, weights, atol=0.02)
    np.testing.assert_allclose(bias, [3.0, -1.0], atol=0.02)


@pytest.fixture(scope="module")
def pruned():
    keras.utils.set_random_seed(0)
    full, narrow = vgg16(None, 32), build_slim(9, 32)
    rgb = np.random.default_rng(0).integers(0, 256, (40, 32, 32, 3), np.uint8)
    return full, narrow, rgb, inherit(narrow, full, rgb)


def test_each_layer_explains_what_it_stands_for(pruned):
    _, _, _, explained = pruned
    assert list(explained) == [
        f"block{b}_conv{c}" for b, n in ((1, 2), (2, 2), (3, 3), (4, 3), (5, 3)) for c in range(1, n + 1)
    ]
    assert explained["block1_conv1"] > 0.999 and all(share > 0.5 for share in explained.values())


def test_the_narrow_network_s_first_channels_are_the_full_network_s_but_for_their_size(pruned):
    full, narrow, rgb, _ = pruned
    given = rgb[..., ::-1].astype(np.float32) - np.array(VGG_MEAN_BGR, np.float32)
    wide = keras.Model(full.input, full.get_layer("block1_conv1").output).predict(given, verbose=0)
    place = narrow.layers.index(narrow.get_layer("block1_conv1"))
    slim = keras.Model(narrow.input, narrow.layers[place + 2].output).predict(rgb.astype(np.float32), verbose=0)
    wide, slim = (values / np.sqrt((values**2).mean((0, 1, 2)) + 1e-12) for values in (wide, slim))
    apart = ((slim[..., :, None] - wide[..., None, :]) ** 2).mean(axis=(0, 1, 2))  # (narrow, full) channels
    assert (apart.min(axis=1) < 1e-3).all()


def test_channels_and_kernels_have_the_size_that_training_expects(pruned):
    _, narrow, rgb, _ = pruned
    activations = [layer.output for layer in narrow.layers if isinstance(layer, keras.layers.ReLU)]
    for values in keras.Model(narrow.input, activations).predict(rgb.astype(np.float32), verbose=0):
        assert 0.5 < np.sqrt((values**2).mean()) < 2
    for layer in narrow.layers:
        if isinstance(layer, keras.layers.Conv2D) and layer.name.startswith("block"):
            (kernel,) = layer.get_weights()
            assert kernel.std() == pytest.approx((2 / np.prod(kernel.shape[:3])) ** 0.5, rel=1e-3)


@pytest.mark.parametrize(("norm", "trained"), [("group", 3), ("frozen", 1), (None, 2)])
def test_each_kind_of_normalisation_begins_with_what_the_full_network_knows(norm, trained):
    keras.utils.set_random_seed(0)
    full, narrow = vgg16(None, 32), build_slim(9, 32, share=HALF, norm=norm)
    rgb = np.random.default_rng(0).integers(0, 256, (40, 32, 32, 3), np.uint8)
    explained = inherit(narrow, full, rgb)
    assert explained["block1_conv1"] > 0.999 and min(explained.values()) > 0.5
    convolutions = [w for w in narrow.trainable_variables if "dense" not in w.path]
    assert len(convolutions) == 13 * trained
