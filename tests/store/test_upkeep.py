import os
import sqlite3
import time
from contextlib import closing

import pytest
from made_session import ACCOUNTS, INFO, new_cell

from leuko_edge.cli.main import main
from leuko_edge.errors import UsageError
from leuko_edge.store import SessionStore, schema
from leuko_edge.store.archive import Archive
from leuko_edge.store.migrations import MIGRATIONS
from leuko_edge.store.upkeep import backup, prune

DAY = 86400.0


@pytest.fixture
def path(tmp_path):
    """Sessions 1 (signed), 2 (ended), 3 (ended today) and 4 (open), the first two of long ago."""
    path, now = tmp_path / "s.sqlite3", time.time()
    for age, signed in ((100, True), (100, False), (0, False)):
        with SessionStore.create(path, INFO, now - age * DAY) as store:
            store.add_cell(new_cell(), ACCOUNTS)
            if signed:
                store.sign("A", now - age * DAY)
            else:
                store.close("closed", now - age * DAY)
    SessionStore.create(path, INFO, now - 100 * DAY).close("open")
    return path


def sessions(path):
    with Archive(path) as archive:
        return [summary.id for summary in archive.sessions()]


def test_prune_removes_what_ended_long_ago_and_keeps_signed_and_open_ones(path, capsys):
    assert main(["sessions", "prune", "--older-than", "30", "--database", str(path)]) == 0
    assert capsys.readouterr().out.startswith("1 sessions removed") and sessions(path) == [1, 3, 4]
    assert main(["sessions", "--database", str(path), "prune", "--older-than", "30", "--no-keep-signed"]) == 0
    assert sessions(path) == [3, 4]
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT DISTINCT session FROM cell").fetchall() == [(3,)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


def test_prune_beside_a_running_count_removes_and_does_not_shrink(path):
    with SessionStore.create(path, INFO) as counting:
        counting.add_cell(new_cell(), ACCOUNTS)
        done = prune(path, time.time() - 30 * DAY)
        assert (done.sessions, done.shrunk) == (1, False)
        counting.add_cell(new_cell(number=2), ACCOUNTS)
    assert prune(path, time.time() - 30 * DAY).shrunk


def test_a_backup_is_one_whole_file_also_while_a_session_is_counted(path, tmp_path, capsys):
    copy = tmp_path / "copy.sqlite3"
    with SessionStore.create(path, INFO) as counting:
        counting.add_cell(new_cell(), ACCOUNTS)
        assert main(["sessions", "backup", str(copy), "--database", str(path)]) == 0
    assert "5 sessions copied" in capsys.readouterr().out
    assert sorted(name for name in os.listdir(tmp_path) if "copy" in name) == ["copy.sqlite3"]
    assert sessions(copy) == [1, 2, 3, 4, 5]
    with pytest.raises(UsageError, match="exists already"):
        backup(path, copy)


def test_an_old_database_shrinks_when_it_is_migrated(tmp_path, monkeypatch):
    path = tmp_path / "s.sqlite3"
    monkeypatch.setattr(schema, "MIGRATIONS", MIGRATIONS[:4])  # before the keyframes of ended sessions went
    connection, lock = schema.open_to_write(path)
    now = time.time()
    for state in ("signed", "closed", "open"):
        names = ("sample", "operator", "notes", "source", "program", "model_name", "model_sha256")
        values = {name: "" for name in names} | {"source_details": "{}", "thresholds": "{}", "ranges": "{}"}
        values |= {"leukocytes": '["neutrophil"]', "gate": "{}", "state": state, "started_at": now, "simulated": 0}
        made = connection.execute(
            f"INSERT INTO session ({', '.join(values)}) VALUES ({', '.join('?' * len(values))})", [*values.values()]
        )
        for key in range(20):
            connection.execute(
                "INSERT INTO keyframe VALUES (?, ?, 0, 0, 0, '[1,1,3]', ?)", (made.lastrowid, key, os.urandom(50_000))
            )
    connection.close()
    lock.release()
    before = path.stat().st_size
    monkeypatch.undo()
    assert sessions(path) == [1, 2, 3]
    assert path.stat().st_size < 0.4 * before
