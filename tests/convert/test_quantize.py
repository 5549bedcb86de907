import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="conversion needs TensorFlow (leuko-edge[train])")
import keras
from made_cells import made_cells

from leuko_convert import cli, layer_chain, licences, quantize, representative, run_record
from leuko_convert.equalise import channel_maxima, equalise
from leuko_convert.quiet import quiet
from leuko_edge.errors import UsageError
from leuko_edge.model.card import load_verified
from leuko_edge.model.classify import Classifier, simulated_card
from leuko_edge.types import CLASSES
from leuko_train.calibration import novelty
from leuko_train.calibration.features import with_penultimate
from leuko_train.data.laboratories import LABORATORIES
from leuko_train.network import vgg16


def small_vgg(seed=3):
    """Two blocks as VGG's, preprocessing and head as the shipped network's; some channels a thousand times others."""
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    x = inputs = keras.Input((64, 64, 3))
    x = vgg16.preprocessing()(x)
    for filters in (8, 16):
        x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
        x = layers.MaxPooling2D()(x)
    x = layers.BatchNormalization()(layers.GlobalMaxPooling2D()(x))
    x = layers.Dense(32, activation="relu")(layers.Dropout(0.3)(x))
    model = keras.Model(inputs, layers.Dense(len(CLASSES), activation="softmax")(x), name="small")
    uneven(model)
    return model


def uneven(model):
    """What training does to VGG: channels of very different size, made equal again by the normalisation."""
    rng = np.random.default_rng(0)
    last = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)][-1]
    kernel, bias = last.get_weights()
    last.set_weights([kernel * 10 ** rng.uniform(-3, 0, 16), bias])
    norm = next(layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization))
    before = keras.Model(model.inputs, norm.input).predict(pictures(64).astype(np.float32), verbose=0)
    beta, gamma = rng.normal(0, 0.2, 16), rng.uniform(0.5, 1.5, 16)
    norm.epsilon = 1e-12
    norm.set_weights([gamma, beta, before.mean(0), before.var(0)])


def pictures(count, seed=5):
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)
    return coarse.repeat(8, axis=1).repeat(8, axis=2)


@pytest.fixture(scope="module")
def model():
    return small_vgg()


@pytest.fixture(scope="module")
def converted(model):
    with quiet():
        return quantize.convert(model, pictures(64))


def said(content, rgb, **window):
    """Probabilities by the device's own runtime, under a card made for the purpose."""
    return Classifier(replace(simulated_card(), name="test", **window), content).probabilities(rgb)


def test_the_float16_model_says_what_the_network_says(model, converted):
    rgb = pictures(40, seed=6)
    expected = model.predict(rgb.astype(np.float32), verbose=0)
    assert said(converted.float16, rgb) == pytest.approx(expected, abs=0.01)


def test_the_int8_model_names_the_cells_alike(model, converted):
    rgb = pictures(200, seed=6)
    expected = model.predict(rgb.astype(np.float32), verbose=0)
    found = said(converted.int8, rgb)
    assert (found.argmax(1) == expected.argmax(1)).mean() > 0.9  # random weights: most cells lie near a border
    assert np.abs(found - expected).mean() < 0.01


def test_the_int8_model_takes_plain_bytes_and_is_int8_inside(converted):
    from leuko_edge.model.litert import open_model

    interpreter = open_model(converted.int8)
    (given,), (result,) = interpreter.get_input_details(), interpreter.get_output_details()
    assert given["dtype"] == np.uint8 and given["quantization"] == (1.0, 0)
    assert result["dtype"] == np.float32
    tensors = interpreter.get_tensor_details()
    kernels = [t for t in tensors if len(t["shape"]) == 4 and t["shape"][1] == 3 and t["dtype"] == np.int8]
    assert sorted(len(t["quantization_parameters"]["scales"]) for t in kernels) == [8, 16]  # per channel
    assert sum(t["dtype"] == np.float32 for t in tensors) == 2  # logits and probabilities only


def test_equalising_changes_the_channels_but_not_what_the_network_says(model):
    rgb = pictures(32)
    plain = layer_chain.from_keras(model)
    maxima = channel_maxima(plain, rgb)
    balanced = equalise(plain, maxima)
    layer_chain.verify(balanced, model, rgb)
    spread = [np.ptp(np.log10(np.maximum(tops[1], 1e-6))) for tops in (maxima, channel_maxima(balanced, rgb))]
    assert spread[1] < 0.7 * spread[0]


def test_a_wide_network_survives_equalising_and_int8():
    keras.utils.set_random_seed(3)
    x = inputs = keras.Input((96, 96, 3))
    x = vgg16.preprocessing()(x)
    for filters in (8, 16):
        x = keras.layers.MaxPooling2D(4)(keras.layers.Conv2D(filters, 3, padding="same", activation="relu")(x))
    x = keras.layers.Dense(32, activation="relu")(vgg16.MiddleAndMean()(x))
    wide = keras.Model(inputs, keras.layers.Dense(len(CLASSES), activation="softmax")(x), name="wide")
    rgb = pictures(64).repeat(2, axis=1).repeat(2, axis=2)[:, :96, :96]
    steps = layer_chain.from_keras(wide)
    layer_chain.verify(equalise(steps, channel_maxima(steps, rgb)), wide, rgb)
    with quiet():
        made = quantize.convert(wide, rgb)
    expected = wide.predict(rgb.astype(np.float32), verbose=0)
    found = said(made.int8, rgb, input_size=96, window_um=36.0)
    assert np.abs(found - expected).mean() < 0.01


def test_equalising_is_what_makes_int8_exact(model, converted, monkeypatch):
    rgb = pictures(200, seed=6)
    expected = model.predict(rgb.astype(np.float32), verbose=0)
    monkeypatch.setattr(quantize, "equalise", lambda chain, maxima: chain)
    with quiet():
        plain = quantize.convert(model, pictures(64)).int8
    errors = [np.abs(said(content, rgb) - expected).mean() for content in (plain, converted.int8)]
    assert errors[1] < 0.5 * errors[0]


def test_the_paper_network_is_given_pixel_values_too():
    inputs = keras.Input((64, 64, 3))
    x = keras.layers.Conv2D(4, 3, activation="relu", padding="same")(inputs)
    x = keras.layers.Flatten()(keras.layers.GlobalMaxPooling2D()(x))
    unit = keras.Model(inputs, keras.layers.Dense(4, activation="softmax")(x))
    steps = layer_chain.from_keras(unit, white=1.0)
    rgb = pictures(8)
    whole = layer_chain.to_keras(steps, 64, softmax=True).predict(rgb.astype(np.float32), verbose=0)
    assert whole == pytest.approx(unit.predict(rgb / np.float32(255), verbose=0), abs=1e-5)


def test_a_misspelt_option_is_one_line_with_what_was_meant(capsys):
    assert cli.main(["--modle", "m.keras", "--model", "m", "--cells", "c"]) == 2
    assert capsys.readouterr().err == "leuko-convert: there is no option --modle; did you mean --model?\n"


def test_normalisation_between_convolution_and_relu_is_folded_away():
    slim = vgg16.build_slim()
    rng = np.random.default_rng(0)
    for layer in slim.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            size = layer.gamma.shape[0]
            layer.set_weights([rng.uniform(0.5, 2, size), *rng.normal(0, 0.3, (2, size)), rng.uniform(0.5, 2, size)])
    steps = layer_chain.from_keras(slim)
    layer_chain.verify(steps, slim, pictures(4))  # says the same
    assert len(steps) == 13 + 5 + 1 + 2 + 1  # with the preprocessing, and no normalisation left


def distance_of(model, rgb, directions=6):
    """A distance fitted on what the network sees in `rgb`."""
    seen = with_penultimate(model).predict(rgb.astype(np.float32), verbose=0)[1]
    return novelty.fit(seen, np.arange(len(rgb)) % 5, directions)


def features(content, rgb, centres):
    card = replace(simulated_card(), name="test", centres=tuple(map(tuple, centres.tolist())))
    return Classifier(card, content).answers(rgb)


def test_both_files_give_the_features_that_the_distance_was_fitted_in(model, converted):
    known = distance_of(model, pictures(64))
    with quiet():
        made = quantize.convert(model, pictures(64), doubt=known)
    rgb = pictures(60, seed=6)
    expected = known.project(with_penultimate(model).predict(rgb.astype(np.float32), verbose=0)[1])
    exact, quantised = (features(content, rgb, known.centres) for content in (made.float16, made.int8))
    spread = expected.std()
    assert np.abs(exact.features - expected).max() < 0.02 * spread
    assert np.abs(quantised.features - expected).mean() < 0.1 * spread
    assert exact.probabilities == pytest.approx(said(converted.float16, rgb), abs=1e-3)
    assert np.abs(quantised.probabilities - exact.probabilities).mean() < 0.01


def test_equalising_keeps_both_readers_of_the_last_hidden_layer_right(model):
    known = distance_of(model, pictures(64))
    steps = layer_chain.with_features(layer_chain.from_keras(model), known.kernel, known.bias)
    rgb = pictures(32)
    balanced = equalise(steps, channel_maxima(steps, rgb))
    whole = [
        layer_chain.to_keras(one, 64, softmax=True, features=6).predict(rgb.astype(np.float32), verbose=0)
        for one in (steps, balanced)
    ]
    for before, after in zip(*whole, strict=True):
        assert after == pytest.approx(before, abs=1e-4)


def test_a_distance_of_another_network_is_refused(model):
    other = novelty.Doubt(np.eye(5), np.zeros(5), np.zeros((2, 5)))
    with pytest.raises(UsageError, match="run leuko-train calibrate again"):
        quantize.convert(model, pictures(4), doubt=other)


def test_the_command_puts_the_runs_distance_into_models_and_cards(run, model):
    known = distance_of(model, pictures(64))
    known.save(run.folder)
    chosen = {"temperature": 1.5, "confidence_threshold": 0.4, "distance_threshold": 2.5, "warn_share": 0.2}
    (run.folder / "calibration.json").write_text(json.dumps(chosen))
    assert cli.main(run.words) == 0
    for name in ("small-float16", "small-int8"):
        card, content = load_verified(run.out / f"{name}.tflite", certified=False)
        assert (card.distance_threshold, card.warn_share) == (2.5, 0.2)
        assert np.array(card.centres) == pytest.approx(known.centres, abs=1e-5)
        assert all(cell.distance is not None for cell in Classifier(card, content).classify(pictures(3)))


def test_a_threshold_without_its_distance_is_refused(run, capsys):
    (run.folder / "calibration.json").write_text('{"distance_threshold": 2.5}')
    assert cli.main(run.words) == 2
    assert "run leuko-train calibrate" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("layer", "sentence"),
    [
        (keras.layers.AveragePooling2D(2), "AveragePooling2D"),
        (keras.layers.Conv2D(4, 3, strides=2, activation="relu"), "cannot be converted"),
        (keras.layers.Conv2D(4, 3, activation="tanh"), "cannot be converted"),
    ],
)
def test_a_layer_that_is_not_vggs_is_refused_by_name(layer, sentence):
    inputs = keras.Input((64, 64, 3))
    x = keras.layers.GlobalMaxPooling2D()(layer(inputs))
    with pytest.raises(UsageError, match=sentence):
        layer_chain.from_keras(keras.Model(inputs, keras.layers.Dense(len(CLASSES), activation="softmax")(x)))


def test_a_network_that_is_not_a_straight_line_is_refused():
    inputs = keras.Input((64, 64, 3))
    conv = keras.layers.Conv2D(4, 3, activation="relu", padding="same")
    x = keras.layers.GlobalMaxPooling2D()(conv(inputs) + 3.0 * conv(inputs))
    with pytest.raises(UsageError, match="not a part of VGG"):
        layer_chain.from_keras(keras.Model(inputs, keras.layers.Dense(len(CLASSES), activation="softmax")(x)))


def test_a_chain_that_says_something_else_is_refused(model):
    steps = layer_chain.from_keras(model)
    steps = (*steps[:-1], replace(steps[-1], bias=steps[-1].bias + np.arange(len(CLASSES))))
    with pytest.raises(UsageError, match="rebuilt, it differs"):
        layer_chain.verify(steps, model, pictures(4))


def test_logits_are_no_probabilities():
    inputs = keras.Input((64, 64, 3))
    x = keras.layers.GlobalMaxPooling2D()(inputs)
    with pytest.raises(UsageError, match="softmax"):
        layer_chain.from_keras(keras.Model(inputs, keras.layers.Dense(len(CLASSES))(x)))


def test_representative_crops_take_classes_and_laboratories_in_turn():
    labs = np.array(["large"] * 900 + ["small"] * 30)
    labels = np.r_[np.zeros(800, int), np.ones(100, int), np.ones(30, int)]
    splits = np.array(["train", "test"])[(np.arange(930) % 10 == 9).astype(int)]
    cells = SimpleNamespace(labs=labs, labels=labels, splits=splits)
    chosen = representative.choose(cells, 60)
    assert set(splits[chosen]) == {"train"} and len(set(chosen)) == 60
    groups = {(lab, label): 0 for lab, label in (("large", 0), ("large", 1), ("small", 1))}
    for row in chosen:
        groups[labs[row], labels[row]] += 1
    assert set(groups.values()) == {20}
    assert (representative.choose(cells, 60) == chosen).all()
    with pytest.raises(UsageError, match="no cells"):
        representative.choose(cells, split="validation")


@pytest.fixture
def run(tmp_path, model, monkeypatch):
    """A finished training run and the command line that converts it."""
    folder = tmp_path / "run"
    folder.mkdir()
    model.save(folder / "model.keras")
    made = {"commit": "c0ffee", "dirty": False, "seed": 1, "data_sha256": "ab" * 32, "versions": {"keras": "3"}}
    counts = {"north": dict.fromkeys(CLASSES, 2)}
    (folder / "report.json").write_text(
        json.dumps({"provenance": made, "classes": CLASSES, "temperature": 1.3, "training_cells": counts})
    )
    stored = SimpleNamespace(load=lambda _: made_cells())
    monkeypatch.setattr("leuko_train.data.cell_set", stored, raising=False)
    words = ["--model", str(folder / "model.keras"), "--cells", "cells", "--out", str(tmp_path / "models")]
    return SimpleNamespace(folder=folder, out=tmp_path / "models", words=[*words, "--name", "small"])


def test_the_command_writes_two_models_with_cards_that_the_device_accepts(run):
    (run.folder / "calibration.json").write_text('{"temperature": 1.7, "confidence_threshold": 0.42}')
    assert cli.main(run.words) == 0
    assert sorted(path.name for path in run.out.iterdir()) == [
        "small-float16.json",
        "small-float16.tflite",
        "small-int8.json",
        "small-int8.tflite",
    ]
    for name in ("small-float16", "small-int8"):
        card, content = load_verified(run.out / f"{name}.tflite", certified=False)
        assert card.classes == CLASSES and card.name == name
        assert (card.temperature, card.confidence_threshold) == (1.7, 0.42)
        assert (card.input_size, card.window_um, card.um_per_px) == (64, 24.0, 0.375)
        assert card.training["provenance"]["commit"] == "c0ffee"
        assert card.training["training_cells"]["north"]["monocyte"] == 2
        assert card.licences["data"] == {"north": "not stated"}
        assert "CC BY 4.0" in card.licences["weights"]
        assert str(run.folder) not in (run.out / f"{name}.json").read_text()
        assert len(Classifier(card, content).classify(pictures(2))) == 2


def test_options_stand_above_the_runs_own_calibration(run):
    assert cli.main([*run.words, "--temperature", "2", "--confidence-threshold", "0.1"]) == 0
    card, _ = load_verified(run.out / "small-int8.tflite", certified=False)
    assert (card.temperature, card.confidence_threshold) == (2.0, 0.1)


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda run: (run.folder / "model.keras").unlink(), "no trained network"),
        (lambda run: (run.folder / "model.keras").write_bytes(b"PK\x03\x04"), "cannot be read as a trained network"),
        (lambda run: (run.folder / "report.json").write_text("{"), "cannot be read as JSON"),
        (lambda run: (run.folder / "report.json").write_text('{"classes": ["neutrophil", "monocyte"]}'), "12 classes"),
    ],
)
def test_what_cannot_be_converted_ends_in_one_sentence(run, capsys, damage, sentence):
    damage(run)
    assert cli.main(run.words) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("leuko-convert: ") and sentence in last
    assert not run.out.exists()


def test_a_run_without_calibration_has_the_defaults(tmp_path):
    found = run_record.read(tmp_path)
    assert (found.temperature, found.confidence_threshold, found.window_um) == (1.0, 0.5, 24.0)


def test_licences_name_every_laboratory():
    found = licences.of(["pbc", "deepapl", "elsewhere"], LABORATORIES)["data"]
    assert "CC BY 4.0" in found["pbc"] and "no grant stated" in found["deepapl"]
    assert found["elsewhere"] == "not stated"
