import numpy as np
import pytest

pytest.importorskip("tensorflow")
import keras

from leuko_edge.errors import UsageError
from leuko_train.network.vgg16 import (
    CONFIGS,
    DENSEST,
    PAPER_PARAMETERS,
    SLIM,
    MiddleAndMean,
    OpticalDensity,
    build_leuko,
    build_paper,
    build_slim,
    split_at,
)


@pytest.fixture(scope="module")
def leuko() -> keras.Model:
    keras.utils.set_random_seed(0)
    return build_leuko(input_size=32)


@pytest.fixture(scope="module")
def rgb() -> np.ndarray:
    return np.random.default_rng(0).uniform(0, 255, (3, 32, 32, 3)).astype(np.float32)


def test_the_papers_network_has_its_parameter_count():
    assert build_paper(classes=4).count_params() == PAPER_PARAMETERS == 14_979_396


def test_trunk_and_rest_together_are_the_whole_network(leuko, rgb):
    trunk, rest = split_at(leuko, "block3_pool")
    assert trunk.output_shape == (None, 4, 4, 256)
    joined = rest.predict(trunk.predict(rgb, verbose=0), verbose=0)
    np.testing.assert_allclose(joined, leuko.predict(rgb, verbose=0), atol=1e-6)


def test_training_the_rest_changes_the_whole(leuko):
    _, rest = split_at(leuko, "block3_pool")
    assert {id(v) for v in rest.trainable_variables} < {id(v) for v in leuko.trainable_variables}


def test_vggs_preprocessing_is_inside(leuko, rgb):
    inside, _ = split_at(leuko, "vgg_preprocessing")
    expected = keras.applications.vgg16.preprocess_input(rgb.copy())
    np.testing.assert_allclose(inside.predict(rgb, verbose=0), expected, atol=1e-4)


def test_preprocessing_is_never_trained(leuko):
    assert not any("vgg_preprocessing" in v.path for v in leuko.trainable_variables)


def test_a_saved_network_answers_the_same(leuko, rgb, tmp_path):
    leuko.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(again.predict(rgb, verbose=0), leuko.predict(rgb, verbose=0), atol=1e-6)


def test_an_unknown_layer_is_refused(leuko):
    with pytest.raises(UsageError, match="no layer block9_pool"):
        split_at(leuko, "block9_pool")


def test_missing_weights_are_named():
    with pytest.raises(UsageError, match=r"nowhere\.h5"):
        build_leuko(init="nowhere.h5")


def test_the_slim_network_is_vgg16_with_fewer_channels():
    full, slim = (
        [layer for layer in build(input_size=32).layers if isinstance(layer, keras.layers.Conv2D)]
        for build in (build_leuko, build_slim)
    )
    assert [layer.name for layer in slim] == [layer.name for layer in full]
    assert [layer.filters for layer in slim[1:]] == [SLIM * layer.filters for layer in full[1:]]


def test_a_narrow_network_takes_no_weights_of_the_full_one(tmp_path):
    with pytest.raises(UsageError, match="fit prunes"):
        build_slim(init=tmp_path / "vgg.weights.h5")


@pytest.mark.parametrize("name", CONFIGS)
def test_every_network_has_the_trunk_it_names_and_gives_probabilities(name):
    network = CONFIGS[name]
    model = network.build(9, 32, None, 0.3)
    if network.trunk:
        split_at(model, network.trunk)
    rgb = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3))
    found = model.predict(rgb.astype(np.float32) * (network.white / 255), verbose=0)
    np.testing.assert_allclose(found.sum(1), 1, atol=1e-5)


def test_optical_density_leaves_white_white_and_black_black_and_halves_at_equal_ratios():
    shown = OpticalDensity()(np.array([[[[255.0, 15.0, 0.0]]]], np.float32))
    np.testing.assert_allclose(np.array(shown).ravel(), [255, 255 * (1 - np.log10(16) / DENSEST), 0], atol=1)


def test_the_wide_pooling_takes_maxima_from_the_middle_and_means_from_everywhere():
    maps = np.zeros((2, 6, 6, 3), np.float32)
    maps[0, 0, 5, 0] = 9  # at the edge: no part of the cell
    maps[1, 2, 3, 1] = 9
    pooled = np.asarray(MiddleAndMean()(maps))
    assert pooled[:, :3].tolist() == [[0, 0, 0], [0, 9, 0]]
    np.testing.assert_allclose(pooled[:, 3:], [[1, 0, 0], [0, 1, 0]])  # 9 / 36 places, times 4


def test_a_wide_network_sees_what_lies_round_the_cell(rgb):
    keras.utils.set_random_seed(0)
    wide = CONFIGS["leuko-vgg16-half-wide"].build(3, 96, None, 0.3)
    around = np.full((1, 96, 96, 3), 245, np.float32)
    around[:, :8] = (200, 80, 80)
    plain = np.full_like(around, 245)
    assert np.abs(wide.predict(around, verbose=0) - wide.predict(plain, verbose=0)).max() > 1e-3
