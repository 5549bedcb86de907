"""Damage that bits, clocks and other programs do to a database, and what is said of it."""

import contextlib
import os
import sqlite3
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from made_session import ACCOUNTS, INFO, START, new_cell

from leuko_edge.cli.main import main
from leuko_edge.session import MapPiece
from leuko_edge.store import SessionDamaged, SessionStore, StoreDamaged, StoreError, StoreMoved, clock, rescue
from leuko_edge.store.archive import Archive


@pytest.fixture
def path(tmp_path):
    return tmp_path / "s.sqlite3"


def piece(key: int) -> MapPiece:
    fine = np.random.default_rng(key).integers(-100, 100, (60, 80), np.int8)
    return MapPiece(key, 0, 10.0 * key, 0.0, (240, 320, 3), fine)


def left_open(path, cells=2, pieces=3):
    """An open session as a killed program leaves it."""
    store = SessionStore.create(path, INFO)
    store.add_keyframes([piece(n) for n in range(pieces)])
    for n in range(cells):
        store.add_cell(new_cell(number=n + 1, key=0), ACCOUNTS)
    store.close("open")


def change(path, statement, *values):
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement, values)


def ask(path, question):
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return connection.execute(question).fetchall()


def test_a_flipped_bit_anywhere_in_a_keyframe_is_noticed(path):
    left_open(path)
    [(view,)] = ask(path, "SELECT view FROM keyframe WHERE key = 1")
    with SessionStore.resume(path) as store:
        for at in range(0, len(view), 97):
            flipped = bytes([*view[:at], view[at] ^ 4, *view[at + 1 :]])
            change(path, "UPDATE keyframe SET view = ? WHERE key = 1", flipped)
            with pytest.raises(SessionDamaged, match="a picture of its map is damaged"):
                store.keyframes()
        store.close("open")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("leukocytes", '["neutrophil", "../../x"]'),
        ("ranges", '{"neutrophil": [40, 1e999]}'),
        ("source_details", "[" * 5000),
        ("window_um", "wide"),
        ("sample", b"\xff\xfe"),
        ("target", -3),
    ],
)
def test_an_open_session_that_cannot_be_read_is_closed_with_the_reason_and_keeps_its_cells(path, column, value):
    left_open(path)
    if isinstance(value, bytes):
        change(path, f"UPDATE session SET {column} = CAST(? AS TEXT)", value)
    else:
        change(path, f"UPDATE session SET {column} = ?", value)
    with pytest.raises(SessionDamaged, match=r"session 1 in .* is damaged"):
        SessionStore.resume(path)
    assert ask(path, "SELECT state FROM session") == [("closed",)]
    assert ask(path, "SELECT kind FROM event ORDER BY id DESC LIMIT 1") == [("damaged",)]
    assert ask(path, "SELECT count(*) FROM cell") == [(2,)]
    with SessionStore.create(path, INFO) as after:
        assert after.id == 2
    with Archive(path) as archive:
        assert [summary.id for summary in archive.sessions()] == [2]
        assert [error.session for error in archive.unreadable] == [1]


@pytest.mark.parametrize("column", ["label", "model_label", "box", "probabilities", "x", "last_seen", "contour"])
def test_a_class_or_number_out_of_a_foreign_database_is_no_file_name_and_no_traceback(path, tmp_path, capsys, column):
    left_open(path)
    change(path, f"UPDATE cell SET {column} = '../../planted' WHERE id = 2")
    folder = tmp_path / "out"
    asked = ["--annotate", str(folder / "a"), "--crops", str(folder / "b"), "--json", str(tmp_path / "r.json")]
    assert main(["export", "1", "--database", str(path), *asked]) == 4
    err = capsys.readouterr().err
    assert "session 1 in" in err and "damaged" in err and "Traceback" not in err
    assert not list(tmp_path.rglob("*planted*"))


def test_a_list_with_a_damaged_session_shows_the_others_and_says_so(path, capsys):
    left_open(path)
    SessionStore.create(path, INFO).close()
    change(path, "UPDATE session SET started_at = 1e300 WHERE id = 1")
    assert main(["sessions", "--json", "--database", str(path)]) == 4
    told = capsys.readouterr()
    assert '"id": 2' in told.out and '"id": 1,' not in told.out and "session 1 in" in told.err


def test_an_export_of_a_file_that_fails_its_integrity_check_says_so(path, tmp_path, capsys):
    left_open(path)
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("DELETE FROM sqlite_master WHERE name = 'field_by_session'")  # its page is nobody's now
    assert main(["export", "1", "--database", str(path), "--json", str(tmp_path / "r.json")]) == 4
    assert "what was read from it may be wrong" in capsys.readouterr().err
    assert "what was read from it may be wrong" in (tmp_path / "r.json").read_text()


def test_a_damaged_file_is_set_aside_whole_and_one_of_another_program_is_not(path, tmp_path):
    left_open(path)
    content = bytearray(path.read_bytes())
    content[4096:] = os.urandom(len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(StoreDamaged):
        SessionStore.resume(path)
    aside = rescue.set_aside(path)
    assert aside == str(tmp_path / "s.damaged-1.sqlite3") and not path.exists()
    assert Path(aside).read_bytes() == bytes(content)
    foreign = tmp_path / "foreign"
    foreign.write_bytes(b"SQLite format 3\0" + bytes(200))
    with pytest.raises(StoreDamaged):
        rescue.set_aside(foreign)


@pytest.mark.parametrize("replaced", [False, True])
def test_a_database_that_goes_away_while_counting_is_noticed_and_what_was_counted_is_saved(path, tmp_path, replaced):
    with pytest.raises(StoreMoved, match="deleted or replaced") as raised, SessionStore.create(path, INFO) as store:
        store.add_cell(new_cell(number=1), ACCOUNTS)
        for suffix in ("", "-wal", "-shm"):
            os.unlink(f"{path}{suffix}")
        if replaced:
            SessionStore.create(tmp_path / "other", INFO).close()
            os.rename(tmp_path / "other", path)
        store.add_cell(new_cell(number=2), ACCOUNTS)
    assert raised.value.rescued == str(tmp_path / "s.rescued-1.sqlite3")
    with Archive(raised.value.rescued) as archive:
        assert [cell.id for cell in archive.record(1).cells] == [1]
    assert len(list(tmp_path.glob("*.rescued-*.sqlite3"))) == 1


def test_a_lock_that_was_removed_is_taken_again_and_where_another_was_quicker_counting_stops(path):
    store = SessionStore.create(path, INFO)
    os.unlink(f"{path}.lock")
    store.add_cell(new_cell(number=1), ACCOUNTS)
    with pytest.raises(StoreError, match="in use by another session"):
        SessionStore.create(path, INFO)
    os.unlink(f"{path}.lock")
    with SessionStore.create(path, INFO), pytest.raises(StoreError, match="in use by another session"):
        store.add_cell(new_cell(number=2), ACCOUNTS)


def test_a_database_with_two_names_is_not_counted_into(path, tmp_path):
    SessionStore.create(path, INFO).close()
    os.link(path, tmp_path / "twin")
    for name in (path, tmp_path / "twin"):
        with pytest.raises(StoreError, match="hard link"):
            SessionStore.create(name, INFO)


def test_the_map_goes_when_a_session_is_signed_or_ended_and_stays_while_it_is_open(path):
    left_open(path)
    assert ask(path, "SELECT count(*) FROM keyframe") == [(3,)]
    with SessionStore.resume(path) as store:
        store.add_keyframes([piece(3)])
        store.sign("A", time.time())
    assert ask(path, "SELECT count(*) FROM keyframe") == [(0,)]
    left_open(path)
    SessionStore.resume(path).close()
    assert ask(path, "SELECT count(*) FROM keyframe") == [(0,)]


def test_cells_of_a_session_whose_map_is_gone_are_not_laid_on_the_new_one(path):
    left_open(path)
    SessionStore.resume(path).close()
    with SessionStore.resume(path, 1) as store:
        assert {cell.key for cell in store.cells()} == {-1}


def test_a_clock_that_goes_back_leaves_no_time_before_the_beginning_and_is_told(path, monkeypatch):
    real = time.time
    store = SessionStore.create(path, INFO)
    began = real()
    monkeypatch.setattr(time, "time", lambda: real() - 1e9)
    store.add_cell(new_cell(number=1, seen_at=time.time()), ACCOUNTS)
    store.event("paused", "", "A", time.time())
    store.close()
    [(started, ended)] = ask(path, "SELECT started_at, ended_at FROM session")
    assert ended >= started >= began - 60
    assert ask(path, "SELECT min(first_seen) FROM cell")[0][0] >= started
    assert ask(path, "SELECT min(at) FROM event")[0][0] >= started
    with Archive(path) as archive:
        record = archive.record(1)
        assert [event.text[:22] for event in record.events if event.kind == "clock"] == ["the clock was set back"]
        assert 0 <= record.seconds < 600


def test_a_clock_that_jumps_from_1970_is_told_and_the_duration_is_true(path, monkeypatch):
    now, steady = [3600.0], [100.0]
    monkeypatch.setattr(time, "time", lambda: now[0])
    monkeypatch.setattr(clock, "steady", lambda: steady[0])
    store = SessionStore.create(path, INFO)
    now[0], steady[0] = datetime(2026, 11, 26, tzinfo=UTC).timestamp(), 160.0
    store.sign("A", now[0])
    store.close()
    with Archive(path) as archive:
        record = archive.record(1)
        assert record.seconds == 60.0
        assert [event.text for event in record.events if event.kind == "clock"] == [
            "the clock says 1970-01-01: it was not set",
            f"the clock was set forward by {now[0] - 3660:.0f} s",
        ]


def test_a_time_is_never_before_one_that_is_recorded(path):
    with SessionStore.create(path, INFO, START) as store:
        store.event("paused", "", "A", START + 50)
        store.event("resumed", "", "A", START + 20)
        store.close("closed", START - 5)
    assert ask(path, "SELECT max(at) FROM event WHERE kind <> 'clock'") == [(START + 50,)]
    assert ask(path, "SELECT ended_at FROM session")[0][0] >= START + 50


def test_the_table_of_all_sessions_names_those_it_had_to_leave_out(tmp_path, capsys):
    path = tmp_path / "s.sqlite3"
    for sample in ("A", "B"):
        SessionStore.create(path, replace(INFO, sample=sample)).close()
    connection = sqlite3.connect(path)
    connection.execute("UPDATE session SET leukocytes = 'x' WHERE id = 1")
    connection.commit()
    connection.close()
    assert main(["sessions", "--database", str(path), "--csv", str(tmp_path / "all.csv")]) == 4
    assert "session 1" in capsys.readouterr().err
    assert len((tmp_path / "all.csv").read_text().splitlines()) == 2
