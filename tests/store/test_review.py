import multiprocessing
import os
import signal
import time
from collections import Counter
from types import SimpleNamespace

import pytest
from made_session import ACCOUNTS, INFO, START, new_cell

from leuko_edge.errors import UsageError
from leuko_edge.review.access import COOKIE, Access
from leuko_edge.store import SessionStore
from leuko_edge.store.archive import Archive
from leuko_edge.store.people import People, hashed, matches
from leuko_edge.store.review import REMOVED, Change, Refused, Review, Signed, Stale, Unseen

LABELS = ("neutrophil", "unidentified", "blast", "monocyte")


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "s.sqlite3"
    with SessionStore.create(path, INFO, START) as store:
        for number, label in enumerate(LABELS, start=1):
            store.add_cell(new_cell(label, number), ACCOUNTS)
    return path


@pytest.fixture
def review(path):
    opened = Review(path)
    yield opened
    opened.close()


def record(path):
    with Archive(path) as archive:
        return archive.record(1)


def labels(path):
    return {cell.id: cell.label for cell in record(path).standing}


def test_changes_are_all_done_or_none_and_each_has_its_line_of_history(path, review):
    review.change(1, [Change(1, "neutrophil", "basophil"), Change(2, "unidentified", "neutrophil")], "AB", START + 9)
    assert labels(path) == {1: "basophil", 2: "neutrophil", 3: "blast", 4: "monocyte"}
    assert [(e.who, e.cell, e.before, e.after) for e in record(path).events] == [
        ("AB", 1, "neutrophil", "basophil"),
        ("AB", 2, "unidentified", "neutrophil"),
    ]
    with pytest.raises(Stale, match="cell 1 was named basophil meanwhile by AB"):
        review.change(1, [Change(4, "monocyte", "blast"), Change(1, "neutrophil", "blast")], "CD", START + 10)
    assert labels(path)[4] == "monocyte"


def test_a_cell_taken_out_is_in_no_count_and_comes_back_as_it_was(path, review):
    review.change(1, [Change(4, "monocyte", REMOVED)], "AB", START + 9)
    assert record(path).differential().counted == 2
    review.change(1, [Change(4, REMOVED, "monocyte")], "AB", START + 10, taken_back=True)
    assert record(path).differential().counted == 3 and not record(path).cells[3].changed


def test_an_undo_to_the_model_s_class_leaves_the_cell_unchanged(path, review):
    review.change(1, [Change(1, "neutrophil", "blast")], "AB", START + 9)
    assert record(path).cells[0].changed
    review.change(1, [Change(1, "blast", "neutrophil")], "AB", START + 10, taken_back=True)
    assert not record(path).cells[0].changed


def test_signing_waits_until_every_unidentified_and_abnormal_cell_was_looked_at(path, review):
    with pytest.raises(Unseen) as refused:
        review.sign(1, "AB", START + 20)
    assert refused.value.cells == (2, 3)
    review.look(1, [2], "AB", START + 21)
    review.change(1, [Change(3, "blast", "lymphocyte")], "AB", START + 22)
    with pytest.raises(Refused, match="name"):
        review.sign(1, " ", START + 23)
    assert review.sign(1, "AB", START + 23) == 1
    with pytest.raises(Signed):
        review.change(1, [Change(1, "neutrophil", "blast")], "AB", START + 24)
    assert (record(path).summary.state, record(path).signed_by) == ("signed", "AB")


def test_an_amendment_is_a_new_version_with_its_reason_and_the_old_one_stays(path, review):
    review.look(1, [2, 3], "AB", START)
    review.sign(1, "AB", START + 1)
    with pytest.raises(Refused, match="reason"):
        review.amend(1, " ", "Dr. C", START + 2)
    review.amend(1, "a blast was a lymphocyte", "Dr. C", START + 2)
    with pytest.raises(UsageError, match="amended"):
        SessionStore.resume(path, 1)
    review.change(1, [Change(3, "blast", "lymphocyte")], "Dr. C", START + 3)
    assert review.sign(1, "Dr. C", START + 4) == 2
    first, second = record(path).signatures
    assert (first.signed_by, first.reason, first.labels[3]) == ("AB", "", "blast")
    assert (second.signed_by, second.reason, second.labels[3]) == ("Dr. C", "a blast was a lymphocyte", "lymphocyte")


def test_a_session_that_is_being_counted_can_be_corrected_but_not_signed(tmp_path):
    path = tmp_path / "live.sqlite3"
    store = SessionStore.create(path, INFO, START)
    store.add_cell(new_cell(), ACCOUNTS)
    review = Review(path)
    review.change(1, [Change(1, "neutrophil", "basophil")], "AB", START)
    assert store.counts() == Counter({"basophil": 1})
    with pytest.raises(Refused, match="still being counted"):
        review.sign(1, "AB", START)
    store.close("open")
    assert review.sign(1, "AB", START) == 1


def test_a_missed_cell_is_added_once(path, review):
    cell = new_cell("eosinophil", 9, frame=77, x=450.0, y=350.0)
    assert review.add(1, cell, "AB", START) == 5
    with pytest.raises(Stale):
        review.add(1, cell, "CD", START)
    assert labels(path)[5] == "eosinophil" and record(path).events[-1].kind == "added"


def test_sample_and_operator_can_be_given_until_it_is_signed(path, review):
    review.identify(1, "S-18", "CD", "CD", START)
    assert (record(path).info.sample, record(path).info.operator) == ("S-18", "CD")
    assert [(e.kind, e.before, e.after) for e in record(path).events] == [
        ("sample", "S-17", "S-18"),
        ("operator", "A. B.", "CD"),
    ]


def _toggle(path, who, rounds, done):
    """Changes one cell there and back as often as `rounds`, as long as what it saw still holds."""
    review = Review(path)
    while done[who] < rounds:
        with Archive(path) as archive:
            seen = archive.record(1).cells[0].label
        try:
            review.change(1, [Change(1, seen, "basophil" if seen == "neutrophil" else "neutrophil")], f"P{who}", START)
            done[who] += 1
        except Stale:
            continue


def test_no_change_of_four_at_once_is_lost_or_done_twice(path):
    context = multiprocessing.get_context("spawn")
    done = context.Array("i", 4)
    workers = [context.Process(target=_toggle, args=(path, who, 25, done)) for who in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    events = record(path).events
    assert Counter(event.who for event in events) == {f"P{who}": 25 for who in range(4)}
    chain = ["neutrophil", *(event.after for event in events)]
    assert [event.before for event in events] == chain[:-1]


def test_what_a_killed_writer_was_told_is_done_and_nothing_is_half_done(path):
    context = multiprocessing.get_context("spawn")
    done = context.Array("i", 4)
    worker = context.Process(target=_toggle, args=(path, 0, 10**6, done))
    worker.start()
    while done[0] < 20:
        time.sleep(0.01)
    os.kill(worker.pid, signal.SIGKILL)
    worker.join(30)
    kept = record(path)
    assert len(kept.events) - done[0] in (0, 1)  # one may be durable whose answer was cut off
    assert kept.cells[0].label == kept.events[-1].after


def test_people_are_known_by_their_passwords_and_listed_by_role(path, monkeypatch):
    monkeypatch.setattr("leuko_edge.store.people.COSTS", (2**10, 8, 1))
    people = People(path)
    people.add("AB", "technologist", "correct horse")
    known = people.known("AB", "correct horse")
    assert known.may("viewer") and known.may("technologist") and not known.may("supervisor")
    assert people.known("AB", "wrong horse") is None and people.known("CD", "correct horse") is None
    for name, role, password in (("AB", "viewer", "long enough"), ("X", "king", "long enough"), ("X", "viewer", "no")):
        with pytest.raises(UsageError):
            people.add(name, role, password)
    assert [person.name for person in people.all()] == ["AB"]
    people.remove("AB")
    assert people.all() == () and b"correct horse" not in path.read_bytes()


def test_a_password_is_stored_with_its_costs():
    cheap = hashed("abc", (16, 1, 1))
    assert matches("abc", cheap) and not matches("abd", cheap) and cheap.startswith("scrypt$16$1$1$")


def test_a_session_number_beyond_all_numbers_is_no_session(review):
    with pytest.raises(UsageError, match="there is no session"):
        review.sign(10**20, "AB", START + 9)


def test_who_was_removed_or_has_another_role_has_it_at_once(path):
    people = People(path)
    people.add("EVE", "supervisor", "password1")
    access = Access(people)
    request = SimpleNamespace(cookies={COOKIE: access.log_in("EVE", "password1", "10.0.0.1")})
    assert access.person(request).role == "supervisor"
    people.remove("EVE")
    assert access.person(request) is None
    people.add("EVE", "viewer", "password2")
    assert access.person(request).role == "viewer"
