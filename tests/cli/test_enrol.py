"""`leuko-edge enrol` on drawn cells, with a network that says what it was told to."""

import errno
import functools
import itertools
import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
from made_session import ACCOUNTS, INFO, START, new_cell
from tiny import TINY

from leuko_edge.cli import main
from leuko_edge.model.classify import Classifier
from leuko_edge.model.litert import Answers
from leuko_edge.named_cells import grouped, labelled
from leuko_edge.results.teaching import offer
from leuko_edge.simulate import draw_field
from leuko_edge.store import SessionStore
from leuko_edge.store.archive import Archive


class Leaning(Classifier):
    """The tiny model's file and card; its answers lean to eosinophils, by the order in which cells are shown."""

    def answers(self, crops):
        rng = np.random.default_rng(0)
        classes = len(self.card.classes)
        truth = np.repeat(np.arange(2), (len(crops) + 1) // 2)[: len(crops)] * 3  # eosinophil, neutrophil: by name
        scores = rng.normal(0, 1, (len(crops), classes))
        scores[np.arange(len(crops)), np.where(truth == 0, 3, 0)] += 2.5
        scores[:, 3] += 2
        powers = np.exp(scores)
        return Answers((powers / powers.sum(axis=1, keepdims=True)).astype(np.float32), None)


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path


@functools.cache
def drawn(label, number, seed):
    """The picture of 500 px about a drawn cell of the class: drawn once, for the tests share them."""
    for field_seed in itertools.count(1000 * seed + 50 * number):
        field = draw_field(np.random.default_rng(field_seed), width=1000, height=1000, cells=[label])
        ((x, y),) = [map(round, cell.centre) for cell in field.truth if cell.label == label]
        if 250 <= x <= 750 and 250 <= y <= 750:
            return field.bgr[y - 250 : y + 250, x - 250 : x + 250]


def draw(folder, label, count, seed):
    """`count` pictures of 400 px with a drawn cell of the class in their middle."""
    (folder / label).mkdir(parents=True)
    for n in range(count):
        cv2.imwrite(str(folder / label / f"{n}.png"), drawn(label, n, seed)[50:-50, 50:-50])
    return folder


def test_a_folder_of_an_unknown_class_is_refused_with_the_list(place, capsys):
    (place / "in" / "nutrophil").mkdir(parents=True)
    assert main.main(["enrol", "A", "--labelled", str(place / "in"), "--model", str(TINY)]) == 2
    said = capsys.readouterr().err
    assert "nutrophil is no class" in said and "eosinophil" in said and said.count("\n") == 1


def test_too_few_cells_are_exit_3_and_nothing_is_written(place, capsys):
    draw(place / "in", "neutrophil", 2, 1)
    assert main.main(["enrol", "A", "--labelled", str(place / "in"), "--model", str(TINY)]) == 3
    assert "at least two classes" in capsys.readouterr().err
    assert not list((place / "state").rglob("*.json"))


@pytest.mark.parametrize("words", [["enrol"], ["enrol", "A"], ["enrol", "A", "--list"], ["enrol", "--show", "absent"]])
def test_wrong_usage_is_exit_2_with_a_sentence(place, words, capsys):
    assert main.main(words) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_the_same_cell_under_two_names_is_refused(place, capsys):
    draw(place / "in", "neutrophil", 3, 1)
    (place / "in" / "monocyte").mkdir()
    picture = (place / "in" / "neutrophil" / "0.png").read_bytes()
    (place / "in" / "monocyte" / "x.png").write_bytes(picture)
    assert main.main(["enrol", "A", "--labelled", str(place / "in"), "--model", str(TINY)]) == 2
    assert "two names" in capsys.readouterr().err


def test_what_is_taught_is_written_shown_used_and_forgotten(place, monkeypatch, capsys):
    draw(draw(place / "in", "neutrophil", 6, 1), "eosinophil", 6, 50)
    monkeypatch.setattr("leuko_edge.model.classify.Classifier", Leaning)
    code = main.main(["enrol", "A", "--labelled", str(place / "in"), "--model", str(TINY), "--operator", "AB"])
    said = capsys.readouterr().out
    assert code == 0 and "as shipped:" in said and "taught:" in said
    (file,) = (place / "state" / "leuko-edge" / "sites").glob("*.json")
    kept = json.loads(file.read_text())
    assert kept["by"] == "AB" and set(kept["cells"]) == {"neutrophil", "eosinophil"} and "proof" in kept
    assert main.main(["enrol", "--show", "A"]) == 0 and "named cells" in capsys.readouterr().out
    report = place / "r.json"
    picture = str(place / "in" / "neutrophil" / "0.png")
    main.main(["--image", picture, "--model", str(TINY), "--site", "A", "--json", str(report), "--quiet"])
    assert "site A: " in json.loads(report.read_text())["model"]["name"]
    assert main.main(["enrol", "--remove", "A"]) == 0 and not file.exists()


@pytest.fixture
def signed(tmp_path):
    """Makes a session of cells that a person named so, signs it, and gives its record."""

    def make(names, **changes):
        path = tmp_path / "sessions.sqlite3"
        with SessionStore.create(path, replace(INFO, **changes), START) as store:
            for number, name in enumerate(names, 1):
                store.reclassify(store.add_cell(new_cell(number=number), ACCOUNTS), name, "A. B.", START + 60)
            store.sign("A. B.", START + 90)
        with Archive(path) as archive:
            return archive.record(store.id)

    return make


def test_who_signs_is_offered_to_teach_the_site_with_the_cells_named(signed):
    record = signed(["eosinophil"] * 3 + ["monocyte"] * 4 + ["blast"])
    said = offer(record, "KLINIK 2", "")
    assert (
        said == f"teach this site with the 7 cells you named: leuko-edge enrol 'KLINIK 2' --session {record.summary.id}"
    )
    assert offer(record, "", "a b.sqlite3").endswith("enrol SITE --session 1 --database 'a b.sqlite3'")


@pytest.mark.parametrize(
    "names, changes",
    [
        (["eosinophil"] * 9 + ["monocyte"] * 2, {}),
        (["eosinophil"] * 3 + ["monocyte"] * 3, {"simulated": True}),
        ([], {}),
    ],
)
def test_nothing_is_offered_for_too_few_cells_or_drawn_ones(signed, names, changes):
    assert offer(signed(names, **changes), "A", "") == ""


@pytest.mark.parametrize(
    "places, expected",
    [
        ([("", "cell_1.png"), ("", "cell_2.png"), ("", "cell_3.png")], 3),  # a beginning that parts nothing
        ([("", f"{smear}_{n}.png") for smear in ("a", "b", "c") for n in (1, 2)], 3),
        ([("", "IMG1.png"), ("", "IMG2.png")], 2),
        ([("p1", "x_1.png"), ("p1", "y_1.png"), ("p2", "x_1.png"), ("p2", "x_2.png")], 2),
    ],
)
def test_pictures_of_one_patient_or_smear_are_one_group(places, expected):
    groups = grouped(places)
    assert len(groups) == len(places) and len(set(groups)) == expected


def test_patients_may_have_folders_inside_a_class(place, monkeypatch):
    draw(place / "in", "neutrophil", 3, 1)
    (place / "in" / "neutrophil" / "p7").mkdir()
    (place / "in" / "neutrophil" / "2.png").rename(place / "in" / "neutrophil" / "p7" / "2.png")
    with Classifier.from_path(TINY) as classifier:
        named = labelled(str(place / "in"), classifier)
    assert len(named.labels) == 3 and not named.problems and len(set(named.groups.tolist())) == 3


def test_a_picture_without_a_cell_or_with_several_in_its_middle_or_damaged_is_told_and_left_out(place):
    draw(place / "in", "neutrophil", 3, 1)
    folder = place / "in" / "neutrophil"
    first, second = drawn("neutrophil", 0, 1), drawn("neutrophil", 1, 1)
    cv2.imwrite(str(folder / "empty.png"), first[:150, :150])
    apart = 50  # pixels of either cell from the middle: they nearly touch
    halves = first[50:-50, 50 + apart : 250 + apart], second[50:-50, 250 - apart : 450 - apart]
    cv2.imwrite(str(folder / "two.png"), np.hstack(halves))
    (folder / "cut.png").write_bytes((folder / "0.png").read_bytes()[:900])
    with Classifier.from_path(TINY) as classifier:
        named = labelled(str(place / "in"), classifier)
    cut, empty, two = named.problems
    assert len(named.labels) == 3 and "cut.png" in cut
    assert "empty.png: there is no cell" in empty and "two.png: there are several cells" in two


def test_cells_of_one_class_alone_teach_nothing(place, capsys):
    draw(place / "in", "neutrophil", 4, 1)
    assert main.main(["enrol", "A", "--labelled", str(place / "in"), "--model", str(TINY)]) == 3
    assert "at least two classes" in capsys.readouterr().err and not list((place / "state").rglob("*.json"))


@pytest.mark.parametrize(
    "change, told",
    [
        ({"model_sha256": "1" * 64}, "teach it again: leuko-edge enrol A --labelled"),
        ({"schema": "leuko-edge-site/9"}, "newer"),
        ({"bias": [1]}, "damaged"),
    ],
)
def test_a_site_of_another_model_a_newer_version_or_damaged_counts_nothing(place, monkeypatch, capsys, change, told):
    draw(draw(place / "in", "neutrophil", 6, 1), "eosinophil", 6, 50)
    with monkeypatch.context() as patch:
        patch.setattr("leuko_edge.model.classify.Classifier", Leaning)
        assert main.main(["enrol", "A", "--labelled", str(place / "in"), "--model", str(TINY)]) == 0
    (file,) = (place / "state").rglob("A.json")
    file.write_text(json.dumps({**json.loads(file.read_text()), **change}))
    capsys.readouterr()
    picture = str(place / "in" / "neutrophil" / "0.png")
    assert main.main(["--image", picture, "--model", str(TINY), "--site", "A"]) == 4
    said = capsys.readouterr()
    assert told in said.err and said.err.count("\n") == 1 and not said.out


def test_drawn_cells_and_an_open_session_teach_nothing(signed, place, capsys):
    drawn_ones = signed(["eosinophil"] * 3 + ["monocyte"] * 3, simulated=True)
    words = ["--database", str(place / "sessions.sqlite3"), "--model", str(TINY)]
    for number, said in ((drawn_ones.summary.id, "of drawn cells"), (99, "99")):
        assert main.main(["enrol", "A", "--session", str(number), *words]) == 2
        assert said in capsys.readouterr().err


def test_a_site_that_cannot_be_written_leaves_nothing_half_written(place, monkeypatch, capsys):
    draw(draw(place / "in", "neutrophil", 6, 1), "eosinophil", 6, 50)
    monkeypatch.setattr("leuko_edge.model.classify.Classifier", Leaning)
    full = OSError(errno.ENOSPC, "No space left on device")
    monkeypatch.setattr("leuko_edge.model.site.write_whole", lambda *_: (_ for _ in ()).throw(full))
    code = main.main(["enrol", "A", "--labelled", str(place / "in"), "--model", str(TINY)])
    assert code == 4 and capsys.readouterr().err.count("\n") == 1
    assert not list((place / "state").rglob("*.json"))
