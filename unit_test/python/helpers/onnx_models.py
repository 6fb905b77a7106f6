"""Small ONNX models, and what the tests of import and export ask of them."""

from __future__ import annotations

import math
from typing import Any

import aidge_core
import aidge_onnx
import numpy as np
import onnx
import onnxruntime
from onnx import ModelProto, TensorProto, helper, numpy_helper

from helpers import toy

FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64
EXPORT_TOLERANCE = 1e-6
node = helper.make_node


def info(name: str, dims: Any = ("N", 4), kind: int = FLOAT) -> onnx.ValueInfoProto:
    return toy.info(name, dims, kind)


def tensor(name: str, values: Any, dtype: Any = np.float32) -> TensorProto:
    return numpy_helper.from_array(np.asarray(values, dtype), name)


def weights(name: str, *shape: int) -> TensorProto:
    rng = np.random.default_rng(len(name) + sum(map(ord, name)))
    return tensor(name, rng.standard_normal(shape) / math.sqrt(max(1, math.prod(shape[1:]))))


def model(nodes: list[Any], initialisers: list[Any] | None = None, **parts: Any) -> ModelProto:
    inputs, outputs = parts.pop("inputs", [info("x")]), parts.pop("outputs", [info("y", None)])
    opsets = [helper.make_opsetid("", parts.pop("opset", 17)), *parts.pop("domains", [])]
    return onnx.shape_inference.infer_shapes(
        toy.model_of(nodes, initialisers or [], inputs, outputs, opsets=opsets, **parts)
    )


def run(
    source: ModelProto | bytes | str, feeds: dict[str, np.ndarray[Any, Any]]
) -> list[np.ndarray[Any, Any]]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    data = source.SerializeToString() if isinstance(source, ModelProto) else source
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    return [np.asarray(value) for value in session.run(None, feeds)]


def assert_same(source: ModelProto, exported: ModelProto, feeds: dict[str, np.ndarray[Any, Any]]) -> None:
    for one, other in zip(run(exported, feeds), run(source, feeds), strict=True):
        assert one.shape == other.shape
        np.testing.assert_allclose(one, other, rtol=EXPORT_TOLERANCE, atol=EXPORT_TOLERANCE)


def values(*shape: int, seed: int = 0) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def types_of(graph: aidge_core.GraphView) -> list[str]:
    return [n.type() for n in graph.get_ordered_nodes() if not n.get_operator().is_producer()]


def dims_of(value: onnx.ValueInfoProto) -> list[int | str]:
    return [
        dim.dim_value if dim.HasField("dim_value") else dim.dim_param
        for dim in value.type.tensor_type.shape.dim
    ]


def round_trip(source: ModelProto, **options: Any) -> ModelProto:
    return aidge_onnx.to_model_proto(aidge_onnx.load_onnx(source), **options)


def flattening(opset: int) -> list[Any]:
    """x.view(x.size(0), -1) as torch writes it."""
    if opset < 13:
        unsqueeze = [
            node("Unsqueeze", ["n"], ["n1"], axes=[0]),
            node("Unsqueeze", ["minus"], ["m1"], axes=[0]),
        ]
    else:
        unsqueeze = [node("Unsqueeze", ["n", "zero1"], ["n1"]), node("Unsqueeze", ["minus", "zero1"], ["m1"])]
    return [
        node("Shape", ["h"], ["s"]), node("Gather", ["s", "zero"], ["n"]), *unsqueeze,
        node("Concat", ["n1", "m1"], ["t"], axis=0), node("Reshape", ["h", "t"], ["y"]),
    ]  # fmt: skip


SCALARS = [tensor("zero", 0, np.int64), tensor("minus", -1, np.int64), tensor("zero1", [0], np.int64)]
