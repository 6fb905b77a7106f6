"""Native operators on awkward values, types and shapes, against ONNX Runtime and NumPy."""

from __future__ import annotations

from typing import Any

import aidge_backend_cpu  # noqa: F401
import aidge_core
import aidge_onnx
import aidge_onnx.backend
import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import ModelProto, helper

pytestmark = pytest.mark.instruction_set

Array = np.ndarray[Any, Any]
INTEGERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
FLOATS = ["float16", "float32", "float64"]
TOLERANCE = {"float16": 2e-3, "float32": 2e-6, "float64": 1e-12}


def model(op: str, feeds: list[Array], outputs: int = 1, opset: int = 21, **attributes: Any) -> ModelProto:
    names = [f"x{index}" for index in range(len(feeds))]
    results = [f"y{index}" for index in range(outputs)]
    graph = helper.make_graph(
        [helper.make_node(op, names, results, **attributes)],
        "g",
        [
            helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(feed.dtype), feed.shape)
            for name, feed in zip(names, feeds, strict=True)
        ],
        [helper.make_empty_tensor_value_info(name) for name in results],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
    inferred = onnx.shape_inference.infer_shapes(made)
    for value in inferred.graph.output:  # what is a function in ONNX has no inference of its own
        if not value.type.HasField("tensor_type"):
            value.type.tensor_type.elem_type = helper.np_dtype_to_tensor_dtype(feeds[0].dtype)
    return inferred


def native(op: str, feeds: list[Array], **options: Any) -> Array:
    (result, *_) = aidge_onnx.backend.prepare(model(op, feeds, **options)).run(feeds)
    return np.asarray(result)


def reference(op: str, feeds: list[Array], **options: Any) -> Array:
    session = onnxruntime.InferenceSession(
        model(op, feeds, **options).SerializeToString(), providers=["CPUExecutionProvider"]
    )
    (result, *_) = session.run(None, {f"x{index}": feed for index, feed in enumerate(feeds)})
    return np.asarray(result)


def random(*dims: int, dtype: str = "float32", scale: float = 3.0) -> Array:
    return (np.random.default_rng(sum(dims)).standard_normal(dims) * scale).astype(dtype)


SPECIAL = np.asarray(
    [np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 2.5, 0.5, 1.5, -0.5, 90.0, -100.0], np.float32
)


@pytest.mark.parametrize(
    "op",
    [
        "Exp",
        "Log",
        "Sqrt",
        "Abs",
        "Neg",
        "Sign",
        "Floor",
        "Ceil",
        "Round",
        "Erf",
        "Softsign",
        "Sigmoid",
        "Tanh",
        "Relu",
        "Reciprocal",
        "Elu",
        "Sin",
        "Atan",
    ],
)
def test_functions_treat_special_values_as_onnx_runtime(op: str) -> None:
    np.testing.assert_allclose(native(op, [SPECIAL]), reference(op, [SPECIAL]), rtol=2e-6, atol=1e-37)


@pytest.mark.parametrize("op", ["Min", "Max"])
def test_nan_wins_in_extremes(op: str) -> None:
    feeds = [SPECIAL[:, None], SPECIAL[None, :]]
    np.testing.assert_array_equal(native(op, feeds), reference(op, feeds))


@pytest.mark.parametrize("op", ["Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual"])
def test_comparisons_with_nan_are_those_of_numpy(op: str) -> None:
    feeds = [SPECIAL[:, None], SPECIAL[None, :]]
    result = native(op, feeds)
    assert result.dtype == np.bool_
    np.testing.assert_array_equal(result, reference(op, feeds))


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("op", ["Add", "Sub", "Mul", "Min", "Max", "Equal", "Less", "GreaterOrEqual"])
def test_integers_of_every_width_wrap_round(op: str, dtype: str) -> None:
    limits = np.iinfo(dtype)
    values = np.asarray([limits.min, limits.min + 1, 0, 1, 3, limits.max - 1, limits.max], dtype)
    functions = {
        "Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Min": np.minimum, "Max": np.maximum, "Equal": np.equal,
        "Less": np.less, "GreaterOrEqual": np.greater_equal,
    }  # fmt: skip
    with np.errstate(over="ignore"):
        expected = functions[op](values[:, None], values[None, :])
    result = native(op, [values[:, None], values[None, :]])
    np.testing.assert_array_equal(result, expected)
    assert result.dtype == expected.dtype


@pytest.mark.parametrize("dtype", INTEGERS)
def test_division_truncates_and_mod_follows_either_sign(dtype: str) -> None:
    a = np.asarray([7, -7, 8, -8] if dtype.startswith("i") else [7, 9, 8, 200], dtype)
    b = np.asarray([3, 3, -5, -5] if dtype.startswith("i") else [3, 4, 5, 7], dtype)
    np.testing.assert_array_equal(
        native("Div", [a, b]), np.trunc(a.astype(float) / b.astype(float)).astype(dtype)
    )
    np.testing.assert_array_equal(native("Mod", [a, b]), np.mod(a, b))
    np.testing.assert_array_equal(native("Mod", [a, b], fmod=1), np.fmod(a, b))


@pytest.mark.parametrize("op", ["Div", "Mod"])
def test_an_integer_divided_by_zero_is_an_error(op: str) -> None:
    with pytest.raises(ValueError, match=f"backend::{op}.*other than 0"):
        native(op, [np.asarray([1, 2]), np.asarray([1, 0])])


@pytest.mark.parametrize(
    ("base", "exponent"),
    [("float32", "int64"), ("int32", "float32"), ("int64", "int32"), ("float32", "float64")],
)
def test_powers_mix_types(base: str, exponent: str) -> None:
    feeds = [np.asarray([1, 2, 3, 4], base), np.asarray([[2], [3]], exponent)]
    result = native("Pow", feeds)
    assert result.dtype == np.dtype(base)
    np.testing.assert_allclose(result, reference("Pow", feeds), rtol=1e-6)


@pytest.mark.parametrize("source", [*FLOATS, *INTEGERS, "bool"])
def test_casts_are_those_of_numpy(source: str) -> None:
    values = np.asarray([0, 1, 2, 100, 0.5, 1.75, 65, 127], "float64").astype(source)
    for target in [*FLOATS, *INTEGERS, "bool"]:
        to = helper.np_dtype_to_tensor_dtype(np.dtype(target))
        result = native("Cast", [values], to=to)
        np.testing.assert_array_equal(result, values.astype(target))
        assert result.dtype == np.dtype(target)


def test_half_precision_rounds_to_the_nearest_even_value() -> None:
    values = np.concatenate([random(4000, scale=s) for s in (1e-8, 1e-6, 1e-4, 1.0, 1e4, 6e4)])
    with np.errstate(over="ignore"):
        expected = values.astype(np.float16)
    np.testing.assert_array_equal(native("Cast", [values], to=10), expected)
    every = np.arange(65536, dtype=np.uint16).view(np.float16)
    np.testing.assert_array_equal(native("Cast", [every], to=1), every.astype(np.float32))


@pytest.mark.parametrize("last", [0, 1])
@pytest.mark.parametrize("op", ["ArgMax", "ArgMin"])
def test_the_first_or_the_last_of_equal_values_is_the_extreme(op: str, last: int) -> None:
    values = np.asarray([[3, 1, 3, 1], [2, 2, 2, 2]], np.int32)
    for axis in (0, 1, -1):
        options = {"axis": axis, "select_last_index": last, "keepdims": 0}
        np.testing.assert_array_equal(native(op, [values], **options), reference(op, [values], **options))


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("dims", [(2, 6), (2, 6, 5), (2, 6, 4, 5), (1, 6, 2, 3, 4)])
def test_normalisations_of_any_rank_and_type(dims: tuple[int, ...], dtype: str) -> None:
    x = random(*dims) + np.float32(10)
    scale, bias = random(6), random(6, scale=1)
    wide = x.astype(np.float64)

    def expected(axes: tuple[int, ...], data: Array) -> Array:
        mean, variance = data.mean(axes, keepdims=True), data.var(axes, keepdims=True)
        return (data - mean) / np.sqrt(variance + 1e-5)

    column = (6, *[1] * (len(dims) - 2))
    typed = [array.astype(dtype) for array in (x, scale, bias)]
    tolerance = {"rtol": 50 * TOLERANCE[dtype], "atol": 50 * TOLERANCE[dtype]}
    if dtype == "float64":
        tolerance = {"rtol": 1e-6, "atol": 1e-6}
    if dtype == "float16":
        wide = typed[0].astype(np.float64)
    if len(dims) > 2:
        axes = tuple(range(2, len(dims)))
        wanted = expected(axes, wide) * scale.reshape(column) + bias.reshape(column)
        np.testing.assert_allclose(native("InstanceNormalization", typed), wanted, **tolerance)
    rows = wide.reshape(dims[0], 3, -1)
    wanted = expected((2,), rows).reshape(dims) * scale.reshape(column) + bias.reshape(column)
    np.testing.assert_allclose(native("GroupNormalization", typed, num_groups=3), wanted, **tolerance)
    last = [typed[0], random(dims[-1]).astype(dtype)]
    wanted = expected((len(dims) - 1,), wide) * random(dims[-1])
    np.testing.assert_allclose(native("LayerNormalization", last), wanted, **tolerance)


def test_scalars_go_through() -> None:
    scalar = np.asarray(2.0, np.float32)
    assert native("Mul", [scalar, scalar]) == 4.0
    assert native("Max", [scalar, np.asarray([1.0, 3.0], np.float32)]).tolist() == [2.0, 3.0]


def test_a_broadcast_in_both_directions_over_many_axes() -> None:
    a, b = random(3, 1, 4, 1, 5), random(6, 1, 2, 1)
    for op in ("Add", "Max", "Pow"):
        np.testing.assert_allclose(native(op, [np.abs(a), b]), reference(op, [np.abs(a), b]), rtol=1e-5)
    condition = random(6, 4, 1, 5) > 0
    np.testing.assert_array_equal(native("Where", [condition, a, b]), np.where(condition, a, b))


@pytest.mark.parametrize("op", ["Elu", "Mish", "Softplus", "Abs", "Exp", "Selu", "Softsign", "Erf"])
def test_activations_run_inside_convolutions_and_in_their_layout(op: str) -> None:
    graph = aidge_core.sequential(
        [
            aidge_core.PaddedConv2D(3, 16, [3, 3], "conv", padding_dims=[1, 1, 1, 1]),
            getattr(aidge_core, op)("act"),
            aidge_core.PaddedConv2D(16, 4, [3, 3], "last", padding_dims=[1, 1, 1, 1]),
        ]
    )
    for name, dims in (("conv", [16, 3, 3, 3]), ("last", [4, 16, 3, 3])):
        weight = random(*dims, scale=0.3)
        graph.get_node(name).get_parent(1).get_operator().set_output(0, weight)
    graph.compile("cpu", dims=[[2, 3, 9, 8]])
    data = random(2, 3, 9, 8)
    scheduler = aidge_core.SequentialScheduler(graph)
    (result,) = scheduler.forward(data=[data])
    assert "Reorder" not in [step.type for step in scheduler.report().steps][:-1]
    (expected,) = aidge_onnx_run(graph, data)
    np.testing.assert_allclose(np.asarray(result), expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())


def aidge_onnx_run(graph: aidge_core.GraphView, data: Array) -> list[Array]:
    session = onnxruntime.InferenceSession(
        aidge_onnx.to_model_proto(graph, input_dims=[data.shape]).SerializeToString(),
        providers=["CPUExecutionProvider"],
    )
    return [np.asarray(value) for value in session.run(None, {session.get_inputs()[0].name: data})]
