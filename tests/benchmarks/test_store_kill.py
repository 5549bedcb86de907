import subprocess
import sys

import store_kill
from store_kill import check, made_accounts, made_cell, trial

from leuko_edge.session import Accounts
from leuko_edge.store import SessionInfo, SessionStore


def test_killed_at_ten_random_moments_nothing_counted_is_lost(tmp_path):
    acknowledged, wrong = trial(tmp_path, kills=10, seed=7)
    assert wrong == [] and acknowledged > 10


def test_the_trial_would_see_a_lost_cell_and_one_that_is_not_what_was_stored(tmp_path):
    path = tmp_path / "a.sqlite3"
    store = SessionStore.create(path, SessionInfo())
    for number in (1, 2):
        store.add_cell(made_cell(number), made_accounts(number))
    store.close("open")
    said = ["ready", "open", "cell 1", "cell 2"]
    assert check(path, said) == (2, [])
    assert "4 cells were acknowledged, 2 are there" in check(path, [*said, "cell 4"])[1]
    assert "4 cells were acknowledged, 2 are there" in check(path, said, known=4)[1]
    assert any("cell 2 is not what" in sentence for sentence in check(path, [*said, "undone 2"])[1])
    store = SessionStore.resume(path)
    store.add_cell(made_cell(9), Accounts(9))
    store.close("open")
    _, wrong = check(path, said)
    assert any("cell 3 is not what" in sentence for sentence in wrong)
    assert any("the accounts" in sentence for sentence in wrong)


def test_the_trial_is_a_command_that_prints_its_figures(tmp_path):
    done = subprocess.run(
        [sys.executable, store_kill.__file__, "--kills", "1", "--folder", str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    first, second = done.stdout.splitlines()
    assert first.startswith("kills 1, ") and first.endswith("things wrong afterwards 0")
    assert second.startswith("add_cell: median ") and list(tmp_path.iterdir()) == []
