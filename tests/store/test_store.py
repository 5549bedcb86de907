import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from made_session import ACCOUNTS, INFO, START, new_cell

from leuko_edge import files
from leuko_edge.errors import EnvironmentBroken, UsageError
from leuko_edge.session import Accounts, MapPiece
from leuko_edge.store import SessionInfo, SessionStore, StoreError, StoreFull, errors, ledger, schema
from leuko_edge.store.archive import Archive
from leuko_edge.store.records import Picture
from leuko_edge.types import LEUKOCYTES, Prediction

EDGE = Path(__file__).resolve().parents[2] / "edge"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "made" / "sessions.sqlite3"  # the folder is not there yet


@pytest.fixture
def store(path):
    with SessionStore.create(path, INFO, START) as made:
        yield made


def rows(path, question, *values):
    """What another program reads in the file."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return connection.execute(question, values).fetchall()


def dump(path):
    return {name: Path(f"{path}{name}").read_bytes() for name in ("", "-wal") if os.path.exists(f"{path}{name}")}


def test_a_cell_is_there_for_others_when_add_cell_returns(store, path):
    assert [store.add_cell(new_cell(number=n), ACCOUNTS) for n in (1, 2, 3)] == [1, 2, 3]
    assert rows(path, "SELECT id, label, x, counted FROM cell") == [
        (1, "neutrophil", 200.0, 1),
        (2, "neutrophil", 400.0, 1),
        (3, "neutrophil", 600.0, 1),
    ]


def test_each_commit_waits_for_the_disk(path, monkeypatch):
    opened = []
    plain = schema.open_to_write
    monkeypatch.setattr(schema, "open_to_write", lambda name: opened.append(plain(name)) or opened[-1])
    with SessionStore.create(path, INFO, START):
        ((connection, _),) = opened
        settings = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]
        assert settings == ["wal", 2]  # FULL
        with pytest.raises(sqlite3.IntegrityError):
            connection.execute("INSERT INTO accounts (session) VALUES (99)")  # a row of a session that is not there


def test_a_cell_brings_the_accounts_of_its_frames_along(store, path):
    store.add_cell(new_cell(), ACCOUNTS)
    [(captured, counted, skipped, dropped)] = rows(path, "SELECT captured, counted, skipped, dropped FROM accounts")
    assert (captured, counted, skipped, dropped) == (13, 7, '{"moving":2,"defocused":1}', 3)


def test_numbers_from_numpy_are_stored_as_numbers(store, path):
    store.add_cell(
        new_cell(x=np.float32(1.5), area=np.int64(3), confidence=np.float32(0.5), box=tuple(np.array([1, 2, 3, 4]))),
        Accounts(np.int64(1), {"moving": np.int64(2)}, np.int64(0)),
    )
    assert rows(path, "SELECT x, area, confidence, box FROM cell") == [(1.5, 3, 0.5, "[1,2,3,4]")]
    assert rows(path, "SELECT captured FROM accounts") == [(3,)]


def test_accounts_and_fields_wait_for_the_next_cell_or_a_second(store, path, monkeypatch):
    store.save_accounts(ACCOUNTS)
    store.add_field(5, START, 1, 10.0, 20.0, 0.5, 3)
    assert rows(path, "SELECT count(*) FROM field") == [(0,)]
    store.add_cell(new_cell(), store.accounts)
    assert rows(path, "SELECT frame, area, x, y, focus, cells_in_view FROM field") == [(5, 1, 10.0, 20.0, 0.5, 3)]
    store.add_field(6, START, 1, 10.0, 20.0, 0.5, 3)
    now = [time.monotonic() + 0.5]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    store.save_accounts(replace(ACCOUNTS, counted=8))
    assert rows(path, "SELECT count(*) FROM field") == [(1,)]
    now[0] += 1.5
    store.save_accounts(replace(ACCOUNTS, counted=8))
    assert rows(path, "SELECT count(*) FROM field") == [(2,)]
    assert rows(path, "SELECT captured, counted FROM accounts") == [(14, 8)]


def test_what_another_program_writes_in_the_middle_of_a_change_does_not_end_the_count(path, monkeypatch):
    opened = []
    plain = schema.open_to_write
    monkeypatch.setattr(schema, "open_to_write", lambda name: opened.append(plain(name)) or opened[-1])
    with (
        SessionStore.create(path, INFO, START) as store,
        contextlib.closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as other,
    ):
        seen = []

        def meddle(statement: str) -> None:
            """Once something was read and before the first thing is written."""
            if seen and "read" in seen and "tried" not in seen:
                seen.append("tried")
                with contextlib.suppress(sqlite3.OperationalError):
                    other.execute("UPDATE session SET notes = 'from the review pages'")
            if statement.startswith("SELECT sample"):
                seen.append("read")

        opened[0][0].set_trace_callback(meddle)
        later = time.monotonic() + 60
        monkeypatch.setattr(time, "monotonic", lambda: later)
        store.save_accounts(ACCOUNTS)
        assert "tried" in seen
    assert rows(path, "SELECT captured FROM accounts") == [(13,)]


def test_counts_are_of_the_current_labels_without_the_undone(store):
    for number, label in enumerate(["neutrophil", "platelet", "monocyte", "unidentified"], start=1):
        store.add_cell(new_cell(label, number), ACCOUNTS)
    store.reclassify(1, "eosinophil", "A. B.", START)
    assert store.undo_last("A. B.", START) == 4
    assert store.counts() == Counter(eosinophil=1, platelet=1, monocyte=1)


def test_an_undone_cell_is_in_no_count_of_the_file_and_stays_out_whatever_it_is_called(store, path):
    for number in (1, 2):
        store.add_cell(new_cell(number=number), ACCOUNTS)
    store.undo_last("A. B.", START)
    assert rows(path, "SELECT id, counted FROM cell") == [(1, 1), (2, 0)]
    store.reclassify(2, "monocyte", "A. B.", START)
    assert rows(path, "SELECT counted FROM cell WHERE id = 2") == [(0,)]


def test_a_change_keeps_what_was_before_and_who_made_it(store, path):
    store.add_cell(new_cell(), ACCOUNTS)
    store.reclassify(1, "monocyte", "A. B.", START + 9)
    store.reclassify(1, "monocyte", "A. B.", START + 10)  # nothing new
    [cell] = store.cells()
    assert (cell.label, cell.by, cell.changed, cell.model_label) == ("monocyte", "A. B.", True, "neutrophil")
    events = rows(path, "SELECT at, who, kind, cell, before, after FROM event")
    assert events == [(START + 9, "A. B.", "reclassified", 1, "neutrophil", "monocyte")]


def test_a_cell_called_an_artefact_leaves_the_denominator_and_comes_back(store):
    store.add_cell(new_cell(), ACCOUNTS)
    store.reclassify(1, "artefact", "", START)
    assert not store.cells()[0].counted and store.cells()[0].by == "operator"
    store.reclassify(1, "basophil", "", START)
    assert store.cells()[0].counted


def test_a_cell_called_a_blast_counts_in_a_session_whose_model_knows_none(path):
    with SessionStore.create(path, replace(INFO, leukocytes=LEUKOCYTES[:6])) as store:
        store.add_cell(new_cell("lymphocyte"), ACCOUNTS)
        store.reclassify(1, "blast", "A", START)
        store.undo_last("A", START + 1)
        store.redo_last("A", START + 2)
        assert store.cells()[0].counted
    with Archive(path) as archive:
        differential = archive.record(1).differential()
    assert differential.counted == differential.abnormal == 1


def test_only_classes_that_there_are_can_be_stored(store):
    with pytest.raises(ValueError, match="heterophil"):
        store.add_cell(new_cell("heterophil"), ACCOUNTS)
    with pytest.raises(ValueError, match="no cell 7"):
        store.reclassify(7, "monocyte", "", START)
    assert not store.cells()


def test_undo_takes_back_the_newest_and_redo_the_latest_undo(store):
    for number in (1, 2, 3):
        store.add_cell(new_cell(number=number), ACCOUNTS)
    assert [store.undo_last("A", START + n) for n in (1, 2)] == [3, 2]
    assert [cell.undone for cell in store.cells()] == [False, True, True]
    assert store.redo_last("A", START + 3) == 2
    assert [shown.id for shown in store.last(9)] == [2, 1]
    assert store.add_cell(new_cell(number=4), ACCOUNTS) == 4  # an undone cell keeps its number
    assert [store.undo_last("A", START + n) for n in (4, 5, 6, 7)] == [4, 2, 1, None]


def test_undo_passes_over_what_the_model_dropped_by_itself(store):
    for number, label in enumerate(["monocyte", "artefact", "platelet"], start=1):
        store.add_cell(new_cell(label, number), ACCOUNTS)
    assert [shown.id for shown in store.last(5)] == [1]
    assert store.undo_last("A", START) == 1


def test_a_cell_that_a_person_called_an_artefact_stays_the_last_one(store):
    store.add_cell(new_cell(number=1), ACCOUNTS)
    store.add_cell(new_cell(number=2), ACCOUNTS)
    store.reclassify(2, "artefact", "A", START)
    assert [(shown.id, shown.label, shown.by) for shown in store.last(2)] == [
        (2, "artefact", "A"),
        (1, "neutrophil", "model"),
    ]


def test_the_last_cells_come_with_the_crop_that_was_stored(store):
    cell = new_cell(number=9)
    store.add_cell(cell, ACCOUNTS)
    assert np.array_equal(store.last(1)[0].crop, cell.crop)


def test_another_view_refines_what_the_model_said(store, path):
    store.add_cell(new_cell(), ACCOUNTS)
    rgb = np.full((64, 64, 3), 9, np.uint8)
    store.refine(1, Prediction("monocyte", 0.9, (0.9, 0.1)), 5, rgb, START + 1)
    [cell], [shown] = store.cells(), store.last(1)
    assert (cell.label, cell.model_label, cell.confidence, cell.views) == ("monocyte", "monocyte", 0.9, 5)
    assert (cell.first_seen, cell.last_seen, cell.by) == (START + 1, START + 1, "model")
    assert shown.crop.max() == 9
    assert rows(path, "SELECT who, kind, before, after FROM event") == [
        ("leuko-edge", "refined", "neutrophil", "monocyte")
    ]


def test_what_a_person_said_is_not_refined_away(store):
    store.add_cell(new_cell(), ACCOUNTS)
    store.reclassify(1, "eosinophil", "A", START)
    store.refine(1, Prediction("platelet", 0.9, (0.9, 0.1)), 5)
    [cell] = store.cells()
    assert (cell.label, cell.by, cell.counted, cell.model_label) == ("eosinophil", "A", True, "platelet")


def test_a_double_that_the_program_discards_is_not_brought_back_by_redo(store, path):
    store.add_cell(new_cell(number=1), ACCOUNTS)
    store.add_cell(new_cell(number=2), ACCOUNTS)
    store.discard(2, "the same cell as 1", START)
    assert store.counts() == Counter(neutrophil=1) and store.redo_last("A", START) is None
    assert rows(path, "SELECT kind, cell, text FROM event") == [("discarded", 2, "the same cell as 1")]


def test_cells_move_with_the_map(store):
    store.add_cell(new_cell(), ACCOUNTS)
    store.relocate({1: (4, 5.0, 6.0)})
    [cell] = store.cells()
    assert (cell.area, cell.x, cell.y, cell.key, cell.dx) == (4, 5.0, 6.0, 2, 10.5)


def test_a_session_left_without_an_error_is_closed(path):
    with SessionStore.create(path, INFO, START):
        pass
    assert rows(path, "SELECT state, ended_at IS NULL FROM session") == [("closed", 0)]


def test_a_session_left_by_an_error_stays_open_and_goes_on_where_it_was(path):
    with contextlib.suppress(KeyboardInterrupt), SessionStore.create(path, INFO, START) as store:
        store.add_cell(new_cell(), ACCOUNTS)
        store.save_accounts(replace(ACCOUNTS, counted=9))
        raise KeyboardInterrupt
    with SessionStore.resume(path, now=START + 60) as store:
        assert store.info == INFO
        assert store.accounts == replace(ACCOUNTS, counted=9) and store.counts() == Counter(neutrophil=1)
        assert store.add_cell(new_cell(number=2), store.accounts) == 2
    assert rows(path, "SELECT at, who, kind FROM event") == [(START + 60, "A. B.", "resumed")]


def test_resume_takes_the_last_open_one_or_the_one_that_is_named(path):
    for _ in range(3):
        SessionStore.create(path, INFO, START).close("open")
    SessionStore.create(path, INFO, START).close()
    for asked, found in ((None, 3), (1, 1), (4, 4)):
        store = SessionStore.resume(path, asked)
        assert store.id == found
        store.close()


@pytest.mark.parametrize("asked", [None, 7])
def test_nothing_to_resume_is_one_sentence(path, asked):
    with pytest.raises(UsageError, match="no session to resume"):
        SessionStore.resume(path, asked)
    SessionStore.create(path, INFO, START).close()
    with pytest.raises(UsageError, match=r"there is no (open session|session 7) to resume"):
        SessionStore.resume(path, asked)


def test_a_signed_session_stays_as_it_is(store, path):
    store.add_cell(new_cell(), ACCOUNTS)
    store.sign("A. B.", START + 99)
    for change in (
        lambda: store.add_cell(new_cell(number=2), ACCOUNTS),
        lambda: store.reclassify(1, "monocyte", "", START),
        lambda: store.undo_last("", START),
        lambda: store.event("paused", "", "", START),
    ):
        with pytest.raises(UsageError, match="signed"):
            change()
    store.save_accounts(Accounts(99))  # the camera may still be running
    assert store.counts() == Counter(neutrophil=1)  # still read for the report
    store.close()
    with pytest.raises(UsageError, match="session 1 is signed"):
        SessionStore.resume(path, 1)
    assert rows(path, "SELECT state, signed_by, signed_at, ended_at FROM session") == [
        ("signed", "A. B.", START + 99, START + 99)
    ]
    assert rows(path, "SELECT captured FROM accounts") == [(13,)]


def test_what_is_measured_in_the_first_seconds_is_recorded(store, path):
    store.settings(um_per_px=0.1, gate={"focus": 0.4})
    store.settings(gate={"focus": 0.5})
    assert rows(path, "SELECT um_per_px, gate FROM session") == [(0.1, '{"focus":0.5}')]


def test_words_from_a_command_line_in_another_encoding_are_stored(path):
    with SessionStore.create(path, SessionInfo(sample="S\udcff", source="/a\udce9"), START) as store:
        store.event("note", "\udcff", "\udcff", START)
        assert store.info.sample == "S?"


def test_one_live_session_for_a_database(store, path):
    link = path.parent / "other-name.sqlite3"
    link.symlink_to(path)
    for name in (path, link):
        with pytest.raises(StoreError, match=f"in use by another session .process {os.getpid()}.") as caught:
            SessionStore.resume(name)
        assert caught.value.exit_code == 4
    assert store.add_cell(new_cell(), ACCOUNTS) == 1


def test_the_lock_dies_with_its_process(path):
    code = (
        "import sys, time\nfrom leuko_edge.store import SessionStore, SessionInfo\n"
        "store = SessionStore.create(sys.argv[1], SessionInfo())\nprint('holding', flush=True)\ntime.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, path],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(EDGE)},
    ) as holder:
        assert holder.stdout.readline() == "holding\n"
        with pytest.raises(StoreError, match=f"process {holder.pid}"):
            SessionStore.resume(path)
        holder.send_signal(signal.SIGKILL)
    SessionStore.resume(path).close()


def test_a_database_of_a_newer_version_is_left_untouched(path):
    SessionStore.create(path, INFO, START).close()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    before = dump(path)
    for use in (lambda: SessionStore.create(path, INFO, START), lambda: schema.open_to_read(path)):
        with pytest.raises(StoreError, match=r"newer leuko-edge .version 99.*update"):
            use()
    assert dump(path) == before


@pytest.mark.parametrize(
    "content", [b"a photograph", b"\x89PNG" + bytes(5000), schema.MAGIC + b"\xff" * 4096], ids=["text", "png", "header"]
)
def test_a_file_that_is_no_database_is_one_sentence_and_left_as_it_was(path, content):
    path.parent.mkdir()
    path.write_bytes(content)
    for use in (lambda: SessionStore.create(path, INFO, START), lambda: schema.open_to_read(path)):
        with pytest.raises(EnvironmentBroken, match=r"name another") as caught:
            use()
        assert "\n" not in str(caught.value)
    assert path.read_bytes() == content


def test_a_damaged_database_is_one_sentence_and_left_as_it_was(path):
    with SessionStore.create(path, INFO, START) as store:
        for number in range(1, 30):
            store.add_cell(new_cell(number=number), ACCOUNTS)
    content = bytearray(path.read_bytes())
    content[4096:] = b"\x55" * (len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(StoreError, match="damaged"):
        SessionStore.resume(path, 1)
    assert path.read_bytes() == content


def test_a_database_cut_short_is_one_sentence(path):
    with SessionStore.create(path, INFO, START) as store:
        for number in range(1, 30):
            store.add_cell(new_cell(number=number), ACCOUNTS)
    os.truncate(path, 4096 * 3)
    with pytest.raises(StoreError, match="damaged"):
        SessionStore.resume(path, 1)


def test_the_database_of_another_program_is_left_untouched(path):
    path.parent.mkdir()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE bookmarks (url TEXT)")
    before = dump(path)
    with pytest.raises(StoreError, match="another program"):
        SessionStore.create(path, INFO, START)
    assert dump(path) == before


def test_a_file_that_was_made_and_never_written_is_begun(path):
    path.parent.mkdir()
    path.touch()
    SessionStore.create(path, INFO, START).close()
    assert rows(path, "SELECT count(*) FROM session") == [(1,)]


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path):
    (tmp_path / "file").touch()
    for name in ("file/sessions.sqlite3", "."):
        with pytest.raises(StoreError, match="--database"):
            SessionStore.create(tmp_path / name, INFO, START)


def test_an_older_database_is_migrated_step_by_step_and_keeps_its_rows(tmp_path):
    first = "CREATE TABLE cell (id INTEGER PRIMARY KEY, label TEXT); INSERT INTO cell VALUES (1, 'monocyte')"
    second = "ALTER TABLE cell ADD COLUMN views INTEGER NOT NULL DEFAULT 1; UPDATE cell SET label = upper(label)"
    with contextlib.closing(sqlite3.connect(tmp_path / "old", isolation_level=None)) as connection:
        schema.migrate(connection, [first])
        assert schema.version_of(connection) == 1
        schema.migrate(connection, [first, second])
        schema.migrate(connection, [first, second])  # nothing left to do
        assert schema.version_of(connection) == 2
        assert connection.execute("SELECT * FROM cell").fetchall() == [(1, "MONOCYTE", 1)]


def test_a_migration_that_fails_leaves_the_version_before_it(tmp_path):
    broken = "ALTER TABLE cell ADD COLUMN views INTEGER; UPDATE nothing SET a = 1"
    with contextlib.closing(sqlite3.connect(tmp_path / "old", isolation_level=None)) as connection:
        schema.migrate(connection, ["CREATE TABLE cell (id)"])
        with pytest.raises(sqlite3.Error, match="nothing"):
            schema.migrate(connection, ["CREATE TABLE cell (id)", broken])
        assert schema.version_of(connection) == 1
        assert [row[1] for row in connection.execute("PRAGMA table_info(cell)")] == ["id"]


@pytest.mark.parametrize("reader", [False, True], ids=["a session", "a reader"])
def test_a_real_database_of_the_version_before_is_migrated_when_it_is_opened(path, monkeypatch, reader):
    SessionStore.create(path, INFO, START).close("open")
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, "ALTER TABLE session ADD COLUMN stain TEXT"))
    if reader:
        schema.open_to_read(path).close()
    else:
        SessionStore.resume(path).close()
    assert rows(path, "PRAGMA user_version") == [(len(schema.MIGRATIONS),)]
    assert rows(path, "SELECT sample, stain FROM session") == [("S-17", None)]


def test_a_disk_that_is_nearly_full_is_said_early_and_then_stops_the_count(store, path, monkeypatch):
    assert store.warning == ""
    store.add_cell(new_cell(), ACCOUNTS)
    monkeypatch.setattr(errors, "WARN_BYTES", store.room() * 2)
    assert "MB are left" in store.warning
    monkeypatch.setattr(errors, "STOP_BYTES", store.room() * 2)
    with pytest.raises(StoreFull, match="is full: the count stops here"):
        store.add_cell(new_cell(number=2), replace(ACCOUNTS, counted=99))
    assert rows(path, "SELECT id FROM cell") == [(1,)] and rows(path, "SELECT counted FROM accounts") == [(7,)]
    with pytest.raises(StoreFull):
        SessionStore.create(path.with_name("other.sqlite3"), INFO, START)


@pytest.mark.parametrize(("megabytes", "warned", "counts"), [(60, False, True), (40, True, True), (9, True, False)])
def test_below_fifty_megabytes_it_is_said_and_below_ten_nothing_more_is_counted(
    store, megabytes, warned, counts, monkeypatch
):
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_bavail=1000 * megabytes, f_frsize=1000))
    assert bool(store.warning) is warned
    if counts:
        assert store.add_cell(new_cell(), ACCOUNTS) == 1
    else:
        with pytest.raises(StoreFull):
            store.add_cell(new_cell(), ACCOUNTS)


def test_when_sqlite_finds_no_room_nothing_is_half_written(path, monkeypatch):
    opened = []
    plain = schema.open_to_write
    monkeypatch.setattr(schema, "open_to_write", lambda name: opened.append(plain(name)) or opened[-1])
    store = SessionStore.create(path, INFO, START)
    ((connection, _),) = opened
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages + 6}")  # as a disk with room for so much
    crop = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)
    with pytest.raises(StoreFull) as caught:
        for number in range(1, 20):
            store.add_cell(new_cell(number=number, crop=crop), Accounts(number))
    assert caught.value.exit_code == 4 and "\n" not in str(caught.value)
    [(cells, newest)] = rows(path, "SELECT count(*), max(id) FROM cell")
    assert cells == newest >= 1 and rows(path, "SELECT counted FROM accounts") == [(newest,)]
    connection.execute(f"PRAGMA max_page_count = {pages + 600}")
    assert store.add_cell(new_cell(number=20), Accounts(20)) == newest + 1
    store.close()


def test_a_database_that_another_program_is_writing_is_one_sentence(path, monkeypatch):
    monkeypatch.setattr(schema, "BUSY_SECONDS", 0.01)
    with (
        SessionStore.create(path, INFO, START) as store,
        contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="being written by another program"):
            store.add_cell(new_cell(), ACCOUNTS)
        other.execute("ROLLBACK")
        assert store.add_cell(new_cell(), ACCOUNTS) == 1


def test_cells_may_come_from_several_threads(store):
    def count(first):
        for number in range(first, first + 10):
            store.add_cell(new_cell(number=number), ACCOUNTS)

    threads = [threading.Thread(target=count, args=(10 * n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [cell.id for cell in store.cells()] == list(range(1, 41))


def test_the_default_place_follows_the_xdg_base_directories(monkeypatch):
    monkeypatch.setenv("HOME", "/home/a")
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    assert str(files.default_path()) == "/home/a/.local/state/leuko-edge/sessions.sqlite3"
    monkeypatch.setenv("XDG_STATE_HOME", "/state")
    assert str(files.default_path()) == "/state/leuko-edge/sessions.sqlite3"
    monkeypatch.setenv("XDG_STATE_HOME", "relative")  # to be ignored, says the specification
    assert str(files.default_path()) == "/home/a/.local/state/leuko-edge/sessions.sqlite3"


def test_an_undone_cell_that_is_named_anew_stays_out_of_the_count(store, path):
    store.add_cell(new_cell(), ACCOUNTS)
    store.undo_last("A", START + 1)
    store.reclassify(1, "monocyte", "A", START + 2)
    assert rows(path, "SELECT counted, label FROM cell") == [(0, "monocyte")] and not store.counts()


def test_counting_stops_ten_megabytes_before_the_disk_is_full(store, monkeypatch):
    monkeypatch.setattr(errors, "room", lambda path: 10_000_000)
    store.add_cell(new_cell(), ACCOUNTS)
    monkeypatch.setattr(errors, "room", lambda path: 9_999_999)
    with pytest.raises(StoreFull):
        store.add_cell(new_cell(number=2), ACCOUNTS)


def test_a_change_that_fails_half_way_leaves_nothing_behind(store, path):
    bad = new_cell(number=2, crop=np.zeros((4, 4, 7), np.uint8))
    with pytest.raises(Exception, match=r"."):
        store.add_picture(Picture(1, "/a.png"), None, [new_cell(), bad], Accounts(9))
    assert rows(path, "SELECT count(*) FROM cell") == rows(path, "SELECT count(*) FROM picture") == [(0,)]
    assert rows(path, "SELECT count(*) FROM accounts") == [(0,)] and store.accounts == Accounts()


def test_a_filling_disk_is_told_below_fifty_megabytes(store, monkeypatch):
    monkeypatch.setattr(errors, "room", lambda path: 50_000_000)
    assert store.warning == ""
    monkeypatch.setattr(errors, "room", lambda path: 49_999_999)
    assert "less than 50 MB are left" in store.warning


def test_accounts_are_a_second_old_at_most(store, path, monkeypatch):
    now = ledger.time.monotonic()
    monkeypatch.setattr(ledger.time, "monotonic", lambda: now + 0.5)
    store.save_accounts(ACCOUNTS)
    assert rows(path, "SELECT count(*) FROM accounts") == [(0,)]
    monkeypatch.setattr(ledger.time, "monotonic", lambda: now + 1.5)
    store.save_accounts(ACCOUNTS)
    assert rows(path, "SELECT counted FROM accounts") == [(ACCOUNTS.counted,)]


def test_a_piece_of_the_map_is_written_once(store, path):
    store.add_keyframes([MapPiece(0, 0, 0.0, 0.0, (240, 320, 3), np.zeros((60, 80), np.int8))])
    store.add_cell(new_cell(), ACCOUNTS)
    store.move_keyframes({0: (0, 7.0, 8.0)})
    store.add_cell(new_cell(number=2), ACCOUNTS)
    assert rows(path, "SELECT x, y FROM keyframe") == [(7.0, 8.0)]
