import numpy as np
import pytest

from leuko_edge.types import Cell


def test_a_cell_is_as_wide_as_the_circle_of_its_area():
    square = np.array([[10, 10], [40, 10], [40, 40], [10, 40]])
    cell = Cell((10, 10, 30, 30), (25.0, 25.0), square)
    assert cell.diameter == pytest.approx(2 * (900 / np.pi) ** 0.5)
