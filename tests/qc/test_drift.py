"""Drift without a control: one session beside those before it."""

import shutil
import time
from dataclasses import replace

import numpy as np
import pytest
import qc_alarms
from configured import configured
from made_session import INFO
from qc_control import write

from leuko_edge.cli.main import main
from leuko_edge.doctor.machine import Machine
from leuko_edge.doctor.quality import check_quality
from leuko_edge.doctor.settings import Settings
from leuko_edge.qc import words
from leuko_edge.qc.drift import FEWEST, LAST, drift
from leuko_edge.qc.finding import Code
from leuko_edge.store import SessionStore
from leuko_edge.store.quality import Quality, SessionSigns
from leuko_edge.vision.signs import medians

USUAL = {"light": 200.0, "background_blue": 0.0, "focus": 0.1}


def session(number=0, white=0, unidentified=0, kind="live", source="a camera", **signs):
    return SessionSigns(number, 0.0, kind, source, (USUAL | signs,), white, unidentified)


def before(sessions=FEWEST, **more):
    """Sessions whose light swings by 4 about the usual."""
    return [session(n, light=200.0 + 4 * (-1) ** n, **more) for n in range(sessions)]


def codes(last, earlier):
    return [one.code for one in drift(last, earlier).findings]


def test_a_session_like_those_before_it_is_not_spoken_of():
    assert codes(session(light=207.0), before()) == []


def test_what_leaves_the_band_is_told_with_what_to_look_at():
    found = drift(session(background_blue=0.04), before())
    assert [one.code for one in found.findings] == [Code.BACKGROUND_BLUER]
    (said,) = words.drifted(found)
    assert said.startswith(f"the background is bluer than on the last {FEWEST} slides (0.040 for 0.000): new stain lot")


@pytest.mark.parametrize(
    ("sign", "value", "code"),
    [("light", 150.0, Code.DARK), ("light", 250.0, Code.BRIGHT), ("focus", 0.05, Code.BLURRED)],
)
def test_each_side_has_its_code_and_a_side_that_is_no_fault_has_none(sign, value, code):
    assert codes(session(**{sign: value}), before()) == [code]
    assert codes(session(focus=0.3), before()) == []


def test_nothing_is_said_before_there_are_twenty_sessions_of_its_kind_and_camera():
    blue = session(background_blue=0.2)
    assert codes(blue, before(FEWEST - 1)) == []
    assert codes(blue, before(source="another camera")) == []
    assert codes(blue, before(kind="photographs")) == []
    assert codes(replace(blue, kind="photographs"), before(kind="photographs", source="a folder")) != []


def test_one_bad_slide_among_those_before_does_not_widen_the_band():
    earlier = [*before(), session(light=20.0, background_blue=0.5)]
    assert codes(session(background_blue=0.04), earlier) == [Code.BACKGROUND_BLUER]


def test_a_new_lot_is_what_is_usual_after_some_weeks():
    earlier = [*before(), *before(LAST, background_blue=0.04)]
    assert codes(session(background_blue=0.04), earlier) == []
    assert codes(session(background_blue=0.0), earlier) == [Code.BACKGROUND_YELLOWER]


def test_a_difference_that_means_nothing_is_not_told_however_steady_the_site():
    steady = [session(n) for n in range(FEWEST)]
    assert codes(session(light=203.0, background_blue=0.004), steady) == []


def test_unidentified_cells_are_told_beyond_what_chance_makes_of_so_many_cells():
    earlier = before(white=100, unidentified=2)
    assert codes(session(white=100, unidentified=7), earlier) == []
    assert codes(session(white=100, unidentified=12), earlier) == [Code.MORE_UNIDENTIFIED]
    assert codes(session(white=10, unidentified=9), earlier) == []  # of few cells nothing is said


def test_false_alarms_are_rare_and_a_large_shift_is_told():
    rng = np.random.default_rng(1)
    assert qc_alarms.drifted(rng, 500, 20, 0) < 0.03
    assert qc_alarms.drifted(rng, 100, 20, 8) > 0.9


@pytest.fixture(scope="module")
def three(control, tmp_path_factory):
    """Three photographs of the drawn control."""
    folder = tmp_path_factory.mktemp("three") / "slide"
    folder.mkdir()
    for number in (1, 2, 3):
        shutil.copy(control / f"drawn-{number:02}.png", folder)
    return folder


def site(path, signs):
    """A laboratory whose sessions of photographs showed such signs."""
    info = replace(INFO, simulated=False, kind="photographs")
    for n in range(FEWEST):
        with SessionStore.create(path, info) as store:
            store.add_signs(1, {name: value * (1 + 0.002 * (-1) ** n) for name, value in signs.items()})


def doctor(path):
    settings = Settings(configured({"session.database": str(path)}))
    return {finding.name: finding for finding in check_quality(Machine(now=time.time), settings)}


def test_photographs_of_another_lot_are_told_after_the_count_and_by_the_doctor(slide, three, tmp_path, capsys):
    first, path = tmp_path / "first.sqlite3", tmp_path / "s.sqlite3"
    count = ["--image", str(three), "--sample", "1", "--quiet", "--database"]
    assert main([*count, str(first)]) == 0
    (shown,) = Quality(first).sessions(1)
    assert len(shown.fields) == 3 and doctor(first)["drift"].state == "skipped"
    site(path, medians(shown.fields))
    capsys.readouterr()
    assert main([*count, str(path)]) == 0
    assert "last 20 slides" not in capsys.readouterr().err and doctor(path)["drift"].state == "good"

    blue = write(tmp_path / "blue", slide, "blue-shifted")
    for file in blue.glob("*.png"):
        if not (three / file.name).exists():
            file.unlink()
    count[1] = str(blue)
    assert main([*count, str(path)]) == 0
    said = capsys.readouterr().err
    assert "leuko-edge: the background is bluer than on the last 21 slides" in said and "condenser?" in said
    found = doctor(path)["drift"]
    assert found.state == "warning" and "background is bluer" in found.found and "stain lot" in found.advice


def test_the_doctor_tells_of_the_control_as_the_setting_asks(tmp_path):
    path = tmp_path / "none.sqlite3"
    assert doctor(path)["control"].state == "skipped" and not path.exists()
    for overdue, state in (("warn", "warning"), ("refuse", "bad")):
        settings = {"session.database": str(path), "qc.max_age": 24, "qc.overdue": overdue}
        (found,) = check_quality(Machine(now=time.time), Settings(configured(settings)))
        assert found.state == state and "no control was tested here" in found.found
