"""Shapes of every operator family against ONNX's own shape inference, over generated attributes."""

from __future__ import annotations

import dataclasses
from typing import Any

import aidge_core
import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st

OPSET = 22
Dims = list[int]


@dataclasses.dataclass(frozen=True)
class Case:
    """One operator in both vocabularies: data inputs by dims, parameters as arrays."""

    type: str
    attributes: dict[str, Any]
    onnx_type: str
    onnx_attributes: dict[str, Any]
    inputs: list[Dims]
    params: list[np.ndarray] = dataclasses.field(default_factory=list)  # inputs of both
    onnx_params: list[np.ndarray] = dataclasses.field(default_factory=list)  # attributes here, inputs in ONNX
    dtype: str = "float32"


def onnx_dims(case: Case) -> Dims | None:
    """Dims by strict ONNX inference; None if it refuses, or where no window is left."""
    element = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(case.dtype))
    value = onnx.helper.make_tensor_value_info
    inputs = [value(f"x{i}", element, dims) for i, dims in enumerate(case.inputs)]
    arrays = [*case.params, *case.onnx_params]
    initializers = [onnx.numpy_helper.from_array(array, f"w{i}") for i, array in enumerate(arrays)]
    names = [f"x{i}" for i in range(len(inputs))] + [tensor.name for tensor in initializers]
    node = onnx.helper.make_node(case.onnx_type, names, ["y"], **case.onnx_attributes)
    graph = onnx.helper.make_graph([node], "g", inputs, [value("y", element, None)], initializers)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", OPSET)])
    try:
        inferred = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True)
    except onnx.shape_inference.InferenceError:
        return None
    shape = inferred.graph.output[0].type.tensor_type.shape
    dims = [d.dim_value if d.HasField("dim_value") else -1 for d in shape.dim]
    least = 1 if case.type[-1] == "D" else 0
    return None if any(d < least for d in dims) else dims


def our_dims(case: Case) -> Dims:
    node = aidge_core.make_node(
        case.type, case.attributes, name="node", nb_inputs=len(case.inputs) if case.type == "Concat" else 0
    )
    for i, array in enumerate(case.params):
        aidge_core.Producer(array, name=f"w{i}").add_child(node, 0, len(case.inputs) + i)
    graph = aidge_core.GraphView()
    graph.add(node)
    graph.forward_dims(case.inputs)
    return list(node.get_operator().get_output(0).dims)


def check(case: Case) -> None:
    """Both give the same dims, or both refuse."""
    expected = onnx_dims(case)
    if expected is None:
        with pytest.raises(ValueError, match=r"\[operator::"):
            our_dims(case)
    else:
        assert our_dims(case) == expected


# --- what is generated -----------------------------------------------------------------------------------


def ints(low: int, high: int, size: int) -> st.SearchStrategy[Dims]:
    return st.lists(st.integers(low, high), min_size=size, max_size=size)


def zeros(*dims: int) -> np.ndarray:
    return np.zeros(dims, np.float32)


auto_pads = st.sampled_from(["NOTSET", "NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"])
shapes = st.lists(st.integers(1, 5), max_size=5)


@dataclasses.dataclass(frozen=True)
class Window:
    ours: dict[str, Any]
    onnx: dict[str, Any]
    least: Dims  # smallest data that the window fits

    def data(self, draw: st.DrawFn, ceil: bool = False) -> Dims:
        # ONNX's inference truncates where it should round down, so it accepts windows that are too large.
        spare = [stride - 1 if ceil else 0 for stride in self.ours["stride_dims"]]
        return [draw(st.integers(max(1, low - s), 12)) for low, s in zip(self.least, spare, strict=True)]


@st.composite
def windows(draw: st.DrawFn, rank: int, kernel: Dims, pads_below_kernel: bool = False) -> Window:
    """Stride, dilation and padding; ONNX takes either pads or auto_pad."""
    stride, dilation = draw(ints(1, 4, rank)), draw(ints(1, 3, rank))
    auto_pad = draw(auto_pads)
    most = [(k - 1) * d if pads_below_kernel else 4 for k, d in zip(kernel, dilation, strict=True)]
    limits = [*most, *most] if auto_pad == "NOTSET" else [0] * 2 * rank
    pads = [draw(st.integers(0, limit)) for limit in limits]
    ours = {"stride_dims": stride, "dilation_dims": dilation, "padding_dims": pads, "auto_pad": auto_pad}
    theirs: dict[str, Any] = {"strides": stride, "dilations": dilation}
    theirs |= {"pads": pads} if auto_pad == "NOTSET" else {"auto_pad": auto_pad}
    padded = zip(kernel, dilation, pads, pads[rank:], strict=False)
    least = [max(1, (k - 1) * d + 1 - begin - end) for k, d, begin, end in padded]
    return Window(ours, theirs, [1] * rank if auto_pad.startswith("SAME") else least)


@st.composite
def convolutions(draw: st.DrawFn) -> Case:
    rank = draw(st.integers(1, 3))
    kernel = draw(ints(1, 4, rank))
    window = draw(windows(rank, kernel))
    groups, inside, outside = draw(ints(1, 3, 3))
    data = [draw(st.integers(1, 3)), groups * inside, *window.data(draw)]
    params = [zeros(groups * outside, inside, *kernel)]
    if draw(st.booleans()):
        params.append(zeros(groups * outside))
    ours = window.ours | {"groups": groups} | ({"kernel_dims": kernel} if draw(st.booleans()) else {})
    return Case(f"Conv{rank}D", ours, "Conv", window.onnx | {"group": groups}, [data], params)


@st.composite
def transposed_convolutions(draw: st.DrawFn) -> Case:
    rank = draw(st.integers(1, 3))
    kernel = draw(ints(1, 4, rank))
    window = draw(windows(rank, kernel))
    groups, inside, outside = draw(ints(1, 3, 3))
    spatial = draw(ints(1, 6, rank))
    ours, theirs = window.ours | {"groups": groups}, window.onnx | {"group": groups}
    if draw(st.booleans()):
        wanted = [extent + draw(st.integers(0, 8)) for extent in spatial]
        ours["output_shape"] = theirs["output_shape"] = wanted
    elif not window.ours["auto_pad"].startswith("SAME"):
        limits = zip(window.ours["stride_dims"], window.ours["dilation_dims"], strict=True)
        extra = [draw(st.integers(0, max(s, d) - 1)) for s, d in limits]
        ours["output_padding"] = theirs["output_padding"] = extra
    data = [draw(st.integers(1, 3)), groups * inside, *spatial]
    params = [zeros(groups * inside, outside, *kernel)]
    if draw(st.booleans()):
        params.append(zeros(groups * outside))
    return Case(f"ConvTranspose{rank}D", ours, "ConvTranspose", theirs, [data], params)


@st.composite
def poolings(draw: st.DrawFn) -> Case:
    rank = draw(st.integers(1, 3))
    kernel = draw(ints(1, 4, rank))
    window = draw(windows(rank, kernel, pads_below_kernel=True))
    ceil = draw(st.booleans())
    ours = window.ours | {"kernel_dims": kernel, "ceil_mode": ceil}
    theirs = window.onnx | {"kernel_shape": kernel, "ceil_mode": int(ceil)}
    data = [*draw(ints(1, 3, 2)), *window.data(draw, ceil)]
    if draw(st.booleans()):
        return Case(f"MaxPooling{rank}D", ours, "MaxPool", theirs, [data])
    counted = draw(st.booleans())
    ours, theirs = ours | {"count_include_pad": counted}, theirs | {"count_include_pad": int(counted)}
    return Case(f"AvgPooling{rank}D", ours, "AveragePool", theirs, [data])


@st.composite
def arithmetic(draw: st.DrawFn) -> Case:
    """Mostly dims that broadcast: one's extents are the other's, or 1; now and then they are not."""
    base = draw(shapes)
    shared = base[draw(st.integers(0, len(base))) :]
    other = [draw(st.sampled_from([extent, extent, 1, extent + 1])) for extent in shared]
    pair = [base, other] if draw(st.booleans()) else [other, base]
    kind = draw(st.sampled_from(["Add", "Sub", "Mul", "Div"]))
    return Case(kind, {}, kind, {}, pair, dtype=draw(st.sampled_from(["float32", "int64"])))


@st.composite
def matrix_products(draw: st.DrawFn) -> Case:
    rows, inner, columns = draw(ints(1, 4, 3))
    other = draw(st.sampled_from([inner, inner, inner, inner + 1]))
    leading = draw(st.lists(st.integers(1, 3), max_size=2))
    repeated = [draw(st.sampled_from([extent, 1])) for extent in leading]
    a = draw(st.sampled_from([[inner], [*leading, rows, inner]]))
    b = draw(st.sampled_from([[other], [*repeated, other, columns]]))
    return Case("MatMul", {}, "MatMul", {}, [a, b])


@st.composite
def gemms(draw: st.DrawFn) -> Case:
    rows, inner, columns = draw(ints(1, 4, 3))
    trans_a, trans_b = draw(st.booleans()), draw(st.booleans())
    a = [inner, rows] if trans_a else [rows, inner]
    b = [columns, inner] if trans_b else [inner, columns]
    if draw(st.integers(0, 3)) == 0:
        b = [b[0] + 1, b[1] + 1]
    ours = {"trans_a": trans_a, "trans_b": trans_b}
    theirs = {"transA": int(trans_a), "transB": int(trans_b)}
    return Case("Gemm", ours, "Gemm", theirs, [a, b])


@st.composite
def concatenations(draw: st.DrawFn) -> Case:
    dims = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    axis = draw(st.integers(-len(dims), len(dims) - 1))
    parts = [[*dims] for _ in range(draw(st.integers(1, 4)))]
    for part in parts:
        part[axis] = draw(st.integers(0, 4))
        if draw(st.integers(0, 9)) == 0:
            part[0] += 1
    return Case("Concat", {"axis": axis}, "Concat", {"axis": axis}, parts)


@st.composite
def flattenings(draw: st.DrawFn) -> Case:
    dims = draw(shapes)
    axis = {"axis": draw(st.integers(-len(dims), len(dims)))}
    return Case("Flatten", axis, "Flatten", axis, [dims])


@st.composite
def reshapings(draw: st.DrawFn) -> Case:
    dims = draw(st.lists(st.sampled_from([1, 2, 3, 4, 6]), max_size=4))
    shape = draw(st.permutations(dims))
    for i in range(len(shape)):
        if draw(st.booleans()) and i < len(dims) and shape[i] == dims[i]:
            shape[i] = 0
    if len(shape) > 0 and draw(st.booleans()):
        shape[draw(st.integers(0, len(shape) - 1))] = -1
    ours = {"shape": shape, "allowzero": False}
    return Case("Reshape", ours, "Reshape", {}, [dims], onnx_params=[np.array(shape, np.int64)])


@st.composite
def transpositions(draw: st.DrawFn) -> Case:
    dims = draw(shapes)
    order = draw(st.permutations(range(len(dims))))
    if not order or draw(st.booleans()):
        return Case("Transpose", {}, "Transpose", {}, [dims])
    return Case("Transpose", {"output_dims_order": order}, "Transpose", {"perm": order}, [dims])


@st.composite
def squeezings(draw: st.DrawFn) -> Case:
    dims = draw(st.lists(st.sampled_from([1, 1, 2]), min_size=1, max_size=5))
    axes = draw(st.lists(st.integers(0, len(dims) - 1), unique=True))
    axes = [axis - len(dims) if draw(st.booleans()) else axis for axis in axes]
    extra = [np.array(axes, np.int64)] if axes else []
    return Case("Squeeze", {"axes": axes}, "Squeeze", {}, [dims], onnx_params=extra)


@st.composite
def unsqueezings(draw: st.DrawFn) -> Case:
    dims = draw(shapes)
    rank = len(dims) + draw(st.integers(1, 3))
    axes = draw(st.permutations(range(rank)))[: rank - len(dims)]
    axes = [axis - rank if draw(st.booleans()) else axis for axis in axes]
    return Case("Unsqueeze", {"axes": axes}, "Unsqueeze", {}, [dims], onnx_params=[np.array(axes, np.int64)])


@st.composite
def paddings(draw: st.DrawFn) -> Case:
    dims = draw(st.lists(st.integers(2, 5), min_size=1, max_size=4))
    axes = draw(st.lists(st.integers(0, len(dims) - 1), unique=True))
    axes = [axis - len(dims) if draw(st.booleans()) else axis for axis in axes]
    mode = draw(st.sampled_from(["constant", "reflect", "edge", "wrap"]))
    pads = draw(ints(-1 if mode == "constant" else 0, 1, 2 * (len(axes) or len(dims))))
    extra: list[np.ndarray] = [np.array(pads, np.int64), np.array(0.0, np.float32)]
    if axes:
        extra.append(np.array(axes, np.int64))
    ours = {"pads": pads, "mode": mode, "axes": axes}
    return Case("Pad", ours, "Pad", {"mode": mode}, [dims], onnx_params=extra)


@st.composite
def reductions(draw: st.DrawFn) -> Case:
    dims = draw(shapes)
    axes = draw(st.lists(st.integers(0, len(dims) - 1), unique=True)) if dims else []
    axes = [axis - len(dims) if draw(st.booleans()) else axis for axis in axes]
    keep, noop = draw(st.booleans()), draw(st.booleans())
    ours = {"axes": axes, "keep_dims": keep, "noop_with_empty_axes": noop}
    theirs = {"keepdims": int(keep), "noop_with_empty_axes": int(noop)}
    extra = [np.array(axes, np.int64)] if axes else []
    return Case("ReduceMean", ours, "ReduceMean", theirs, [dims], onnx_params=extra)


@st.composite
def channelwise(draw: st.DrawFn) -> Case:
    """Operators of (batch, channels, spatial …)."""
    dims = draw(st.lists(st.integers(1, 4), min_size=3, max_size=5))
    channels = dims[1]
    return draw(
        st.sampled_from(
            [
                Case("BatchNorm2D", {}, "BatchNormalization", {}, [dims], [zeros(channels)] * 4),
                Case("PReLU", {}, "PRelu", {}, [dims], [zeros(channels, *[1] * (len(dims) - 2))]),
                Case("LRN", {"size": 3}, "LRN", {"size": 3}, [dims]),
                Case("GlobalAveragePooling", {}, "GlobalAveragePool", {}, [dims]),
                Case("Softmax", {"axis": -2}, "Softmax", {"axis": -2}, [dims]),
            ]
        )
    )


ELEMENTWISE = {
    "ReLU": "Relu",
    "Sigmoid": "Sigmoid",
    "Tanh": "Tanh",
    "HardSwish": "HardSwish",
    "LeakyReLU": "LeakyRelu",
    "GeLU": "Gelu",
    "Clip": "Clip",
    "HardSigmoid": "HardSigmoid",
    "Identity": "Identity",
    "Dropout": "Dropout",
}


@st.composite
def elementwise(draw: st.DrawFn) -> Case:
    kind = draw(st.sampled_from(sorted(ELEMENTWISE)))
    return Case(kind, {}, ELEMENTWISE[kind], {}, [draw(shapes)])


# --- the same dims as ONNX -------------------------------------------------------------------------------


@given(convolutions())
def test_a_convolution_has_the_dims_that_onnx_infers(case: Case) -> None:
    check(case)


@given(transposed_convolutions())
def test_a_transposed_convolution_has_the_dims_that_onnx_infers(case: Case) -> None:
    check(case)


@given(poolings())
def test_a_pooling_has_the_dims_that_onnx_infers(case: Case) -> None:
    check(case)


@given(st.one_of(arithmetic(), matrix_products(), gemms(), concatenations()))
def test_an_operator_of_several_inputs_has_the_dims_that_onnx_infers(case: Case) -> None:
    check(case)


@given(st.one_of(flattenings(), reshapings(), transpositions(), squeezings(), unsqueezings()))
def test_a_shape_operator_has_the_dims_that_onnx_infers(case: Case) -> None:
    check(case)


@given(st.one_of(paddings(), reductions()))
def test_padding_and_reduction_have_the_dims_that_onnx_infers(case: Case) -> None:
    check(case)


@given(st.one_of(channelwise(), elementwise()))
def test_an_operator_that_keeps_its_shape_has_the_dims_that_onnx_infers(case: Case) -> None:
    check(case)


HOSTILE = [0, -1, 2**31, 2**63 - 1, -(2**63)]


@given(st.data())
def test_hostile_attributes_end_in_value_error_or_in_sensible_dims(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(["Conv2D", "ConvTranspose2D", "MaxPooling2D", "AvgPooling2D"]))
    number = st.sampled_from([1, 2, 3, *HOSTILE])
    attributes: dict[str, Any] = {"kernel_dims": [2, 2]}
    names = ["kernel_dims", "stride_dims", "dilation_dims", "padding_dims"]
    names += ["output_padding", "output_shape"] if kind == "ConvTranspose2D" else []
    for name in data.draw(st.lists(st.sampled_from(names), unique=True)):
        attributes[name] = data.draw(st.lists(number, max_size=5))
    if kind.startswith("Conv"):
        attributes["groups"] = data.draw(number)
    params = [zeros(2, 2, 2, 2)] if kind.startswith("Conv") else []
    case = Case(kind, attributes, "", {}, [[1, 2, 5, 5]], params)
    try:
        dims = our_dims(case)
    except ValueError:
        dims = [1]
    assert all(0 < extent < 2**33 for extent in dims)
