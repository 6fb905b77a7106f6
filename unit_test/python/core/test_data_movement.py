"""Operators that move data, one node at a time: against ONNX Runtime, alone and behind a convolution (which
gives tensors the memory order that convolutions like), and written out and read again.
"""

from __future__ import annotations

from typing import Any

import aidge_backend_cpu  # noqa: F401  (registers the kernels)
import aidge_core
import aidge_onnx
import numpy as np
import onnx
import pytest
from helpers.movement_cases import (
    CASES,
    Array,
    Case,
    assert_same,
    exported,
    floats,
    ints,
    load_native,
    ours,
    runtime,
    values,
)
from helpers.toy import model_of
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import ModelProto, helper

RESIZED = settings(max_examples=60, deadline=None)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_node_computes_what_onnx_runtime_does_and_survives_a_round_trip(case: Case) -> None:
    model, inputs = case.model(), list(case.inputs.values())
    expected = runtime(model, inputs)
    graph = load_native(model)
    assert_same(ours(graph, inputs), expected)
    written = exported(graph, case.opset)
    assert written.opset_import[0].version == case.opset
    assert_same(runtime(written, inputs), expected)
    first = inputs[0]
    if first.dtype == np.float32 and first.ndim in (3, 4, 5) and first.shape[1] > 1:
        assert_same(ours(load_native(case.model(behind=True)), inputs), expected)


# --- Resize -------------------------------------------------------------------------------------------------
MODES = ("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric", "half_pixel_symmetric")


def reference(case: Case) -> Array:
    """ONNX's own implementation, for what ONNX Runtime has no kernel for."""
    from onnx.reference import ReferenceEvaluator

    (result,) = ReferenceEvaluator(case.model()).run(None, {"x0": case.inputs[0]})
    return np.asarray(result)


def check_resize(case: Case, expected: Array) -> None:
    inputs = [case.inputs[0]]
    graph = load_native(case.model())
    assert_same(ours(graph, inputs), [expected])
    assert_same(ours(aidge_onnx.load_onnx(exported(graph, case.opset)), inputs), [expected])
    if case.inputs[0].ndim > 2 and case.inputs[0].dtype == np.float32:
        assert_same(ours(load_native(case.model(behind=True)), inputs), [expected])


@pytest.mark.slow
@given(data=st.data())
@RESIZED
def test_resize_agrees_with_onnx_in_every_mode(data: st.DataObject) -> None:
    draw = data.draw
    rank = draw(st.sampled_from([3, 4, 4, 5]))
    shape = [1, draw(st.sampled_from([1, 3, 8]))] + [draw(st.integers(1, 7)) for _ in range(rank - 2)]
    mode = draw(st.sampled_from(["nearest", "linear", "cubic"]))
    attributes: dict[str, Any] = {
        "mode": mode,
        "coordinate_transformation_mode": draw(st.sampled_from(MODES)),
    }
    if mode == "nearest":
        attributes["nearest_mode"] = draw(
            st.sampled_from(["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"])
        )
    else:
        attributes["exclude_outside"] = draw(st.integers(0, 1))
        attributes["antialias"] = draw(st.integers(0, 1))
    if mode == "cubic":
        attributes["cubic_coeff_a"] = draw(st.sampled_from([-0.75, -0.5]))
    # Powers of two: coordinates are exact in float and double alike, so that no rounding decides.
    scales = floats(1, 1, *[draw(st.sampled_from([0.5, 1, 2, 4])) for _ in range(rank - 2)])
    if draw(st.booleans()):
        scales, attributes["axes"] = scales[2:], list(range(2, rank))
    output = [int(extent * scale) for extent, scale in zip(shape[2:], scales[-(rank - 2) :], strict=True)]
    if 0 in output or 1 in output:  # ONNX and ONNX Runtime differ where one element is left
        return
    cut = any(extent * scale % 1 for extent, scale in zip(shape[2:], scales[-(rank - 2) :], strict=True))
    if cut and attributes["coordinate_transformation_mode"] == "half_pixel_symmetric":
        return  # coordinates are not exact there: ONNX takes element 0 for 1 - 1e-16, ONNX Runtime and we take 1
    if cut and attributes["coordinate_transformation_mode"] == "align_corners":
        return  # ONNX's implementation goes by the length before rounding: see reported/test_resizing.py
    case = Case("Resize", {0: values(shape)}, {2: scales}, attributes)
    check_resize(case, reference(case))


@pytest.mark.parametrize("policy", ["stretch", "not_larger", "not_smaller"])
@pytest.mark.parametrize("mode", ["nearest", "linear"])
def test_resize_to_sizes_keeps_the_aspect_ratio_as_told(policy: str, mode: str) -> None:
    attributes = {"mode": mode, "axes": [2, 3], "keep_aspect_ratio_policy": policy}
    case = Case("Resize", {0: values((1, 3, 4, 6))}, {3: ints(7, 8)}, attributes)
    check_resize(case, reference(case))


@pytest.mark.parametrize("mode", ["nearest", "linear"])
def test_resize_crops_and_extrapolates(mode: str) -> None:
    attributes = {
        "mode": mode,
        "coordinate_transformation_mode": "tf_crop_and_resize",
        "extrapolation_value": 10.0,
    }
    roi = floats(0, 0, 0.25, 0.6, 1, 1, 0.75, 1.2)
    case = Case("Resize", {0: values((1, 3, 5, 6))}, {1: roi, 3: ints(1, 3, 4, 7)}, attributes)
    check_resize(case, runtime(case.model(), [case.inputs[0]])[0])


OLD_RESIZES = [
    Case("Upsample", {0: values((1, 2, 3, 4))}, attributes={"scales": [1.0, 1.0, 2.0, 3.0]}, opset=7),
    Case("Upsample", {0: values((1, 2, 3, 4))}, {1: floats(1, 1, 2, 2)}, {"mode": "linear"}, opset=9),
    Case("Upsample", {0: values((1, 2, 3, 4))}, {1: floats(1, 1, 1.5, 2.5)}, opset=9),
    Case("Resize", {0: values((1, 2, 3, 4))}, {1: floats(1, 1, 2, 2)}, opset=10),
    Case("Resize", {0: values((1, 2, 4, 4))}, {1: floats(1, 1, 2, 1.5)}, {"mode": "linear"}, opset=10),
    Case("Resize", {0: values((1, 2, 3, 4))}, {1: floats(), 2: floats(1, 1, 2, 3)}, opset=11),
    Case("Resize", {0: values((1, 2, 3, 4))}, {1: floats(), 2: floats(), 3: ints(1, 2, 7, 5)}, opset=11),
    Case("Resize", {0: values((1, 2, 3, 4), np.uint8)}, {2: floats(1, 1, 2, 3)}, opset=13),
    Case("Resize", {0: values((1, 2, 3, 4), np.int8)}, {2: floats(1, 1, 2, 3)}, opset=13),
]


@pytest.mark.parametrize("case", OLD_RESIZES, ids=str)
def test_old_forms_of_resize_come_in_and_go_out(case: Case) -> None:
    inputs = list(case.inputs.values())
    expected = runtime(case.model(), inputs)
    graph = load_native(case.model())
    assert_same(ours(graph, inputs), expected)
    assert_same(runtime(exported(graph, case.opset), inputs), expected)


# --- errors -------------------------------------------------------------------------------------------------
def test_an_index_out_of_range_names_the_node() -> None:
    case = Case("Gather", {0: values((3, 2)), 1: ints(0, 3)})
    model = case.model()
    model.graph.node[0].name = "look_up"
    with pytest.raises(
        ValueError, match=r'"look_up" \(Gather\).*\[backend::Gather\] expected indices in \[-3, 3\), got 3'
    ):
        ours(load_native(model), list(case.inputs.values()))


def test_a_slice_by_computed_values_is_listed_as_unsupported() -> None:
    case = Case("Slice", {0: values((5, 2)), 1: ints(1), 2: ints(3)})
    with pytest.raises(aidge_core.UnsupportedError, match="Slice"):
        ours(load_native(case.model()), list(case.inputs.values()))


def test_a_form_that_an_opset_lacks_is_refused_by_name() -> None:
    case = Case("Slice", {0: values((5, 2))}, {1: ints(4), 2: ints(0), 3: ints(0), 4: ints(-1)})
    with pytest.raises(ValueError, match="expected opset 10 or newer for steps"):
        exported(load_native(case.model()), 9)


# --- whole graphs: shapes that are computed from shapes -------------------------------------------------------
def graph_model(
    nodes: list[onnx.NodeProto], inputs: dict[str, list[Any]], outputs: list[str], constants: dict[str, Array]
) -> ModelProto:
    return model_of(nodes, constants, inputs, dict.fromkeys(outputs))


def test_shapes_computed_from_shapes_cost_nothing_at_run_time_for_any_input_size() -> None:
    node = helper.make_node
    model = graph_model(
        [
            node("Conv", ["x", "w"], ["c"], pads=[1, 1, 1, 1]),
            node("Shape", ["c"], ["dims"]),
            node("Gather", ["dims", "two"], ["h"], axis=0),
            node("Gather", ["dims", "three"], ["w_"], axis=0),
            node("Mul", ["h", "w_"], ["area"]),
            node("Unsqueeze", ["area", "zero"], ["area1"]),
            node("Slice", ["dims", "zero", "one"], ["batch"]),
            node("Concat", ["batch", "four", "area1", "one"], ["target"], axis=0),
            node("Reshape", ["c", "target"], ["r"]),
            node("Slice", ["dims", "two1", "four"], ["space"]),
            node("Concat", ["batch", "four", "space"], ["sizes"], axis=0),
            node("Resize", ["small", "", "", "sizes"], ["up"], mode="linear"),
            node("Add", ["up", "c"], ["y"]),
            node("ReduceMean", ["r"], ["z"], axes=[2]),
        ],
        {"x": ["n", 3, "h", "w"], "small": ["n", 4, "a", "b"]},
        ["y", "z"],
        {
            "w": values((4, 3, 3, 3)),
            "zero": ints(0),
            "one": ints(1),
            "two1": ints(2),
            "four": ints(4),
            "two": np.asarray(2, np.int64),
            "three": np.asarray(3, np.int64),
        },
    )
    graph = load_native(model)
    for n, h, w in ((1, 6, 8), (3, 5, 9)):
        inputs = [values((n, 3, h, w)), values((n, 4, h // 2, w // 2))]
        assert_same(ours(graph, inputs), runtime(model, inputs))
    graph.compile("cpu", dims=[list(array.shape) for array in inputs])
    scheduler = aidge_core.SequentialScheduler(graph)
    scheduler.forward(data=inputs)
    kinds = {step.type for step in scheduler.report().steps}
    assert kinds <= {"Conv2D", "Resize", "Add", "Reorder", "ReduceMean"}
    assert_same(runtime(exported(graph, 17), inputs), runtime(model, inputs))


def test_a_channels_last_input_and_output_cost_no_reordering() -> None:
    node = helper.make_node
    model = graph_model(
        [
            node("Transpose", ["x"], ["t"], perm=[0, 3, 1, 2]),
            node("Conv", ["t", "w"], ["c"], pads=[1, 1, 1, 1]),
            node("Relu", ["c"], ["r"]),
            node("Split", ["r"], ["a", "b"], axis=1),
            node("Concat", ["b", "a"], ["s"], axis=1),
            node("Conv", ["s", "v"], ["d"]),
            node("Transpose", ["d"], ["y"], perm=[0, 2, 3, 1]),
        ],
        {"x": ["n", 8, 9, 16]},
        ["y"],
        {"w": values((32, 16, 3, 3)) / 12, "v": values((8, 32, 1, 1)) / 6},  # sums of magnitude 1
    )
    graph, inputs = load_native(model), [values((2, 8, 9, 16))]
    assert_same(ours(graph, inputs), runtime(model, inputs))
    scheduler = aidge_core.SequentialScheduler(graph)
    scheduler.forward(data=inputs)
    assert [step.type for step in scheduler.report().steps] == ["Conv2D", "Split", "Concat", "Conv2D"]


def test_a_channel_shuffle_and_a_detection_head_are_one_step_each() -> None:
    node = helper.make_node
    model = graph_model(
        [
            node("Conv", ["x", "w"], ["c"]),
            node("Reshape", ["c", "apart"], ["c5"]),
            node("Transpose", ["c5"], ["t5"], perm=[0, 2, 1, 3, 4]),
            node("Reshape", ["t5", "together"], ["s"]),
            node("Conv", ["s", "v"], ["d"]),
            node("Reshape", ["d", "anchors"], ["d5"]),
            node("Transpose", ["d5"], ["y"], perm=[0, 1, 3, 4, 2]),
        ],
        {"x": ["n", 16, 6, 5]},
        ["y"],
        {
            "w": values((24, 16, 1, 1)),
            "v": values((21, 24, 1, 1)),
            "apart": ints(0, 3, 8, 6, 5),
            "together": ints(0, 24, 6, 5),
            "anchors": ints(0, 3, 7, 6, 5),
        },
    )
    graph = load_native(model)
    for batch in (1, 5):
        inputs = [values((batch, 16, 6, 5))]
        assert_same(ours(graph, inputs), runtime(model, inputs))
    scheduler = aidge_core.SequentialScheduler(graph)
    scheduler.forward(data=inputs)
    kinds = [step.type for step in scheduler.report().steps]
    assert kinds in (
        ["Reorder", "Conv2D", "Rearrange", "Conv2D", "Rearrange"],
        ["Conv2D", "Rearrange", "Conv2D", "Rearrange"],
    )


def test_inputs_of_several_ranks_and_outputs_that_are_also_read_inside() -> None:
    node = helper.make_node
    model = graph_model(
        [
            node("Conv", ["x", "w"], ["c"]),
            node("Relu", ["c"], ["r"]),
            node("Mul", ["r", "scale"], ["m"]),
            node("Slice", ["m", "from", "to", "axis"], ["y"]),
        ],
        {"x": ["n", 3, 6, 5], "scale": [4, 1, 1]},
        ["r", "y", "m", "x"],
        {"w": values((4, 3, 1, 1)), "from": ints(1), "to": ints(3), "axis": ints(1)},
    )
    inputs = [values((2, 3, 6, 5)), values((4, 1, 1))]
    assert_same(ours(load_native(model), inputs), runtime(model, inputs))
