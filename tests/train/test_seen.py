"""A test cell whose photograph the network saw tests nothing, whatever the split says."""

from __future__ import annotations

import numpy as np
from made_cells import made_cells

from leuko_train.training import seen


def test_every_copy_of_a_photograph_that_was_seen_is_set_aside(tmp_path):
    cells = made_cells()
    first = int(np.flatnonzero(cells.sources == cells.sources[0])[0])
    seen.remember(tmp_path, cells, np.array([first]))
    fresh = seen.unseen(tmp_path, cells)
    assert not fresh[cells.sources == cells.sources[first]].any()
    assert fresh[cells.sources != cells.sources[first]].all()


def test_a_copy_that_is_not_in_the_set_itself_counts_too(tmp_path):
    cells = made_cells()
    (tmp_path / seen.NAME).write_text("another-copy.jpg\n")
    cells.groups["another-copy.jpg"] = str(cells.sources[4])
    fresh = seen.unseen(tmp_path, cells)
    assert not fresh[cells.sources == cells.sources[4]].any() and fresh[cells.sources != cells.sources[4]].all()


def test_a_run_that_does_not_say_what_it_saw_sets_nothing_aside(tmp_path):
    assert seen.unseen(tmp_path, made_cells()).all()


def test_a_run_that_began_as_another_has_seen_what_that_one_saw(tmp_path):
    cells, rows = made_cells(), np.arange(4)
    first, second = tmp_path / "first", tmp_path / "second"
    for run in (first, second):
        run.mkdir()
    seen.remember(first, cells, rows[:2])
    seen.remember(second, cells, rows[2:], before=[first])
    assert seen.pictures(second) == set(cells.paths[rows])
