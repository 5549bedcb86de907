"""Counting asks for the control's test, live and as a service; and the control slide itself is watched live."""

import json
import time

import pytest
from serving import Service, five_cells

from leuko_edge.cli import live, main, qc_sources
from leuko_edge.model.card import load_verified
from leuko_edge.sources.video import VideoFile
from leuko_edge.store.archive import Archive
from leuko_edge.store.quality import Quality, QualityRun


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    return five_cells(tmp_path_factory.mktemp("film"))


@pytest.fixture
def camera(film, monkeypatch):
    """A camera that plays the film once."""
    for room in (live, qc_sources):
        monkeypatch.setattr(room, "open_source", lambda kind, value, **wishes: VideoFile(str(film)))


def keep_test(path, passed=True, at=None):
    """A test of the real control, with the model that ships."""
    card = load_verified(None)[0]
    Quality(path).add(
        QualityRun(
            at=time.time() if at is None else at,
            control="lot 7",
            control_sha256="7",
            source="a camera",
            drawn=False,
            program="",
            model_name=card.name,
            model_sha256=card.sha256,
            passed=passed,
        )
    )


def sessions(path):
    if not path.exists():
        return []
    with Archive(path) as archive:
        return list(archive.sessions())


def count(path, *words):
    return main.main(["--camera", "0", "--database", str(path), "--quiet", *words])


def test_without_a_test_counting_is_refused_where_the_laboratory_wants_it_so(camera, tmp_path, monkeypatch, capsys):
    path = tmp_path / "s.sqlite3"
    monkeypatch.setenv("LEUKO_EDGE_QC_OVERDUE", "refuse")
    assert count(path, "--max-age", "24") == 4
    assert "no control was tested here; test it: leuko-edge qc" in capsys.readouterr().err and sessions(path) == []
    keep_test(path, passed=False)
    assert count(path, "--max-age", "24") == 4 and "the last test of the control failed" in capsys.readouterr().err
    keep_test(path, at=time.time() - 25 * 3600)
    assert count(path, "--max-age", "24") == 4 and "older than 24 hours" in capsys.readouterr().err
    assert sessions(path) == []
    keep_test(path)
    assert count(path, "--max-age", "24") == 0 and len(sessions(path)) == 1


def test_else_it_is_warned_of_and_counted_and_a_film_and_the_demo_ask_for_nothing(camera, film, tmp_path, capsys):
    path = tmp_path / "s.sqlite3"
    assert count(path, "--max-age", "24") == 0
    assert "no control was tested here" in capsys.readouterr().err and len(sessions(path)) == 1
    assert main.main(["--video", str(film), "--max-age", "24", "--database", str(path), "--quiet"]) == 0
    assert "control" not in capsys.readouterr().err


def test_the_service_waits_for_the_test_and_begins_once_it_has_passed(film, tmp_path):
    with Service(tmp_path, film) as service:
        service.start("--max-age", "24", LEUKO_EDGE_QC_OVERDUE="refuse")
        service.hear(lambda: any("no control was tested here; test it" in said for said in service.said("STATUS")))
        assert service.states() == []
        keep_test(service.database)
        service.hear(lambda: bool(service.said("READY")) and sum(service.counts()) >= 1)
        code, journal = service.end()
        assert code == 0 and "Traceback" not in journal


def test_the_control_slide_is_watched_live_and_is_no_session(camera, tmp_path):
    """Five cells are too few for a test, and the lamp is dimmer than the control's file says."""
    known = {"schema": "leuko-edge-control/1", "name": "slide", "signs": {"light": 300.0}}
    known["differential"] = {"cells": 100, "classes": {"neutrophil": 100}}
    (tmp_path / "control.json").write_text(json.dumps(known))
    words = ["qc", "--control", str(tmp_path), "--database", str(tmp_path / "s.sqlite3"), "--json", str(tmp_path / "r")]
    assert main.main(words) == 4
    report = json.loads((tmp_path / "r").read_text())
    assert [finding["code"] for finding in report["findings"]] == ["dark", "too_few_cells"]
    assert report["cells"]["counts"].get("neutrophil", 0) >= 4 and report["signs"]["light"] > 100
    assert main.main(["qc", "--learn", str(tmp_path / "control.json")]) == 0  # the lamp is as it should be, then
    assert json.loads((tmp_path / "control.json").read_text())["signs"]["light"] == pytest.approx(219, abs=5)
    assert sessions(tmp_path / "s.sqlite3") == [] and len(Quality(tmp_path / "s.sqlite3").runs()) == 1
