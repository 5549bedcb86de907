"""Labels of laboratories that name some classes only."""

from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("keras")
from keras import ops

from leuko_edge.types import CLASSES
from leuko_train.training import loss

LYMPHOCYTE, BLAST, NEUTROPHIL = (CLASSES.index(name) for name in ("lymphocyte", "blast", "neutrophil"))


def told(names: list[int], absent: float = 0.2) -> np.ndarray:
    """The target of a lymphocyte of a laboratory that names these classes."""
    named = np.isin(np.arange(len(CLASSES)), names)[None]
    return loss.targets(SimpleNamespace(labels=np.array([LYMPHOCYTE]), named=lambda: named), absent)


def value(target: np.ndarray, smoothing: float = 0.0, focal: float = 0.0, **found: float) -> float:
    answer = np.full((1, len(CLASSES)), 1e-6, np.float32)
    for name, share in found.items():
        answer[0, CLASSES.index(name)] = share
    return float(ops.convert_to_numpy(loss.crossentropy(smoothing, focal=focal)(target, answer / answer.sum()))[0])


def test_where_every_class_is_named_it_is_the_usual_cross_entropy():
    assert value(told(range(len(CLASSES))), lymphocyte=0.5, blast=0.5) == pytest.approx(np.log(2), abs=1e-3)


def test_a_class_that_the_laboratory_never_names_weighs_less():
    whole = told(range(len(CLASSES)))
    common = told([LYMPHOCYTE, NEUTROPHIL])
    assert value(common, lymphocyte=0.5, blast=0.5) == pytest.approx(np.log(1.2), abs=1e-3)
    assert value(common, lymphocyte=0.5, neutrophil=0.5) == pytest.approx(
        value(whole, lymphocyte=0.5, neutrophil=0.5), abs=1e-3
    )


def test_smoothing_asks_nothing_of_a_class_that_is_not_named():
    common = told([LYMPHOCYTE, NEUTROPHIL])
    even = value(common, smoothing=1.0, lymphocyte=0.5, neutrophil=0.5)
    assert even == pytest.approx(np.log(2), abs=1e-3)


def test_the_focal_loss_asks_less_where_the_answer_is_nearly_right():
    whole = told(range(len(CLASSES)))
    assert value(whole, focal=2.0, lymphocyte=0.5, blast=0.5) == pytest.approx(0.25 * np.log(2), abs=1e-3)
    assert value(whole, focal=2.0, lymphocyte=0.9, blast=0.1) == pytest.approx(0.01 * np.log(1 / 0.9), abs=1e-3)
    assert value(whole, focal=2.0, lymphocyte=1.0) == pytest.approx(0, abs=1e-3)


def test_an_answer_is_right_by_the_classes_as_weighted():
    answer = np.full((1, len(CLASSES)), 1e-6, np.float32)
    answer[0, [LYMPHOCYTE, BLAST]] = 0.4, 0.6
    right = [
        float(ops.convert_to_numpy(loss.accuracy(target, answer))[0])
        for target in (told([LYMPHOCYTE, NEUTROPHIL]), told(range(len(CLASSES))))
    ]
    assert right == [1.0, 0.0]


def test_a_class_that_is_never_named_may_weigh_nothing_at_all():
    answer = value(told([LYMPHOCYTE, NEUTROPHIL], absent=0.0), smoothing=0.1, lymphocyte=0.5, blast=0.3, neutrophil=0.2)
    assert np.isfinite(answer) and answer < value(told([LYMPHOCYTE, NEUTROPHIL]), 0.1, lymphocyte=0.5, blast=0.3)
