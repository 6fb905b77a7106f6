"""Every native kernel with drawn shapes and attributes against ONNX Runtime, alone or behind a convolution.

Behind a convolution tensors have the memory order that convolutions like, so that kernels which take either
order meet both.
"""

from __future__ import annotations

from typing import Any

import aidge_backend_cpu  # noqa: F401  (registers the kernels)
import numpy as np
import pytest
from helpers.kernels import (
    KERNELS,
    OPSET,
    TOLERANCE,
    Array,
    check,
    expected_of,
    extents,
    floats,
    images,
    lists,
    make_model,
    result_of,
    seeds,
    tensors,
    windows,
)
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from onnx import helper

pytestmark = pytest.mark.instruction_set

# ---- convolutions, pooling, products -------------------------------------------------------------


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
