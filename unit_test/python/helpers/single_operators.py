"""Models and data of the cases in operator_cases."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from onnx import ModelProto, numpy_helper

from . import toy
from .operator_cases import Net

__all__ = ["data_for", "model_of_net"]

_IR_VERSIONS = {7: 3, 9: 4, 11: 6, 13: 7, 17: 8, 18: 8, 20: 9, 21: 10, 23: 10}


def _weights_of(net: Net) -> dict[str, np.ndarray[Any, Any]]:
    rng = np.random.default_rng(7)
    made = {}
    for name, value in net.weights.items():
        if isinstance(value, tuple):
            made[name] = (rng.standard_normal(value) / math.sqrt(max(1, math.prod(value[1:])))).astype(
                np.float32
            )
            if name.startswith("positive"):
                made[name] = np.abs(made[name]) + np.float32(0.5)
        else:
            made[name] = np.asarray(value)
    return made


def model_of_net(net: Net, opset: int) -> ModelProto:
    weights = _weights_of(net)
    inputs = [toy.info(name, dims) for name, dims in net.inputs.items()]
    initialisers = [numpy_helper.from_array(array, name) for name, array in weights.items()]
    if _IR_VERSIONS[opset] < 4:
        inputs += [toy.info(t.name, list(t.dims), t.data_type) for t in initialisers]
    ends = dict.fromkeys(net.outputs)
    return toy.model_of(net.nodes, initialisers, inputs, ends, opset=opset, ir_version=_IR_VERSIONS[opset])


def data_for(net: Net, batch: int) -> dict[str, np.ndarray[Any, Any]]:
    rng = np.random.default_rng(batch)
    made = {}
    for name, dims in net.inputs.items():
        shape = [dim if isinstance(dim, int) else batch for dim in dims]
        made[name] = rng.standard_normal(shape).astype(np.float32) * 2
    return made
