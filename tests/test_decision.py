"""Decisions that may be asked after every cell: how often they are wrong, by simulation, and how long they take."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from leuko_edge.binomial import clopper_pearson
from leuko_edge.cli.main import main
from leuko_edge.decision import ABSENT, Answer, Decision, cells_needed, cells_to_see_one, decide
from leuko_edge.results.wording import decided


def answers(share: float, threshold: float, counts: int = 1000, cells: int = 1000) -> tuple[dict[Answer, int], float]:
    """The first answers of simulated counts, each asked after every cell, and the median of cells until they came."""

    @cache
    def asked(seen: int, counted: int) -> Answer:
        return decide(seen, counted, threshold)

    numbers = np.random.default_rng(11)
    found, lengths = dict.fromkeys(Answer, 0), []
    for _ in range(counts):
        seen = np.cumsum(numbers.random(cells) < share).tolist()
        answer, length = Answer.OPEN, cells
        for counted, so_far in enumerate(seen, 1):
            answer = asked(so_far, counted)
            if answer is not Answer.OPEN:
                length = counted
                break
        found[answer] += 1
        lengths.append(length)
    return found, float(np.median(lengths))


@pytest.mark.parametrize("threshold", [0.02, 0.05, 0.4])
def test_at_the_threshold_itself_at_most_one_count_in_twenty_ever_decides(threshold):
    found, _ = answers(threshold, threshold)
    assert found[Answer.ABOVE] + found[Answer.BELOW] <= 50


def test_an_interval_that_is_asked_every_five_cells_would_decide_far_more_often():
    exact, numbers, wrong = cache(clopper_pearson), np.random.default_rng(11), 0
    for _ in range(100):
        seen = np.cumsum(numbers.random(300) < 0.4).tolist()
        limits = (exact(k, n) for n, k in enumerate(seen, 1) if n % 5 == 0)
        wrong += any(low > 0.4 or high < 0.4 for low, high in limits)
    assert wrong > 10


@pytest.mark.parametrize(("share", "right"), [(0.12, Answer.ABOVE), (0.01, Answer.BELOW)])
def test_away_from_the_threshold_it_decides_rightly_and_in_about_the_cells_that_were_told(share, right):
    found, length = answers(share, 0.05, 300)
    assert found[right] >= 285
    told = cells_needed(share, 0.05)
    assert told is not None and 0.5 * told <= length <= 1.5 * told


def test_a_share_at_the_threshold_is_never_told_from_it():
    assert cells_needed(0.05, 0.05) is None
    near, far = cells_needed(0.06, 0.05), cells_needed(0.2, 0.05)
    assert near is not None and far is not None and far < near


def test_one_cell_in_a_hundred_is_seen_among_299():
    assert [cells_to_see_one(share) for share in (0.01, 0.05, 0.5)] == [299, 59, 5]
    assert 0.99**299 <= 0.05 < 0.99**298


def test_presence_is_decided_by_the_first_cell_and_absence_wrongly_in_one_count_of_twenty_at_most():
    blast, numbers, wrong = Decision.parse("blast>0"), np.random.default_rng(11), 0
    for _ in range(2000):
        first = int(numbers.geometric(ABSENT))  # the cell that is the first of its class
        standings = [blast.standing(int(first <= counted), counted) for counted in (*range(280, 320), 1000)]
        answers = [one.answer for one in standings if one.answer is not Answer.OPEN]
        wrong += bool(answers) and answers[0] is Answer.BELOW
    assert 0 < wrong <= 100
    assert blast.standing(1, 7).answer is Answer.ABOVE
    assert (blast.standing(0, 100).answer, blast.standing(0, 100).more) == (Answer.OPEN, 199)


def test_a_decision_says_how_many_more_while_it_is_open_and_none_when_it_is_not():
    eosinophils = Decision.parse(" eosinophil > 5 ")
    assert str(eosinophils) == "eosinophil>5"
    standing, needed = eosinophils.standing(12, 120), cells_needed(0.1, 0.05)
    assert needed is not None and (standing.answer, standing.more) == (Answer.OPEN, needed - 120)
    assert decided(standing) == f"eosinophil above 5 %? count about {needed - 120} more (12 of 120)"
    assert decided(eosinophils.standing(40, 100)) == "eosinophil decided: above 5 % (40 of 100)"
    assert decided(eosinophils.standing(5, 100)) == "eosinophil above 5 %? too near to say how many more (5 of 100)"
    assert decided(eosinophils.standing(0, 0)) == "eosinophil above 5 %? nothing counted yet (0 of 0)"
    blasts = Decision.parse("blast>0")
    assert decided(blasts.standing(0, 299)) == "blast decided: below 1 % (none of 299)"
    assert decided(blasts.standing(0, 99)) == "blast present? count about 200 more to tell 1 % (none of 99)"
    assert decided(blasts.standing(2, 99)) == "blast decided: there are some (2 of 99)"


@pytest.mark.parametrize("text", ["", "blast", "blast>", ">5", "blast>100", "blast>-1", "blast>5>6", "Blast>5"])
def test_what_is_no_decision_is_refused(text):
    with pytest.raises(ValueError):
        Decision.parse(text)


def test_what_makes_no_sense_is_refused():
    for seen, counted, threshold in ((3, 2, 0.5), (-1, 2, 0.5), (1, 2, 0.0), (1, 2, 1.0)):
        with pytest.raises(ValueError):
            decide(seen, counted, threshold)


def test_a_person_is_told_how_many_more_to_count(capsys):
    assert main(["enough", "--above", "5", "--seen", "12", "--of", "120"]) == 0
    said = capsys.readouterr().out
    needed = cells_needed(0.1, 0.05)
    assert needed is not None and f"count about {needed - 120} more" in said and "59 cells" in said
    assert main(["enough", "--above", "5", "--seen", "40", "--of", "100", "--expect", "5"]) == 0
    said = capsys.readouterr().out
    assert "Decided: above 5 %" in said and "more than 100000" in said


@pytest.mark.parametrize("words", [["--above", "0"], ["--above", "5", "--seen", "3"], ["--above", "nan"],
                                   ["--above", "5", "--seen", "3", "--of", "2"]])  # fmt: skip
def test_numbers_that_make_no_sense_are_one_sentence(words, capsys):
    assert main(["enough", *words]) == 2
    assert capsys.readouterr().err.startswith("leuko-edge: ")
