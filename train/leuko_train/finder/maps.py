"""What trained weights show of pictures: the same maps as the device's, in Keras under PyTorch."""

from __future__ import annotations

import os
from pathlib import Path

os.environ["KERAS_BACKEND"] = "torch"
import keras
import numpy as np
import torch

from leuko_edge.model.finder import framed, unframed

from . import network


class Trained:
    """Weights of a run; `maps` as `leuko_edge.finder.Finder` has it."""

    threshold = 0.5

    def __init__(self, weights: Path) -> None:
        keras.config.set_image_data_format("channels_first")
        self._model = network.build()
        self._model.load_weights(weights)

    def maps(self, shown: np.ndarray) -> np.ndarray:
        """(h / 2, w / 2, 2) float32 of (h, w, 6) uint8."""
        given = framed(shown)
        with torch.no_grad():
            logits = self._model(torch.from_numpy(given.transpose(2, 0, 1)[None]).float(), training=False)
            maps = torch.sigmoid(torch.nn.functional.pixel_shuffle(logits, network.SUB))[0]
        return np.ascontiguousarray(unframed(maps.cpu().numpy().transpose(1, 2, 0), shown.shape))
