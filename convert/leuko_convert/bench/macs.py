"""Multiplications of a `.tflite` network, counted from its file."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def macs(path: Path) -> int:
    """Multiply-accumulates of one cell through the convolutions and dense layers of the file at `path`."""
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(path.read_bytes(), 0))
    graph = model.subgraphs[0]
    codes = [max(code.builtinCode, code.deprecatedBuiltinCode) for code in model.operatorCodes]
    total = 0
    for operator in graph.operators:
        weights, output = (
            graph.tensors[i].shape for i in (operator.inputs[min(1, len(operator.inputs) - 1)], operator.outputs[0])
        )
        if codes[operator.opcodeIndex] == schema.BuiltinOperator.CONV_2D:
            total += int(np.prod(weights)) * int(np.prod(output[1:3]))  # weights (out, h, w, in), output (1, h, w, out)
        elif codes[operator.opcodeIndex] == schema.BuiltinOperator.FULLY_CONNECTED:
            total += int(np.prod(weights))
    return total
