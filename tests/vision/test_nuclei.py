"""Where stain lies that only nuclei take."""

import numpy as np
import pytest

from leuko_edge.vision.nuclei import Stain, nuclear_stain

RED_CELLS = Stain(0.1, np.full(3, 0.4, np.float32), 0.5)


@pytest.fixture
def density() -> np.ndarray:
    """Of a picture with a nucleus at the left, a patch a tenth denser than any red cell at the right; no colour."""
    made = np.zeros((60, 60, 3), np.float32)
    made[10:50, 5:25] = np.linspace(0.75, 0.85, 20, dtype=np.float32)[None, :, None]
    made[10:50, 35:55] = 0.55
    return made


def test_what_is_little_denser_than_red_cells_is_no_nucleus(density):
    mask = nuclear_stain(density, np.ones((60, 60), bool), RED_CELLS)
    assert mask[10:50, 5:25].all() and not mask[:, 30:].any()


def test_what_absorbs_blue_as_haemoglobin_does_is_no_nucleus_and_what_does_not_is(density):
    density[10:50, 35:55, 0] = 0.1  # blue passes
    assert nuclear_stain(density, np.ones((60, 60), bool), RED_CELLS)[10:50, 35:55].all()


def test_the_black_edge_of_a_picture_is_no_nucleus(density):
    valid = np.ones((60, 60), bool)
    valid[:, :30] = False
    assert not nuclear_stain(density, valid, RED_CELLS).any()
