"""The limits of doubt, chosen and told, and the distance that they are of."""

import numpy as np
import pytest

from leuko_edge.errors import UsageError
from leuko_edge.types import CLASSES
from leuko_train.calibration import novelty, thresholds
from leuko_train.calibration.thresholds import Asked, Judged, Limits


def clusters(count: int = 300, classes: int = 3, d: int = 12, seed: int = 0):
    """Features (n, d) of classes that differ in the first directions and spread in all, the later ones less."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    features = rng.normal(0, np.linspace(2, 0.2, d), (count, d))
    features[:, :classes] += 30 * np.eye(classes)[labels]
    return features, labels


def judged(wrong: np.ndarray, confidence: np.ndarray, distance: np.ndarray, label: str = "neutrophil") -> Judged:
    truth = np.full(len(wrong), CLASSES.index(label))
    return Judged(
        truth,
        np.where(wrong, (truth + 1) % 6, truth),
        confidence,
        distance,
        np.ones(len(wrong), bool),
        np.zeros(len(wrong)),
    )


def known_and_strange(cells: int, seed: int) -> Judged:
    """One in five is wrong, as sure as the others and far; the others lie near, one in fifty of them unsure."""
    rng = np.random.default_rng(seed)
    wrong = np.arange(cells) % 5 == 0
    distance = rng.uniform(0.5, 1.5, cells) + 3 * wrong
    return judged(wrong, np.where(np.arange(cells) % 50 == 1, 0.4, rng.uniform(0.9, 1.0, cells)), distance)


def test_other_cells_are_farther_than_known_ones_of_the_same_spread():
    fitted = novelty.fit(*clusters(), directions=8)
    known = fitted.distance(clusters(seed=1)[0])
    strange = clusters(seed=2)[0] + 12 * np.eye(12)[5]
    assert np.median(fitted.distance(strange)) > 2 * np.quantile(known, 0.95)


def test_what_varies_little_within_a_class_counts_for_more():
    features, labels = clusters(3000)
    fitted = novelty.fit(features, labels, directions=12)
    at = features[labels == 0].mean(axis=0)
    wide, narrow = fitted.distance(at + 2 * np.eye(12)[[0, 11]])
    assert narrow > 1.5 * wide


def test_a_feature_that_is_always_zero_does_no_harm():
    features, labels = clusters()
    features[:, 7] = 0
    assert np.isfinite(novelty.fit(features, labels).distance(features)).all()


def test_the_unit_is_the_distance_that_is_said_to_be_one():
    features, labels = clusters()
    fitted = novelty.fit(features, labels)
    far = np.median(fitted.distance(features))
    assert np.median(fitted.in_units_of(far).distance(features)) == pytest.approx(1)


def test_a_distance_is_read_as_it_was_saved(tmp_path):
    features, labels = clusters()
    assert novelty.load(tmp_path) is None
    fitted = novelty.fit(features, labels)
    fitted.save(tmp_path)
    np.testing.assert_array_equal(novelty.load(tmp_path).distance(features), fitted.distance(features))


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04", None])
def test_a_damaged_distance_is_refused(tmp_path, damage):
    if damage is None:
        np.savez(tmp_path / novelty.FILE, kernel=np.eye(3), bias=np.zeros(2), centres=np.zeros((2, 3)))
    else:
        (tmp_path / novelty.FILE).write_bytes(damage)
    with pytest.raises(UsageError, match="run leuko-train calibrate again"):
        novelty.load(tmp_path)


def test_sure_answers_that_are_wrong_are_set_aside_by_their_distance():
    labs = [known_and_strange(500, 1), known_and_strange(500, 2)]
    limits = thresholds.choose(labs, most=0.25)  # all the wrong ones are leukocytes too: a fifth is needed for them
    for lab in labs:
        assert limits.aside(lab)[lab.wrong].all()
        assert limits.aside(lab)[lab.leukocytes].mean() <= 0.26


def test_of_true_leukocytes_no_more_than_told_are_set_aside_and_each_laboratory_weighs_the_same():
    rng = np.random.default_rng(5)
    small, large = (
        judged(rng.random(n) < 0.3, np.full(n, 0.9), rng.gamma(4, scale, n)) for n, scale in ((60, 2), (3000, 1))
    )
    limits = thresholds.choose([small, large], most=0.1)
    shares = [limits.aside(lab)[lab.leukocytes].mean() for lab in (small, large)]
    assert 0.08 < np.mean(shares) <= 0.1 + 1e-9
    assert shares[0] > 0.1 > shares[1]  # the small one lies farther, and was not outvoted by the large


def test_a_class_that_was_not_taught_may_be_set_aside_whole():
    lab = known_and_strange(400, 3)
    unknown = Judged(lab.truth, lab.predicted, lab.confidence, lab.distance, ~lab.wrong, lab.not_normal)
    limits = thresholds.choose([unknown])
    assert limits.aside(unknown)[unknown.wrong].all() and limits.aside(unknown)[unknown.leukocytes].mean() <= 0.1


def test_platelets_and_artefacts_are_never_set_aside():
    platelets = judged(np.zeros(9, bool), np.full(9, 0.1), np.full(9, 99.0), "platelet")
    assert not Limits(0.5, 2.0).aside(platelets).any()


def test_auroc_counts_pairs():
    assert thresholds.auroc(np.array([3.0, 2.0, 1.0]), np.array([True, False, False])) == 1
    assert thresholds.auroc(np.array([1.0, 1.0, 2.0, 0.0]), np.array([True, False, False, False])) == 0.5
    assert np.isnan(thresholds.auroc(np.array([1.0]), np.array([True])))


def test_the_table_says_what_both_limits_do():
    found = thresholds.row(known_and_strange(500, 1), Limits(0.5, 2.0))
    assert found["accuracy"] == pytest.approx(0.8) and found["accuracy_kept"] == 1 and found["wrong_aside"] == 1
    assert found["auroc_distance"] == 1 and found["auroc_both"] > found["auroc_confidence"]
    assert found["leukocytes_aside"] == pytest.approx(0.2 + 0.02)


def sessions(share: float) -> Judged:
    """A laboratory of which so many cells are set aside for their distance."""
    far = np.arange(1000) < 1000 * share
    return judged(np.zeros(1000, bool), np.ones(1000), np.where(far, 9.0, 1.0))


def test_of_known_laboratories_one_session_in_twenty_warns():
    limits = Limits(0.5, 2.0)
    known = {"a": sessions(0.05), "b": sessions(0.02)}
    warn = thresholds.warn_share(known, limits)
    shares = np.concatenate([thresholds.session_shares(lab, limits, seed=7) for lab in known.values()])
    assert np.mean(shares > warn) < 0.07
    assert np.mean(thresholds.session_shares(sessions(0.5), limits) > warn) == 1


def test_a_perfect_laboratory_still_allows_a_doubt_and_a_tiny_one_says_nothing():
    limits = Limits(0.5, 2.0)
    assert thresholds.warn_share({"a": sessions(0.0)}, limits) == thresholds.LEAST_WARNING
    assert thresholds.warn_share({"a": sessions(0.0).of(np.arange(5))}, limits) == 0.15


def test_the_temperature_is_that_of_the_laboratories_together_each_weighing_the_same():
    rng = np.random.default_rng(0)

    def asked(cells: int, right: float) -> Asked:
        truth = rng.integers(0, 3, cells)
        answer = np.where(rng.random(cells) < right, truth, (truth + 1) % 3)
        raw = np.full((cells, len(CLASSES)), 0.05 / (len(CLASSES) - 1))
        raw[np.arange(cells), answer] = 0.95
        return Asked(truth, raw, np.ones(cells), np.ones(cells, bool), np.zeros(cells, bool))

    sure, unsure = asked(9000, 0.95), asked(300, 0.6)
    together = thresholds.temperature([sure, unsure])
    assert thresholds.temperature([sure]) < together < thresholds.temperature([unsure])
    share = together / thresholds.temperature([asked(4000, (0.95 + 0.6) / 2)])
    assert share == pytest.approx(1, abs=0.1)  # not that of 9,000 cells against 300
    tempered = unsure.judged(thresholds.temperature([unsure]))
    assert thresholds.calibration_error(tempered) < 0.05 < thresholds.calibration_error(unsure.judged(1.0))


def answered(truth: str, *answers: dict[str, float]) -> Asked:
    """Cells of one class with these probabilities, the rest of each spread over the other classes."""
    raw = np.array([[one.get(name, 0.0) for name in CLASSES] for one in answers]) + 1e-6
    here = np.full(len(answers), CLASSES.index(truth))
    return Asked(here, raw / raw.sum(1, keepdims=True), np.ones(len(answers)), *np.ones((2, len(answers)), bool))


def joined(*parts: Asked) -> Asked:
    return Asked(*(np.concatenate(fields) for fields in zip(*(vars(part).values() for part in parts), strict=True)))


def test_the_limit_for_abnormal_cells_spends_its_share_of_normal_ones_and_no_more():
    normal = answered("lymphocyte", *({"lymphocyte": 1 - b, "blast": b} for b in np.linspace(0.0, 0.4, 100)))
    hidden = answered("blast", *[{"lymphocyte": 0.55, "blast": 0.45}] * 10)
    lab = joined(normal, hidden).judged(1.0)
    limit = thresholds.abnormal_limit([lab], most=0.1)
    aside = Limits(0.0, 9.0, limit).aside(lab)
    assert aside[:100].sum() == 10 and aside[100:].all()
    row = thresholds.row(lab, Limits(0.0, 9.0, limit))
    assert row["blasts_told"] == 1 and row["abnormal_as_normal"] == 0 and row["normal_as_blast"] == 0


def test_without_abnormal_cells_nothing_speaks_for_a_limit():
    assert thresholds.abnormal_limit([answered("lymphocyte", {"lymphocyte": 0.7, "blast": 0.3}).judged(1.0)]) is None


def test_what_is_dropped_must_be_as_sure_as_most_of_what_was_dropped_rightly():
    sure = answered("platelet", *({"platelet": p, "lymphocyte": 1 - p} for p in np.linspace(0.6, 1.0, 101)))
    assert thresholds.excluded_limit([sure.judged(1.0)], most=0.25) == pytest.approx(0.7, abs=0.01)
    assert thresholds.excluded_limit([answered("lymphocyte", {"lymphocyte": 1.0}).judged(1.0)]) is None
