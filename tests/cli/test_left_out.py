"""Nothing that was named is left out without a word: on the screen, in the report, in the exit code."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from drawn import encoded, smear
from rich.console import Console

from leuko_edge.cli import count, main
from leuko_edge.errors import EXIT_CODES, PARTLY
from leuko_edge.model.classify import FixedClassifier
from leuko_edge.results import table
from leuko_edge.tally import Differential, Tally


@pytest.fixture
def slide(tmp_path, monkeypatch):
    """A folder with one photograph, and a classifier that says neutrophil."""
    monkeypatch.setattr(count.Classifier, "from_path", lambda *_, **__: FixedClassifier("neutrophil"))
    (tmp_path / "slide").mkdir()
    (tmp_path / "slide" / "a.png").write_bytes(encoded(smear(), ".png"))
    return tmp_path / "slide"


def counted(slide, tmp_path, *more) -> tuple[int, dict]:
    code = main.main(["--image", str(slide), *map(str, more), "--json", str(tmp_path / "r.json")])
    return code, json.loads((tmp_path / "r.json").read_text())


def grey(path: Path) -> None:
    path.write_bytes(encoded(cv2.cvtColor(smear(seed=2), cv2.COLOR_BGR2GRAY), ".png"))


def below(path: Path) -> None:
    path.mkdir()
    (path / "b.png").write_bytes(encoded(smear(seed=2), ".png"))


@pytest.mark.parametrize(
    ("name", "make", "code"),
    [
        ("b.gif", lambda path: path.write_bytes(b"GIF89a"), "unknown_format"),
        ("b.dng", lambda path: path.write_bytes(b"II*\0"), "unknown_format"),
        ("b.mp4", lambda path: path.write_bytes(b"ftyp"), "unknown_format"),
        ("b.heic", lambda path: path.write_bytes(b"\0\0\0\x18ftypheic"), "damaged"),
        ("b.png", lambda path: path.write_bytes(b""), "empty"),
        ("b.png", grey, "grey"),
        ("below", below, "subfolder"),
    ],
)
def test_what_is_not_counted_is_told_everywhere(name, make, code, slide, tmp_path, capsys):
    pytest.importorskip("pillow_heif")
    make(slide / name)
    exit_code, report = counted(slide, tmp_path)
    out, err = capsys.readouterr()
    assert exit_code == PARTLY and "LEFT OUT: 1 of what was named" in out and f"{name}: " in err
    (missing,) = report["not_counted"]
    assert missing["code"] == code and missing["path"] == str(slide / name) and missing["sentence"] in err


def test_a_mistyped_path_beside_a_good_one_is_in_the_report(slide, tmp_path, capsys):
    code, report = counted(slide, tmp_path, tmp_path / "slyde")
    assert code == PARTLY and [entry["code"] for entry in report["not_counted"]] == ["absent"]
    assert "no such file" in capsys.readouterr().err


def test_letters_and_results_beside_the_pictures_are_nothing_to_tell(slide, tmp_path, capsys):
    (slide / "notes.txt").write_text("Dear Sir")
    (slide / ".hidden.png").write_bytes(b"")
    counted(slide, tmp_path, "--annotate", slide / "cells")
    code, report = counted(slide, tmp_path, "--annotate", slide / "cells")
    assert code == 0 and report["not_counted"] == [] and "LEFT OUT" not in capsys.readouterr().out


@pytest.mark.parametrize("quality", [95, 60])
def test_the_same_picture_under_another_name_and_format_is_counted_once_and_said(quality, slide, tmp_path, capsys):
    jpeg = cv2.imencode(".jpg", smear(), [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
    (slide / "b.jpg").write_bytes(jpeg)
    (slide / "c.tif").write_bytes(encoded(smear().astype(np.uint16) * 257, ".tif"))
    (slide / "d.png").write_bytes(encoded(smear(seed=7), ".png"))
    code, report = counted(slide, tmp_path)
    assert code == 0 and report["differential"]["counted"] == 2 and report["frames"]["counted"] == 2
    assert [Path(entry["path"]).name for entry in report["not_counted"]] == ["b.jpg", "c.tif"]
    assert {entry["code"] for entry in report["not_counted"]} == {"same_picture"}
    assert capsys.readouterr().err.count("counted once") == 2


def test_a_heic_without_the_extra_says_how_to_read_it(slide, tmp_path, capsys, monkeypatch):
    (slide / "b.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(99))
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    code, report = counted(slide, tmp_path)
    assert code == PARTLY and report["not_counted"][0]["code"] == "needs_extra"
    assert "leuko-edge[photos]" in capsys.readouterr().err


@pytest.mark.parametrize("suffix", [".webp", ".heic", ".avif"])
def test_telephones_formats_are_counted_where_the_extra_is_there(suffix, slide, tmp_path):
    image = pytest.importorskip("PIL.Image")
    pytest.importorskip("pillow_heif").register_heif_opener()
    image.fromarray(smear(seed=7)[:, :, ::-1].copy()).save(slide / f"b{suffix}", quality=95)
    code, report = counted(slide, tmp_path)
    assert code == 0 and report["differential"]["counted"] == 2


@pytest.mark.parametrize("command", [[], ["sessions"], ["export"], ["doctor"], ["serve"], ["attach"], ["bench"]])
def test_every_help_has_the_one_table_of_exit_codes(command, capsys):
    assert main.main([*command, "--help"]) == 0
    out = capsys.readouterr().out
    assert all(f"  {code:<4} {meaning}" in out for code, meaning in EXIT_CODES.items())


def test_a_working_directory_that_is_gone_is_called_that(tmp_path):
    code = "import os, sys; os.mkdir('gone'); os.chdir('gone'); os.rmdir('../gone');"
    code += "from leuko_edge.cli import main; sys.exit(main.main(['--image', 'a.png']))"
    edge = str(Path(main.__file__).resolve().parents[2])
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": edge},
    )
    assert done.returncode == 4 and "working directory is gone" in done.stderr


@pytest.mark.parametrize("width", [40, 50, 66, 120])
@pytest.mark.parametrize("truth", [None, {"neutrophil": 654}])
def test_a_narrow_terminal_keeps_every_number(width, truth):
    counts = {"neutrophil": 654, "immature_granulocyte": 345, "eosinophil": 1}
    console = Console(width=width, record=True, file=io.StringIO())
    table.show(console, Differential.from_counts(counts), Tally().fields, truth)
    text = console.export_text()
    assert "…" not in text
    for number in ("654", "345", "65.4", "34.5", "62.4–68.3", "31.6–37.5"):
        assert number in text


def test_a_report_names_sample_and_operator_as_the_screen_does(slide, tmp_path, capsys):
    told = ["--sample", "S-9", "--operator", "田中", "--no-session"]
    _, report = counted(slide, tmp_path, *told)
    assert report["session"] == {"sample": "S-9", "operator": "田中"}
    assert "Sample S-9 · operator 田中" in capsys.readouterr().out
    assert "session" not in counted(slide, tmp_path)[1]
