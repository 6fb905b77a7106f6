"""A kernel with drawn shapes and attributes against ONNX Runtime: how one is run, and the strategies that draw."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import aidge_backend_cpu  # noqa: F401  (registers the kernels)
import aidge_core
import aidge_onnx
import numpy as np
import numpy.typing as npt
import onnxruntime
from hypothesis import assume, settings
from hypothesis import strategies as st
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from helpers.toy import info, model_of

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
    starts = [info(name, array.shape, kinds[array.dtype]) for name, array in inputs.items()]
    ends = [info("y", None, kinds[next(iter(inputs.values())).dtype])]
    constants = [numpy_helper.from_array(array, name) for name, array in weights.items()]
    return model_of(nodes, constants, starts, ends, opset=opset, ir_version=9)


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
