import importlib
import json
import os
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tiny import COLOURS, TINY, TINY_FLOAT, crops_of, flat

from leuko_edge.errors import EnvironmentBroken, ModelError
from leuko_edge.model import litert
from leuko_edge.model.card import load_verified
from leuko_edge.model.classify import Classifier, FixedClassifier, calibrate, doubted, judge, simulated_card
from leuko_edge.model.litert import Network
from leuko_edge.types import CLASSES, UNIDENTIFIED, Cell, Prediction


@pytest.fixture(scope="module")
def classifier():
    with Classifier.from_path(TINY, threads=1) as one:
        yield one


def with_card(tmp_path, **changes):
    """The tiny model under a changed card."""
    path = Path(shutil.copy(TINY, tmp_path))
    raw = json.loads(TINY.with_suffix(".json").read_text()) | changes
    path.with_suffix(".json").write_text(json.dumps(raw))
    return path


@pytest.mark.parametrize("path", [TINY, TINY_FLOAT], ids=["int8", "float16"])
def test_crops_are_rgb_and_labels_follow_the_cards_order(path):
    found = Classifier.from_path(path).classify(crops_of(*COLOURS))
    assert [p.label for p in found] == list(COLOURS)
    for prediction in found:
        assert len(prediction.probabilities) == len(COLOURS)
        assert sum(prediction.probabilities) == pytest.approx(1)
        assert prediction.confidence == max(prediction.probabilities) > 0.9


@pytest.mark.parametrize("count", [0, 1, 2, 7, 8, 9, 17])
def test_a_cell_gets_the_same_answer_in_any_batch(classifier, count):
    crops = np.random.default_rng(count).integers(0, 256, (count, 64, 64, 3), dtype=np.uint8)
    together = classifier.classify(crops)
    assert together == [classifier.classify(crop[None])[0] for crop in crops]


def test_an_unsure_leukocyte_is_unidentified_but_an_unsure_platelet_stays(classifier):
    between = flat((255, 128, 0), (192, 192, 192))  # neutrophil or eosinophil; platelet or artefact
    cell, debris = classifier.classify(between)
    assert cell.label == UNIDENTIFIED and cell.confidence < classifier.card.confidence_threshold
    assert CLASSES[int(np.argmax(cell.probabilities))] in ("neutrophil", "eosinophil")
    assert debris.label in ("platelet", "artefact") and debris.confidence < classifier.card.confidence_threshold


def test_the_cards_temperature_softens(tmp_path, classifier):
    crop = flat((255, 90, 0))
    softer = Classifier.from_path(with_card(tmp_path, temperature=3.0)).classify(crop)[0]
    assert softer.confidence < classifier.classify(crop)[0].confidence
    assert sum(softer.probabilities) == pytest.approx(1)


def test_calibration_divides_the_logits():
    logits = np.array([[2.0, 1.0, -4.0]])
    softmax = np.exp(logits) / np.exp(logits).sum()
    halved = np.exp(logits / 2) / np.exp(logits / 2).sum()
    assert calibrate(softmax, 2.0) == pytest.approx(halved)
    assert calibrate(softmax, 1.0) == pytest.approx(softmax)
    assert np.isfinite(calibrate(np.array([[1.0, 0.0]]), 0.01)).all()


@pytest.mark.parametrize(
    "crops",
    [np.zeros((1, 64, 64, 3), np.float32), np.zeros((64, 64, 3), np.uint8), np.zeros((1, 32, 32, 3), np.uint8)],
)
def test_crops_of_another_shape_or_type_are_refused(classifier, crops):
    with pytest.raises(ValueError, match="uint8 RGB, got"):
        classifier.classify(crops)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"input_size": 32, "um_per_px": 0.75}, "its input is [1, 64, 64, 3], not [1, 32, 32, 3]"),
        ({"classes": list(CLASSES[:8])}, "its certificate is of classes in another order"),
    ],
)
def test_a_network_that_does_not_fit_its_card_is_refused(tmp_path, changes, sentence):
    with pytest.raises(ModelError) as caught:
        Classifier.from_path(with_card(tmp_path, **changes))
    assert sentence in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"TFL3", b"\0" * 5000, TINY.read_bytes()[:1500]])
def test_bytes_that_are_no_model_are_refused_in_one_sentence(content):
    with pytest.raises(ModelError) as caught:
        Classifier(load_verified(TINY)[0], content)
    assert "fetch it again" in str(caught.value) and "\n" not in str(caught.value)


def test_without_litert_the_sentence_says_what_to_install(monkeypatch):
    def absent(name):
        raise ModuleNotFoundError(name=name)

    monkeypatch.setattr(importlib, "import_module", absent)
    with pytest.raises(EnvironmentBroken, match="pip install ai-edge-litert"):
        Classifier.from_path(TINY)


def test_a_litert_that_does_not_load_is_told_from_one_that_is_absent(monkeypatch):
    def broken(name):
        raise ImportError("libLiteRt.so: cannot open shared object file")

    monkeypatch.setattr(importlib, "import_module", broken)
    with pytest.raises(EnvironmentBroken, match=r"does not load \(libLiteRt\.so"):
        Classifier.from_path(TINY)


def test_the_older_runtime_stands_in_and_takes_cells_singly(monkeypatch):
    current = importlib.import_module("ai_edge_litert.interpreter").Interpreter

    class Older(current):
        """As tflite-runtime: another module, and a resize would crash."""

        __module__ = "tflite_runtime.interpreter"

        def resize_tensor_input(self, *_):
            raise AssertionError("resized")

    names = []

    def importing(name):
        names.append(name)
        if name.startswith("ai_edge_litert"):
            raise ModuleNotFoundError(name="ai_edge_litert")
        module = type(sys)(name)
        module.Interpreter = Older
        return module

    monkeypatch.setattr(importlib, "import_module", importing)
    found = Classifier.from_path(TINY).classify(crops_of("monocyte", "basophil", "platelet"))
    assert [p.label for p in found] == ["monocyte", "basophil", "platelet"]
    assert names == ["ai_edge_litert.interpreter", "tflite_runtime.interpreter"]


def test_start_up_says_nothing_on_the_terminal():
    code = f"from leuko_edge.model.classify import Classifier; Classifier.from_path({str(TINY)!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")


def test_what_is_not_mere_information_is_still_said(monkeypatch, capfd):
    runtime = importlib.import_module("ai_edge_litert.interpreter")

    class Chatty(runtime.Interpreter):
        def allocate_tensors(self):
            os.write(2, b"INFO: Created a delegate.\nWARNING: something is odd\n")
            super().allocate_tensors()

    monkeypatch.setattr(runtime, "Interpreter", Chatty)
    litert.open_model(TINY.read_bytes())
    assert capfd.readouterr().err == "WARNING: something is odd\n"


def test_a_closed_classifier_says_so():
    one = Classifier.from_path(TINY)
    one.close()
    one.close()
    with pytest.raises(ValueError, match="closed"):
        one.classify(crops_of("monocyte"))


def test_the_simulated_twin_gives_its_labels_in_turn():
    twin = FixedClassifier("neutrophil", UNIDENTIFIED, "platelet")
    crops = np.zeros((4, 64, 64, 3), np.uint8)
    assert [p.label for p in twin.classify(crops)] == ["neutrophil", UNIDENTIFIED, "platelet", "neutrophil"]
    assert [p.label for p in twin.classify(crops[:1])] == [UNIDENTIFIED]
    for prediction in twin.classify(crops):
        assert sum(prediction.probabilities) == pytest.approx(1)
        assert max(prediction.probabilities) == prediction.confidence


def test_the_simulated_twin_refuses_labels_that_nobody_knows():
    with pytest.raises(ValueError, match="megakaryocyte"):
        FixedClassifier("megakaryocyte")


def of_width(um, um_per_px=0.1, **more):
    """A round cell so many µm wide."""
    turn = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    contour = np.rint(um / 2 / um_per_px * np.stack([np.cos(turn), np.sin(turn)], 1)).astype(np.int32)
    return Cell((0, 0, 1, 1), (0.0, 0.0), contour, **more)


@pytest.mark.parametrize(
    ("label", "confidence", "diameter_um", "becomes"),
    [
        ("platelet", 0.6, 4.0, "platelet"),
        ("platelet", 0.6, 11.0, "unidentified"),
        ("artefact", 0.8, 9.0, "unidentified"),
        ("artefact", 0.95, 15.0, "artefact"),
        ("neutrophil", 0.6, 11.0, "neutrophil"),
    ],
)
def test_what_is_as_wide_as_a_leukocyte_is_not_dropped_on_a_doubt(label, confidence, diameter_um, becomes):
    card = replace(simulated_card(), excluded_threshold=0.9)
    assert doubted(Prediction(label, confidence, ()), of_width(diameter_um), 0.1, card).label == becomes


@pytest.mark.parametrize(
    ("label", "confidence", "becomes"),
    [
        ("neutrophil", 0.9, "neutrophil"),
        ("neutrophil", 0.6, "neutrophil"),
        ("neutrophil", 0.4, "artefact"),
        ("erythroblast", 0.6, "artefact"),
        ("erythroblast", 0.9, "erythroblast"),
        ("unidentified", 0.9, "artefact"),
        ("platelet", 0.6, "platelet"),
        ("artefact", 0.6, "artefact"),
    ],
)
def test_of_what_the_finder_is_not_sure_of_the_network_must_be(label, confidence, becomes):
    card = replace(simulated_card(), excluded_threshold=0.9)
    seen = of_width(11.0, faint=True)
    assert doubted(Prediction(label, confidence, ()), seen, 0.1, card).label == becomes


@pytest.mark.parametrize("label", ["neutrophil", "artefact"])
def test_a_clump_is_listed_as_unidentified_whatever_the_network_makes_of_it(label):
    seen = of_width(40.0, clump=True)
    assert doubted(Prediction(label, 0.99, ()), seen, 0.1, simulated_card()).label == "unidentified"


@pytest.mark.parametrize("others", [("blast", "variant_lymphocyte"), ("blast", "smudge")])
@pytest.mark.parametrize(("limit", "becomes"), [(None, "lymphocyte"), (0.5, "lymphocyte"), (0.3, "unidentified")])
def test_a_normal_cell_that_may_well_be_a_blast_or_smudge_is_not_counted_as_normal(limit, becomes, others):
    card = replace(simulated_card(), abnormal_threshold=limit, confidence_threshold=0.1)
    probabilities = np.zeros(len(card.classes))
    probabilities[[card.classes.index(n) for n in ("lymphocyte", *others)]] = 0.6, 0.25, 0.15
    assert judge(probabilities, card).label == becomes


def test_an_abnormal_cell_is_told_as_such_whatever_the_limit():
    card = replace(simulated_card(), abnormal_threshold=0.3, confidence_threshold=0.1)
    probabilities = np.eye(len(card.classes))[card.classes.index("blast")]
    assert judge(probabilities, card).label == "blast"


def in_two_threads(classifier, monkeypatch, meet) -> list[list[Prediction]]:
    """What two threads are answered that ask for a cell each; `meet` is called inside the network."""
    run = Network.run
    monkeypatch.setattr(Network, "run", lambda network, crops: (meet(), run(network, crops))[1])
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(classifier.classify, [crops_of(label) for label in list(COLOURS)[:2]]))


def test_so_many_threads_are_answered_beside_each_other_as_it_is_made_for(monkeypatch):
    both = threading.Barrier(2, timeout=10)  # broken, were one to wait for the other
    with Classifier.from_path(TINY, threads=1, at_once=2) as classifier:
        answers = in_two_threads(classifier, monkeypatch, both.wait)
    assert [one.label for (one,) in answers] == list(COLOURS)[:2]


def test_with_one_network_a_second_thread_waits(monkeypatch, classifier):
    both = threading.Barrier(2, timeout=0.2)

    def alone():
        with pytest.raises(threading.BrokenBarrierError):
            both.wait()
        both.reset()

    answers = in_two_threads(classifier, monkeypatch, alone)
    assert [one.label for (one,) in answers] == list(COLOURS)[:2]
