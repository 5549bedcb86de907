"""The front door for whoever imports the package."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import textwrap

import cv2
import pytest
from drawn import smear
from tiny import TINY

import leuko_edge
from leuko_edge.cli.main import main
from leuko_edge.errors import ModelError, UsageError


@pytest.fixture
def slide(tmp_path, monkeypatch):
    """A folder of two photographs, and one file that is none."""
    folder = tmp_path / "slide-7"
    folder.mkdir()
    for number in range(2):
        cv2.imwrite(str(folder / f"{number}.png"), smear(seed=number))
    (folder / "torn.png").write_bytes(b"no picture")
    monkeypatch.chdir(tmp_path)
    return folder


def test_the_example_in_the_packages_docstring_runs(slide, capsys):
    example = "\n".join(line for line in leuko_edge.__doc__.splitlines() if line.startswith("    "))
    assert "leuko_edge.count(" in example
    exec(compile(textwrap.dedent(example), "example", "exec"), {})
    out = capsys.readouterr().out
    assert "neutrophil" in out and "slide-7/0.png" in out


def test_it_gives_what_the_command_gives(slide, tmp_path):
    import json

    report = tmp_path / "r.json"
    assert main(["--image", "slide-7", "--json", str(report), "--quiet"]) in (0, 3)
    said = json.loads(report.read_text())
    found = leuko_edge.count("slide-7")
    assert found.differential.counted == said["differential"]["counted"]
    assert [picture.path for picture in found.pictures] == [image["path"] for image in said["images"]]
    assert [entry.prediction.label for entry in found.cells] == [
        cell["label"] for image in said["images"] for cell in image["cells"]
    ]
    assert (found.model, found.sha256) == (said["model"]["name"], said["model"]["sha256"])
    assert [path for path, _ in found.problems] == ["slide-7/torn.png"]


def test_it_writes_and_prints_nothing(slide, tmp_path, capfd):
    before = sorted(tmp_path.rglob("*"))
    found = leuko_edge.count([slide / "0.png", "absent.png"], model=TINY, um_per_px=0.1, threads=1)
    assert sorted(tmp_path.rglob("*")) == before and capfd.readouterr() == ("", "")
    assert [path for path, _ in found.problems] == ["absent.png"] and len(found.pictures) == 1
    assert found.pictures[0].scale.origin == "given" and dataclasses.asdict(found)["model"] == found.model


def test_a_laboratorys_ranges_take_the_place_of_the_usual_ones(slide):
    found = leuko_edge.count("slide-7", model=TINY, references={"monocyte": (0, 9.5)})
    ranges = {share.label: share.reference for share in found.differential.classes}
    assert ranges["monocyte"] == (0, 9.5) and ranges["neutrophil"] == (40, 60)


def test_what_cannot_be_meant_is_refused(slide):
    with pytest.raises(UsageError, match="nothing to count"):
        leuko_edge.count([])
    with pytest.raises(UsageError, match="no class 'monocite'"):
        leuko_edge.count("slide-7", references={"monocite": (1, 2)})
    with pytest.raises(ValueError, match="per pixel"):
        leuko_edge.count("slide-7", um_per_px=0)
    with pytest.raises(ModelError):
        leuko_edge.count("slide-7", model="absent.tflite")
    with pytest.raises(AttributeError, match="no attribute 'cuont'"):
        leuko_edge.cuont  # noqa: B018


def test_the_package_runs_as_a_module():
    done = subprocess.run([sys.executable, "-m", "leuko_edge", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"leuko-edge {leuko_edge.__version__}\n"
