"""The outputs of a converted model in a known order and under names that the device knows them by.

TFLite's converter orders several outputs as it likes and names their tensors after itself; only the signature tells
which is which.
"""

from __future__ import annotations


def named(content: bytes, *names: str) -> bytes:
    """`content`, a `.tflite` file converted from a Keras model of that many outputs, with them in order and `names`."""
    from tensorflow.lite.tools import flatbuffer_utils

    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(content))
    graph, (signature,) = model.subgraphs[0], model.signatureDefs
    by_key = {output.name.decode(): output for output in signature.outputs}
    ordered = [by_key[f"output_{number}"] for number in range(len(names))]  # Keras' names, in the model's order
    if len(by_key) != len(names):
        raise ValueError(f"the model has {len(by_key)} outputs, not {len(names)}")
    for output, name in zip(ordered, names, strict=True):
        output.name = graph.tensors[output.tensorIndex].name = name.encode()
    graph.outputs = [int(output.tensorIndex) for output in ordered]
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))
