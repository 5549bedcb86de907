"""AdamW for fine-tuning: pretrained convolutions move more slowly than the layers after them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras


class FineTuning(keras.optimizers.AdamW):
    """AdamW with a share of the learning rate for each variable, and a moving average of all.

    Adam moves every weight by about the learning rate a step, whatever its gradient: at a rate that suits new layers,
    VGG's weights (of the order of 0.01) were gone within an epoch, and with them what ImageNet had taught.

    Where PyTorch computes, all variables are updated together: one by one, that took longer than the network on a GPU.
    """

    shares: tuple[float, ...] = ()  # of the learning rate, for each trainable variable in the model's order

    def _share(self, variable: Any) -> float:
        return self.shares[self._get_variable_index(variable)]  # Keras' own Adam finds its moments so

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        super().update_step(gradient, variable, learning_rate * self._share(variable))

    def _backend_update_step(
        self, grads: Sequence[Any], trainable_variables: Sequence[Any], learning_rate: Any
    ) -> None:
        if keras.backend.backend() != "torch":
            super()._backend_update_step(grads, trainable_variables, learning_rate)
            return
        import torch

        places = [self._get_variable_index(variable) for variable in trainable_variables]
        first, second = ([moments[i].value for i in places] for moments in (self._momentums, self._velocities))
        slopes = list(grads)
        step = keras.ops.cast(self.iterations + 1, "float32")
        alpha = learning_rate * keras.ops.sqrt(1 - self.beta_2**step) / (1 - self.beta_1**step)
        with torch.no_grad():
            torch._foreach_mul_(first, self.beta_1)
            torch._foreach_add_(first, slopes, alpha=1 - self.beta_1)
            torch._foreach_mul_(second, self.beta_2)
            torch._foreach_addcmul_(second, slopes, slopes, value=1 - self.beta_2)
            moves = torch._foreach_div(first, torch._foreach_add(torch._foreach_sqrt(second), self.epsilon))
            torch._foreach_mul_(moves, [-self.shares[i] for i in places])
            torch._foreach_mul_(moves, alpha)
            torch._foreach_add_([variable.value for variable in trainable_variables], moves)

    def _update_model_variables_moving_average(self, trainable_variables: Sequence[Any]) -> None:
        if keras.backend.backend() != "torch":
            super()._update_model_variables_moving_average(trainable_variables)
            return
        import torch

        momentum = self.ema_momentum * keras.ops.cast(self.iterations > 0, "float32")
        averages = [average.value for average in self._model_variables_moving_average]
        with torch.no_grad():
            torch._foreach_mul_(averages, momentum)
            now = torch._foreach_mul([variable.value for variable in trainable_variables], 1 - momentum)
            torch._foreach_add_(averages, now)
