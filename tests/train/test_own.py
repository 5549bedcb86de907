"""A laboratory of one's own: what its folder may look like, and what is refused before any work."""

from __future__ import annotations

from pathlib import Path

import labfolder
import numpy as np
import pytest

from leuko_edge.errors import UsageError
from leuko_train import cli
from leuko_train.data import build, cell_set, laboratories, simulated
from leuko_train.data.names import KNOWN, meaning
from leuko_train.data.own import OwnLab


@pytest.fixture(scope="module")
def crops(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Single cells of three patients, of two classes by two names, and one whole field."""
    root = tmp_path_factory.mktemp("crops")
    for n, name in enumerate(("p1__a", "p1__b", "p2__c", "lone")):
        labfolder.save(root / f"BNE/{name}.png", labfolder.crop(200 + n, "neutrophil", 160))
    labfolder.save(root / "Lymphocytes/p1__d.jpg", labfolder.crop(210, "lymphocyte", 160))
    labfolder.save(root / "Lymphocytes/field.jpg", labfolder.field(211, "lymphocyte").bgr)
    (root / "Lymphocytes/notes.txt").write_text("no picture")
    (root / "licence.txt").write_text("CC0\n")
    return root


@pytest.fixture(scope="module")
def fields(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("fields")
    drawn = labfolder.field(220, "blast", "monocyte")
    labfolder.save(root / "images/s1__1.png", drawn.bgr)
    rows = ["image,class,x_centre,y_centre,width,height"]
    for cell, name in zip(drawn.truth, ("myeloblast", "mono"), strict=True):
        x, y, w, h = cell.box
        rows.append(f"s1__1.png,{name},{(x + w / 2) / 320},{(y + h / 2) / 240},{w / 320},{h / 240}")
    (root / "boxes.csv").write_text("\n".join(rows) + "\n")
    return root


def test_a_folder_of_classes_gives_class_sub_type_and_patient(crops):
    items = {item.path.name: item for item in OwnLab("mine", crops).items()}
    assert len(items) == 6 and all(item.lab == "mine" and item.centred is None for item in items.values())
    assert (items["p1__a.png"].label, items["p1__a.png"].sub_type) == ("neutrophil", "band_neutrophil")
    assert items["p1__a.png"].source == items["p1__d.jpg"].source != items["p2__c.png"].source
    assert items["lone.png"].shown == "mine/BNE/lone.png"  # and no path of this machine
    about = OwnLab("mine", crops).about(list(items.values()))
    assert about.licence == "CC0" and about.classes == ("neutrophil", "lymphocyte") and not about.permissive


def test_a_class_that_nobody_knows_is_refused_with_the_list(tmp_path):
    labfolder.save(tmp_path / "heterophil/a.jpg", None)
    with pytest.raises(UsageError, match=r"heterophil.*neutrophil.*band_neutrophil"):
        OwnLab("mine", tmp_path).items()


def test_a_folder_without_pictures_is_refused(tmp_path):
    (tmp_path / "neutrophil").mkdir()
    with pytest.raises(UsageError, match="holds no pictures"):
        OwnLab("mine", tmp_path).items()


def test_own_laboratories_are_cut_as_any_other_and_named_ones_left_out(crops, fields, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(simulated, "rows", lambda: pytest.fail("left out"))
    words = ["cells", "--data", str(tmp_path), "--out", str(tmp_path / "out"), "--without-lab", "simulated"]
    assert cli.main([*words, "--lab", f"mine={crops}", "--lab", f"scope={fields}"]) == 0
    assert "licence of mine: CC0" in capsys.readouterr().out
    cells = cell_set.load(tmp_path / "out")
    assert set(cells.labs) == {"mine", "scope"} and len(cells.labels) == 8 and cells.found.all()
    assert not any(str(crops) in path or str(fields) in path for path in [*cells.paths, *cells.groups])
    assert set(cells.sub_types) == {"band_neutrophil", "", "myeloblast"}
    patient = cells.sources == "mine/p1"
    assert patient.sum() == 3 and len(set(cells.splits[patient])) == 1
    assert set(cells.laboratories) == {"mine", "scope"}
    for row in range(len(cells.labels)):
        outline = cells.outline(row)
        assert outline[104, 104] and 0.02 < outline.mean() < 0.4


def test_what_a_laboratory_never_names_is_no_evidence_against_a_class(crops, tmp_path):
    cells = build.build(tmp_path, tmp_path / "out", 1, own=[OwnLab("mine", crops)], without_labs=["simulated"])
    named, may_be = cells.named(), cells.may_be()
    assert (named.sum(axis=1) == 2).all()
    lymphocytes = may_be[cells.labels == cell_set.CLASSES.index("lymphocyte")]
    hidden = {cell_set.CLASSES[i] for i in np.flatnonzero(lymphocytes[0])}
    assert hidden == {"lymphocyte", "variant_lymphocyte", "blast"}


def test_a_laboratory_that_names_every_class_hides_none():
    every = laboratories.may_hold(laboratories.LABORATORIES["deepapl"])
    assert (every == np.eye(len(every), dtype=bool)).all()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--lab", "mine"], "is not NAME=FOLDER"),
        (["--lab", "pbc=."], "give yours another name"),
        (["--lab", "mine=nowhere"], "is not a folder"),
        (["--without-lab", "utopia"], "there is no 'utopia' here"),
    ],
)
def test_wrong_words_are_refused(words, said, tmp_path, capsys):
    assert cli.main(["cells", "--data", str(tmp_path), "--out", str(tmp_path / "out"), *words]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "label", "sub_type"),
    [
        ("SNE", "neutrophil", "segmented_neutrophil"),
        ("PMY", "immature_granulocyte", "promyelocyte"),
        ("plasma cells", "variant_lymphocyte", "plasma_cell"),
        ("Giant platelet", "platelet", "giant_platelet"),
        ("Blasts", "blast", ""),
        ("KSC", "smudge", ""),
    ],
)
def test_a_name_means_a_class_and_perhaps_a_sub_type(name, label, sub_type):
    assert meaning(name) == (label, sub_type)


def test_every_name_in_the_list_means_something_and_no_other_does():
    assert all(meaning(name) for name in KNOWN) and meaning("heterophil") is None and meaning("") is None


@pytest.mark.parametrize("lab", ["pbc", "lisc", "deepbionet/classes", "kaggle_blood_cells/TRAIN"])
def test_a_misspelt_class_in_a_known_laboratory_is_said_at_once_and_nothing_cut(lab, tmp_path, capsys):
    for name in ("neutrophil", "neutrofil"):
        labfolder.save(tmp_path / "data" / lab / name / "_0_1.jpeg", labfolder.crop(1, "neutrophil", 160))
    assert cli.main(["cells", "--data", str(tmp_path / "data"), "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert "named after no class: neutrofil" in said and len(said.splitlines()) == 1
    assert not (tmp_path / "out").exists()
