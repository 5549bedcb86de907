"""A training that begins with a model of ours."""

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("keras")
import keras

from leuko_edge.errors import UsageError
from leuko_edge.model.card import ModelCard
from leuko_edge.model.litert import Network
from leuko_edge.types import CLASSES
from leuko_train.network import warm_start
from leuko_train.network.vgg16 import MiddleAndMean

FLOAT = Path(__file__).parents[1] / "assets" / "tiny-float16.tflite"


def network(classes: int, channels: int = 3) -> keras.Model:
    """What assets/make_tiny.py converted, without its weights."""
    inputs = keras.Input((64, 64, 3))
    brightest = keras.layers.GlobalMaxPooling2D()(keras.layers.Conv2D(channels, 1, activation="relu")(inputs))
    return keras.Model(inputs, keras.layers.Dense(classes, activation="softmax")(brightest))


def test_it_says_what_the_model_says():
    card = ModelCard.load(FLOAT.with_suffix(".json"))
    model = network(len(card.classes))
    warm_start.inherit(model, warm_start.read(FLOAT), card.classes)
    crops = np.random.default_rng(0).integers(0, 256, (6, 1, 1, 3)) * np.ones((1, 64, 64, 1))
    expected = Network(card, FLOAT.read_bytes(), 1).run(crops.astype(np.uint8)).probabilities
    np.testing.assert_allclose(model.predict(crops.astype(np.float32), verbose=0), expected, atol=2e-3)


def test_a_wide_network_begins_with_what_the_narrower_window_knew_and_no_surroundings():
    before = network(2)
    inputs = keras.Input((96, 96, 3))
    maps = keras.layers.Conv2D(3, 1, activation="relu")(inputs)
    wide = keras.Model(inputs, keras.layers.Dense(2, activation="softmax")(MiddleAndMean()(maps)))
    known = warm_start.Known(tuple(tuple(layer.get_weights()) for layer in before.layers if layer.weights), CLASSES[:2])
    warm_start.inherit(wide, known, CLASSES[:2])
    rgb = np.random.default_rng(0).uniform(0, 255, (4, 96, 96, 3)).astype(np.float32)
    middle = rgb[:, 16:80, 16:80]
    np.testing.assert_allclose(wide.predict(rgb, verbose=0), before.predict(middle, verbose=0), atol=1e-5)


def test_a_new_class_begins_as_the_one_that_it_was_hidden_under_and_less_likely():
    kernel, bias = np.eye(3, 2, dtype=np.float32), np.array([1.0, 2.0], np.float32)
    known = warm_start.Known(((np.ones((3, 3), np.float32), np.zeros(3, np.float32)), (kernel, bias)), CLASSES[:2])
    wanted = (CLASSES[1], "variant_lymphocyte", "platelet", CLASSES[0])
    inputs = keras.Input((3,))
    hidden = keras.layers.Dense(3, activation="relu")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(4, activation="softmax")(hidden))
    warm_start.inherit(model, known, wanted)
    columns, biases = model.layers[-1].get_weights()
    assert CLASSES[:2] == ("neutrophil", "lymphocyte")
    np.testing.assert_array_equal(columns, np.stack([kernel[:, 1], kernel[:, 1], np.zeros(3), kernel[:, 0]], axis=1))
    np.testing.assert_allclose(biases, [2.0, 2.0 - warm_start.UNLIKELY, 1.0 - warm_start.UNLIKELY, 1.0])


def test_a_trained_network_begins_another_with_the_classes_of_its_run(tmp_path):
    before, after = network(2), network(len(CLASSES))
    before.save(tmp_path / "model.keras")
    (tmp_path / "report.json").write_text(json.dumps({"classes": CLASSES[3:5]}))
    warm_start.inherit(after, warm_start.read(tmp_path / "model.keras"))
    np.testing.assert_array_equal(after.layers[1].get_weights()[0], before.layers[1].get_weights()[0])
    np.testing.assert_array_equal(after.layers[-1].get_weights()[0][:, 3:5], before.layers[-1].get_weights()[0])


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("tiny.tflite", "quantised"), ("none.tflite", "No model"), ("broken.keras", "cannot be read")],
)
def test_what_cannot_begin_a_training_is_refused(tmp_path, name, sentence):
    (tmp_path / "broken.keras").write_bytes(b"no archive")
    path = tmp_path / name if name == "broken.keras" else FLOAT.with_name(name)
    with pytest.raises(UsageError, match=sentence):
        warm_start.read(path)


def test_a_network_of_another_shape_is_refused():
    with pytest.raises(UsageError, match="does not fit"):
        warm_start.inherit(network(len(CLASSES), channels=5), warm_start.read(FLOAT))


@pytest.mark.parametrize("kind", [keras.layers.BatchNormalization, keras.layers.GroupNormalization])
def test_what_is_normalised_begins_what_is_normalised_alike(kind, tmp_path):
    def normalised() -> keras.Model:
        inputs = keras.Input((16, 16, 3))
        maps = keras.layers.Conv2D(4, 3, use_bias=False)(inputs)
        maps = kind(**({"groups": 2} if kind is keras.layers.GroupNormalization else {}))(maps)
        pooled = keras.layers.GlobalMaxPooling2D()(keras.layers.ReLU()(maps))
        return keras.Model(inputs, keras.layers.Dense(len(CLASSES), activation="softmax")(pooled))

    before, after = normalised(), normalised()
    rng = np.random.default_rng(0)
    before.set_weights([rng.uniform(0.5, 1.5, w.shape) for w in before.get_weights()])
    before.save(tmp_path / "model.keras")
    warm_start.inherit(after, warm_start.read(tmp_path / "model.keras"))
    rgb = rng.uniform(0, 1, (3, 16, 16, 3)).astype(np.float32)
    np.testing.assert_allclose(after.predict(rgb, verbose=0), before.predict(rgb, verbose=0), atol=1e-6)
    with pytest.raises(UsageError, match="does not fit"):
        warm_start.inherit(network(len(CLASSES)), warm_start.read(tmp_path / "model.keras"))


def test_what_normalises_its_batches_begins_by_saying_what_one_without_says():
    """Of a network of two convolutions: the second one's statistics are of what the first makes, normalised."""

    def chain(normalised: bool) -> keras.Model:
        inputs = x = keras.Input((16, 16, 3))
        for _ in range(2):
            x = keras.layers.Conv2D(4, 3, use_bias=not normalised)(x)
            x = keras.layers.ReLU()(keras.layers.BatchNormalization()(x) if normalised else x)
        pooled = keras.layers.GlobalMaxPooling2D()(x)
        return keras.Model(inputs, keras.layers.Dense(len(CLASSES), activation="softmax")(pooled))

    before, after = chain(False), chain(True)
    rng = np.random.default_rng(0)
    before.set_weights([rng.normal(0, 0.3, w.shape) for w in before.get_weights()])
    known = warm_start.Known(tuple(tuple(layer.get_weights()) for layer in before.layers if layer.weights), CLASSES)
    rgb = rng.integers(0, 256, (20, 16, 16, 3)).astype(np.uint8)
    warm_start.inherit(after, known, rgb=rgb)
    given = rgb.astype(np.float32)
    np.testing.assert_allclose(after.predict(given, verbose=0), before.predict(given, verbose=0), atol=1e-5)
    second = [layer for layer in after.layers if isinstance(layer, keras.layers.BatchNormalization)][1]
    raw = keras.Model(after.input, second.input).predict(given, verbose=0)
    np.testing.assert_allclose(second.get_weights()[2], raw.mean((0, 1, 2)), rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(second.get_weights()[3], raw.var((0, 1, 2)), rtol=1e-3)
