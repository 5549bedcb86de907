"""AdamW for fine-tuning: pretrained convolutions move more slowly than the layers after them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

_AdamW: Any = type(keras.optimizers.AdamW())
"""Keras' own for the backend that computes: PyTorch's updates many variables together, which a subclass of the plain
one would not (one by one, that took longer than the network on a GPU)."""


class FineTuning(_AdamW):
    """AdamW with a share of the learning rate for each variable.

    Adam moves every weight by about the learning rate a step, whatever its gradient: at a rate that suits new layers,
    VGG's weights (of the order of 0.01) were gone within an epoch, and with them what ImageNet had taught.
    """

    shares: tuple[float, ...] = ()  # of the learning rate, for each trainable variable in the model's order

    def _backend_update_step(
        self, grads: Sequence[Any], trainable_variables: Sequence[Any], learning_rate: Any
    ) -> None:
        """Keras' own step, once for the variables of each share. The order of the variables is the model's."""
        mine = [self.shares[self._get_variable_index(variable)] for variable in trainable_variables]
        for share in sorted(set(mine)):
            at = [i for i, other in enumerate(mine) if other == share]
            super()._backend_update_step(
                [grads[i] for i in at], [trainable_variables[i] for i in at], learning_rate * share
            )
