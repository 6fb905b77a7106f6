"""Every native kernel with drawn shapes and attributes against ONNX Runtime, alone or behind a convolution.

Behind a convolution tensors have the memory order that convolutions like, so that kernels which take either
order meet both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import aidge_backend_cpu  # noqa: F401  (registers the kernels)
import aidge_core
import aidge_onnx
import numpy as np
import numpy.typing as npt
import onnxruntime
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

pytestmark = pytest.mark.instruction_set

TOLERANCE = 2e-5
OPSET = 20

Array = npt.NDArray[Any]
settings.register_profile("kernels", max_examples=40, deadline=None)
KERNELS = settings.get_profile("kernels")

seeds = st.integers(0, 2**16)
extents = st.integers(1, 9)
channels = st.sampled_from([1, 2, 3, 5, 8, 16, 17, 33])


def floats(seed: int, shape: Sequence[int], scale: float = 1.0) -> Array:
    return np.asarray(np.random.default_rng(seed).standard_normal(tuple(shape)) * scale, np.float32)


def make_model(
    nodes: list[NodeProto], inputs: dict[str, Array], weights: dict[str, Array], opset: int
) -> ModelProto:
    kinds = {np.dtype(np.float32): TensorProto.FLOAT, np.dtype(np.float64): TensorProto.DOUBLE}
    kinds |= {np.dtype(np.int32): TensorProto.INT32, np.dtype(np.int64): TensorProto.INT64}
    graph = helper.make_graph(
        nodes,
        "one_node",
        [
            helper.make_tensor_value_info(name, kinds[array.dtype], array.shape)
            for name, array in inputs.items()
        ],
        [helper.make_tensor_value_info("y", kinds[next(iter(inputs.values())).dtype], None)],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)


def expected_of(model: ModelProto, inputs: dict[str, Array]) -> Array:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return np.asarray(session.run(["y"], inputs)[0])


def result_of(model: ModelProto, inputs: dict[str, Array]) -> Array:
    graph = aidge_onnx.load_onnx(model)
    assert not [node.name() for node in graph.get_ordered_nodes() if node.get_operator().is_generic()]
    graph.compile("cpu", dims=[list(array.shape) for array in inputs.values()])
    return np.asarray(aidge_core.SequentialScheduler(graph).forward(data=list(inputs.values()))[0])


def check(
    kind: str,
    inputs: dict[str, Array],
    weights: dict[str, Array] | None = None,
    behind: bool = False,
    opset: int = OPSET,
    names: list[str] | None = None,
    **attributes: Any,
) -> None:
    """Runs one node on `inputs` and `weights`, in this order or as `names` says.

    `behind`: the first input comes out of a convolution.
    """
    weights = dict(weights or {})
    names = names if names is not None else [*inputs, *weights]
    nodes = []
    first = next(iter(inputs))
    if behind and inputs[first].ndim in (3, 4, 5):
        count = inputs[first].shape[1]
        weights["conv_w"] = floats(1, (count, count, *[1] * (inputs[first].ndim - 2))) / np.float32(
            count**0.5
        )
        nodes.append(helper.make_node("Conv", [first, "conv_w"], ["before"]))
        names = ["before" if name == first else name for name in names]
    nodes.append(helper.make_node(kind, names, ["y"], **attributes))
    model = make_model(nodes, inputs, weights, opset)
    expected = expected_of(model, inputs)
    got = result_of(model, inputs)
    assert got.shape == expected.shape
    assert got.dtype == expected.dtype
    # The maximum of a window that lies in the padding alone is left open by ONNX.
    nothing = expected == np.finfo(np.float32).min if kind == "MaxPool" else np.zeros(expected.shape, bool)
    got, expected = np.where(nothing, 0, got), np.where(nothing, 0, expected)
    scale = max(1.0, float(np.max(np.abs(expected), initial=0.0)))
    np.testing.assert_allclose(got, expected, rtol=TOLERANCE, atol=TOLERANCE * scale)


@st.composite
def images(draw: st.DrawFn, low: int = 1, high: int = 3) -> Array:
    """A batch of images of one to three spatial axes."""
    axes = draw(st.integers(low, high))
    shape = (draw(st.integers(1, 3)), draw(channels), *[draw(extents) for _ in range(axes)])
    return floats(draw(seeds), shape)


@st.composite
def tensors(draw: st.DrawFn, low: int = 1, high: int = 5) -> Array:
    return floats(draw(seeds), [draw(st.integers(1, 6)) for _ in range(draw(st.integers(low, high)))], 3.0)


def lists(draw: Callable[[st.SearchStrategy[int]], int], low: int, high: int, size: int) -> list[int]:
    return [draw(st.integers(low, high)) for _ in range(size)]


# ---- convolutions, pooling, products -------------------------------------------------------------


@st.composite
def windows(draw: st.DrawFn, spatial: Sequence[int], pads: bool = True) -> dict[str, Any]:
    """Kernel, strides, dilations and pads that fit an image."""
    axes = len(spatial)
    kernel = [draw(st.integers(1, min(4, extent + 1))) for extent in spatial]
    attributes: dict[str, Any] = {"kernel_shape": kernel, "strides": lists(draw, 1, 3, axes)}
    if draw(st.booleans()):
        attributes["dilations"] = lists(draw, 1, 2, axes)
    mode = draw(st.sampled_from(["pads", "none", "SAME_UPPER", "SAME_LOWER", "VALID"]))
    if mode == "pads" and pads:
        attributes["pads"] = [draw(st.integers(0, k - 1)) for k in kernel * 2]
    elif mode not in ("pads", "none"):
        attributes["auto_pad"] = mode
        if mode != "VALID":
            attributes.pop("dilations", None)
            attributes["strides"] = [min(k, s) for k, s in zip(kernel, attributes["strides"], strict=True)]
    padding = attributes.get("pads", [0] * 2 * axes)
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, attributes.get("dilations", [1] * axes), strict=True)]
    if mode in ("pads", "none", "VALID"):
        assume(all(spatial[i] + padding[i] + padding[i + axes] >= reach[i] for i in range(axes)))
    return attributes


@KERNELS
@given(st.data())
def test_convolutions_of_any_shape_agree(data: st.DataObject) -> None:
    groups = data.draw(st.sampled_from([1, 1, 2, 3, 8]))
    inside, outside = groups * data.draw(st.integers(1, 4)), groups * data.draw(st.integers(1, 5))
    x = floats(
        data.draw(seeds),
        (
            data.draw(st.integers(1, 3)),
            inside,
            *[data.draw(extents) for _ in range(data.draw(st.integers(1, 3)))],
        ),
    )
    attributes = data.draw(windows(x.shape[2:]))
    weights = {"w": floats(1, (outside, inside // groups, *attributes["kernel_shape"])) / 3}
    if data.draw(st.booleans()):
        weights["b"] = floats(2, (outside,))
    check("Conv", {"x": x}, weights, data.draw(st.booleans()), group=groups, **attributes)


@KERNELS
@given(st.data())
def test_three_by_three_convolutions_agree(data: st.DataObject) -> None:
    """The ones that may run as Winograd's."""
    size = data.draw(st.sampled_from([4, 7, 8, 15, 16, 28, 30]))
    inside, outside = data.draw(st.sampled_from([3, 8, 16, 64])), data.draw(st.sampled_from([8, 16, 30, 64]))
    x = floats(
        data.draw(seeds),
        (data.draw(st.sampled_from([1, 3, 8])), inside, size, size + data.draw(st.integers(0, 2))),
    )
    weights = {
        "w": floats(1, (outside, inside, 3, 3)) / np.float32(3 * inside**0.5),
        "b": floats(2, (outside,)),
    }
    check("Conv", {"x": x}, weights, data.draw(st.booleans()), pads=[data.draw(st.integers(0, 1))] * 4)


@KERNELS
@given(st.data())
def test_depthwise_convolutions_agree(data: st.DataObject) -> None:
    x = data.draw(images())
    attributes = data.draw(windows(x.shape[2:]))
    weights = {"w": floats(1, (x.shape[1], 1, *attributes["kernel_shape"])), "b": floats(2, (x.shape[1],))}
    check("Conv", {"x": x}, weights, data.draw(st.booleans()), group=x.shape[1], **attributes)


@KERNELS
@given(st.data())
def test_transposed_convolutions_agree(data: st.DataObject) -> None:
    groups = data.draw(st.sampled_from([1, 1, 2]))
    axes = data.draw(st.integers(1, 3))
    inside, outside = groups * data.draw(st.integers(1, 5)), groups * data.draw(st.integers(1, 5))
    x = floats(
        data.draw(seeds),
        (data.draw(st.integers(1, 3)), inside, *[data.draw(st.integers(1, 6)) for _ in range(axes)]),
    )
    kernel, strides = lists(data.draw, 1, 4, axes), lists(data.draw, 1, 3, axes)
    attributes: dict[str, Any] = {"kernel_shape": kernel, "strides": strides, "group": groups}
    if data.draw(st.booleans()):
        attributes["output_padding"] = [data.draw(st.integers(0, stride - 1)) for stride in strides]
    if data.draw(st.booleans()):
        attributes["pads"] = [data.draw(st.integers(0, k - 1)) for k in kernel * 2]
        sizes = [
            (x.shape[i + 2] - 1) * strides[i]
            + kernel[i]
            - attributes["pads"][i]
            - attributes["pads"][i + axes]
            for i in range(axes)
        ]
        assume(all(size > 0 for size in sizes))
    weights = {"w": floats(1, (inside, outside // groups, *kernel)), "b": floats(2, (outside,))}
    check("ConvTranspose", {"x": x}, weights, data.draw(st.booleans()), **attributes)


@KERNELS
@given(st.data())
def test_maximum_pooling_agrees(data: st.DataObject) -> None:
    x = data.draw(images())
    attributes = data.draw(windows(x.shape[2:]))
    check(
        "MaxPool",
        {"x": x},
        None,
        data.draw(st.booleans()),
        ceil_mode=data.draw(st.integers(0, 1)),
        **attributes,
    )


@KERNELS
@given(st.data())
def test_average_pooling_agrees(data: st.DataObject) -> None:
    x = data.draw(images())
    attributes = data.draw(windows(x.shape[2:]))
    padded = data.draw(st.integers(0, 1))
    check(
        "AveragePool",
        {"x": x},
        None,
        data.draw(st.booleans()),
        count_include_pad=padded,
        opset=19,
        **attributes,
    )


@KERNELS
@given(images(), st.booleans())
def test_global_average_pooling_agrees(x: Array, behind: bool) -> None:
    check("GlobalAveragePool", {"x": x}, None, behind)


@KERNELS
@given(st.data())
def test_gemm_agrees(data: st.DataObject) -> None:
    rows, inner, columns = (data.draw(st.integers(1, 40)) for _ in range(3))
    transposed = (data.draw(st.booleans()), data.draw(st.booleans()))
    a = floats(1, (inner, rows) if transposed[0] else (rows, inner))
    b = floats(2, (columns, inner) if transposed[1] else (inner, columns))
    shape: tuple[int, ...] = data.draw(
        st.sampled_from([(), (1,), (columns,), (1, columns), (rows, 1), (rows, columns)])
    )
    constants = {"b": b, "c": floats(3, shape)} if data.draw(st.booleans()) else {"c": floats(3, shape)}
    inputs = {"a": a} if "b" in constants else {"a": a, "b": b}
    factors: dict[str, Any] = {
        "alpha": data.draw(st.sampled_from([1.0, 0.5, -2.0])),
        "beta": data.draw(st.sampled_from([1.0, 0.0, 0.3])),
    }
    check(
        "Gemm",
        inputs,
        constants,
        names=["a", "b", "c"],
        transA=int(transposed[0]),
        transB=int(transposed[1]),
        **factors,
    )


@KERNELS
@given(st.data())
def test_matrix_products_broadcast(data: st.DataObject) -> None:
    rows, inner, columns = (data.draw(st.integers(1, 20)) for _ in range(3))
    stack = lists(data.draw, 1, 4, data.draw(st.integers(0, 2)))
    one = [data.draw(st.sampled_from([1, extent])) for extent in stack]
    other = stack[data.draw(st.integers(0, len(stack))) :]
    a = floats(1, (inner,) if data.draw(st.integers(0, 5)) == 0 else (*one, rows, inner))
    b = floats(2, (inner,) if data.draw(st.integers(0, 5)) == 0 else (*other, inner, columns))
    constant = data.draw(st.booleans())
    check("MatMul", {"a": a} if constant else {"a": a, "b": b}, {"b": b} if constant else {})


# ---- element by element --------------------------------------------------------------------------

ACTIVATIONS: dict[str, dict[str, Any]] = {
    "Relu": {},
    "LeakyRelu": {"alpha": 0.2},
    "Sigmoid": {},
    "Tanh": {},
    "HardSigmoid": {"alpha": 0.3, "beta": 0.4},
    "HardSwish": {},
    "Gelu": {"approximate": "none"},
    "Identity": {},
}


@pytest.mark.parametrize("kind", ACTIVATIONS)
@given(x=images(), behind=st.booleans())
@settings(max_examples=15)
def test_activations_agree(kind: str, x: Array, behind: bool) -> None:
    check(kind, {"x": x * 4}, None, behind, **ACTIVATIONS[kind])


@settings(max_examples=15)
@given(images(), st.booleans())
def test_the_tanh_form_of_gelu_agrees(x: Array, behind: bool) -> None:
    check("Gelu", {"x": x * 4}, None, behind, approximate="tanh")


@settings(max_examples=15)
@given(images(), st.booleans(), st.sampled_from([("min", "max"), ("min", ""), ("", "max")]))
def test_clip_with_any_of_its_bounds_agrees(x: Array, behind: bool, bounds: tuple[str, str]) -> None:
    weights = {
        name: np.float32(value).reshape(()) for name, value in (("min", -0.5), ("max", 1.0)) if name in bounds
    }
    check("Clip", {"x": x}, weights, behind, names=["x", *bounds])


@KERNELS
@given(st.data())
def test_prelu_with_any_slope_agrees(data: st.DataObject) -> None:
    x = data.draw(images(2, 2))
    slope = data.draw(
        st.sampled_from([(1,), (x.shape[1], 1, 1), x.shape[1:], (x.shape[3],), (1, x.shape[1], 1, 1)])
    )
    check("PRelu", {"x": x}, {"slope": floats(3, slope)}, data.draw(st.booleans()))


@pytest.mark.parametrize("kind", ["Add", "Sub", "Mul", "Div"])
@settings(max_examples=30)
@given(data=st.data())
def test_arithmetic_broadcasts(kind: str, data: st.DataObject) -> None:
    x = data.draw(images())
    shape = [data.draw(st.sampled_from([1, extent])) for extent in x.shape][
        data.draw(st.integers(0, x.ndim)) :
    ]
    y = floats(5, shape)
    y = np.asarray(y + np.where(y < 0, np.float32(-0.5), np.float32(0.5)))
    constant, swapped = data.draw(st.booleans()), data.draw(st.booleans())
    inputs, weights = ({"x": x}, {"b": y}) if constant else ({"x": x, "b": y}, {})
    if swapped and kind == "Div":
        return
    check(kind, inputs, weights, data.draw(st.booleans()), names=["b", "x"] if swapped else ["x", "b"])


@pytest.mark.parametrize("shape", [(4, 1, 1, 1), (4, 1, 3, 3), (4, 8, 1, 1), (4, 8, 3, 3)])
@pytest.mark.parametrize("kind", ["Add", "Sub", "Mul", "Div", "PRelu", "Concat"])
def test_a_constant_may_hold_a_value_an_image(kind: str, shape: tuple[int, ...]) -> None:
    size = 6 if shape[2] == 1 and kind != "Concat" else shape[2]
    x = floats(1, (4, shape[1], size, size))
    attributes = {"axis": 1} if kind == "Concat" else {}
    constant = floats(2, shape)
    check(kind, {"x": x}, {"b": np.where(constant < 0, constant - 1, constant + 1)}, True, **attributes)


@settings(max_examples=20)
@given(images(), images(), st.booleans())
def test_both_operands_may_repeat(x: Array, y: Array, behind: bool) -> None:
    common = min(x.ndim, y.ndim)
    shape = [b if i % 2 else 1 for i, b in enumerate(x.shape[:common])]
    other = [1 if i % 2 else b for i, b in enumerate(y.shape[:common])]
    check("Add", {"x": floats(1, shape), "b": floats(2, other)}, None, behind)


@KERNELS
@given(st.data())
def test_batch_normalisation_agrees(data: st.DataObject) -> None:
    x = data.draw(st.one_of(images(), tensors(2, 2)))
    count = (x.shape[1],)
    weights = {
        "s": floats(1, count),
        "b": floats(2, count),
        "m": floats(3, count),
        "v": np.abs(floats(4, count)) + np.float32(0.1),
    }
    check(
        "BatchNormalization",
        {"x": x},
        weights,
        data.draw(st.booleans()),
        epsilon=data.draw(st.sampled_from([1e-5, 1e-2])),
    )


@KERNELS
@given(st.data())
def test_softmax_along_any_axis_agrees(data: st.DataObject) -> None:
    x = data.draw(tensors())
    check(
        "Softmax", {"x": x}, None, data.draw(st.booleans()), axis=data.draw(st.integers(-x.ndim, x.ndim - 1))
    )


@KERNELS
@given(st.data())
def test_local_response_normalisation_agrees(data: st.DataObject) -> None:
    x = data.draw(images(2, 2))
    attributes: dict[str, Any] = {"alpha": 0.2, "beta": data.draw(st.sampled_from([0.5, 0.75])), "bias": 1.3}
    check(
        "LRN",
        {"x": x},
        None,
        data.draw(st.booleans()),
        size=data.draw(st.sampled_from([1, 3, 5, 9])),
        **attributes,
    )


# ---- moving data, reducing -----------------------------------------------------------------------


@KERNELS
@given(st.data())
def test_concat_along_any_axis_agrees(data: st.DataObject) -> None:
    x = data.draw(tensors())
    axis = data.draw(st.integers(-x.ndim, x.ndim - 1))
    inputs = {"x": x}
    for i in range(data.draw(st.integers(0, 3))):
        shape = list(x.shape)
        shape[axis] = data.draw(st.integers(1, 5))
        inputs[f"x{i}"] = floats(i, shape)
    check("Concat", inputs, None, data.draw(st.booleans()), axis=axis)


@KERNELS
@given(st.data())
def test_transpose_agrees(data: st.DataObject) -> None:
    x = data.draw(tensors())
    check(
        "Transpose", {"x": x}, None, data.draw(st.booleans()), perm=data.draw(st.permutations(range(x.ndim)))
    )


@KERNELS
@given(st.data())
def test_flatten_and_reshape_agree(data: st.DataObject) -> None:
    x = data.draw(tensors())
    behind = data.draw(st.booleans())
    check("Flatten", {"x": x}, None, behind, axis=data.draw(st.integers(0, x.ndim)))
    check("Reshape", {"x": x}, {"shape": np.asarray([0, -1], np.int64)}, behind)
    check("Reshape", {"x": x}, {"shape": np.asarray([*x.shape[::-1], 1], np.int64)}, behind)


@KERNELS
@given(st.data())
def test_squeeze_and_unsqueeze_agree(data: st.DataObject) -> None:
    x = data.draw(tensors(1, 4))
    axis = data.draw(st.integers(0, x.ndim))
    check("Unsqueeze", {"x": x}, {"axes": np.asarray([axis], np.int64)}, data.draw(st.booleans()))
    widened = np.expand_dims(x, axis)
    check(
        "Squeeze",
        {"x": widened},
        {"axes": np.asarray([axis - widened.ndim], np.int64)},
        data.draw(st.booleans()),
    )


@pytest.mark.parametrize("mode", ["constant", "reflect", "edge", "wrap"])
@settings(max_examples=25)
@given(data=st.data())
def test_pad_agrees(mode: str, data: st.DataObject) -> None:
    x = data.draw(tensors(1, 4))
    low = -1 if mode == "constant" and min(x.shape) > 2 else 0
    pads = [
        data.draw(st.integers(low, min(3, extent - 1) if mode != "constant" else 3)) for extent in x.shape * 2
    ]
    weights = {"pads": np.asarray(pads, np.int64)}
    if mode == "constant":
        weights["value"] = np.float32(data.draw(st.sampled_from([0.0, -1.5]))).reshape(())
    check("Pad", {"x": x}, weights, data.draw(st.booleans()), mode=mode)


@KERNELS
@given(st.data())
def test_reduce_mean_over_any_axes_agrees(data: st.DataObject) -> None:
    x = data.draw(tensors())
    axes = sorted(data.draw(st.sets(st.integers(0, x.ndim - 1), min_size=1)))
    keep = data.draw(st.integers(0, 1))
    check(
        "ReduceMean", {"x": x}, {"axes": np.asarray(axes, np.int64)}, data.draw(st.booleans()), keepdims=keep
    )


# ---- graphs in which kernels take work of others in ----------------------------------------------


@settings(max_examples=25)
@given(st.data())
def test_chains_that_one_kernel_may_run_agree(data: st.DataObject) -> None:
    """Batch normalisation, an activation, an addition, a gate and a convolution, some with a second user."""
    x = data.draw(images(2, 2))
    count = (x.shape[1],)
    weights = {
        "s": floats(1, count),
        "b": floats(2, count),
        "m": floats(3, count),
        "v": np.abs(floats(4, count)) + np.float32(0.1),
    }
    nodes = [helper.make_node("BatchNormalization", ["x", "s", "b", "m", "v"], ["n"])]
    nodes.append(helper.make_node(data.draw(st.sampled_from(["Relu", "HardSwish", "Tanh"])), ["n"], ["a"]))
    nodes.append(helper.make_node("Add", ["a", data.draw(st.sampled_from(["x", "n"]))], ["c"]))
    nodes.append(helper.make_node("Sigmoid", ["c"], ["g"]))
    nodes.append(helper.make_node("Mul", ["c", "g"], ["f"]))
    weights["w"] = floats(5, (4, x.shape[1], 1, 1))
    nodes.append(helper.make_node("Conv", ["f", "w"], ["h"]))
    nodes.append(helper.make_node("Relu", ["h"], ["y"]))
    model = make_model(nodes, {"x": x}, weights, OPSET)
    expected = expected_of(model, {"x": x})
    got = result_of(model, {"x": x})
    np.testing.assert_allclose(
        got, expected, rtol=TOLERANCE, atol=TOLERANCE * max(1.0, float(np.abs(expected).max()))
    )
