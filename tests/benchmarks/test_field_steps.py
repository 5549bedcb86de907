"""The steps of a field are all taken, and none takes longer than the whole."""

from __future__ import annotations

import field_steps

from leuko_edge import pipeline


def test_every_step_is_timed_within_the_whole_and_is_itself_again_afterwards(capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["field_steps.py", "--rounds", "1"])
    before = pipeline.find_cells
    assert field_steps.main() == 0 and pipeline.find_cells is before
    title, *lines = capsys.readouterr().out.splitlines()
    assert title.startswith("1 pictures, 2.0 cells each")
    taken = {line[:34].strip(): float(line[34:]) for line in lines}
    steps = {what for _, what, *_ in field_steps.STEPS}
    assert steps < set(taken) and all(taken[step] > 0 for step in steps)
    parts = sum(taken[what] for depth, what, *_ in field_steps.STEPS if depth == 0)
    assert parts < taken["from file to result"]
