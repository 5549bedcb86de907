"""The one place that knows LiteRT: import it, open a model without its start-up chatter, run batches."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from ..errors import EnvironmentBroken, ModelError
from ..native_stderr import captured
from .card import ModelCard

_RUNTIMES = ("ai_edge_litert.interpreter", "tflite_runtime.interpreter")
"""The current runtime, then its predecessor that old Bookworm installations may have."""

BATCH = 8
"""More at once cost memory and gain little: VGG-16 took 8 ms a cell singly, 7 to 10 by eights (2 cores, int8)."""

FEATURES = "features"
"""Name of the output, (n, k), that the distance to the known cells is measured in; not every model has it."""

_SUM_TOLERANCE = 0.05  # an int8 softmax sums to 1 within 9 / 256

_CHATTER = ("INFO:", "VERBOSE:", "DEBUG:")


def default_threads() -> int:
    """LiteRT takes one thread unless told; more than four bring nothing on a Raspberry Pi."""
    return min(4, os.cpu_count() or 1)


def _interpreter_class() -> Any:
    causes = []
    for name in _RUNTIMES:
        try:
            return importlib.import_module(name).Interpreter
        except ModuleNotFoundError as error:
            if error.name and name.split(".")[0] == error.name.split(".")[0]:
                continue  # not installed; otherwise it is, but broken
            causes.append(str(error))
        except (ImportError, AttributeError, OSError) as error:  # wrong processor, missing system library
            causes.append(str(error).splitlines()[0] if str(error) else type(error).__name__)
    if causes:
        raise EnvironmentBroken(f"LiteRT is installed but does not load ({causes[0]})", "install it again.")
    raise EnvironmentBroken("LiteRT is not installed", "run: pip install ai-edge-litert")


@contextlib.contextmanager
def _without_chatter() -> Iterator[None]:
    """Hold back what native code writes to standard error; what is not mere information comes out afterwards."""
    with captured() as caught:  # where this raises, the error carries LiteRT's own words
        yield
    lines = b"".join(caught).decode(errors="replace").splitlines()
    if said := [line for line in lines if line and not line.startswith(_CHATTER)]:
        print(*said, sep="\n", file=sys.stderr)


def open_model(content: bytes, threads: int | None = None) -> Any:
    """An allocated LiteRT interpreter for the bytes of a `.tflite` file.

    `EnvironmentBroken` where LiteRT is missing or does not load, `ModelError` where it refuses the model.
    """
    interpreter_class = _interpreter_class()
    try:
        with _without_chatter():
            interpreter = interpreter_class(model_content=content, num_threads=threads or default_threads())
            interpreter.allocate_tensors()
    except SystemError:  # tflite-runtime 2.14 with NumPy 2
        raise EnvironmentBroken(
            "The installed tflite-runtime does not work with this NumPy", "run: pip install ai-edge-litert"
        ) from None
    except (ValueError, RuntimeError, TypeError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[-1]
        raise ModelError(f"LiteRT cannot use this model ({reason})", "fetch it again.") from None
    return interpreter


class Answers(NamedTuple):
    """What a network says of n crops. `features` are those of the card's centres, None where it has none."""

    probabilities: np.ndarray  # (n, classes) float32
    features: np.ndarray | None  # (n, k) float32


class Network:
    """A model of uint8 RGB crops in, probabilities out and features where its card has centres; checked against it."""

    def __init__(self, card: ModelCard, content: bytes, threads: int | None = None) -> None:
        self._name, self._widths = card.name, [len(card.classes), *{len(row) for row in card.centres}]
        self._interpreter = open_model(content, threads)
        self._input, self._outputs = _fitting_ends(self._interpreter, card)
        # tflite-runtime 2.14 has been seen to crash on a resized batch, so there cells go singly.
        resizable = type(self._interpreter).__module__.startswith("ai_edge_litert")
        self._largest, self._batch = BATCH if resizable else 1, 1

    def run(self, crops: np.ndarray) -> Answers:
        """Of (n, size, size, 3) uint8 RGB, in batches of at most `BATCH`; n may be 0."""
        parts = [self._run(crops[at : at + self._largest]) for at in range(0, len(crops), self._largest)]
        parts = parts or [[np.empty((0, width), np.float32) for width in self._widths]]
        probabilities, *features = (np.concatenate(part) for part in zip(*parts, strict=True))
        return Answers(probabilities, features[0] if features else None)

    def _run(self, rgb: np.ndarray) -> list[np.ndarray]:
        try:
            if len(rgb) != self._batch:  # 0.1 ms once LiteRT has packed its weights, so sizes may alternate
                self._interpreter.resize_tensor_input(self._input["index"], list(rgb.shape))
                self._interpreter.allocate_tensors()
                self._batch = len(rgb)
            self._interpreter.set_tensor(self._input["index"], rgb.astype(self._input["dtype"]))
            self._interpreter.invoke()
            raw = [self._interpreter.get_tensor(output["index"]) for output in self._outputs]
        except (RuntimeError, ValueError, MemoryError) as error:
            reason = (str(error).strip().splitlines() or ["out of memory"])[-1]
            raise EnvironmentBroken(f"LiteRT could not run the model {self._name!r} ({reason}).") from None
        found = [_dequantised(values, output) for values, output in zip(raw, self._outputs, strict=True)]
        if not (np.isfinite(found[0]).all() and (abs(found[0].sum(axis=1) - 1) < _SUM_TOLERANCE).all()):
            raise ModelError(f"The model {self._name!r} does not give probabilities", "it must end in a softmax.")
        if not all(np.isfinite(values).all() for values in found):
            raise ModelError(f"The model {self._name!r} gives features that are no numbers", "fetch it again.")
        return found


def _fitting_ends(interpreter: Any, card: ModelCard) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Input of the network, and its outputs: probabilities, then the features where the card has centres.

    `ModelError` says how they differ from the card.
    """

    def refuse(what: str, found: object, wanted: object) -> ModelError:
        return ModelError(f"The model {card.name!r} does not fit its card: its {what} is {found}, not {wanted}.")

    inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
    wanted_outputs = 2 if card.centres else 1
    if len(inputs) != 1 or len(outputs) != wanted_outputs:
        why = "as a card has it with" if card.centres else "as a card has it without"
        found = f"{len(inputs)} and {len(outputs)}"
        raise refuse("number of inputs and outputs", found, f"1 and {wanted_outputs}, {why} centres of known cells")
    given = inputs[0]
    outputs = sorted(outputs, key=lambda output: output["name"] == FEATURES)  # LiteRT keeps no order of its own
    result = outputs[0]
    wanted = [1, card.input_size, card.input_size, 3]
    if given["shape"].tolist() != wanted:
        raise refuse("input", given["shape"].tolist(), wanted)
    if given["dtype"] not in (np.uint8, np.float32):
        raise refuse("input type", np.dtype(given["dtype"]), "uint8 (or float32) RGB")
    if given["dtype"] == np.uint8 and tuple(given["quantization"]) not in ((1.0, 0), (0.0, 0)):
        raise refuse("input scale", given["quantization"], "that of plain pixel values, (1.0, 0)")
    if result["shape"].tolist() != [1, len(card.classes)]:
        raise refuse("output", result["shape"].tolist(), [1, len(card.classes)])
    if card.centres and outputs[1]["name"] != FEATURES:
        raise refuse("second output", repr(outputs[1]["name"]), repr(FEATURES))
    if card.centres and outputs[1]["shape"].tolist() != [1, len(card.centres[0])]:
        raise refuse("output of features", outputs[1]["shape"].tolist(), [1, len(card.centres[0])])
    for output in outputs:
        if output["dtype"] not in (np.float32, np.uint8, np.int8):
            raise refuse("output type", np.dtype(output["dtype"]), "float32, uint8 or int8")
    return given, outputs


def _dequantised(raw: np.ndarray, details: dict[str, Any]) -> np.ndarray:
    if raw.dtype == np.float32:
        return raw.copy()
    scale, zero_point = details["quantization"]
    return (raw.astype(np.float32) - zero_point) * scale
