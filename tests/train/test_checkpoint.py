import numpy as np
import pytest

pytest.importorskip("tensorflow")
import keras

from leuko_edge.errors import EnvironmentBroken
from leuko_train.training import checkpoint


def small(units: int = 3) -> keras.Model:
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dropout(0.5), keras.layers.Dense(units)])
    model.compile(keras.optimizers.AdamW(0.01, use_ema=True), "mse")
    return model


X, Y = np.ones((8, 4), np.float32), np.ones((8, 3), np.float32)


def test_a_resumed_run_goes_on_as_if_it_had_never_stopped(tmp_path):
    first = small()
    first.train_on_batch(X, Y)
    checkpoint.save(tmp_path, first, {"epoch": 1})
    again = small()
    assert checkpoint.load(tmp_path, again) == {"epoch": 1}
    for model in (first, again):
        model.train_on_batch(X, Y)  # dropout, Adam's moments and the average all continue
    for one, other in zip(
        first.get_weights() + [v.numpy() for v in first.optimizer.variables],
        again.get_weights() + [v.numpy() for v in again.optimizer.variables],
        strict=True,
    ):
        np.testing.assert_allclose(one, other, atol=1e-7)


def test_without_a_checkpoint_there_is_nothing_to_load(tmp_path):
    assert checkpoint.load(tmp_path, small()) is None


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut short"])
def test_a_broken_checkpoint_is_refused_in_a_sentence(tmp_path, content):
    (tmp_path / checkpoint.NAME).write_bytes(content)
    with pytest.raises(EnvironmentBroken, match="cannot be read"):
        checkpoint.load(tmp_path, small())


def test_another_networks_checkpoint_is_refused(tmp_path):
    model = small()
    model.train_on_batch(X, Y)
    checkpoint.save(tmp_path, model, {})
    with pytest.raises(EnvironmentBroken, match="another network"):
        checkpoint.load(tmp_path, small(units=5))
