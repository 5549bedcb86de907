import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import cv2
import pytest
from drawn import encoded, smear

from leuko_edge import __version__
from leuko_edge.cli import count, main
from leuko_edge.errors import EXIT_CODES, PARTLY, EnvironmentBroken, ModelError
from leuko_edge.model.classify import FixedClassifier

EDGE = Path(__file__).resolve().parents[2] / "edge"
WITH_FIXED_CLASSIFIER = """
import sys
from leuko_edge.cli import count, main
from leuko_edge.model.classify import FixedClassifier
count.Classifier.from_path = lambda *_, **__: FixedClassifier("neutrophil")
sys.exit(main.main())
"""


@pytest.fixture
def slide(tmp_path, monkeypatch):
    """A folder of three photographs, and a classifier that says neutrophil, neutrophil, monocyte, platelet."""
    labels = ("neutrophil", "neutrophil", "monocyte", "platelet")
    monkeypatch.setattr(count.Classifier, "from_path", lambda *_, **__: FixedClassifier(*labels))
    monkeypatch.setenv("LEUKO_EDGE_COUNT_THREADS", "1")  # names come in the order of the pictures
    folder = tmp_path / "slide"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.png").write_bytes(encoded(smear(seed=number), ".png"))
    return folder


def command(*arguments, **kwargs) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", WITH_FIXED_CLASSIFIER, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(EDGE), "COLUMNS": "120"},
        stdout=kwargs.pop("stdout", subprocess.PIPE),
        stderr=kwargs.pop("stderr", subprocess.PIPE),
        **kwargs,
    )


def test_a_folder_gives_a_table_and_exit_0(slide, capsys):
    assert main.main(["--image", str(slide)]) == 0
    out, err = capsys.readouterr()
    assert "3 cells counted" in out and "Fields: 3 of 3 counted" in out and "Not a medical device" in out
    assert err == ""


def test_every_result_that_is_asked_for_is_written(slide, tmp_path, capsys):
    wanted = {name: str(tmp_path / "out" / name) for name in ("annotate", "crops")}
    files = {name: str(tmp_path / f"r.{name}") for name in ("json", "csv")}
    arguments = [part for name, path in {**wanted, **files}.items() for part in (f"--{name}", path)]
    assert main.main(["--image", str(slide), *arguments]) == 0
    report = json.loads(Path(files["json"]).read_text())
    assert report["differential"]["counted"] == 3 and report["source"] == str(slide)
    assert report["frames"]["captured"] == 3 and len(report["images"]) == 3
    assert len(Path(files["csv"]).read_text().splitlines()) == 4
    assert pictures(wanted["annotate"]) == ["0-cells.png", "1-cells.png", "2-cells.png"]
    assert pictures(wanted["crops"]) == ["monocyte.png", "neutrophil.png"]
    assert not list(tmp_path.rglob("*.part"))


def pictures(folder) -> list[str]:
    return sorted(path.name for path in Path(folder).glob("*.png"))


def test_pictures_of_another_slide_are_never_left_among_those_of_this_one(slide, tmp_path, capsys):
    drawn, sheets = tmp_path / "drawn", tmp_path / "sheets"
    arguments = ["--annotate", str(drawn), "--crops", str(sheets), "--quiet"]
    assert main.main(["--image", str(slide), *arguments]) == 0
    assert main.main(["--image", str(slide / "1.png"), *arguments]) == 0
    assert pictures(drawn) == ["1-cells.png"] and len(pictures(sheets)) == 1
    (sheets / "other.png").write_bytes(b"somebody's")
    assert main.main(["--image", str(slide), *arguments]) == 2
    assert "other.png" in capsys.readouterr().err and pictures(drawn) == ["1-cells.png"]


def test_json_on_standard_output_has_it_to_itself(slide, capsys):
    (slide / "bad.png").write_bytes(b"")
    assert main.main(["--image", str(slide), "--json", "-"]) == PARTLY
    out, err = capsys.readouterr()
    assert json.loads(out)["frames"]["skipped"]["lost"] == 1
    assert "bad.png: the file is empty" in err and "cells counted" in err


def test_quiet_leaves_only_errors_and_files(slide, capsys):
    (slide / "bad.png").write_bytes(b"")
    assert main.main(["--image", str(slide), "--quiet"]) == PARTLY
    out, err = capsys.readouterr()
    assert out == "" and err.splitlines() == [f"{slide / 'bad.png'}: the file is empty (0 bytes)"]


def test_a_bad_file_is_one_line_however_long_its_name(slide, capsys):
    name = "x" * 200 + "[red]\n.png"
    (slide / name).write_bytes(b"no picture")
    assert main.main(["--image", str(slide)]) == PARTLY
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("[red]\ufffd.png: the file is not a JPEG, PNG, TIFF or BMP picture")


@pytest.mark.parametrize("names", [["absent.png"], ["empty"], ["letter.txt", "black.png"]])
def test_nothing_countable_is_exit_3_with_a_sentence(names, slide, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    (tmp_path / "letter.txt").write_text("Dear Sir")
    (tmp_path / "black.png").write_bytes(encoded(smear() // 50, ".png"))
    report = tmp_path / "r.json"
    assert main.main(["--image", *(str(tmp_path / name) for name in names), "--json", str(report)]) == 3
    out, err = capsys.readouterr()
    assert out == "" and len(err.splitlines()) == len(names) + 1
    assert "no white cell could be counted" in err
    assert json.loads(report.read_text())["differential"]["counted"] == 0


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--image"],
        ["--image", "a", "--demo"],
        ["--image", "a", "--seed", "1"],
        ["--image", "a", "--cells", "5"],
        ["--image", "a", "--um-per-px", "0"],
        ["--image", "a", "--um-per-px", "nan"],
        ["--image", "a", "--um-per-px", "wide"],
        ["--image", "a", "--threads", "0"],
        ["--image", "a", "--threads", "two"],
        ["--image", "a", "--csv", "-"],
        ["--image", "a", "--csv", "x", "--json", "x"],
        ["--image", "a", "--reference", "neutrophil=60-40"],
        ["--image", "a", "--reference", "neutrophil"],
        ["--image", "a", "--reference", "nutrophil=40-60"],
        ["--verbose"],
        ["--imag", "a"],
        ["a.png"],
    ],
)
def test_wrong_usage_is_exit_2_with_a_sentence(arguments, slide, capsys):
    assert main.main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == "" and "leuko-edge: " in err and "Traceback" not in err


@pytest.mark.parametrize("option", ["--json", "--csv", "--annotate", "--crops"])
def test_no_result_may_fall_upon_the_pictures(option, slide, capsys):
    target = slide / "0.png" if option in ("--json", "--csv") else slide
    before = (slide / "0.png").read_bytes()
    assert main.main(["--image", str(slide), option, str(target)]) == 2
    assert option in capsys.readouterr().err and (slide / "0.png").read_bytes() == before


def test_a_laboratory_gives_its_own_ranges(slide, tmp_path, capsys):
    report = tmp_path / "r.json"
    assert main.main(["--image", str(slide), "--json", str(report), "--reference", "monocyte=0-9.5"]) == 0
    assert json.loads(report.read_text())["differential"]["classes"]["monocyte"]["reference"] == [0, 9.5]


@pytest.mark.parametrize(
    ("option", "target"),
    [
        ("--json", "absent/r.json"),
        ("--json", "/dev/full"),
        ("--csv", "absent/r.csv"),
        ("--csv", "/dev/full"),
        ("--annotate", "file/x"),
        ("--crops", "file/x"),
    ],
)
def test_an_output_that_cannot_be_written_is_exit_4_and_the_table_is_still_shown(
    option, target, slide, tmp_path, capsys
):
    (tmp_path / "file").write_text("")
    assert main.main(["--image", str(slide), option, str(tmp_path / target)]) == 4
    out, err = capsys.readouterr()
    assert "3 cells counted" in out
    (line,) = err.splitlines()
    assert line.startswith("leuko-edge: ") and "could not be written" in line


def test_one_broken_output_does_not_cost_the_others(slide, tmp_path, capsys):
    report = tmp_path / "r.json"
    (tmp_path / "file").write_text("")
    assert main.main(["--image", str(slide), "--annotate", str(tmp_path / "file"), "--json", str(report)]) == 4
    assert json.loads(report.read_text())["differential"]["counted"] == 3


@pytest.mark.parametrize("error", [ModelError("the model has no card"), EnvironmentBroken("LiteRT is missing")])
def test_a_broken_model_or_environment_is_exit_4_with_its_sentence(error, slide, capsys, monkeypatch):
    def broken(*_, **__):
        raise error

    monkeypatch.setattr(count.Classifier, "from_path", broken)
    assert main.main(["--image", str(slide)]) == 4
    assert capsys.readouterr() == ("", f"leuko-edge: {error}\n")


def test_a_missing_library_is_exit_4_with_its_name(slide, capsys, monkeypatch):
    monkeypatch.delitem(sys.modules, "leuko_edge.cli.count")
    monkeypatch.setitem(sys.modules, "rich.console", None)
    assert main.main(["--image", str(slide)]) == 4
    assert "rich.console" in capsys.readouterr().err


def test_the_model_and_threads_asked_for_are_used(slide, monkeypatch):
    asked = []
    monkeypatch.setattr(
        count.Classifier, "from_path", lambda *given, **_: asked.append(given) or FixedClassifier("neutrophil")
    )
    before = cv2.getNumThreads()
    assert main.main(["--image", str(slide), "--model", "other.tflite", "--threads", "1", "--quiet"]) == 0
    assert [given[:2] for given in asked] == [("other.tflite", 1)]
    cv2.setNumThreads(before)


def test_ctrl_c_is_exit_130_with_one_sentence(slide, tmp_path, capsys, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(count.Tally, "add", interrupted)
    assert main.main(["--image", str(slide), "--json", str(tmp_path / "r.json")]) == 130
    (line,) = capsys.readouterr().err.splitlines()
    assert "interrupted" in line and not (tmp_path / "r.json").exists()


def test_a_closed_pipe_is_met_in_silence(slide):
    process = command("--image", slide, "--json", "-", stdout=subprocess.PIPE)
    process.stdout.close()
    assert b"Traceback" not in process.stderr.read() and process.wait(60) == 0


@pytest.mark.parametrize("arguments", [[], ["--json", "-"]])
def test_a_full_disk_behind_standard_output_is_exit_4(arguments, slide):
    with open("/dev/full", "w") as full:
        process = command("--image", slide, *arguments, stdout=full)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 4 and b"No space left" in err and b"Traceback" not in err


def test_a_terminal_that_knows_no_mu_gets_the_table_all_the_same(slide, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    out, err = command("--image", slide).communicate(timeout=60)
    assert b"3 cells counted" in out and b"per pixel" in out and err == b""


def test_a_bar_on_the_terminal_leaves_nothing_in_the_output(slide):
    (slide / "bad.jpg").write_bytes(encoded(smear(), ".jpg")[:900] + b"\xff\xd9")
    leader, follower = pty.openpty()
    process = command("--image", slide, "--json", "-", stderr=follower)
    os.close(follower)
    out, _ = process.communicate(timeout=60)
    terminal = os.read(leader, 100_000).decode()
    os.close(leader)
    assert json.loads(out)["differential"]["counted"] == 3
    assert "4/4" in terminal and "bad.jpg: the file is damaged" in terminal and "Corrupt JPEG" not in terminal


def test_the_version_is_one_line(capsys):
    assert main.main(["--version"]) == 0
    assert capsys.readouterr().out == f"leuko-edge {__version__}\n"


def test_a_verbose_version_without_a_model_says_so(tmp_path, capsys):
    assert main.main(["--version", "--verbose", "--model", str(tmp_path / "none.tflite")]) == 4
    assert "no model" in capsys.readouterr().err


def test_help_names_every_option_and_every_exit(capsys):
    assert main.main(["--help"]) == 0
    out = capsys.readouterr().out
    assert all(
        f"--{name}" in out
        for name in (
            "image",
            "camera",
            "video",
            "demo",
            "target",
            "resume",
            "json",
            "csv",
            "annotate",
            "crops",
            "model",
            "quiet",
        )
    )
    assert all(f"  {code:<4} {meaning}" in out for code, meaning in EXIT_CODES.items())
