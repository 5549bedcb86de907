"""The loop on a simulated slide, with a classifier that says what it is told: what is counted, once, and kept."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from leuko_edge.live.engine import Engine
from leuko_edge.live.goal import Goal
from leuko_edge.live.session_stream import Stream
from leuko_edge.live.snapshot import Snapshot
from leuko_edge.model.classify import FixedClassifier, simulated_card
from leuko_edge.session import Action, End
from leuko_edge.simulate import STEADY, Pose, SlideFilm, Smear, driven, serpentine, there_and_back
from leuko_edge.store import SessionInfo, SessionStore, StoreFull
from leuko_edge.store.archive import Archive
from leuko_edge.types import Frame

VIEW = (640, 480)
UM = 0.2
ENDLESS = Goal(None)
SIZE = (1536, 816)  # three fields by two


@pytest.fixture(scope="module")
def smear() -> Smear:
    return Smear(3, {"neutrophil": 6, "lymphocyte": 3}, width=SIZE[0], height=SIZE[1], um_per_px=UM)


def film(smear: Smear, back: bool = True, **faults: object) -> SlideFilm:
    stops = serpentine(SIZE, VIEW, 0.3)
    path = driven(there_and_back(stops) if back else stops, STEADY, np.random.default_rng(0))
    return SlideFilm(smear, path, view=VIEW, seed=1)


@pytest.fixture
def store(tmp_path):
    with SessionStore.create(tmp_path / "s.sqlite3", SessionInfo(operator="AB")) as store:
        yield store


def counted(
    smear: Smear, store: SessionStore, goal: Goal = ENDLESS, acts: dict[int, Action] | None = None, **more: object
) -> tuple[Engine, list[Snapshot], SlideFilm]:
    """A run over the slide there and back; `acts` are done after so many frames."""
    engine = Engine(FixedClassifier("neutrophil"), store, goal, **more)
    shown: list[Snapshot] = []
    source = film(smear)
    with source:
        engine.run(source, shown.append, lambda: [acts[len(shown)]] if acts and len(shown) in acts else [])
    engine.finish()
    return engine, shown, source


def test_every_cell_is_counted_once_there_and_back(smear, store):
    engine, _, source = counted(smear, store)
    assert engine.done == End.SOURCE
    assert engine.differential.counted == len(source.seen_whole()) == 9
    assert engine.cells.um_per_px == pytest.approx(UM, rel=0.05)
    assert len({(round(c.x), round(c.y)) for c in store.cells()}) == 9


def test_cells_far_from_what_the_model_knows_are_kept_as_unidentified(smear, store):
    card = replace(simulated_card(), centres=((0.0,),), distance_threshold=3.0)
    engine = Engine(FixedClassifier("neutrophil", card=card, distance=4.0), store, ENDLESS)
    with film(smear, back=False) as source:
        engine.run(source, lambda _: None)
    assert engine.differential.counted == 0 and engine.differential.unidentified == len(source.seen_whole())


def test_a_cell_whose_edge_alone_is_cut_waits_and_is_counted_when_it_goes(smear, store):
    # A neutrophil whose nucleus lies in its middle.
    number = next(n for n, c in enumerate(smear.truth) if c.centre[1] > 490 and c.centre[0] > 330)
    cell, (_, top, _, height) = smear.truth[number], smear.box(number)
    x = min(max(0.0, cell.centre[0] - VIEW[0] / 2), SIZE[0] - VIEW[0])
    cutting = Pose(x, top + height - 6 - VIEW[1])  # 6 px of 0.2 µm of its cytoplasm are below the view
    stops = [cutting, Pose(x, max(0.0, cutting.y - 250))]
    source = SlideFilm(smear, driven(stops, STEADY, np.random.default_rng(0)), view=VIEW, seed=1)
    engine = Engine(FixedClassifier("neutrophil"), store, ENDLESS)
    known: list[int] = []
    with source:
        engine.run(source, lambda _: known.append(len(near(store, source, cell.centre))))
    assert known[10] == 0 and known[-1] == 1


def near(store: SessionStore, source: SlideFilm, centre: tuple[float, float]) -> list[int]:
    """Numbers of the counted cells within 6 µm of a place of the slide."""
    corner = {int(index): (x, y) for index, x, y in source.poses}
    found = []
    for cell in store.cells():
        x, y = np.add(corner[cell.frame], (cell.box[0] + cell.box[2] / 2, cell.box[1] + cell.box[3] / 2))
        if np.hypot(x - centre[0], y - centre[1]) * UM < 6:
            found.append(cell.id)
    return found


def test_every_frame_is_accounted_for(smear, store):
    engine, shown, source = counted(smear, store)
    accounts = store.accounts
    assert accounts == engine.accounts == shown[-1].accounts
    assert accounts.captured == len(source.poses) + source.dropped
    assert accounts.skipped["moving"] > 0 and accounts.counted > 0


def test_the_record_says_the_scale_and_what_frames_were_judged_by(smear, store):
    engine, _, _ = counted(smear, store)
    store.close()
    with Archive(store.path) as archive:
        record = archive.record(store.id)
    assert record.um_per_px == pytest.approx(engine.cells.um_per_px)
    assert record.gate["sharpness_least"] < record.gate["sharpness_reference"]


def test_a_cell_is_in_the_store_before_it_is_shown(smear, store):
    class Watched(list):
        def append(self, snapshot: Snapshot) -> None:
            assert snapshot.differential.counted == store.counts()["neutrophil"]
            super().append(snapshot)

    engine = Engine(FixedClassifier("neutrophil"), store, Goal(None))
    shown = Watched()
    with film(smear) as source:
        engine.run(source, shown.append)
    assert shown[-1].differential.counted == 9


def test_counting_stops_at_the_target_and_can_go_on(smear, store):
    engine = Engine(FixedClassifier("neutrophil"), store, Goal(4))
    with film(smear) as source:
        assert engine.run(source, lambda _: None) == End.TARGET
        first = engine.differential.counted
        engine.go_on()
        engine.run(source, lambda _: None)
    assert 4 <= first < 9 and engine.differential.counted == 9


def test_undone_cells_stay_out_when_they_are_seen_again(smear, store):
    engine, _, _ = counted(smear, store, acts={30: Action("undo"), 31: Action("undo")})
    assert engine.differential.counted == 7 and len(store.cells()) == 9


def test_an_undone_cell_that_is_brought_back_counts_again(smear, store):
    acts = {30: Action("undo"), 31: Action("undo"), 32: Action("redo")}
    engine, _, _ = counted(smear, store, acts=acts)
    assert engine.differential.counted == 8
    assert sum(cell.undone for cell in store.cells()) == sum(track.undone for track in engine.cells.tracks) == 1


def test_a_person_has_the_last_word_on_a_class(smear, store):
    engine, _, _ = counted(smear, store, acts={30: Action("reclassify", "basophil")})
    (changed,) = [cell for cell in store.cells() if cell.by == "AB"]
    assert changed.label == "basophil" and engine.differential.counted == 9


def test_a_camera_s_frames_of_a_pause_are_tallied_and_count_nothing(smear, store):
    camera = Stream(film(smear))
    camera.live = True
    shown: list[Snapshot] = []
    with camera:
        engine = Engine(FixedClassifier("neutrophil"), store, ENDLESS)
        engine.run(camera, shown.append, lambda: [Action("pause")] if len(shown) == 1 else [])
    assert store.accounts.skipped["paused"] == len(shown) - 2 and shown[-1].paused
    assert shown[-1].differential.counted == shown[2].differential.counted < 9


def test_a_film_stops_while_it_is_paused_and_loses_no_frame(smear, store):
    engine, shown, source = counted(smear, store, acts={20: Action("pause"), 24: Action("pause")})
    assert [snapshot.paused for snapshot in shown[18:26]] == [False, False, True, True, True, True, False, False]
    assert len({snapshot.accounts.captured for snapshot in shown[20:24]}) == 1
    assert "paused" not in store.accounts.skipped
    assert store.accounts.captured == len(source.poses) + source.dropped and engine.differential.counted > 0


def test_a_session_that_awaits_its_slide_counts_nothing_until_it_is_there(smear, store):
    acts = {5: Action("pause"), 6: Action("identify", sample="S-2", operator="MK")}
    engine, shown, _ = counted(smear, store, acts=acts, slide_awaited=True)
    assert engine.differential.counted > 0
    assert shown[4].slide_awaited and shown[4].accounts.captured == 0 and not shown[-1].slide_awaited
    assert (shown[4].sample, shown[7].sample, shown[7].operator) == ("", "S-2", "MK")
    with Archive(store.path) as archive:
        record = archive.record(store.id)
    assert [event.kind for event in record.events if event.kind in ("resumed", "new slide")] == ["new slide"]
    assert record.info.sample == "S-2"


def test_a_session_can_be_signed_and_then_stands(smear, store):
    engine, shown, _ = counted(smear, store, acts={40: Action("sign")})
    assert engine.done == End.SIGNED and len(shown) == 41
    with pytest.raises(Exception, match="signed"):
        store.undo_last("AB", 0.0)


def test_a_resumed_session_knows_the_cells_of_before(smear, store):
    engine = Engine(FixedClassifier("neutrophil"), store, Goal(4))
    with film(smear) as source:
        engine.run(source, lambda _: None)
    first = engine.differential.counted
    store.close("open")  # no finish: as after a power cut
    with SessionStore.resume(store.path) as again:
        engine = Engine(FixedClassifier("neutrophil"), again, ENDLESS)
        assert engine.differential.counted == first
        with film(smear) as source:  # from the start: all of it was seen before
            engine.run(source, lambda _: None)
        assert engine.differential.counted == 9


def test_a_count_that_breaks_off_again_and_again_knows_every_cell_once(smear, store):
    """As with a camera that is unplugged: the stage goes on, so that parts of the slide are seen apart at first."""
    with film(smear, back=False) as source:
        frames = list(source)
    whole, sixth = len(source.seen_whole()), len(frames) // 6
    begin, middle = frames[:sixth], frames[5 * sixth // 2 : 7 * sixth // 2]
    stints = [begin, middle, frames, middle, begin, frames]
    areas, path = [], store.path
    for number, stint in enumerate(stints):
        with store if number == 0 else SessionStore.resume(path) as session:
            engine = Engine(FixedClassifier("neutrophil"), session, ENDLESS)
            engine.run(Played(stint), lambda _: None)
            engine.finish()
            areas.append(engine.map.areas)
            counted = engine.differential.counted
            session.close("open")
    assert areas[1] == 2  # else this tests nothing
    assert areas[2:] == [1, 1, 1, 1] and counted == whole == 9


class Played:
    """Frames as a source."""

    name, live, dropped, warning, hangs = "played", False, 0, "", False

    def __init__(self, frames: list[Frame]) -> None:
        self._frames = frames

    def __iter__(self) -> Iterator[Frame]:
        return iter(self._frames)


def test_unidentified_cells_in_number_are_warned_of(smear, tmp_path):
    smear = Smear(4, {"neutrophil": 24}, width=SIZE[0], height=SIZE[1], um_per_px=UM)
    with SessionStore.create(tmp_path / "u.sqlite3", SessionInfo()) as store:
        engine = Engine(FixedClassifier("neutrophil", "unidentified"), store, Goal(None))
        warnings = []
        with film(smear, back=False) as source:
            engine.run(source, lambda snapshot: warnings.append(snapshot.warning))
    assert "outside what the model knows" in warnings[-1] and warnings[0] == ""


def test_a_full_disk_stops_the_count_and_keeps_what_is_counted(smear, store, monkeypatch):
    engine = Engine(FixedClassifier("neutrophil"), store, Goal(None))
    added = []
    add = store.add_cell

    def until_full(*cell: object) -> int:
        if len(added) == 3:
            raise StoreFull("the disk is full")
        added.append(add(*cell))
        return added[-1]

    monkeypatch.setattr(store, "add_cell", until_full)
    with film(smear) as source, pytest.raises(StoreFull):
        engine.run(source, lambda _: None)
    assert store.counts()["neutrophil"] == 3
