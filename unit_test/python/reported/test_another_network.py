"""What is read and written is the file's own network, for every input: no pattern is put together that only looks alike.

Reports: daquexian/onnx-simplifier#1284 and onnx/optimizer#178 (patterns that match too much), onnx/onnx#3259 (pads that auto_pad makes void).
The right values are those of ONNX Runtime without optimisations, of PyTorch, or of ONNX's reference evaluator if ONNX Runtime refuses the file."""

from __future__ import annotations

import math
from typing import Any

import aidge_onnx
import numpy as np
import onnx
import pytest
from helpers import toy
from helpers.networks import run_ort, same
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper
from onnx.reference import ReferenceEvaluator

node = helper.make_node
FAR = np.concatenate(
    [np.linspace(-30, 30, 121), [-1e4, -300.0, -100.0, 100.0, 300.0, 1e4, 6.5, 8.5, 7.99, -7.99]]
).astype(np.float32)
NUMBERS = {
    "zero": 0.0, "half": 0.5, "one": 1.0, "two": 2.0, "three": 3.0, "six": 6.0, "sixth": 1 / 6, "eight": 8.0, "far": -8.0,
    "root": math.sqrt(2.0), "tanh_factor": math.sqrt(2.0 / math.pi), "cubic": 0.044715,
}  # fmt: skip


def model_of(
    nodes: list[Any], constants: dict[str, Any] | None = None, dims: Any = ("n", None)
) -> onnx.ModelProto:
    arrays = {name: np.float32(value) for name, value in NUMBERS.items()} | (constants or {})
    used = {name for entry in nodes for name in entry.input}
    constants = {name: array for name, array in arrays.items() if name in used}
    return onnx.shape_inference.infer_shapes(toy.model_of(nodes, constants, {"x": dims}, {"y": None}))


def types_after(model: onnx.ModelProto, *feeds: np.ndarray) -> list[str]:
    """Operator types after import; what is written computes what the file computes, in ONNX Runtime."""
    graph = aidge_onnx.load_onnx(model)
    arrays = [{"x": feed} for feed in feeds]
    written = aidge_onnx.to_model_proto(graph)
    for expected, got in zip(run_ort(model, *arrays), run_ort(written, *arrays), strict=True):
        for one, other in zip(expected, got, strict=True):
            assert same(one, other, 2e-6), float(np.abs(one - other).max())
    return [entry.type() for entry in graph.get_ordered_nodes() if not entry.get_operator().is_producer()]


# --- activations that are written out, with a clamp at every place ------------------------------------------
GELU = [
    ("Div", ["x", "root"], "d"),
    ("Erf", ["d"], "e"),
    ("Add", ["e", "one"], "f"),
    ("Mul", ["x", "f"], "g"),
    ("Mul", ["g", "half"], "y"),
]
TANH_GELU = [
    ("Pow", ["x", "three"], "p"),
    ("Mul", ["p", "cubic"], "c"),
    ("Add", ["x", "c"], "s"),
    ("Mul", ["s", "tanh_factor"], "d"),
    ("Tanh", ["d"], "e"),
    ("Add", ["e", "one"], "f"),
    ("Mul", ["x", "f"], "g"),
    ("Mul", ["g", "half"], "y"),
]
HARD_SWISH = [
    ("Add", ["x", "three"], "d"),
    ("Clip", ["d", "zero", "six"], "e"),
    ("Mul", ["e", "sixth"], "f"),
    ("Mul", ["x", "f"], "y"),
]
HARD_SIGMOID = [*HARD_SWISH[:2], ("Mul", ["e", "sixth"], "y")]
ON_HARD_SIGMOID = [("HardSigmoid", ["x"], "e"), ("Mul", ["x", "e"], "y")]
WRITTEN_OUT = {
    "Gelu, erf": (GELU, "GeLU"),
    "Gelu, tanh": (TANH_GELU, "GeLU"),
    "HardSwish": (HARD_SWISH, "HardSwish"),
    "HardSigmoid": (HARD_SIGMOID, "HardSigmoid"),
    "HardSwish on HardSigmoid": (ON_HARD_SIGMOID, "HardSwish"),
}
Step = tuple[str, list[str], str]


def nodes_of(steps: list[Step]) -> list[onnx.NodeProto]:
    attributes = {"HardSigmoid": {"alpha": 1 / 6, "beta": 0.5}}
    return [node(op, inputs, [out], **attributes.get(op, {})) for op, inputs, out in steps]


def clamped(steps: list[Step], step: int, operand: int, bounds: list[str]) -> list[Step]:
    """The same with a Clip before one operand of one step, and of no other."""
    op, inputs, out = steps[step]
    changed = [*inputs[:operand], "clamped", *inputs[operand + 1 :]]
    return [
        *steps[:step],
        ("Clip", [inputs[operand], *bounds], "clamped"),
        (op, changed, out),
        *steps[step + 1 :],
    ]


PLACES = [
    (name, step, operand)
    for name, (steps, _) in WRITTEN_OUT.items()
    for step, (_, inputs, _) in enumerate(steps)
    for operand, value in enumerate(inputs)
    if value not in NUMBERS
]


@pytest.mark.parametrize("name", WRITTEN_OUT)
def test_an_activation_that_is_written_out_is_one_node(name: str) -> None:
    steps, kind = WRITTEN_OUT[name]
    assert types_after(model_of(nodes_of(steps)), FAR[None]) == [kind]


@pytest.mark.parametrize("bounds", [["far", "eight"], ["", "eight"], ["far"], ["zero", "half"]], ids=str)
@pytest.mark.parametrize("place", PLACES, ids=str)
def test_a_clamp_at_any_place_of_an_activation_stays(place: tuple[str, int, int], bounds: list[str]) -> None:
    name, step, operand = place
    types_after(model_of(nodes_of(clamped(WRITTEN_OUT[name][0], step, operand, bounds))), FAR[None])


def test_an_activation_of_a_clamped_value_is_that_of_the_clamp() -> None:
    steps = [("Clip", ["x", "far", "eight"], "c")]
    steps += [(op, ["c" if value == "x" else value for value in inputs], out) for op, inputs, out in GELU]
    assert types_after(model_of(nodes_of(steps)), FAR[None]) == ["Clip", "GeLU"]


def test_a_mirrored_form_is_recognised() -> None:
    """1 - erf(-x / sqrt(2)) and 1 - clip(1/2 - x/6, 0, 1) are the same functions."""
    mirrored = [
        node("Div", ["x", "minus_root"], ["d"]),
        node("Erf", ["d"], ["e"]),
        node("Sub", ["one", "e"], ["f"]),
        node("Mul", ["f", "x"], ["g"]),
        node("Div", ["g", "two"], ["y"]),
    ]
    root = {"minus_root": np.float32(-math.sqrt(2.0))}
    assert types_after(model_of(mirrored, root), FAR[None]) == ["GeLU"]
    gate = [
        node("Sub", ["three", "x"], ["d"]),
        node("Clip", ["d", "zero", "six"], ["e"]),
        node("Sub", ["six", "e"], ["f"]),
        node("Mul", ["x", "f"], ["g"]),
        node("Div", ["g", "six"], ["y"]),
    ]
    assert types_after(model_of(gate), FAR[None]) == ["HardSwish"]


@st.composite
def changed_activations(draw: st.DrawFn) -> list[Step]:
    """An activation with up to three extra steps: clamps near and far, factors, sums, another exponent."""
    steps = list(WRITTEN_OUT[draw(st.sampled_from(list(WRITTEN_OUT)))][0])
    for index in range(draw(st.integers(1, 3))):
        places = [
            (step, operand)
            for step, (_, inputs, _) in enumerate(steps)
            for operand, value in enumerate(inputs)
            if value not in NUMBERS
        ]
        step, operand = draw(st.sampled_from(places))
        op, inputs, out = steps[step]
        extra = draw(st.sampled_from(["Clip", "Max", "Min", "Mul", "Add", "Abs", "Relu", "Identity"]))
        number = draw(st.sampled_from(["zero", "half", "one", "two", "six", "eight", "far"]))
        numbers = {"Clip": ["far", number], "Abs": [], "Relu": [], "Identity": []}.get(extra, [number])
        if extra == "Clip" and number == "far":
            numbers = ["far"]
        name = f"extra{index}"
        steps[step : step + 1] = [
            (extra, [inputs[operand], *numbers], name),
            (op, [*inputs[:operand], name, *inputs[operand + 1 :]], out),
        ]
    return steps


@pytest.mark.slow
@settings(max_examples=300)
@given(steps=changed_activations())
def test_a_changed_activation_computes_what_the_file_says(steps: list[Step]) -> None:
    near = np.linspace(-12, 12, len(FAR), dtype=np.float32)
    types_after(model_of(nodes_of(steps)), FAR[None], near[None])


@pytest.mark.parametrize(
    "constant", ["root", "one", "half", "three", "six", "sixth", "zero", "cubic", "tanh_factor"]
)
@pytest.mark.parametrize("name", WRITTEN_OUT)
def test_a_constant_that_is_a_little_different_is_kept(name: str, constant: str) -> None:
    """A change of 1e-4 of one constant is seen in what is written: each of them was read."""
    nodes = nodes_of(WRITTEN_OUT[name][0])
    if all(constant not in entry.input for entry in nodes):
        return
    changed = {constant: np.float32(NUMBERS[constant] * (1 + 1e-4) + (constant == "zero") * 1e-4)}
    model = model_of(nodes, changed)
    feed = {"x": FAR[None]}
    expected = run_ort(model, feed)[0][0]
    got = run_ort(aidge_onnx.to_model_proto(aidge_onnx.load_onnx(model)), feed)[0][0]
    np.testing.assert_allclose(got, expected, rtol=2e-6, atol=2e-6)


def test_a_constant_of_higher_rank_stays_where_it_makes_the_result_one() -> None:
    cube = {"half": np.full((1, 1, 1), 0.5, np.float32)}
    graph = aidge_onnx.load_onnx(model_of(nodes_of(GELU), cube))
    written = aidge_onnx.to_model_proto(graph)
    assert run_ort(written, {"x": FAR[None]})[0][0].shape == (1, 1, len(FAR))


# --- layer normalisation ------------------------------------------------------------------------------------
def layer_norm(extra: dict[str, str]) -> list[onnx.NodeProto]:
    """Written out, with a Clip at 0.5 before some of the values: `extra` says which step reads which one clamped."""
    steps: list[Step] = [
        ("ReduceMean", ["x"], "mean"),
        ("Sub", ["x", "mean"], "centred"),
        ("Pow", ["centred", "two"], "square"),
        ("ReduceMean", ["square"], "variance"),
        ("Add", ["variance", "epsilon"], "total"),
        ("Sqrt", ["total"], "root_of"),
        ("Div", ["centred", "root_of"], "normal"),
        ("Mul", ["normal", "scale"], "scaled"),
        ("Add", ["scaled", "bias"], "y"),
    ]
    nodes = []
    for op, inputs, out in steps:
        if out in extra:
            nodes.append(node("Clip", [extra[out], "", "half"], [f"clamped_{out}"]))
            inputs = [f"clamped_{out}" if value == extra[out] else value for value in inputs]
        options = {"axes": [-1], "keepdims": 1} if op == "ReduceMean" else {}
        nodes.append(node(op, inputs, [out], **options))
    return nodes


NORM = {"epsilon": np.float32(1e-3), "scale": np.float32([1, 2, 3]), "bias": np.float32([0.1, -0.2, 0.3])}
CLAMPS = {
    "square": "centred", "variance": "square", "total": "variance", "root_of": "total", "normal": "centred", "centred": "x",
    "mean": "x", "scaled": "normal",
}  # fmt: skip


def test_a_layer_normalisation_that_is_written_out_is_one_node() -> None:
    feed = np.random.default_rng(0).standard_normal((5, 3)).astype(np.float32) * 5
    assert types_after(model_of(layer_norm({}), NORM, dims=("n", 3)), feed) == ["LayerNorm"]


@pytest.mark.parametrize("step", CLAMPS)
def test_a_clamp_within_a_layer_normalisation_stays(step: str) -> None:
    feed = np.random.default_rng(0).standard_normal((5, 3)).astype(np.float32) * 5
    model = model_of(layer_norm({step: CLAMPS[step]}), NORM, dims=("n", 3))
    assert ("LayerNorm" in types_after(model, feed)) == (step == "scaled")


@pytest.mark.parametrize(
    "epsilon", [np.full((1, 1, 1), 1e-3, np.float32), np.float32(-1e-6)], ids=["3D", "< 0"]
)
def test_an_epsilon_that_is_no_plain_number_stays_in_the_graph(epsilon: np.ndarray) -> None:
    feed = np.random.default_rng(0).standard_normal((5, 3)).astype(np.float32) * 5
    types_after(model_of(layer_norm({}), NORM | {"epsilon": epsilon}, dims=("n", 3)), feed)


# --- pads ---------------------------------------------------------------------------------------------------
def padded_convolution(**attributes: Any) -> tuple[onnx.ModelProto, dict[str, np.ndarray]]:
    random = np.random.default_rng(7)
    parts = {
        "p": np.asarray([0, 0, 1, 1, 0, 0, 1, 1]),
        "k": random.standard_normal((8, 3, 3, 3)).astype(np.float32),
    }
    nodes = [
        node("Pad", ["x", "p"], ["q"]),
        node("Conv", ["q", "k"], ["y"], kernel_shape=[3, 3], **attributes),
    ]
    feed = {"x": random.standard_normal((2, 3, 12, 12)).astype(np.float32)}
    return model_of(nodes, parts, dims=("n", 3, 12, 12)), feed


@pytest.mark.parametrize("strides", [[1, 1], [2, 2]], ids=str)
def test_pads_that_auto_pad_makes_void_stay_void(strides: list[int]) -> None:
    """onnx/onnx#3259: auto_pad=VALID beside a pads attribute; ONNX Runtime refuses such a file and takes ours."""
    model, feed = padded_convolution(auto_pad="VALID", pads=[1, 1, 1, 1], strides=strides)
    (expected,) = ReferenceEvaluator(model).run(None, feed)
    ((got,),) = run_ort(aidge_onnx.to_model_proto(aidge_onnx.load_onnx(model)), feed)
    assert same(expected, got)


@pytest.mark.parametrize("op", ["MaxPool", "AveragePool", "ConvTranspose", "Conv"])
def test_pads_beside_auto_pad_are_void_in_every_window(op: str) -> None:
    kernel = {"k": np.ones((3, 3, 2, 2), np.float32)} if op.startswith("Conv") else {}
    entry = node(op, ["x", *kernel], ["y"], kernel_shape=[2, 2], auto_pad="VALID", pads=[1, 1, 1, 1])
    plain = node(op, ["x", *kernel], ["y"], kernel_shape=[2, 2])
    feed = {"x": np.random.default_rng(0).standard_normal((1, 3, 6, 6)).astype(np.float32)}
    dims = ("n", 3, 6, 6)
    ((expected,),) = run_ort(model_of([plain], kernel, dims=dims), feed)
    written = aidge_onnx.to_model_proto(aidge_onnx.load_onnx(model_of([entry], kernel, dims=dims)))
    ((got,),) = run_ort(written, feed)
    assert same(expected, got)


# --- dims of which the file says nothing --------------------------------------------------------------------
@pytest.mark.parametrize("name", ["?", "None", "unk__1", "-1", "dynamic"])
def test_dims_that_share_a_name_which_says_nothing_are_not_the_same(name: str) -> None:
    """Exporters write one placeholder for every free dim: a Reshape that swaps height and width is not idle then."""
    nodes = [
        node("Relu", ["x"], ["a"]),
        node("Shape", ["a"], ["s"]),
        node("Gather", ["s", "order"], ["t"]),
        node("Reshape", ["a", "t"], ["y"]),
    ]
    model = model_of(nodes, {"order": np.asarray([0, 1, 3, 2])}, dims=(name, 3, name, name))
    feed = np.arange(2 * 3 * 4 * 5, dtype=np.float32).reshape(2, 3, 4, 5)
    types_after(model, feed)
