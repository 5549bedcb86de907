"""What a run that broke off leaves, and what people did beside it on the review page."""

import time
from types import SimpleNamespace

import pytest
from made_session import ACCOUNTS, INFO, new_cell

from leuko_edge.live.engine import Engine
from leuko_edge.live.goal import Goal
from leuko_edge.live.history import join_doubled
from leuko_edge.live.tracks import Track, Tracks
from leuko_edge.model.classify import FixedClassifier
from leuko_edge.session import Action, End
from leuko_edge.store import SessionInfo, SessionStore
from leuko_edge.store.archive import Archive
from leuko_edge.store.review import REMOVED, Change, Review
from leuko_edge.types import Prediction


@pytest.fixture
def path(tmp_path):
    return tmp_path / "s.sqlite3"


def engine(store: SessionStore, **more: object) -> Engine:
    return Engine(FixedClassifier("neutrophil"), store, Goal(None), **more)


def test_a_slide_that_is_awaited_is_awaited_after_a_power_cut_too_and_no_longer_once_it_is_there(path):
    store = SessionStore.create(path, SessionInfo())
    engine(store, slide_awaited=True)
    store.close("open")
    store = SessionStore.resume(path)
    again = engine(store)
    assert again.paused and again.slide_awaited
    again.act(Action("pause"))
    assert not again.paused
    store.close("open")
    with SessionStore.resume(path) as store:
        assert not engine(store).paused


def test_a_scale_that_was_given_is_on_record(path):
    with SessionStore.create(path, SessionInfo()) as store:
        engine(store, um_per_px=0.1)
    with Archive(path) as archive:
        assert archive.record(1).um_per_px == 0.1


def test_after_a_signature_no_key_does_anything(path):
    with SessionStore.create(path, SessionInfo(operator="AB")) as store:
        running = engine(store)
        running.paused = True
        running._frames = iter(())
        source = SimpleNamespace(live=False, dropped=0, name="", warning="")
        keys = [[Action("sign"), Action("pause"), Action("new_area")]]
        assert running.run(source, lambda snapshot: None, lambda: keys.pop()) == End.SIGNED


class Joined:
    """A cell counted in each of two areas that the map has joined since."""

    def __init__(self, path) -> None:
        self.path = path
        self.store = SessionStore.create(path, INFO)
        self.tracks = Tracks(lambda key, dx, dy: (0, dx, dy))
        for number in (1, 2):
            cell = self.store.add_cell(new_cell("neutrophil", number), ACCOUNTS)
            self.tracks.add(Track(number, 50.0, 50.0, id=cell, label="neutrophil"))

    def counts(self) -> dict[str, int]:
        join_doubled(self.store, self.tracks, 0.1)
        return {label: count for label, count in self.store.counts().items() if count}


@pytest.fixture
def joined(path):
    made = Joined(path)
    yield made
    made.store.close("open")


def test_of_two_the_older_stays(joined):
    assert joined.counts() == {"neutrophil": 1} and [cell.undone for cell in joined.store.cells()] == [False, True]


@pytest.mark.parametrize("removed", [1, 2])
def test_where_a_person_took_the_double_out_already_the_other_stays(joined, removed):
    review = Review(joined.path)
    review.change(1, [Change(removed, "neutrophil", REMOVED)], "AB", time.time())
    review.close()
    assert joined.counts() == {"neutrophil": 1}


@pytest.mark.parametrize("named", [1, 2])
def test_what_a_person_said_of_either_stays(joined, named):
    joined.store.reclassify(named, "blast", "AB", time.time())
    assert joined.counts() == {"blast": 1}


def test_what_was_looked_at_and_then_named_otherwise_is_to_be_looked_at_again(path):
    with SessionStore.create(path, INFO) as store:
        cell = store.add_cell(new_cell("unidentified"), ACCOUNTS)
        review = Review(path)
        review.look(1, [cell], "AB", time.time())
        review.close()
        assert store.cells()[0].looked
        store.refine(cell, Prediction("blast", 0.9, (1 / 12,) * 12), 2)
        assert not store.cells()[0].looked
