"""Limits and charts: what fails a test, what is to be watched, and by whose history."""

import io
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import pytest
from rich.console import Console

from leuko_edge.qc import words
from leuko_edge.qc.baseline import FEWEST, Baseline
from leuko_edge.qc.chart import charts
from leuko_edge.qc.control import Control, KnownCell
from leuko_edge.qc.finding import Code, Finding, as_json, from_json
from leuko_edge.qc.judge import judge
from leuko_edge.qc.measure import Measurement, shares
from leuko_edge.qc.show import show_charts
from leuko_edge.qc.standing import Standing, standing
from leuko_edge.qc.svg import svg
from leuko_edge.qc.watched import WATCHED
from leuko_edge.qc.westgard import Rule
from leuko_edge.store.quality import QualityRun
from leuko_edge.vision.signs import Sign

DAY = 86400.0
KNOWN = {"light": 200.0, "background_blue": 0.0, "focus": 0.1, "unidentified": 0.02, "agreed": 0.95}
CONTROL = Control("lot 7", (KnownCell("a.png", 1, 2, "neutrophil"),), {"neutrophil": 100.0}, 1, KNOWN)
COUNTS = {"neutrophil": 60, "lymphocyte": 40}


def run(at=0.0, passed=True, **signs):
    return QualityRun(
        at=at,
        control=CONTROL.name,
        control_sha256=CONTROL.sha256,
        source="",
        drawn=False,
        program="",
        model_name="",
        model_sha256="m",
        passed=passed,
        signs=KNOWN | {"found": 1.0} | signs,
    )


def judged(earlier=(), control=CONTROL, counts=COUNTS, **signs):
    now = replace(run(DAY * 1000, **signs), control_sha256=control.sha256)
    return judge(control, Measurement(now.signs, counts, known=len(control.cells)), now, earlier)


def usual(days=FEWEST, **wave):
    """Good runs, a day each, whose signs swing by plus and minus what `wave` says."""
    return [run(DAY * n, **{sign: KNOWN[sign] + by * (-1) ** n for sign, by in wave.items()}) for n in range(days)]


def test_what_is_as_it_was_has_no_finding():
    assert judged() == []


@pytest.mark.parametrize(
    ("signs", "code"),
    [
        ({"light": 160.0}, Code.DARK),
        ({"light": 240.0}, Code.BRIGHT),
        ({"background_blue": 0.04}, Code.BACKGROUND_BLUER),
        ({"background_blue": -0.04}, Code.BACKGROUND_YELLOWER),
        ({"focus": 0.07}, Code.BLURRED),
        ({"unidentified": 0.2}, Code.MORE_UNIDENTIFIED),
        ({"found": 0.96}, Code.CELLS_MISSED),
        ({"agreed": 0.85}, Code.CELLS_RENAMED),
    ],
)
def test_what_is_beyond_its_limit_fails_with_its_code(signs, code):
    (found,) = judged(**signs)
    assert found.code == code and found.fails and found.limit


@pytest.mark.parametrize("signs", [{"light": 190.0}, {"focus": 0.2}, {"found": 0.97}, {"agreed": 0.91}])
def test_what_is_within_its_limit_or_better_than_before_is_no_finding(signs):
    assert judged(**signs) == []


def test_a_control_that_does_not_say_what_it_showed_is_judged_by_its_cells_alone():
    bare = replace(CONTROL, signs={})
    assert judged(control=bare, light=10.0) == []
    assert [one.code for one in judged(control=bare, found=0.5, agreed=0.89)] == [Code.CELLS_MISSED, Code.CELLS_RENAMED]


def test_too_few_cells_are_no_test():
    assert Code.TOO_FEW_CELLS in [one.code for one in judged(counts={"neutrophil": 3})]


def test_a_differential_is_held_against_the_known_one_by_both_intervals():
    slide = Control("slide", (), {"neutrophil": 60.0, "lymphocyte": 40.0}, 200)
    assert judged(control=slide, counts={"neutrophil": 50, "lymphocyte": 50}) == []
    found = judged(control=slide, counts={"neutrophil": 20, "lymphocyte": 80})
    assert {(one.code, one.sign) for one in found} == {
        (Code.OTHER_DIFFERENTIAL, "neutrophil"),
        (Code.OTHER_DIFFERENTIAL, "lymphocyte"),
    }


def test_no_rule_is_applied_before_there_are_twenty_good_runs():
    assert judged(usual(FEWEST - 1, light=1.0), light=210.0) == []
    failed = [replace(one, passed=False) for one in usual(FEWEST, light=1.0)]
    assert judged(failed, light=210.0) == []


def test_three_standard_deviations_fail_the_test_though_no_limit_is_passed():
    (found,) = judged(usual(light=1.0), light=212.0)
    assert (found.code, found.rules, found.limit, found.fails) == (Code.BRIGHT, (Rule.ONE_3S,), False, True)


def test_what_is_unusual_and_far_too_small_to_matter_is_to_be_watched():
    """A third of the limit of 30 is 10."""
    (found,) = judged(usual(light=1.0), light=209.0)
    assert found.rules == (Rule.ONE_3S,) and found.small and not found.fails


def test_a_small_lasting_shift_is_to_be_watched_and_fails_nothing():
    """The rule of ten, that a calm spread and six tenths of a standard deviation above it show."""
    history = [*usual(light=1.0), *[run(DAY * (100 + n), light=200.6) for n in range(9)]]
    (found,) = judged(history, light=200.7)
    assert found.rules == (Rule.TEN_X,) and not found.fails


def test_a_limit_and_a_rule_about_one_thing_are_one_finding():
    (found,) = judged(usual(light=1.0), light=150.0)
    assert found.limit and found.rules == (Rule.ONE_3S,)


def test_photographs_that_never_change_raise_no_alarm_for_ever():
    history = usual(FEWEST)
    for n in range(15):
        assert judged(history, light=200.0 + 1e-9) == []
        history.append(run(DAY * (50 + n), light=200.0 + 1e-9))


def test_what_is_usual_is_learnt_anew_from_where_it_was_said():
    history = [*usual(light=1.0), replace(run(DAY * 50, light=210.0), begins=True)]
    assert judged(history, light=210.0) == []  # one run since: nothing is usual yet
    (chart,) = [one for one in charts(history, CONTROL.sha256, {}) if one.sign == "light"]
    assert chart.baseline is None and len(chart.points) == FEWEST + 1


def test_a_laboratory_may_tell_what_is_usual():
    told = replace(CONTROL, usual={"light": Baseline(200.0, 2.0)})
    (found,) = judged(control=told, light=207.0)
    assert found.rules == (Rule.ONE_3S,) and found.expected == 200.0


def test_each_control_is_measured_by_its_own_mean_and_rows_go_across_controls():
    other = replace(run(), control="lot 8", control_sha256="8")
    history = [
        one
        for n, mine in enumerate(usual(light=1.0))
        for one in (mine, replace(other, at=mine.at + 1, signs=KNOWN | {"light": 100.0 + (-1) ** n}))
    ]
    history.append(replace(other, at=DAY * 999, signs=KNOWN | {"light": 102.5}))  # 2.4 SD above its own mean
    found = judged(history, light=202.5)
    assert [one.rules for one in found] == [(Rule.TWO_2S,)]


def test_within_a_day_both_sides_beyond_two_are_r_4s():
    history = [*usual(light=5.0), run(DAY * 1000, light=212.0)]
    (found,) = judged(history, light=188.0)
    assert found.rules == (Rule.R_4S,) and found.fails


def test_a_finding_comes_back_as_it_was_kept_and_every_code_has_its_words():
    found = Finding(Code.DARK, "light", 150.0, 200.0, True, (Rule.ONE_3S,))
    assert from_json(as_json(found)) == found
    small = replace(found, limit=False, small=True)
    assert from_json(as_json(small)) == small and not small.fails
    assert words.finding(found) == "the light is dimmer (150 for 200; Westgard 1-3s)"
    assert set(words.SAID) == set(Code)
    assert set(words.NAMES) == set(WATCHED) >= set(Sign)


def test_shares_rest_on_enough_cells():
    assert shares({"neutrophil": 19}) == {}
    assert shares({"neutrophil": 19, "unidentified": 1, "platelet": 50}) == {"unidentified": 0.05}
    named = {("neutrophil", "neutrophil"): 19, ("monocyte", "blast"): 1, ("monocyte", "unidentified"): 2}
    assert shares({}, known=25, named=named) == {"found": 22 / 25, "agreed": 19 / 20}


@pytest.mark.parametrize(
    ("runs", "found"),
    [
        ([], Standing.NEVER),
        ([run(0)], Standing.PASSED),
        ([run(-25 * 3600)], Standing.OLD),
        ([run(25 * 3600)], Standing.OLD),  # of tomorrow: a clock was wrong
        ([run(-100), run(-50, passed=False)], Standing.FAILED),
        ([run(-100, passed=False), run(-50)], Standing.PASSED),
        ([replace(run(0), drawn=True)], Standing.NEVER),
        ([run(-100, passed=False), replace(run(0), drawn=True)], Standing.FAILED),
        ([replace(run(0), model_sha256="other")], Standing.OTHER_MODEL),
    ],
)
def test_counting_may_begin_after_the_newest_real_test_passed_lately_with_this_model(runs, found):
    assert standing(runs, 0.0, 24, "m") == found
    assert (words.standing(found, 24) == "") == (found == Standing.PASSED)


def test_charts_show_what_breaks_a_rule_on_the_terminal_and_in_the_picture():
    history = [*usual(light=1.0), run(DAY * 1000, light=204.0)]
    found = charts(history, CONTROL.sha256, {})
    console = Console(width=100, record=True, file=io.StringIO())
    show_charts(console, found)
    text = console.export_text()
    light = text[text.index("light") :].splitlines()
    assert light[0] == "light: 200 ± 1" and light[1].endswith("▲") and light[8] == "last: Westgard 1-3s"
    picture = ElementTree.fromstring(svg(found))
    titles = [one.text for one in picture.iter("{http://www.w3.org/2000/svg}title")]
    assert sum("Westgard 1-3s" in title for title in titles) == 1
    assert len([one for one in found if one.baseline]) * (FEWEST + 1) == len(titles)


def test_charts_without_enough_runs_say_so_in_both():
    found = charts(usual(3), CONTROL.sha256, {})
    console = Console(width=100, record=True, file=io.StringIO())
    show_charts(console, found)
    assert words.NOT_YET in console.export_text() and words.NOT_YET in svg(found)
