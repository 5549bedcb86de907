"""The promises that the project makes about itself."""

from __future__ import annotations

import re
import tomllib

from conftest import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
PACKAGES = ("edge/leuko_edge", "train/leuko_train", "convert/leuko_convert")


def test_ci_runs_exactly_the_test_command_of_the_readme() -> None:
    [line] = re.findall(r"^    (.*-m pytest)$", README, re.MULTILINE)
    assert line in (ROOT / ".ci/run").read_text().splitlines()


def test_every_command_named_in_the_readme_is_installed() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    named = set(re.findall(r"\bleuko-(?:edge|train|convert|check)\b", README))
    assert named and named <= set(scripts)


def test_every_picture_in_the_readme_is_there() -> None:
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", README)
    assert pictures and all((ROOT / picture).is_file() for picture in pictures)


def test_every_path_named_in_the_readme_is_there() -> None:
    for path in re.findall(r"`((?:edge|train|convert|models)/[\w/.-]+\.\w+)`", README):
        assert (ROOT / path).is_file(), path


def test_modules_keep_to_one_job() -> None:
    for package in PACKAGES:
        for module in (ROOT / package).rglob("*.py"):
            assert len(module.read_text(encoding="utf-8").splitlines()) <= 300, module


def test_no_photograph_is_in_the_project() -> None:
    for folder in ("edge", "train", "convert", "models", "tests", "deploy"):
        for suffix in ("jpg", "jpeg", "bmp", "tif", "tiff"):
            assert not list((ROOT / folder).rglob(f"*.{suffix}"))


def test_the_models_that_the_device_looks_for_travel_in_the_wheel_under_their_names() -> None:
    from leuko_edge.model import card, finder_card

    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]["targets"][
        "wheel"
    ]
    carried = {source: target for source, target in wheel["force-include"].items() if source.startswith("models/")}
    shipped = {f"{name}.{suffix}" for name in (card.SHIPPED, finder_card.SHIPPED) for suffix in ("tflite", "json")}
    assert {f"leuko_edge/models/{name}" for name in shipped} == set(carried.values())
    assert {f"models/{name}" for name in shipped} == set(carried) and all((ROOT / path).is_file() for path in carried)
