"""One candidate in a process of its own: opens a model under a runtime and times it whenever it is told to.

Runs as a script, under any Python that has NumPy and the runtime: worker.py RUNTIME FILE THREADS CROPS, where CROPS is
a `.npy` of one batch, (batch, size, size, 3) uint8 RGB. On each line of standard input, a number of seconds, it runs
the batch over and over for at least that long and answers with a line of JSON; so it does once it is ready. The time
is from NumPy array in to NumPy array out.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any, Callable  # noqa: UP035 - an old runtime may need an old Python

import numpy as np

WARM_UP = 3


def tflite(module: str, path: str, threads: int, rgb: np.ndarray) -> tuple[Callable[[], Any], str]:
    import importlib
    from importlib import metadata

    interpreter = importlib.import_module(module + ".interpreter").Interpreter(path, num_threads=threads)
    given, result = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    if len(rgb) != given["shape"][0]:
        interpreter.resize_tensor_input(given["index"], list(rgb.shape))
    interpreter.allocate_tensors()
    values = rgb.astype(given["dtype"])

    def once() -> np.ndarray:
        interpreter.set_tensor(given["index"], values)
        interpreter.invoke()
        return interpreter.get_tensor(result["index"])

    return once, metadata.version(module.replace("_", "-"))


def keras(path: str, threads: int, rgb: np.ndarray) -> tuple[Callable[[], Any], str]:
    os.environ.update(KERAS_BACKEND="tensorflow", TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1")
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    import keras as library

    model = library.models.load_model(path, compile=False)
    graph = tf.function(lambda x: model(x, training=False), input_signature=[tf.TensorSpec(rgb.shape, tf.float32)])
    values = rgb.astype(np.float32)
    return lambda: graph(tf.constant(values)).numpy(), tf.__version__


def onnx(path: str, threads: int, rgb: np.ndarray) -> tuple[Callable[[], Any], str]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    name, values = session.get_inputs()[0].name, rgb.astype(np.float32)
    return lambda: session.run(None, {name: values})[0], onnxruntime.__version__


OPENERS: dict[str, Callable[..., tuple[Callable[[], Any], str]]] = {
    "LiteRT": lambda *given: tflite("ai_edge_litert", *given),
    "tflite-runtime": lambda *given: tflite("tflite_runtime", *given),
    "TensorFlow": keras,
    "ONNX Runtime": onnx,
}


def timed(once: Callable[[], Any], seconds: float, cells: int) -> dict[str, Any]:
    """Milliseconds a cell of each run: by the clock, and of processor time, all threads together."""
    wall: list[float] = []
    processor: list[float] = []
    end = time.perf_counter() + seconds
    while not wall or time.perf_counter() < end:
        clock, used = time.perf_counter(), time.process_time()
        once()
        wall.append(1e3 * (time.perf_counter() - clock) / cells)
        processor.append(1e3 * (time.process_time() - used) / cells)
    return {"ms": wall, "cpu_ms": processor, "peak_rss_mb": peak_rss_mb()}


def peak_rss_mb() -> float | None:
    """Of this process since it became itself; getrusage would count the parent it was forked from. None off Linux."""
    try:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) * 1024 / 1e6 for line in status if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        return None


def main() -> None:
    runtime, path, threads, crops = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w", buffering=1)  # libraries that print to standard output must not be read
    os.dup2(2, 1)
    rgb = np.load(crops)
    try:
        once, version = OPENERS[runtime](path, int(threads), rgb)
        for _ in range(WARM_UP):
            once()
    except ModuleNotFoundError as error:
        print(json.dumps({"error": f"{error.name} is not installed"}), file=answers)
        return
    except Exception as error:  # whatever a runtime raises is the answer to why it was not measured
        words = str(error).strip().splitlines()
        print(json.dumps({"error": f"{type(error).__name__}: {words[0] if words else ''}"[:200]}), file=answers)
        return
    print(json.dumps({"version": version}), file=answers)
    for line in sys.stdin:
        print(json.dumps(timed(once, float(line), len(rgb))), file=answers)


if __name__ == "__main__":
    main()
