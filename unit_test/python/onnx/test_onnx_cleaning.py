"""What the importer takes out and puts together, each with a twin that must stay; outputs are those of the file."""

from __future__ import annotations

from typing import Any

import aidge_onnx
import numpy as np
import onnx
import pytest
from helpers.networks import Network, networks, run_ort, same
from helpers.toy import model_of
from hypothesis import HealthCheck, Phase, given, settings
from onnx import TensorProto, helper

FLOAT = TensorProto.FLOAT
RANDOM = np.random.default_rng(7)
node = helper.make_node


def values(*dims: int) -> np.ndarray:
    return RANDOM.standard_normal(dims).astype(np.float32)


def info(name: str, dims: Any, kind: int = FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, dims)


def types(
    nodes: list[Any], constants: dict[str, Any] | None = None, outputs: tuple[str, ...] = ("y",), **parts: Any
) -> list[str]:
    """Operator types after import; checks that export computes what the file does, for two batches."""
    dims = parts.get("dims", ["n", 3, 6, 6])
    initialisers = [onnx.numpy_helper.from_array(np.asarray(v), k) for k, v in (constants or {}).items()]
    proto = onnx.shape_inference.infer_shapes(
        model_of(
            nodes,
            initialisers,
            {"x": dims},
            dict.fromkeys(outputs),
            opset=parts.get("opset", 17),
            ir_version=9,
        )
    )
    made = aidge_onnx.load_onnx(proto)
    written = aidge_onnx.to_model_proto(made)
    assert [value.name for value in written.graph.output] == list(outputs)
    feeds = [{"x": values(batch, *(6 if isinstance(d, str) else d for d in dims[1:]))} for batch in (2, 3)]
    for one, other in zip(run_ort(proto, *feeds), run_ort(written, *feeds), strict=True):
        assert all(same(a, b) for a, b in zip(one, other, strict=True))
    return [n.type() for n in made.get_ordered_nodes() if not n.get_operator().is_producer()]


def number(value: float) -> np.ndarray:
    return np.asarray(value, np.float32)


def between(middle: list[Any], constants: dict[str, Any] | None = None, **parts: Any) -> list[str]:
    """The types of what is left of `middle` (from "a" to "b") between a Sigmoid and a Tanh."""
    found = types([node("Sigmoid", ["x"], ["a"]), *middle, node("Tanh", ["b"], ["y"])], constants, **parts)
    assert (found[0], found[-1]) == ("Sigmoid", "Tanh")
    return found[1:-1]


# --- what does nothing --------------------------------------------------------------------------------------
NOTHING: dict[str, tuple[list[Any], dict[str, Any]]] = {
    "Identity": ([node("Identity", ["a"], ["b"])], {}),
    "Dropout": ([node("Dropout", ["a", "r"], ["b"])], {"r": number(0.5)}),
    "Cast": ([node("Cast", ["a"], ["b"], to=FLOAT)], {}),
    "Reshape": ([node("Reshape", ["a", "s"], ["b"])], {"s": np.asarray([0, 3, 6, 6])}),
    "Reshape with -1": ([node("Reshape", ["a", "s"], ["b"])], {"s": np.asarray([-1, 3, 6, 6])}),
    "Transpose": ([node("Transpose", ["a"], ["b"], perm=[0, 1, 2, 3])], {}),
    "Pad": ([node("Pad", ["a", "p"], ["b"])], {"p": np.zeros(8, np.int64)}),
    "Slice": (
        [node("Slice", ["a", "z", "m", "t"], ["b"])],
        {"z": np.asarray([0]), "m": np.asarray([2**63 - 1]), "t": np.asarray([2])},
    ),
    "Concat": ([node("Concat", ["a"], ["b"], axis=1)], {}),
    "Expand": ([node("Expand", ["a", "e"], ["b"])], {"e": np.asarray([1, 1, 1, 1])}),
    "several": ([node("Identity", ["a"], ["i"]), node("Cast", ["i"], ["b"], to=FLOAT)], {}),
}
SOMETHING: dict[str, tuple[list[Any], dict[str, Any]]] = {
    "Reshape": ([node("Reshape", ["a", "s"], ["b"])], {"s": np.asarray([0, 6, 3, 6])}),
    "Transpose": ([node("Transpose", ["a"], ["b"], perm=[0, 1, 3, 2])], {}),
    "Pad": ([node("Pad", ["a", "p"], ["b"])], {"p": np.asarray([0, 0, 1, 0, 0, 0, 0, 0])}),
    "Slice": (
        [node("Slice", ["a", "z", "m", "t"], ["b"])],
        {"z": np.asarray([1]), "m": np.asarray([2**63 - 1]), "t": np.asarray([2])},
    ),
    "Concat": ([node("Concat", ["a", "a"], ["b"], axis=1)], {}),
}


@pytest.mark.parametrize("name", NOTHING)
def test_what_does_nothing_goes(name: str) -> None:
    assert between(*NOTHING[name]) == []


@pytest.mark.parametrize("name", SOMETHING)
def test_what_does_something_stays(name: str) -> None:
    assert len(between(*SOMETHING[name])) == 1


def test_an_output_keeps_its_name_whatever_goes() -> None:
    nodes = [
        node("Relu", ["x"], ["a"]),
        node("Identity", ["a"], ["y"]),
        node("Identity", ["y"], ["z"]),
        node("Dropout", ["x"], ["same"]),
    ]
    found = types(nodes, outputs=("y", "z", "a", "same"))
    assert found.count("ReLU") == 1


def test_a_mask_that_is_used_keeps_its_dropout() -> None:
    nodes = [
        node("Sigmoid", ["x"], ["a"]),
        node("Dropout", ["a"], ["b", "m"]),
        node("Cast", ["m"], ["f"], to=FLOAT),
        node("Add", ["b", "f"], ["y"]),
    ]
    assert len(types(nodes)) == 4


def test_without_cleaning_every_node_stays() -> None:
    nodes = [node("Relu", ["x"], ["a"]), node("Identity", ["a"], ["b"]), node("Tanh", ["b"], ["y"])]
    proto = model_of(nodes, {}, {"x": [2]}, {"y": [2]}, ir_version=9)
    assert len(aidge_onnx.load_onnx(proto, cleaning=False).get_ordered_nodes()) == 3
    assert len(aidge_onnx.load_onnx(proto).get_ordered_nodes()) == 2


# --- hidden activations -------------------------------------------------------------------------------------
SIX, ZERO, THREE = {"six": number(6)}, {"zero": number(0)}, {"three": number(3)}
SIXTH = {"sixth": number(1 / 6)}
GATE = [node("Add", ["a", "three"], ["t"]), node("Clip", ["t", "zero", "six"], ["c"])]
ACTIVATIONS: dict[str, tuple[list[Any], dict[str, Any], list[str]]] = {
    "Min of Max": (
        [node("Max", ["a", "zero"], ["h"]), node("Min", ["six", "h"], ["b"])], ZERO | SIX, ["Clip"]
    ),
    "Min of Relu": ([node("Relu", ["a"], ["h"]), node("Min", ["h", "six"], ["b"])], SIX, ["Clip"]),
    "Clip of Relu": ([node("Relu", ["a"], ["h"]), node("Clip", ["h", "", "six"], ["b"])], SIX, ["Clip"]),
    "Max": ([node("Max", ["a", "zero"], ["b"])], ZERO, ["ReLU"]),
    "Clip": ([node("Clip", ["a", "zero", "six"], ["b"])], ZERO | SIX, ["Clip"]),
    "HardSwish": (
        [*GATE, node("Div", ["c", "six"], ["d"]), node("Mul", ["a", "d"], ["b"])],
        ZERO | SIX | THREE, ["HardSwish"]
    ),
    "HardSwish, divided last": (
        [*GATE, node("Mul", ["c", "a"], ["d"]), node("Div", ["d", "six"], ["b"])],
        ZERO | SIX | THREE, ["HardSwish"]
    ),
    "HardSwish, multiplied": (
        [*GATE, node("Mul", ["c", "sixth"], ["d"]), node("Mul", ["a", "d"], ["b"])],
        ZERO | SIX | THREE | SIXTH, ["HardSwish"]
    ),
    "HardSwish of HardSigmoid": (
        [node("HardSigmoid", ["a"], ["h"], alpha=1 / 6, beta=0.5), node("Mul", ["a", "h"], ["b"])],
        {}, ["HardSwish"]
    ),
    "HardSigmoid": ([*GATE, node("Div", ["c", "six"], ["b"])], ZERO | SIX | THREE, ["HardSigmoid"]),
}  # fmt: skip
TWINS: dict[str, tuple[list[Any], dict[str, Any], str]] = {
    "the gate of another value": (
        [*GATE, node("Div", ["c", "six"], ["d"]), node("Mul", ["x", "d"], ["b"])],
        ZERO | SIX | THREE, "HardSwish"
    ),
    "another slope": (
        [node("HardSigmoid", ["a"], ["h"], alpha=0.2, beta=0.5), node("Mul", ["a", "h"], ["b"])],
        {}, "HardSwish"
    ),
    "a number a channel": (
        [node("Max", ["a", "floor"], ["h"]), node("Min", ["h", "six"], ["b"])],
        SIX | {"floor": np.abs(values(3, 1, 1))}, "ReLU"
    ),
    "bounds that cross": (
        [node("Clip", ["a", "", "zero"], ["h"]), node("Clip", ["h", "three", "six"], ["b"])],
        ZERO | SIX | THREE, "ReLU"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_that_are_written_out_are_found(name: str) -> None:
    middle, constants, expected = ACTIVATIONS[name]
    assert between(middle, constants) == expected


@pytest.mark.parametrize("name", TWINS)
def test_what_only_looks_like_one_stays(name: str) -> None:
    middle, constants, never = TWINS[name]
    found = between(middle, constants)
    assert never not in found
    assert len(found) > 1


def test_a_part_that_others_read_or_that_is_an_output_stays() -> None:
    nodes = [
        node("Relu", ["x"], ["h"]),
        node("Min", ["h", "six"], ["b"]),
        node("Add", ["h", "b"], ["y"]),
    ]
    assert types(nodes, SIX)[0] == "ReLU"
    nodes = [node("Relu", ["x"], ["h"]), node("Min", ["h", "six"], ["y"])]
    assert types(nodes, SIX, outputs=("h", "y"))[0] == "ReLU"


# --- what belongs to a convolution ---------------------------------------------------------------------------
KERNEL = {"w": values(4, 3, 3, 3)}
AROUND = {"p": np.asarray([0, 0, 1, 0, 0, 0, 2, 1])}


def test_zeros_around_a_convolution_are_its_padding() -> None:
    nodes = [
        node("Pad", ["x", "p"], ["a"]),
        node("Conv", ["a", "w"], ["y"], pads=[1, 1, 1, 1], strides=[2, 2]),
    ]
    assert types(nodes, KERNEL | AROUND) == ["Conv2D"]


@pytest.mark.parametrize(
    ("options", "constants", "more"),
    [
        ({}, {"v": number(1)}, ["v"]),
        ({"mode": "reflect"}, {}, []),
        ({}, {"p": np.asarray([0, 0, -1, 0, 0, 0, 0, 0])}, []),
        ({}, {"p": np.asarray([0, 1, 0, 0, 0, 0, 0, 0]), "w": values(4, 4, 3, 3)}, []),
    ],
)
def test_other_padding_stays(options: dict[str, Any], constants: dict[str, Any], more: list[str]) -> None:
    nodes = [node("Pad", ["x", "p", *more], ["a"], **options), node("Conv", ["a", "w"], ["y"])]
    assert "Pad" in types(nodes, KERNEL | AROUND | constants)


def test_padding_that_others_read_stays() -> None:
    nodes = [node("Pad", ["x", "p"], ["a"]), node("Conv", ["a", "w"], ["c"]), node("Tanh", ["a"], ["y"])]
    assert "Pad" in types(nodes, KERNEL | AROUND, outputs=("c", "y"))


@pytest.mark.parametrize("first", ["Mul", "Div"])
@pytest.mark.parametrize("second", ["Add", "Sub"])
@pytest.mark.parametrize("shape", [(4, 1, 1), (1, 4, 1, 1), ()])
def test_a_product_and_a_sum_behind_a_convolution_are_a_batchnorm(
    first: str, second: str, shape: tuple[int, ...]
) -> None:
    constants = KERNEL | {"m": np.abs(values(*shape)) + np.float32(0.5), "s": values(4, 1, 1)}
    nodes = [node("Conv", ["x", "w"], ["c"]), node(first, ["c", "m"], ["d"]), node(second, ["d", "s"], ["y"])]
    assert types(nodes, constants) == ["Conv2D", "BatchNorm2D"]


def test_a_number_a_pixel_or_a_product_that_others_read_is_none() -> None:
    constants = KERNEL | {"m": values(4, 1, 1), "s": values(1, 4), "pixels": values(4, 4)}
    nodes = [
        node("Conv", ["x", "w"], ["c"]),
        node("Mul", ["c", "m"], ["d"]),
        node("Add", ["d", "pixels"], ["y"]),
    ]
    assert types(nodes, constants) == ["Conv2D", "Mul", "Add"]
    nodes = [node("Conv", ["x", "w"], ["c"]), node("Mul", ["c", "m"], ["d"]), node("Add", ["d", "m"], ["y"])]
    assert types(nodes, constants, outputs=("y", "d")) == ["Conv2D", "Mul", "Add"]


# --- layer normalisation ------------------------------------------------------------------------------------
def _layer_norm(axes: list[int], *, power: bool = True, divide: bool = True, opset: int = 13) -> list[Any]:
    settings = {"axes": axes, "keepdims": 1}
    square = node("Pow", ["d", "two"], ["s"]) if power else node("Mul", ["d", "d"], ["s"])
    scaled = (
        [node("Div", ["d", "r"], ["q"])]
        if divide
        else [node("Reciprocal", ["r"], ["i"]), node("Mul", ["i", "d"], ["q"])]
    )
    return [
        node("ReduceMean", ["x"], ["m"], **settings),
        node("Sub", ["x", "m"], ["d"]),
        square,
        node("ReduceMean", ["s"], ["v"], **settings),
        node("Add", ["v", "eps"], ["e"]),
        node("Sqrt", ["e"], ["r"]),
        *scaled,
    ]


LAYER_NORM_CONSTANTS = {"two": number(2.0), "eps": number(1e-5)}


@pytest.mark.parametrize("divide", [True, False])
@pytest.mark.parametrize("power", [True, False])
def test_layer_norm_that_is_written_out_is_one_node(power: bool, divide: bool) -> None:
    nodes = [
        *_layer_norm([-1], power=power, divide=divide),
        node("Mul", ["q", "g"], ["p"]),
        node("Add", ["b", "p"], ["y"]),
    ]
    constants = {**LAYER_NORM_CONSTANTS, "g": values(8), "b": values(8)}
    assert types(nodes, constants, dims=["n", 5, 8], opset=13) == ["LayerNorm"]


def test_layer_norm_over_two_axes_without_scale_is_one_node() -> None:
    nodes = [*_layer_norm([2, 1]), node("Tanh", ["q"], ["y"])]
    assert types(nodes, LAYER_NORM_CONSTANTS, dims=["n", 5, 8], opset=13) == ["LayerNorm", "Tanh"]


@pytest.mark.parametrize(("size", "found"), [(6, ["LayerNorm"]), (1, None)])
def test_a_scale_tells_the_last_dim_unless_it_could_be_repeated(size: int, found: list[str] | None) -> None:
    nodes = [*_layer_norm([-1]), node("Mul", ["q", "g"], ["y"])]
    constants = {**LAYER_NORM_CONSTANTS, "g": values(size)}
    kinds = types(nodes, constants, dims=["n", 5, "c"], opset=13)
    assert kinds == found if found else "LayerNorm" not in kinds


@pytest.mark.parametrize(
    ("nodes", "constants", "outputs"),
    [
        ([*_layer_norm([1]), node("Tanh", ["q"], ["y"])], {}, ("y",)),  # not the last axis
        ([*_layer_norm([-1]), node("Tanh", ["q"], ["y"])], {"two": number(4.0)}, ("y",)),
        ([*_layer_norm([-1]), node("Mul", ["q", "d"], ["y"])], {}, ("y",)),  # read elsewhere
        ([*_layer_norm([-1]), node("Tanh", ["q"], ["y"])], {}, ("y", "v")),  # an output inside
    ],
)
def test_what_only_looks_like_layer_norm_stays(
    nodes: list[Any], constants: dict[str, Any], outputs: tuple[str, ...]
) -> None:
    found = types(nodes, {**LAYER_NORM_CONSTANTS, **constants}, outputs, dims=["n", 5, 8], opset=13)
    assert "LayerNorm" not in found


def test_a_scale_of_another_shape_stays_outside_of_layer_norm() -> None:
    nodes = [*_layer_norm([-1]), node("Mul", ["q", "g"], ["y"])]
    constants = {**LAYER_NORM_CONSTANTS, "g": values(5, 1)}
    assert types(nodes, constants, dims=["n", 5, 8], opset=13) == ["LayerNorm", "Mul"]


# --- everything ---------------------------------------------------------------------------------------------
@pytest.mark.slow
@settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck),
          phases=[Phase.generate, Phase.shrink])  # fmt: skip
@given(network=networks())
def test_cleaning_changes_no_output_and_leaves_nothing_to_clean(network: Network) -> None:
    feeds = [network.feeds(), *([network.feeds(batch=3, grow=1)] if network.free else [])]
    graph = aidge_onnx.load_onnx(network.model)
    written = aidge_onnx.to_model_proto(graph)
    for one, other in zip(run_ort(network.model, *feeds), run_ort(written, *feeds), strict=True):
        assert all(same(a, b) for a, b in zip(one, other, strict=True))
    again = aidge_onnx.load_onnx(written)
    assert [n.type() for n in again.get_ordered_nodes()] == [n.type() for n in graph.get_ordered_nodes()]
