"""Bands told from segmented neutrophils, on features made for the purpose."""

from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("keras", reason="training needs leuko-edge[train]")

from leuko_train.evaluation import bands


def asked(apart: float):
    """Two laboratories of 200 cells; the kinds lie `apart` standard deviations apart in one of 8 features."""
    rng = np.random.default_rng(1)
    kinds = np.tile(["segmented_neutrophil", "band_neutrophil"], 200)
    values = rng.normal(0, 1, (400, 8))
    values[:, 3] += apart * (kinds == "band_neutrophil")
    cells = SimpleNamespace(
        sub_types=kinds,
        labs=np.repeat(["a", "b"], 200),
        splits=np.tile(np.repeat(["train", "validation", "test"], [120, 40, 40]), 2),
    )
    return bands.measure(values, cells, np.arange(400))


def test_kinds_that_differ_are_told_apart_also_in_a_laboratory_left_out():
    rows = asked(apart=6)
    assert [(lab, kind) for lab, kind, _ in rows] == [
        (lab, kind) for lab in "ab" for kind in ("its own test cells", "left out")
    ]
    assert [int(matrix.sum()) for _, _, matrix in rows] == [40, 200, 40, 200]
    assert all(np.trace(matrix) / matrix.sum() > 0.97 for _, _, matrix in rows)


def test_kinds_that_do_not_differ_are_guessed():
    assert all(0.3 < np.trace(matrix) / matrix.sum() < 0.7 for _, _, matrix in asked(apart=0))
