import numpy as np
import pytest

pytest.importorskip("tensorflow")
import keras
from made_cells import made_cells

from leuko_edge.types import CLASSES
from leuko_train.data.augment import Window
from leuko_train.data.view_pool import ViewPool
from leuko_train.network.vgg16 import build_leuko, split_at
from leuko_train.training.sampling import ViewStream, batched_by_laboratory, capped, members, probabilities
from leuko_train.training.settings import Settings


def mass(chances: np.ndarray, rows: np.ndarray) -> float:
    return float(chances[rows].sum())


def test_rare_classes_gain_by_the_power():
    labels = np.repeat([0, 1], [1000, 10])
    chances = probabilities(labels, np.full(1010, "a"), class_power=0.35)
    assert mass(chances, labels == 0) / mass(chances, labels == 1) == pytest.approx(100**0.35)


def test_laboratories_are_even_at_power_zero():
    labs = np.repeat(["large", "small"], [900, 30])
    chances = probabilities(np.arange(930) % 3, labs, lab_power=0)
    assert mass(chances, labs == "large") == pytest.approx(0.5)


def test_a_laboratory_can_be_made_light():
    labs = np.repeat(["real", "drawn"], 50)
    chances = probabilities(np.zeros(100, int), labs, lab_weights={"drawn": 0.25})
    assert mass(chances, labs == "drawn") == pytest.approx(0.2)


def test_a_class_can_be_made_light_or_left_out_also_where_a_laboratory_has_no_other():
    labels, labs = np.array([0] * 40 + [8] * 60 + [8] * 20), np.repeat(["both", "dirt"], [100, 20])
    assert mass(probabilities(labels, labs, class_weights={"artefact": 0.0}), labels == 8) == 0
    light = probabilities(labels, labs, class_power=1, lab_power=1, class_weights={"artefact": 0.5})
    assert mass(light, labels == 8) == pytest.approx(40 / 80)


def test_excluded_laboratories_are_nowhere():
    cells = made_cells()
    assert set(cells.labs[members(cells, "train", ("south",))]) == {"north"}
    assert len(members(cells, "train", ("north", "south"))) == 0


def test_cells_that_were_guessed_go_with_the_laboratory_whose_they_are():
    cells = made_cells()
    cells.labs = np.where(cells.labs == "north", "guessed", "deepbionet")
    assert len(members(cells, "train", ("deepbionet",))) == 0 < len(members(cells, "train", ("guessed",)))


def test_the_cap_holds_for_each_class_of_each_laboratory():
    cells = made_cells(360)
    kept = capped(cells, np.arange(360), 5, seed=0)
    _, counts = np.unique([f"{cells.labs[i]}{cells.labels[i]}" for i in kept], return_counts=True)
    assert len(counts) == 18 and (counts == 5).all()


def test_a_batch_can_be_batched_by_laboratory():
    labs = np.repeat(["large", "small", "single"], [70, 25, 1])
    order = batched_by_laboratory(np.random.default_rng(0).permutation(96), labs, 8)
    batches = labs[order].reshape(12, 8)
    assert (batches == batches[:, :1]).all() and set(batches[:, 0]) >= {"large", "small"}
    assert len(np.unique(order[labs[order] == "large"])) > 50


def a_stream(trunk: keras.Model | None, pool: ViewPool | None = None, white: float = 255.0) -> ViewStream:
    cells = made_cells()
    training = members(cells, "train", ())
    chances = probabilities(cells.labels[training], cells.labs[training])
    settings = Settings(views=12, reuse=3, batch=4)
    return ViewStream(cells, training, chances, trunk, white, Window(24, 32), settings, np.random.default_rng(0), pool)


@pytest.fixture
def stream() -> ViewStream:
    return a_stream(split_at(build_leuko(input_size=32), "block1_pool")[0])


def test_a_refresh_replaces_the_oldest_views_only(stream):
    stream.refresh()
    before = stream.features.copy()
    stream.refresh()
    changed = (stream.features != before).any(axis=(1, 2, 3))
    np.testing.assert_array_equal(changed, np.arange(12) < 4)
    stream.refresh()
    assert ((stream.features != before).any(axis=(1, 2, 3)) == (np.arange(12) < 8)).all()


def test_an_epoch_shows_every_view_once(stream):
    stream.refresh()
    batches = [stream[i] for i in range(len(stream))]
    assert sorted(np.concatenate([x.sum((1, 2, 3)) for x, _ in batches])) == pytest.approx(
        sorted(stream.features.astype(np.float32).sum((1, 2, 3)))
    )
    assert all((told[:, : len(CLASSES)].sum(1) == 1).all() for _, told in batches)


def test_without_a_trunk_the_network_gets_the_pictures_in_its_own_range():
    stream = a_stream(None, white=1.0)
    stream.refresh()
    features, _ = stream[0]
    assert stream.features.dtype == np.uint8 and features.dtype == np.float32
    np.testing.assert_allclose(features * 255, stream.features[stream.order[:4]], atol=1e-4)


def test_other_processes_draw_the_same_views_and_a_resumed_run_draws_again_what_was_ahead():
    alone = a_stream(None)
    pool = ViewPool(made_cells().crops, 2)
    try:
        beside = a_stream(None, pool)
        for _ in range(3):
            alone.refresh()
            beside.refresh()
            np.testing.assert_array_equal(beside.features, alone.features)
            np.testing.assert_array_equal(beside.order, alone.order)
            assert beside.state == alone.state == alone.rng.bit_generator.state
    finally:
        pool.close()


def test_a_smear_with_most_cells_of_a_class_does_not_drown_the_others():
    labels, labs = np.zeros(12, int), np.array(["north"] * 12)
    sources = np.array(["a"] * 9 + ["b"] * 3)
    found = [probabilities(labels, labs, sources=sources, source_power=power)[:9].sum() for power in (1.0, 0.5, 0.0)]
    assert found == pytest.approx([0.75, 3 / (3 + 3**0.5), 0.5])
