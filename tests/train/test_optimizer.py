"""The optimizer's step for all variables at once is its step for each."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

SCRIPT = """
import json, sys
import keras
import numpy as np
from leuko_train.training.optimizer import FineTuning

keras.utils.set_random_seed(0)
model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(8, activation="relu"), keras.layers.Dense(3)])
optimizer = FineTuning(1e-2, 0.05, use_ema=True, ema_momentum=0.9)
optimizer.shares = (0.25, 0.25, 1.0, 1.0)
if sys.argv[1] == "each":
    optimizer._backend_update_step = lambda grads, variables, rate: [
        optimizer.update_step(grad, variable, rate) for grad, variable in zip(grads, variables)
    ]
    plain = keras.optimizers.Optimizer._update_model_variables_moving_average
    optimizer._update_model_variables_moving_average = lambda variables: plain(optimizer, variables)
model.compile(optimizer, "mse")
rng = np.random.default_rng(0)
model.fit(rng.normal(size=(64, 6)), rng.normal(size=(64, 3)), batch_size=8, epochs=3, verbose=0, shuffle=False)
values = [*model.variables, *optimizer.variables]
print(json.dumps([np.asarray(keras.ops.convert_to_numpy(value), float).ravel().tolist() for value in values]))
"""


@pytest.mark.skipif(find_spec("torch") is None, reason="PyTorch is not installed; only its step is another one")
def test_all_variables_at_once_move_as_each_alone():
    environment = os.environ | {"KERAS_BACKEND": "torch", "PYTHONPATH": os.pathsep.join(sys.path)}
    once, each = (
        json.loads(
            subprocess.run(
                [sys.executable, "-c", SCRIPT, way], env=environment, check=True, capture_output=True, text=True
            ).stdout.splitlines()[-1]
        )
        for way in ("once", "each")
    )
    assert len(once) == len(each) > 12
    for left, right in zip(once, each, strict=True):
        assert left == pytest.approx(right, abs=1e-5)
