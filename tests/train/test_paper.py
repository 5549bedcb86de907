import argparse
import json

import cv2
import numpy as np
import pytest

pytest.importorskip("tensorflow")
import keras
from keras import layers

from leuko_edge.errors import UsageError
from leuko_train import cli
from leuko_train.data import kaggle
from leuko_train.data.kaggle import CLASSES, Pictures
from leuko_train.data.photo_match import PhotoMatcher
from leuko_train.paper import facts, paper, recipe
from leuko_train.paper import report as paper_report
from leuko_train.paper import splits as paper_splits


def textured(seed: int) -> np.ndarray:
    """A picture like no other: (240, 320, 3) of soft blobs."""
    rng = np.random.default_rng(seed)
    bgr = rng.integers(0, 256, (30, 40, 3), dtype=np.uint8)
    return cv2.resize(bgr, (320, 240), interpolation=cv2.INTER_CUBIC)


def turned(bgr: np.ndarray, degrees: float) -> np.ndarray:
    matrix = cv2.getRotationMatrix2D((160, 120), degrees, 1)
    return cv2.warpAffine(bgr, matrix, (320, 240))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two photographs a class in each part, their copies' numbers shuffled as Keras shuffles them.

    One photograph of TRAIN is one of TEST's; one TRAIN picture is of a photograph that BCCD does not hold.
    """
    data = tmp_path_factory.mktemp("data")
    (data / "bccd" / "images").mkdir(parents=True)
    (data / "bccd" / "annotations").mkdir()
    (data / "bccd" / "labels.csv").write_text("Image,Category\n")
    for number in range(16):
        name = f"BloodImage_{number:05}"
        cv2.imwrite(str(data / "bccd" / "images" / f"{name}.jpg"), cv2.resize(textured(number), (640, 480)))
        (data / "bccd" / "annotations" / f"{name}.xml").write_text("<annotation></annotation>")
    for label, name in enumerate(CLASSES):
        for part, first in (("TEST", 0), ("TRAIN", 8)):
            place = data / kaggle.FOLDER / part / name
            place.mkdir(parents=True)
            for copy in range(6):
                shown = textured(0 if (part, label, copy) == ("TRAIN", 0, 5) else first + 2 * label + copy % 2)
                if (part, label, copy) == ("TRAIN", 1, 5):
                    shown = textured(99)
                bgr = turned(shown[:, ::-1] if copy == 4 else shown, 25 * copy)
                cv2.imwrite(str(place / f"_{copy // 2}_{1000 + copy}.jpeg"), bgr)
    return data


@pytest.fixture(scope="module")
def photographs(folder, tmp_path_factory):
    pictures = kaggle.read(folder, ("TRAIN", "TEST"))
    cache = tmp_path_factory.mktemp("cache") / "photographs.json"
    return pictures, kaggle.photographs(folder, pictures.paths, cache), cache


def test_pictures_are_rgb_bytes_with_the_number_of_their_name(folder):
    pictures = kaggle.read(folder)
    assert pictures.rgb.shape == (24, 64, 64, 3) and pictures.rgb.dtype == np.uint8
    bgr = cv2.imread(str(folder / pictures.paths[0]))
    small = cv2.resize(bgr, (64, 64), interpolation=cv2.INTER_AREA)
    np.testing.assert_array_equal(pictures.rgb[0], small[..., ::-1])
    assert pictures.numbers[0] == "TEST/EOSINOPHIL/0" and set(pictures.parts) == {"TEST"}


def test_the_photograph_is_recognised_though_turned_or_mirrored(photographs):
    pictures, names, _ = photographs
    test = pictures.parts == "TEST"
    expected = [
        f"BloodImage_{2 * label + int(path[-6]) % 2:05}"
        for label, path in zip(pictures.labels[test], pictures.paths[test], strict=True)
    ]
    assert names[test].tolist() == expected


def test_photographs_that_overlap_are_one_place(tmp_path):
    whole = cv2.resize(textured(7), (640, 480))
    shifted = cv2.warpAffine(whole, np.float32([[1, 0, 200], [0, 1, 90]]), (640, 480))
    views = [textured(8), whole, textured(9), np.ascontiguousarray(shifted[:, ::-1])]
    paths = [tmp_path / f"{i}.png" for i in range(len(views))]
    for path, bgr in zip(paths, views, strict=True):
        cv2.imwrite(str(path), bgr)
    places = PhotoMatcher(paths).places()
    assert places[1] == places[3] and len(set(places.tolist())) == 3


def test_a_picture_of_no_known_photograph_is_nobodys_copy(photographs):
    pictures, names, _ = photographs
    assert pictures.paths[names == ""].tolist() == [f"{kaggle.FOLDER}/TRAIN/LYMPHOCYTE/_2_1005.jpeg"]


def test_photographs_once_recognised_are_not_looked_at_again(photographs, folder, monkeypatch):
    pictures, names, cache = photographs
    monkeypatch.setattr(kaggle, "PhotoMatcher", None)
    np.testing.assert_array_equal(kaggle.photographs(folder, pictures.paths, cache), names)


def test_without_the_photographs_the_sentence_says_so(folder, tmp_path):
    with pytest.raises(UsageError, match="bccd"):
        kaggle.photographs(tmp_path, ["a.jpeg"], tmp_path / "cache.json")


def both(names: np.ndarray, parted: paper_splits.Split) -> int:
    return len(np.intersect1d(names[parted.training], names[parted.testing]))


def test_the_papers_split_puts_copies_on_both_sides(photographs):
    pictures, names, _ = photographs
    parted = paper_splits.split(pictures, "random", seed=1)
    assert parted.testing.sum() == round(0.2 * 48) and both(names, parted) > 0


def test_a_split_by_the_names_numbers_puts_copies_on_both_sides_too(photographs):
    pictures, names, _ = photographs
    parted = paper_splits.split(pictures, "number", seed=1)
    assert both(pictures.numbers, parted) == 0 and both(names, parted) > 0


def test_a_split_by_source_shares_no_photograph_and_tests_every_class(photographs):
    pictures, names, _ = photographs
    for seed in range(5):
        parted = paper_splits.split(pictures, "source", seed, names)
        assert both(names, parted) == 0 and not (parted.training & parted.testing).any()
        assert set(pictures.labels[parted.testing]) == {0, 1, 2, 3}
        assert parted.left_out == 1


def test_training_pictures_whose_photograph_tests_are_left_out(photographs):
    pictures, names, _ = photographs
    parted = paper_splits.split(pictures, "train-test", 1, names)
    assert both(names, parted) == 0 and parted.testing.sum() == 24
    assert parted.training.sum() == 22 and parted.left_out == 2  # TEST's photograph, and the unknown one


def build_tiny(classes: int, size: int, init: None, dropout: float) -> keras.Model:
    """Stands for VGG-16, whose size these tests do not need."""
    stack = [keras.Input((size, size, 3)), layers.AveragePooling2D(16), layers.Flatten(), layers.Dropout(dropout)]
    return keras.Sequential([*stack, layers.Dense(classes, activation="softmax")])


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setattr(recipe, "build_paper", build_tiny)


def test_the_network_learns_from_the_pictures_with_their_own_labels(tmp_path, tiny, monkeypatch):
    monkeypatch.setattr(recipe, "LEARNING_RATE", 0.1)
    labels = np.arange(48) % 4
    rgb = np.array([(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0)], np.uint8)[labels]
    rgb = np.broadcast_to(rgb[:, None, None], (48, 16, 16, 3))
    model = recipe.compiled(4, 16, None, 0.0, seed=1)
    rows = recipe.train(model, rgb, labels, np.arange(32), np.arange(32, 48), tmp_path, epochs=6, batch=4, seed=1)
    assert rows[-1]["val_accuracy"] == 1 and rows[-1]["loss"] < rows[0]["loss"]
    found = recipe.probabilities(model, rgb, np.array([5, 2]), batch=4)
    assert found.argmax(1).tolist() == [1, 2]


def told(folder, out, **more) -> argparse.Namespace:
    words = {
        "data": folder,
        "init": None,
        "out": out,
        "split": ["random"],
        "kind": ["each"],
        "batch": [6],
        "seeds": [1, 2],
        "epochs": 2,
    }
    return argparse.Namespace(**words | {"dropout": 0.5, "time_budget": None, "precision": "float32"} | more)


def test_every_run_has_its_folder_and_the_report_its_rows(folder, tmp_path, tiny, photographs):
    (tmp_path / paper.PHOTOGRAPHS).write_bytes(photographs[2].read_bytes())
    assert paper.run(told(folder, tmp_path, split=["random", "source"])) == 0
    written = json.loads((tmp_path / "report.json").read_text())
    assert np.shape(written["testing_accuracy"]["random"]) == (2, 2)
    assert sum(map(sum, written["confusion"]["random"])) == 2 * 5  # two seeds' testing pictures
    sides = {how: runs[0]["photographs_on_both_sides"] for how, runs in written["splits"].items()}
    assert sides["random"] > 0 and sides["source"] == 0
    assert "| 6 | 2 |" in (tmp_path / "report.md").read_text()
    names = {path.name for path in tmp_path.iterdir()}
    assert {"random-per-class.png", "random-confusion.png", "source-course.png", "random-batch6-seed2"} <= names
    assert not list(tmp_path.glob("*/checkpoint.npz"))


def test_what_is_finished_is_not_trained_again(folder, tmp_path, tiny, monkeypatch):
    paper.run(told(folder, tmp_path, seeds=[1]))
    monkeypatch.setattr(recipe, "train", None)
    assert paper.run(told(folder, tmp_path, seeds=[1])) == 0


def test_other_settings_in_the_same_folder_are_refused(folder, tmp_path, tiny):
    paper.run(told(folder, tmp_path, seeds=[1]))
    with pytest.raises(UsageError, match="another epochs"):
        paper.run(told(folder, tmp_path, seeds=[1], epochs=3))


def test_a_spent_budget_says_what_is_left_and_the_next_call_goes_on(folder, tmp_path, tiny, capsys, monkeypatch):
    now = iter(range(100))
    monkeypatch.setattr(paper.time, "monotonic", lambda: 60 * next(now))  # a minute between any two looks
    paper.run(told(folder, tmp_path, time_budget=3))
    assert "Left: 2 of 2 runs" in capsys.readouterr().out
    assert (tmp_path / "random-batch6-seed1" / "checkpoint.npz").is_file()
    monkeypatch.undo()
    monkeypatch.setattr(recipe, "build_paper", build_tiny)
    paper.run(told(folder, tmp_path))
    printed = capsys.readouterr().out
    assert "seed1: epoch 2/2" in printed and "seed1: epoch 1/2" not in printed and "Left" not in printed


def result(accuracies: list[float], batch: int = 60, seed: int = 1) -> dict:
    rows = [
        {"loss": 1.0, "accuracy": 0.5, "val_loss": 0.9, "val_accuracy": a, "confusion": np.eye(4)} for a in accuracies
    ]
    settings = {"split": "random", "batch": batch, "seed": seed, "training": 8, "testing": 2, "left_out": 0}
    made = {"commit": None, "dirty": None, "data_sha256": "ab" * 32, "seed": seed, "versions": {}}
    return {"settings": settings, "copies": {}, "epochs": rows, "provenance": made}


def test_the_table_stands_beside_the_papers_with_mean_and_range(tmp_path, capsys):
    five = [0.65, 0.9, 0.92, 0.994, 0.749]
    paper_report.write(tmp_path, [result(five), result([0.7] * 5, seed=2), result([0.5] * 5, batch=30)])
    lines = (tmp_path / "report.md").read_text().splitlines()
    assert any(line.startswith("| 60 | 5 |") and "| 0.7245 (0.7000–0.7490) |" in line for line in lines)
    (row,) = [line for line in lines if line.startswith("| 60 | 1 |")]
    assert row.endswith("| 0.0782 | 0.9718 | 0.3152 | 0.9177 |")  # all four figures of the paper's row
    assert any(line.startswith("| average |") and "0.9615" in line for line in lines)
    assert "24.5" in next(line for line in lines if line.startswith("| random |"))  # 99.4 to 74.9


def test_the_papers_ten_rows_are_those_whose_average_it_prints():
    assert [(setting.batch, setting.epochs) for setting in facts.TABLE3] == [
        (b, e) for b in (30, 60) for e in range(1, 6)
    ]
    for name, off in (("accuracy", 0.0001), ("val_accuracy", 0.0011), ("loss", 0.0001), ("val_loss", 0.0001)):
        own = np.mean([getattr(setting, name) for setting in facts.TABLE3])
        assert abs(own - getattr(facts.PRINTED_AVERAGE, name)) < off
    assert any("96.05" in line for line in facts.DISCREPANCIES)


def test_ten_settings_as_one_training_change_the_batch_size_on_the_way(folder, tmp_path, tiny, monkeypatch):
    settings = tuple(setting for setting in facts.TABLE3 if setting.epochs < 3)  # four settings, six epochs
    for module in (paper, paper_report):
        monkeypatch.setattr(module, "TABLE3", settings)
    sizes = []
    batches = recipe.Batches
    monkeypatch.setattr(recipe, "Batches", lambda *a: sizes.append(a[-1]) or batches(*a))
    assert paper.run(told(folder, tmp_path, kind=["continued"], seeds=[1], batch=[6])) == 0
    assert sizes[::2] == [30, 30, 30, 60, 60, 60]
    lines = (tmp_path / "report.md").read_text().splitlines()
    (row,) = [line for line in lines if line.startswith("| 60 | 2 | 6 |")]
    assert row.endswith("| 0.0773 | 0.9729 | 0.0331 | 0.9900 |")


def test_the_plain_network_stands_beside_the_previous_study_with_what_its_pictures_allow(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(recipe, "PLAIN_EPOCHS", 1)
    assert paper.run(told(folder, tmp_path, kind=["plain"], seeds=[1])) == 0
    text = (tmp_path / "report.md").read_text()
    assert "| Abou El-Seoud, Siala & McKee 2020, a plain CNN | its own | 125 | 0.9680 | 0.920–0.991 |" in text
    assert "| plain CNN here, batch 6, 1 epochs, seed 1 | random | 5 |" in text
    assert "| the paper, VGG-16 (Fig. 7) | random | 496 | 0.9980 | 0.989–1.000 |" in text


def test_a_folder_without_the_pictures_is_named(tmp_path, capsys):
    words = ["paper", "--data", str(tmp_path), "--init", "imagenet", "--out", str(tmp_path / "out")]
    assert cli.main(words) == 2
    assert "No pictures in" in capsys.readouterr().err and not (tmp_path / "out").exists()


@pytest.mark.realdata
def test_the_kaggle_folder_holds_2487_pictures_with_71_numbers(data):
    pictures = kaggle.read(data)
    assert len(pictures.labels) == 2487
    assert len(np.unique(pictures.numbers)) == 71


@pytest.mark.realdata
def test_files_of_one_number_show_several_photographs(data, tmp_path):
    chosen = sorted((data / kaggle.FOLDER / "TEST" / "MONOCYTE").glob("_0_*.jpeg"))[:6]
    names = kaggle.photographs(data, [path.relative_to(data).as_posix() for path in chosen], tmp_path / "found.json")
    assert "" not in names and len(set(names)) > 1


def test_a_field_with_two_cells_belongs_to_the_class_of_most_copies():
    pictures = Pictures(np.zeros((5, 1, 1, 3), np.uint8), np.array([0, 0, 1, 1, 1]), *[np.array(["TEST"] * 5)] * 3, "")
    names = np.array(["a", "a", "a", "b", "b"])
    parted = paper_splits.split(pictures, "source", 1, names)
    assert parted.testing.all() and not parted.training.any()  # each class has one photograph, and one must test
