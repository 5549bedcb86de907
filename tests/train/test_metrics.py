import numpy as np
import pytest

from leuko_edge.model.classify import calibrate
from leuko_train.metrics import classification

MATRIX = np.array([[8, 2, 0], [1, 4, 0], [0, 0, 0]])


def test_confusion_has_true_classes_in_rows():
    np.testing.assert_array_equal(classification.confusion(np.array([0, 0, 2]), np.array([1, 0, 2]), 3)[0], [1, 1, 0])


def test_equations_one_to_four_of_one_class():
    found = classification.per_class(MATRIX)
    assert found["accuracy"][0] == pytest.approx(12 / 15)
    assert found["precision"][0] == pytest.approx(8 / 9)
    assert found["recall"][0] == pytest.approx(0.8)
    assert found["f1"][0] == pytest.approx(2 * (8 / 9) * 0.8 / (8 / 9 + 0.8))


def test_a_class_that_never_occurs_has_no_figures():
    assert np.isnan([classification.per_class(MATRIX)[key][2] for key in ("precision", "recall", "f1")]).all()


def test_balanced_accuracy_leaves_absent_classes_out():
    assert classification.balanced_accuracy(MATRIX) == pytest.approx((0.8 + 0.8) / 2)
    assert np.isnan(classification.balanced_accuracy(np.zeros((3, 3), int)))


def test_balanced_accuracy_goes_by_laboratory():
    truth, predicted = np.array([0, 1, 0, 1]), np.array([0, 1, 1, 1])
    found = classification.balanced_by_lab(truth, predicted, np.array(["a", "a", "b", "b"]), 2)
    assert found == {"a": 1.0, "b": 0.5}


def test_a_class_of_too_few_cells_has_no_say():
    truth, predicted = np.array([0, 0, 1, 1, 1, 1]), np.array([0, 1, 0, 1, 1, 1])
    labs = np.array(["a", "a", "a", "b", "b", "a"])  # a: two cells of each class; b: two of one class
    assert classification.balanced_by_lab(truth, predicted, labs, 2, least=2) == {"a": 0.5, "b": 1.0}
    labs[2] = "c"  # one cell: left out, and a's class 1 has one cell left
    assert classification.balanced_by_lab(truth, predicted, labs, 2, least=2) == {"a": 0.5, "b": 1.0}


def test_wilsons_interval_is_the_published_one():
    assert classification.wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)  # Newcombe 1998, table I
    assert classification.wilson(0, 20)[0] == 0 and classification.wilson(20, 20)[1] == 1
    assert classification.wilson(0, 0) == (0, 1)


def accuracy_limits(truth: np.ndarray, said: np.ndarray, sources: np.ndarray) -> tuple[float, float]:
    low, high = classification.interval(classification.overall(classification.resampled(truth, said, sources, 2)))
    return low, high


def test_bootstrap_by_source_is_wider_than_by_cell():
    rng = np.random.default_rng(0)
    wrong = np.repeat(rng.random(20) < 0.3, 20).astype(int)  # whole sources are wrong together
    truth = np.zeros(400, int)
    by_source = accuracy_limits(truth, wrong, np.repeat(np.arange(20), 20))
    by_cell = accuracy_limits(truth, wrong, np.arange(400))
    assert (
        by_source[0]
        < by_cell[0]
        < classification.accuracy(classification.confusion(truth, wrong, 2))
        < by_cell[1]
        < by_source[1]
    )


def test_balanced_accuracy_of_many_matrices_is_that_of_each():
    many = np.stack([MATRIX, MATRIX.T, np.zeros((3, 3), int)])
    np.testing.assert_allclose(classification.balanced(many), [classification.balanced_accuracy(one) for one in many])


def test_balanced_accuracy_may_be_asked_of_some_classes():
    assert classification.balanced(MATRIX, np.array([False, True, True])) == pytest.approx(0.8)


def test_a_class_that_no_resample_has_gets_no_interval():
    samples = classification.resampled(np.zeros(9, int), np.zeros(9, int), np.arange(9), 2)
    np.testing.assert_array_equal(classification.interval(classification.recalls(samples)), [[1, np.nan], [1, np.nan]])


def overconfident(temperature: float, count: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities sharper by 1/temperature than the truth that was drawn from them."""
    rng = np.random.default_rng(1)
    honest = rng.dirichlet((1, 1, 1), count)
    truth = (rng.random(count)[:, None] > honest.cumsum(1)).sum(1)
    return calibrate(honest, 1 / temperature), truth


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_temperature_is_recovered(temperature):
    assert classification.fit_temperature(*overconfident(temperature)) == pytest.approx(temperature, rel=0.05)


def test_calibration_error_detects_overconfidence():
    found, truth = overconfident(2.5)
    right = found.argmax(1) == truth
    calm = calibrate(found, 2.5)
    assert classification.calibration_error(found.max(1), right) > 0.1
    assert classification.calibration_error(calm.max(1), right) < 0.02


def test_tempering_keeps_the_order_and_sums_to_one():
    found = calibrate(np.array([[0.7, 0.3, 0.0]]), 3.0)
    assert found.sum() == pytest.approx(1) and list(found[0].argsort()) == [2, 1, 0]


def test_accepting_fewer_cells_lowers_the_risk():
    coverage, risk, threshold = classification.risk_coverage(np.array([0.5, 0.9, 0.7, 0.8]), np.array([0, 1, 1, 1]))
    np.testing.assert_allclose(coverage, [0.25, 0.5, 0.75, 1])
    np.testing.assert_allclose(risk, [0, 0, 0, 0.25])
    np.testing.assert_allclose(threshold, [0.9, 0.8, 0.7, 0.5])


def test_accuracy_of_the_most_confident_share():
    confidence, right = np.array([0.5, 0.9, 0.7, 0.8]), np.array([0, 1, 1, 0])
    assert classification.accuracy_at(confidence, right, 1.0) == (0.5, 0.5)
    assert classification.accuracy_at(confidence, right, 0.75) == (pytest.approx(2 / 3), 0.7)
    assert classification.accuracy_at(confidence, right, 0.26)[0] == 0.5  # two whole cells, not one and a bit
    assert np.isnan(classification.accuracy_at(confidence[:0], right[:0], 0.9)[0])
