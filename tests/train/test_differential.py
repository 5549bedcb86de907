"""By how many points a healthy person's differential would be wrong."""

import numpy as np
import pytest

from leuko_edge.types import CLASSES
from leuko_train.metrics import differential

FIVE = tuple(differential.NORMAL)


def answers(**moved: dict[str, int]) -> np.ndarray:
    """A confusion matrix of a hundred cells of each of the five classes; `moved`: of a class so many elsewhere."""
    matrix = np.zeros((len(CLASSES), len(CLASSES) + 1), int)
    for name in FIVE:
        row = matrix[CLASSES.index(name)]
        for other, count in moved.get(name, {}).items():
            row[differential.ASIDE if other == "unidentified" else CLASSES.index(other)] = count
        row[CLASSES.index(name)] += 100 - row.sum()
    return matrix


def test_whoever_makes_no_mistake_shows_the_normal_differential():
    assert differential.errors(answers()) == pytest.approx(np.zeros(len(CLASSES)), abs=1e-9)


def test_a_fifth_of_the_neutrophils_called_eosinophils_are_eleven_points_too_many():
    found = differential.worst(answers(neutrophil={"eosinophil": 20}))
    assert abs(found.points) == pytest.approx(0.2 * 57) and found.label in ("neutrophil", "eosinophil")


def test_a_class_that_no_healthy_person_has_counts_as_wrong():
    found = differential.errors(answers(lymphocyte={"blast": 10}))
    assert found[CLASSES.index("blast")] == pytest.approx(3.1)


def test_what_is_unidentified_is_in_no_denominator():
    found = differential.shown(answers(neutrophil={"unidentified": 50}))
    assert found.sum() == pytest.approx(100)
    assert found[CLASSES.index("neutrophil")] == pytest.approx(100 * 28.5 / 71.5)


def test_classes_without_cells_take_no_part():
    matrix = answers()
    matrix[CLASSES.index("basophil")] = 0
    assert differential.shown(matrix)[CLASSES.index("neutrophil")] == pytest.approx(100 * 57 / 99)
    assert differential.worst(matrix).points == pytest.approx(0, abs=1e-9)
    assert differential.worst(np.zeros_like(matrix)) is None


def test_the_interval_is_of_the_largest_error():
    matrix = answers(monocyte={"lymphocyte": 30})
    found = differential.measured(matrix, np.stack([matrix] * 10))
    assert found["largest_ci95"] == pytest.approx([abs(found["points"])] * 2)
