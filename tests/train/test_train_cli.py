import json
import sys

import pytest

from leuko_train import cli, report


def test_without_keras_the_extra_is_named(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "keras", None)
    for name in ("leuko_train.training.fit", "leuko_train.network.vgg16"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    assert cli.main(["fit"]) == 4
    assert "leuko-edge[train]" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["fti"], "there is no 'fti' here; did you mean fit?"),
        (["pack", "--cell", "x", "--cells", "x", "--out", "y"], "there is no option --cell; did you mean --cells?"),
        (["pack", "--cells", "x"], "the following arguments are required: --out"),
    ],
)
def test_wrong_words_are_one_line_with_what_was_meant(words, said, capsys):
    pytest.importorskip("keras")
    assert cli.main(words) == 2
    assert capsys.readouterr().err == f"leuko-train: {said}\n"


def test_missing_pictures_are_one_sentence_and_wrong_usage(tmp_path, capsys):
    pytest.importorskip("tensorflow")
    words = ["paper", "--data", str(tmp_path), "--init", "imagenet", "--out", str(tmp_path / "out")]
    assert cli.main(words) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_reports_have_no_nan_in_their_json(tmp_path):
    report.write_json(tmp_path / "r.json", {"a": float("nan"), "b": (1, 2)})
    assert json.loads((tmp_path / "r.json").read_text()) == {"a": None, "b": [1, 2]}


def test_the_hash_of_the_data_knows_names_and_contents(tmp_path):
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "b").write_bytes(b"2")
    first = report.hash_files([tmp_path / "a", tmp_path / "b"], tmp_path)
    assert first == report.hash_files([tmp_path / "b", tmp_path / "a"], tmp_path)
    (tmp_path / "b").rename(tmp_path / "c")
    assert first != report.hash_files([tmp_path / "a", tmp_path / "c"], tmp_path)
