"""The files that are compared: two networks, float and int8, in each runtime's own format."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from leuko_edge.errors import UsageError
from leuko_edge.model.card import ModelCard

from ..quiet import quiet
from .rounds import Candidate

FULL, TFLITE = "leuko-vgg16", ("LiteRT", "tflite-runtime")
KERAS, ONNX = "TensorFlow", "ONNX Runtime"
RUNTIMES = (*TFLITE, KERAS, ONNX)
CALIBRATION = 16


@dataclass(frozen=True)
class Pair:
    """A network's two `.tflite` files, and its name among `leuko_train.network.vgg16.CONFIGS` (None: it has none)."""

    floating: Path
    int8: Path
    name: str | None


def twin_of(path: Path) -> Path:
    """The float16 file of an int8 one beside it, or the other way round. UsageError where the name tells neither."""
    for one, other in (("-int8", "-float16"), ("-float16", "-int8")):
        if one in path.name:
            return path.with_name(path.name.replace(one, other))
    raise UsageError(f"{path.name} should be named NAME-int8.tflite or NAME-float16.tflite, its twin beside it.")


def pair_of(path: Path) -> Pair:
    """The pair that `path` is one of. UsageError where one of the two is missing."""
    other = twin_of(path)
    floating, int8 = (other, path) if "-int8" in path.name else (path, other)
    for file in (floating, int8):
        if not file.is_file():
            raise UsageError(f"There is no model at {file}.")
    card = path.with_suffix(".json")
    return Pair(floating, int8, ModelCard.load(card).network if card.is_file() else FULL)


def drawn_crops(count: int, size: int) -> np.ndarray:
    """(count, size, size, 3) uint8 RGB of simulated cells, cut as the device cuts them."""
    from itertools import cycle, islice

    from leuko_train.data import simulated
    from leuko_train.data.augment import Window
    from leuko_train.data.views import identity_view

    stored = np.stack([rgb for _, rgb, _ in simulated.rows(fields=6)])
    return identity_view(stored, Window(24.0, size), np.array(list(islice(cycle(range(len(stored))), count))))


def make_full(folder: Path, crops: np.ndarray, init: Path | None) -> Pair:
    """The full network converted into `folder`, with random weights or those of `init`: speed is the same."""
    from .. import quantize

    with quiet():
        model = trained_network(FULL, crops.shape[1], init)
        made = quantize.convert(model, crops)
    pair = Pair(folder / f"{FULL}-float16.tflite", folder / f"{FULL}-int8.tflite", FULL)
    pair.floating.write_bytes(made.float16)
    pair.int8.write_bytes(made.int8)
    return pair


def trained_network(name: str | None, size: int, init: Path | None = None):
    os.environ["KERAS_BACKEND"] = "tensorflow"
    from leuko_train.network.vgg16 import CONFIGS

    if name not in CONFIGS:
        raise UsageError(f"its card names the network {name!r}, not one of leuko-train's")
    return CONFIGS[name].build(input_size=size, init=init)


class Exports:
    """Candidates of one network. What cannot be made is told by its reason instead."""

    def __init__(self, network: str, pair: Pair, folder: Path, crops: np.ndarray) -> None:
        self._network, self._pair, self._folder, self._crops = network, pair, folder, crops

    def of(self, runtime: str) -> tuple[list[Candidate], list[tuple[str, str]]]:
        """(candidates, (precision, why there is none)) for a runtime."""
        makers: dict[str, Callable[[], Path]] = {"float": lambda: self._pair.floating, "int8": lambda: self._pair.int8}
        if runtime == KERAS:
            makers = {"float": self._keras, "int8": self._no_keras_int8}
        elif runtime == ONNX:
            makers = {"float": self._onnx, "int8": self._onnx_int8}
        found, failed = [], []
        for precision, make in makers.items():
            try:
                with quiet():
                    found.append(Candidate(self._network, precision, runtime, make()))
            except UsageError as error:
                failed.append((precision, str(error)))
            except ImportError as error:
                failed.append((precision, f"{error}; install leuko-edge[train,bench]"))
            except (ValueError, RuntimeError, AttributeError, TypeError) as error:  # of the libraries that export
                failed.append((precision, f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"[:200]))
        return found, failed

    def _chain(self):
        """The network as it is converted: normalisation folded away, as every runtime would like it."""
        from .. import layer_chain

        model = trained_network(self._pair.name, self._crops.shape[1])
        made = layer_chain.to_keras(layer_chain.from_keras(model), self._crops.shape[1], softmax=True)
        made(self._crops[:1].astype(np.float32))  # Keras exports only what has been called
        return made

    def _keras(self) -> Path:
        path = self._folder / f"{self._network}.keras"
        if not path.exists():
            self._chain().save(path)
        return path

    def _no_keras_int8(self) -> Path:
        raise UsageError("Keras has no int8 convolution")

    def _onnx(self) -> Path:
        import onnx  # noqa: F401 - Keras' own message does not name it
        import tf2onnx  # noqa: F401

        path = self._folder / f"{self._network}.onnx"
        if not path.exists():
            self._chain().export(str(path), format="onnx", verbose=False)
        return path

    def _onnx_int8(self) -> Path:
        from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

        path = self._folder / f"{self._network}-int8.onnx"
        quantize_static(
            self._onnx(),
            path,
            _Calibration(self._crops[:CALIBRATION]),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        return path


class _Calibration:
    """ONNX Runtime's way of being handed crops, one at a time, then None."""

    def __init__(self, rgb: np.ndarray) -> None:
        self._feeds = iter([{"rgb": one[None].astype(np.float32)} for one in rgb])

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self._feeds, None)
