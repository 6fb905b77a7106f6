"""Operators that move data, each a node with its data, and how ONNX Runtime and we run it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import aidge_backend_cpu  # noqa: F401  (registers the kernels)
import aidge_core
import aidge_onnx
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, helper, numpy_helper

from .conformance import run_onnxruntime

Array = NDArray[Any]
TOLERANCE = 2e-5
RNG = np.random.default_rng(3)


def values(shape: Sequence[int], dtype: Any = np.float32) -> Array:
    """Values that differ from each other as far as the type allows."""
    count = int(np.prod(shape))
    kind = np.dtype(dtype)
    if kind == np.bool_:
        return RNG.integers(0, 2, shape).astype(np.bool_)
    if kind.kind in "iu":
        return RNG.permutation(np.arange(count) % 100).astype(dtype).reshape(shape)
    return RNG.standard_normal(shape).astype(dtype)


def ints(*entries: int) -> Array:
    return np.asarray(entries, np.int64)


def floats(*entries: float) -> Array:
    return np.asarray(entries, np.float32)


@dataclass
class Case:
    """One node: its graph inputs, its constant inputs (by position), attributes, opset, number of outputs."""

    op: str
    inputs: dict[int, Array]
    constants: dict[int, Array] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)
    opset: int = 20
    outputs: int = 1
    title: str = ""
    free: bool = False  # the inputs' dims are not declared

    def __str__(self) -> str:
        return f"{self.op}-{self.opset}-{self.title}"

    def model(self, behind: bool = False) -> ModelProto:
        count = 1 + max([*self.inputs, *self.constants], default=-1)
        names = [f"x{i}" if i in self.inputs or i in self.constants else "" for i in range(count)]
        initialisers = [numpy_helper.from_array(array, f"x{i}") for i, array in self.constants.items()]
        nodes = []
        if behind:
            channels, rank = self.inputs[0].shape[1], self.inputs[0].ndim
            weight = np.eye(channels, dtype=np.float32).reshape(channels, channels, *[1] * (rank - 2))
            initialisers.append(numpy_helper.from_array(weight, "w"))
            nodes.append(helper.make_node("Conv", ["x0", "w"], ["before"]))
            names[0] = "before"
        outputs = [f"y{i}" for i in range(self.outputs)]
        nodes.append(helper.make_node(self.op, names, outputs, **self.attributes))
        graph = helper.make_graph(
            nodes,
            "one_node",
            [
                helper.make_tensor_value_info(
                    f"x{i}",
                    helper.np_dtype_to_tensor_dtype(array.dtype),
                    [f"d{i}_{axis}" for axis in range(array.ndim)] if self.free else array.shape,
                )
                for i, array in self.inputs.items()
            ],
            [onnx.ValueInfoProto(name=name) for name in outputs],
            initialisers,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=9)
        inferred = onnx.shape_inference.infer_shapes(model)
        del model.graph.output[:]
        model.graph.output.extend(
            helper.make_tensor_value_info(value.name, value.type.tensor_type.elem_type, None)
            for value in inferred.graph.output
        )
        return model


def runtime(model: ModelProto, inputs: list[Array]) -> list[Array]:
    return [np.asarray(array) for array in run_onnxruntime(model, inputs)]


def ours(graph: aidge_core.GraphView, inputs: list[Array]) -> list[Array]:
    graph.compile("cpu", dims=[list(array.shape) for array in inputs])
    results = aidge_core.SequentialScheduler(graph).forward(data=inputs)
    return [np.asarray(result) for result in results]


def load_native(model: ModelProto) -> aidge_core.GraphView:
    graph = aidge_onnx.load_onnx(model)
    generic = [
        f"{node.name()} ({node.type()}): {node.get_operator().attr.onnx_reason}"
        for node in graph.get_ordered_nodes()
        if node.get_operator().is_generic()
    ]
    assert not generic
    return graph


def assert_same(got: list[Array], expected: list[Array]) -> None:
    assert len(got) == len(expected)
    for one, other in zip(got, expected, strict=True):
        assert (one.shape, one.dtype) == (other.shape, other.dtype)
        if other.dtype.kind == "f":
            np.testing.assert_allclose(one, other, rtol=TOLERANCE, atol=TOLERANCE)
        else:
            np.testing.assert_array_equal(one, other)


def exported(graph: aidge_core.GraphView, opset: int) -> ModelProto:
    return aidge_onnx.to_model_proto(graph, opset=opset)


TYPES = (np.float32, np.float64, np.float16, np.int64, np.int32, np.uint8, np.int8, np.bool_)
X = (2, 6, 5, 7)


def slices() -> list[Case]:
    bounds = {
        "part of the channels": ([2], [5], [1], [1]),
        "negative bounds and axes": ([-4, -3], [-1, 100], [-1, -2], [1, 1]),
        "every second": ([0, 1], [1 << 62, 1 << 62], [2, 3], [2, 2]),
        "backwards": ([-1, 4], [-(1 << 62), 0], [3, 1], [-2, -1]),
        "clamped to nothing": ([5], [2], [1], [1]),
        "beyond the end": ([9], [12], [1], [1]),
        "a huge step": ([0], [6], [1], [1 << 40]),
        "of the batch": ([1], [2], [0], [1]),
    }
    cases = [
        Case("Slice", {0: values(X)}, {1: ints(*a), 2: ints(*b), 3: ints(*c), 4: ints(*d)}, title=title)
        for title, (a, b, c, d) in bounds.items()
    ]
    cases += [
        Case("Slice", {0: values(X, dtype)}, {1: ints(0, 1), 2: ints(2, 4)}, title=np.dtype(dtype).name)
        for dtype in TYPES
    ]
    old = {"starts": [1, 0], "ends": [-1, 3], "axes": [1, 3]}
    cases += [Case("Slice", {0: values(X)}, attributes=old, opset=opset) for opset in (7, 9)]
    return cases


def splits() -> list[Case]:
    cases = [
        Case("Split", {0: values(X)}, attributes={"axis": 1}, opset=opset, outputs=3) for opset in (7, 11, 13)
    ]
    cases += [
        Case("Split", {0: values(X)}, attributes={"axis": axis, "num_outputs": count}, outputs=count)
        for axis, count in ((1, 3), (-1, 2), (2, 5), (0, 2))
    ]
    cases += [
        Case("Split", {0: values(X, dtype)}, {1: ints(1, 0, 5)}, {"axis": 1}, outputs=3, title="uneven")
        for dtype in (np.float32, np.int64, np.uint8)
    ]
    cases.append(Case("Split", {0: values(X)}, attributes={"axis": 1, "split": [2, 4]}, opset=11, outputs=2))
    return cases


def gathers() -> list[Case]:
    index = np.asarray([[0, -1], [3, 3]], np.int64)
    cases = [
        Case("Gather", {0: values(X)}, {1: ints(5, 0, 0, -2)}, {"axis": axis}, title=f"axis {axis}")
        for axis in (1, -3)
    ]
    cases += [
        Case("Gather", {0: values(X)}, {1: np.asarray(2, np.int64)}, {"axis": 1}, title="scalar"),
        Case("Gather", {0: values(X), 1: index.astype(np.int32)}, {}, {"axis": 2}, title="computed"),
        Case("Gather", {0: values((5,)), 1: values((2, 3, 4), np.int64) % 5}, title="a table"),
        Case("Gather", {0: values((9, 4)), 1: values((2, 3), np.int64) % 9}, title="an embedding"),
    ]
    cases += [
        Case("Gather", {0: values((4, 3), dtype)}, {1: index}, {"axis": 0}, title=np.dtype(dtype).name)
        for dtype in TYPES
    ]
    for axis in range(4):
        inside = values((2, 4, 5, 3), np.int64) % min(X)
        cases.append(Case("GatherElements", {0: values(X), 1: inside - 1}, {}, {"axis": axis}))
    cases.append(
        Case("GatherElements", {0: values((2, 9), np.int64)}, {1: index}, {"axis": 1}, title="int64")
    )
    tuples = np.asarray([[[0, 1], [1, -2]], [[1, 0], [0, 0]]], np.int64)
    cases += [
        Case("GatherND", {0: values((2, 3, 4)), 1: tuples}, title="pieces"),
        Case("GatherND", {0: values((2, 2, 3), np.uint8), 1: tuples}, title="uint8"),
        Case("GatherND", {0: values((2, 3, 4)), 1: tuples[:, :, :1]}, {}, {"batch_dims": 1}, title="batched"),
    ]
    return cases


def scatters() -> list[Case]:
    index = np.asarray([[1, 0, -1], [0, 0, 2]], np.int64)
    cases = [
        Case(
            "ScatterElements",
            {0: values((3, 4), dtype), 1: index[:1], 2: values((1, 3), dtype)},
            {},
            {"axis": axis},
            title=f"{np.dtype(dtype).name} on {axis}",
        )
        for axis in (0, 1)
        for dtype in (np.float32, np.int64, np.float64)
    ]
    cases += [
        Case(
            op,
            {0: values((4, 5), dtype), 1: index if op == "ScatterElements" else index[:, :1], 2: update},
            {},
            {"reduction": reduction},
            title=reduction,
        )
        for dtype in (np.float32, np.int32)
        for reduction in ("add", "mul", "max", "min")
        for op, update in (("ScatterElements", values((2, 3), dtype)), ("ScatterND", values((2, 5), dtype)))
    ]
    cases += [
        Case("ScatterND", {0: values((4, 5)), 1: ints(1, 3).reshape(2, 1), 2: values((2, 5))}, title="rows"),
        Case("Scatter", {0: values((3, 4)), 1: index[:1] % 3, 2: values((1, 3))}, opset=9),
    ]
    return cases


def expansions() -> list[Case]:
    cases = [
        Case("Expand", {0: values((2, 6, 1, 1), dtype)}, {1: ints(2, 1, 3, 4)}, title=np.dtype(dtype).name)
        for dtype in TYPES
    ]
    cases += [
        Case("Expand", {0: values((3, 1))}, {1: ints(2, 1, 6)}, title="more axes"),
        Case("Expand", {0: values((3, 1))}, {1: ints(0, 3, 2)}, title="to nothing"),
        Case("Tile", {0: values(X)}, {1: ints(1, 2, 1, 3)}, title="channels"),
        Case("Tile", {0: values((2, 3), np.uint8)}, {1: ints(2, 2)}, opset=11, title="uint8"),
        Case("Tile", {0: values((2, 3), np.bool_)}, {1: ints(2, 0)}, title="to nothing"),
        Case("Size", {0: values(X)}, free=True),
        Case("Shape", {0: values(X)}, free=True),
        Case("Shape", {0: values(X)}, attributes={"start": 1, "end": -1}, free=True),
        Case("Shape", {0: values(X, np.int64)}, attributes={"start": -2}, free=True),
        Case("EyeLike", {0: values((3, 5))}, attributes={"k": 1}),
        Case("EyeLike", {0: values((4, 3), np.int64)}, attributes={"k": -2, "dtype": 1}),
        Case("Trilu", {0: values((2, 3, 4))}),
        Case("Trilu", {0: values((2, 5, 3), np.int64)}, {1: np.asarray(-1, np.int64)}, {"upper": 0}),
        Case("Trilu", {0: values((3, 3), np.bool_)}, {1: np.asarray(7, np.int64)}, {"upper": 1}),
        Case("OneHot", {0: ints(0, -1, 2, 9)}, {1: ints(3), 2: floats(0, 5)}),
        Case(
            "OneHot",
            {0: values((2, 3), np.int64) % 4},
            {1: np.asarray(4, np.int64), 2: ints(-1, 1)},
            {"axis": 1},
        ),
        Case("Pad", {0: values(X, np.int32)}, {1: ints(0, 1, 0, 0, 0, 0, 0, 2)}, title="int32"),
        Case("Transpose", {0: values(X)}, attributes={"perm": [0, 2, 3, 1]}, title="to channels-last"),
        Case("Transpose", {0: values(X)}, attributes={"perm": [0, 3, 1, 2]}, title="from channels-last"),
        Case("Transpose", {0: values(X)}, attributes={"perm": [0, 1, 3, 2]}, title="of space"),
        Case("Transpose", {0: values((2, 3, 4), np.uint8)}, attributes={"perm": [0, 2, 1]}, title="uint8"),
    ]
    return cases


def blocks() -> list[Case]:
    cases = [
        Case("DepthToSpace", {0: values((2, 8, 3, 5))}, attributes={"blocksize": 2, "mode": mode}, title=mode)
        for mode in ("DCR", "CRD")
    ]
    cases += [
        Case("DepthToSpace", {0: values((1, 8, 3, 5))}, attributes={"blocksize": 2}, opset=7),
        Case("SpaceToDepth", {0: values((2, 3, 6, 4))}, attributes={"blocksize": 2}),
        Case("SpaceToDepth", {0: values((1, 2, 6, 9))}, attributes={"blocksize": 3}, opset=7),
    ]
    return cases


def sequences() -> list[Case]:
    flags = [(largest, axis) for largest in (0, 1) for axis in (-1, 1)]
    ties = np.round(values((3, 9, 5)))
    cases = [
        Case("TopK", {0: ties}, {1: ints(3)}, {"largest": largest, "axis": axis}, outputs=2)
        for largest, axis in flags
    ]
    cases += [
        Case("TopK", {0: values((4, 6))}, attributes={"k": 2}, opset=9, outputs=2),
        Case("TopK", {0: values((4, 6), np.int64)}, {1: ints(6)}, outputs=2),
        Case("TopK", {0: values((4, 6))}, {1: ints(0)}, outputs=2),
    ]
    cases += [
        Case("ReverseSequence", {0: values((4, 3, 2)), 1: ints(4, 1, 2)}),
        Case(
            "ReverseSequence",
            {0: values((3, 4)), 1: ints(4, 0, 3)},
            attributes={"batch_axis": 0, "time_axis": 1},
        ),
    ]
    return cases


def poolings() -> list[Case]:
    window = {"kernel_shape": [3, 2], "strides": [2, 1], "pads": [1, 0, 1, 1]}
    return [
        Case("GlobalMaxPool", {0: values(X)}),
        Case("GlobalMaxPool", {0: values((2, 3, 9))}),
        Case("GlobalLpPool", {0: values(X)}),
        Case("GlobalLpPool", {0: values((2, 5, 3, 4, 2))}, attributes={"p": 3}),
        Case("LpPool", {0: values(X)}, attributes=window),
        Case("LpPool", {0: values(X)}, attributes={**window, "p": 1}, opset=11),
        Case("LpPool", {0: values((1, 3, 12))}, attributes={"kernel_shape": [3], "p": 4, "dilations": [2]}),
        Case("LpPool", {0: values((1, 3, 4, 5, 4))}, attributes={"kernel_shape": [2, 2, 2]}),
        Case("MaxPool", {0: values(X)}, attributes=window, outputs=2),
        Case(
            "MaxPool", {0: values(X)}, attributes={**window, "storage_order": 1}, outputs=2, title="columns"
        ),
        Case("MaxPool", {0: values((2, 3, 9))}, attributes={"kernel_shape": [3], "strides": [2]}, outputs=2),
    ]


CASES = [*slices(), *splits(), *gathers(), *scatters(), *expansions(), *blocks(), *sequences(), *poolings()]
