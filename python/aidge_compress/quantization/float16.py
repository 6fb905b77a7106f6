"""Weights in float16 in the file, computed in float32: half the size, and every runtime can read it."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np
from onnx import TensorProto, helper, numpy_helper

if TYPE_CHECKING:
    from onnx import ModelProto

__all__ = ["with_float16_weights"]

_LARGEST = float(np.finfo(np.float16).max)
_FEWEST = 64
"""A Cast needs about as many bytes as smaller constants would save."""


def with_float16_weights(source: ModelProto) -> ModelProto:
    """The model with its float32 constants of at least 64 elements as float16, each behind a Cast to float32.

    Constants with values that float16 cannot hold (beyond 65504) stay as they are.
    """
    model = copy.deepcopy(source)
    _lift_constants(model)
    taken = {name for node in model.graph.node for name in (*node.input, *node.output)}
    taken |= {tensor.name for tensor in model.graph.initializer}
    inputs = {entry.name for entry in model.graph.input}
    casts = []
    for tensor in model.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or tensor.name in inputs:
            continue
        values = numpy_helper.to_array(tensor)
        if values.size < _FEWEST or float(np.abs(values).max()) > _LARGEST:
            continue
        name = f"{tensor.name}_float16"
        while name in taken:
            name += "_"
        taken.add(name)
        casts.append(
            helper.make_node(
                "Cast", [name], [tensor.name], name=f"{tensor.name}_to_float32", to=TensorProto.FLOAT
            )
        )
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), name))
    nodes = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend([*casts, *nodes])
    return model


def _lift_constants(model: ModelProto) -> None:
    """Constants that are nodes become initialisers."""
    kept = []
    for node in model.graph.node:
        values = (
            [entry.t for entry in node.attribute if entry.name == "value"]
            if node.op_type == "Constant"
            else []
        )
        if values and values[0].data_type == TensorProto.FLOAT:
            model.graph.initializer.add().CopyFrom(values[0])
            model.graph.initializer[-1].name = node.output[0]
        else:
            kept.append(node)
    if len(kept) < len(model.graph.node):
        copies = [copy.deepcopy(node) for node in kept]
        del model.graph.node[:]
        model.graph.node.extend(copies)
