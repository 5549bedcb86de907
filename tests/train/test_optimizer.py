"""Each variable moves by its share of the rate, and otherwise as Keras' own AdamW moves it, under every backend."""

import os
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest

pytest.importorskip("keras", reason="needs leuko-edge[train]")
import keras

from leuko_train.training.optimizer import FineTuning

RATE, DECAY = 1e-2, 0.05


def trained(optimizer: keras.optimizers.Optimizer, epochs: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """(variables of a small network before, after) so many epochs of eight steps."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(8, activation="relu"), keras.layers.Dense(3)])
    before = model.get_weights()
    model.compile(optimizer, "mse")
    rng = np.random.default_rng(0)
    model.fit(rng.normal(size=(64, 6)), rng.normal(size=(64, 3)), batch_size=8, epochs=epochs, verbose=0, shuffle=False)
    optimizer.finalize_variable_values(model.trainable_variables)  # their moving average
    return before, model.get_weights()


def ours(shares: tuple[float, ...], decay: float = DECAY) -> FineTuning:
    optimizer = FineTuning(RATE, decay, use_ema=True, ema_momentum=0.9)
    optimizer.shares = shares
    return optimizer


def test_where_all_shares_are_one_it_is_keras_own_adamw():
    plain = keras.optimizers.AdamW(RATE, DECAY, use_ema=True, ema_momentum=0.9)
    for mine, theirs in zip(trained(ours((1.0,) * 4), 3)[1], trained(plain, 3)[1], strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-6)


def test_a_variable_moves_by_its_share_and_one_of_share_zero_stays():
    before, slow = trained(ours((0.25, 0.0, 0.25, 1.0), decay=0.0), 1)
    _, fast = trained(ours((1.0,) * 4, decay=0.0), 1)
    moved = [np.abs(after - begun).mean() for begun, after in zip(before, slow, strict=True)]
    whole = [np.abs(after - begun).mean() for begun, after in zip(before, fast, strict=True)]
    assert moved[1] == 0
    assert [moved[i] / whole[i] for i in (0, 2, 3)] == pytest.approx([0.25, 0.25, 1.0], rel=0.15)


@pytest.mark.skipif(find_spec("torch") is None, reason="PyTorch is not installed; its AdamW is Keras' and tested there")
@pytest.mark.skipif(keras.backend.backend() == "torch", reason="this is the run under PyTorch")
def test_the_same_holds_where_pytorch_computes():
    environment = os.environ | {"KERAS_BACKEND": "torch", "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.startswith("..s"), done.stdout
