"""Tests of the microscope in the database: beside the sessions, never among them."""

import sqlite3
import time
from contextlib import closing
from dataclasses import replace

from made_session import ACCOUNTS, INFO, new_cell

from leuko_edge.store import SessionStore
from leuko_edge.store.archive import Archive
from leuko_edge.store.quality import Quality, QualityRun
from leuko_edge.store.upkeep import prune

RUN = QualityRun(
    at=1_700_000_000.0,
    control="lot 7",
    control_sha256="ab" * 32,
    source="camera",
    drawn=False,
    program="leuko-edge test",
    model_name="m",
    model_sha256="cd" * 32,
    passed=True,
    operator="AB",
    signs={"light": 201.5, "found": 1.0},
    counts={"neutrophil": 3},
    findings=({"code": "dark", "value": 1.5},),
)
REAL = replace(INFO, simulated=False)


def session(path, fields, cells=0, info=REAL):
    with SessionStore.create(path, info) as store:
        for n, signs in enumerate(fields):
            store.add_signs(n, signs)
        for n in range(cells):
            store.add_cell(new_cell(number=n + 1), ACCOUNTS)
        return store.id


def test_a_test_comes_back_as_it_was_kept_and_is_no_session(tmp_path):
    path = tmp_path / "s.sqlite3"
    number = Quality(path).add(RUN)
    assert Quality(path).runs() == (replace(RUN, id=number),)
    with Archive(path) as archive:
        assert archive.sessions() == ()


def test_tests_are_kept_beside_a_running_count_and_come_oldest_first(tmp_path):
    path = tmp_path / "s.sqlite3"
    with SessionStore.create(path, REAL) as store:
        for at in (3.0, 1.0, 2.0):
            Quality(path).add(replace(RUN, at=at))
        store.add_cell(new_cell(), ACCOUNTS)
    assert [run.at for run in Quality(path).runs()] == [3.0, 1.0, 2.0]  # as they were made, whatever the clock said
    assert [run.at for run in Quality(path).runs(most=2)] == [1.0, 2.0]


def test_where_there_is_no_database_there_are_no_tests_and_none_is_made(tmp_path):
    path = tmp_path / "s.sqlite3"
    assert Quality(path).runs() == () and Quality(path).sessions(5) == ()
    assert not path.exists()


def test_a_test_that_cannot_be_read_is_left_out_the_others_stay(tmp_path):
    path = tmp_path / "s.sqlite3"
    for _ in range(3):
        Quality(path).add(RUN)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute('UPDATE qc_run SET signs = \'{"light": "no"}\' WHERE id = 2')
        connection.execute("UPDATE qc_run SET passed = 7 WHERE id = 3")
    assert [run.id for run in Quality(path).runs()] == [1]


def test_signs_of_real_sessions_come_back_with_their_cells_and_those_of_drawn_ones_do_not(tmp_path):
    path = tmp_path / "s.sqlite3"
    first = session(path, [{"light": 200.0}, {"light": 202.0, "focus": 0.1}], cells=2)
    session(path, [{"light": 1.0}], info=replace(REAL, simulated=True))
    session(path, [])
    last = session(path, [{"light": 190.0}])
    found = Quality(path).sessions(10)
    assert [(one.session, one.fields, one.white) for one in found] == [
        (first, ({"light": 200.0}, {"light": 202.0, "focus": 0.1}), 2),
        (last, ({"light": 190.0},), 0),
    ]
    assert [one.session for one in Quality(path).sessions(10, before=first)] == [first]
    assert [one.session for one in Quality(path).sessions(1)] == [last]


def test_signs_go_with_their_session_and_tests_stay_when_old_ones_are_removed(tmp_path):
    path = tmp_path / "s.sqlite3"
    session(path, [{"light": 200.0}])
    Quality(path).add(RUN)
    assert prune(path, time.time() + 1).sessions == 1
    assert Quality(path).sessions(10) == () and len(Quality(path).runs()) == 1
