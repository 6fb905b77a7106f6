"""Files that are wrong, by accident or on purpose, end in InvalidModelError: no crash, no hang, no huge allocation."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aidge_core
import aidge_onnx
import numpy as np
import pytest
from helpers.hostile_models import FLOAT, info, model, node, refused, relu, shape_of, weights
from onnx import ModelProto, TensorProto, helper, numpy_helper


# --- bytes ----------------------------------------------------------------------------------------------------------
def test_the_model_that_the_others_are_made_from_is_good() -> None:
    assert [n.type() for n in aidge_onnx.load_onnx(relu()).get_ordered_nodes()] == ["ReLU"]


def test_the_error_is_a_value_error() -> None:
    assert issubclass(aidge_onnx.InvalidModelError, ValueError)


def test_no_bytes_are_refused() -> None:
    refused(b"", "no bytes")


@pytest.mark.parametrize(
    "data", [b"\x89PNG\r\n\x1a\n" + bytes(64), b"hello, world\n" * 9, b"PK\x03\x04" + bytes(90), bytes(1000)]
)
def test_other_kinds_of_files_are_refused(data: bytes) -> None:
    refused(data)


def test_every_truncation_is_refused() -> None:
    data = model([node("Gemm", ["x", "w"], ["y"])], [weights("w", 4, 3)]).SerializeToString()
    for end in range(len(data)):
        try:
            aidge_onnx.load_onnx(data[:end])
        except aidge_onnx.InvalidModelError:
            continue
        # What is cut off must have been after all that counts: the opset import stands last in the file.
        pytest.fail(f"the first {end} of {len(data)} bytes were accepted")


def test_flipped_bytes_never_end_in_anything_but_a_graph_or_an_error() -> None:
    data = model([node("Conv", ["x", "w"], ["h"]), node("Relu", ["h"], ["y"])], [weights("w", 2, 3, 1, 1)],
                 inputs=[info("x", ("N", 3, 4, 4))]).SerializeToString()  # fmt: skip
    for position in range(len(data)):
        for value in (0x00, 0x7F, 0xFF, data[position] ^ 1):
            changed = bytearray(data)
            changed[position] = value
            with contextlib.suppress(aidge_onnx.InvalidModelError, aidge_core.UnsupportedError):
                aidge_onnx.load_onnx(bytes(changed))


def test_a_missing_file_is_no_invalid_model(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        aidge_onnx.load_onnx(tmp_path / "no.onnx")


def test_a_wrong_argument_is_refused() -> None:
    with pytest.raises(ValueError, match="path, bytes or a ModelProto"):
        aidge_onnx.load_onnx(3.5)  # type: ignore[arg-type]


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.onnx"
    path.touch()
    refused(path, "no bytes")


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "huge.onnx"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    refused(path, "2 GiB")


# --- header ---------------------------------------------------------------------------------------------------------
def test_a_model_without_graph_is_refused() -> None:
    refused(ModelProto(ir_version=8), "no graph")


@pytest.mark.parametrize("version", [0, -1, 2, 99, 1 << 40])
def test_an_unknown_ir_version_is_refused(version: int) -> None:
    broken = relu()
    broken.ir_version = version
    refused(broken, "IR version")


@pytest.mark.parametrize("opset", [0, -3, 99, 1 << 40])
def test_an_unknown_opset_is_refused(opset: int) -> None:
    refused(model([node("Relu", ["x"], ["y"])], opset=opset), "opset")


def test_a_model_without_opset_is_refused() -> None:
    broken = relu()
    del broken.opset_import[:]
    refused(broken, "opset")


def test_a_domain_imported_twice_is_refused() -> None:
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx", 13)]
    refused(model([node("Relu", ["x"], ["y"])], opsets=opsets), "repeated opset")


def test_a_graph_without_outputs_is_refused() -> None:
    refused(model([node("Relu", ["x"], ["y"])], outputs=[]), "output")


# --- tensors --------------------------------------------------------------------------------------------------------
def with_weight(change: Callable[[TensorProto], None]) -> ModelProto:
    tensor = weights("w", 4, 3)
    change(tensor)
    return model([node("MatMul", ["x", "w"], ["y"])], [tensor])


def raw(data: bytes) -> Callable[[TensorProto], None]:
    return lambda tensor: setattr(tensor, "raw_data", data)


def dims(*values: int) -> Callable[[TensorProto], None]:
    def change(tensor: TensorProto) -> None:
        del tensor.dims[:]
        tensor.dims.extend(values)

    return change


@pytest.mark.parametrize(("change", "pattern"), [
    (raw(b""), "need 48"), (raw(bytes(47)), "need 48"), (raw(bytes(52)), "need 48"), (dims(4, 4), "need 64"),
    (dims(-4, 3), "negative"), (dims(-4, -3), "negative"), (dims(1 << 31, 1 << 31), "overflow"), (dims(1 << 40), "need"),
    (dims(1 << 62, 1 << 62), "overflow"), (dims(0, 1 << 62), "overflow"), (dims(*[2] * 70), "overflow"),
    (lambda t: setattr(t, "data_type", 0), "element type"), (lambda t: setattr(t, "data_type", 77), "element type"),
    (lambda t: t.float_data.extend([1.0] * 12), "two stores"), (lambda t: setattr(t, "name", ""), "without a name"),
])  # fmt: skip
def test_a_weight_that_contradicts_itself_is_refused(
    change: Callable[[TensorProto], None], pattern: str
) -> None:
    refused(with_weight(change), pattern)


def test_typed_data_of_the_wrong_length_or_kind_is_refused() -> None:
    for field, values in (("float_data", [1.0] * 11), ("int64_data", [1] * 12), ("double_data", [1.0] * 12)):
        tensor = TensorProto(name="w", data_type=FLOAT, dims=[4, 3])
        getattr(tensor, field).extend(values)
        refused(model([node("MatMul", ["x", "w"], ["y"])], [tensor]))


def test_a_segmented_weight_is_refused() -> None:
    def change(tensor: TensorProto) -> None:
        tensor.segment.begin = 0

    refused(with_weight(change), "segment")


def test_a_sparse_weight_is_refused() -> None:
    broken = model([node("MatMul", ["x", "w"], ["y"])])
    sparse = broken.graph.sparse_initializer.add()
    sparse.values.CopyFrom(weights("w", 1))
    sparse.dims.extend([1 << 40, 1 << 20])
    refused(broken, "sparse")


def test_a_constant_of_the_wrong_length_is_refused() -> None:
    value = TensorProto(name="v", data_type=FLOAT, dims=[1 << 20], raw_data=b"1234")
    refused(model([node("Constant", [], ["c"], value=value), node("Add", ["x", "c"], ["y"])]), "need")


def test_a_constant_without_value_is_refused() -> None:
    refused(model([node("Constant", [], ["c"]), node("Add", ["x", "c"], ["y"])]), "Constant")


@pytest.mark.parametrize("size", [-2, 1 << 60])
def test_an_input_of_absurd_dims_is_refused(size: int) -> None:
    refused(model([node("Relu", ["x"], ["y"])], inputs=[info("x", (size, 3))]), "dimension")


def test_an_input_of_unknown_type_is_refused() -> None:
    refused(model([node("Relu", ["x"], ["y"])], inputs=[info("x", kind=99)]), "element type")


# --- names and edges ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("nodes", "pattern"), [
    ([("Relu", ["nothing"], ["y"])], "defined nowhere"),
    ([("Relu", ["x"], ["h"])], "defined nowhere"),
    ([("Add", ["x", "b"], ["a"]), ("Relu", ["a"], ["b"]), ("Relu", ["a"], ["y"])], "cycle"),
    ([("Add", ["x", "y"], ["y"])], "cycle"),
    ([("Relu", ["x"], ["y"]), ("Sigmoid", ["x"], ["y"])], "twice"),
    ([("Relu", ["x"], ["x"]), ("Relu", ["x"], ["y"])], "twice"),
    ([("Relu", ["x"], ["w"]), ("Add", ["w", "x"], ["y"])], "twice"),
    ([("Relu", ["x"], [])], "defined nowhere"),
    ([("", ["x"], ["y"])], "operator type"),
    ([("NoSuchOperator", ["x"], ["y"])], "NoSuchOperator"),
    ([("Relu", ["x", "x"], ["y"])], "checker"),
    ([("Add", ["x"], ["y"])], "checker"),
    ([("Upsample", ["x", "w"], ["y"])], "checker"),
])  # fmt: skip
def test_a_graph_whose_edges_make_no_sense_is_refused(
    nodes: list[tuple[str, list[str], list[str]]], pattern: str
) -> None:
    refused(model([node(*entry) for entry in nodes], [weights("w", 4)]), pattern)


def test_repeated_inputs_outputs_and_initialisers_are_refused() -> None:
    refused(model([node("Relu", ["x"], ["y"])], inputs=[info("x"), info("x")]), "twice")
    refused(model([node("Relu", ["x"], ["y"])], outputs=[info("y"), info("y")]), "twice")
    refused(model([node("Add", ["x", "w"], ["y"])], [weights("w", 4), weights("w", 4)]), "twice")


def test_nodes_out_of_order_are_sorted() -> None:
    graph = aidge_onnx.load_onnx(model([node("Relu", ["h"], ["y"]), node("Sigmoid", ["x"], ["h"])]))
    assert [n.type() for n in graph.get_ordered_nodes()] == ["Sigmoid", "ReLU"]


def test_a_name_that_is_no_text_is_refused() -> None:
    data = relu().SerializeToString().replace(b"\x01y", b"\x01\xff")
    refused(data)


# --- attributes -----------------------------------------------------------------------------------------------------
def conv(**attributes: Any) -> ModelProto:
    inputs, tensors = [info("x", (1, 3, 8, 8))], [weights("w", 4, 3, 3, 3)]
    return model([node("Conv", ["x", "w"], ["y"], **attributes)], tensors, inputs=inputs)


@pytest.mark.parametrize("attributes", [
    {"strides": [0, 1]}, {"strides": [-1, 1]}, {"strides": [1 << 62, 1]}, {"strides": [1]}, {"strides": [1] * 9},
    {"dilations": [0, 0]}, {"dilations": [1 << 40, 1]}, {"kernel_shape": [0, 3]}, {"kernel_shape": [3, 3, 3]},
    {"kernel_shape": [5, 5]}, {"pads": [-1, 0, 0, 0]}, {"pads": [1 << 62] * 4}, {"pads": [1]}, {"group": 0},
    {"group": -1}, {"group": 1 << 62}, {"group": 3}, {"group": 4}, {"auto_pad": "SAME"}, {"auto_pad": b"\xff\xfe"},
    {"strides": 1.5}, {"strides": "wide"}, {"no_such_attribute": 1},
])  # fmt: skip
def test_a_convolution_with_absurd_attributes_is_refused(attributes: dict[str, Any]) -> None:
    refused(conv(**attributes))


@pytest.mark.parametrize(("op", "attributes"), [
    ("MaxPool", {}), ("MaxPool", {"kernel_shape": [2] * 4}), ("MaxPool", {"kernel_shape": [0, 0]}),
    ("MaxPool", {"kernel_shape": [2, 2], "strides": [0, 0]}), ("AveragePool", {"kernel_shape": [1 << 62, 1]}),
    ("AveragePool", {"kernel_shape": [2, 2], "pads": [-5, 0, 0, 0]}), ("LRN", {}), ("LRN", {"size": 0}),
    ("Flatten", {"axis": 9}), ("Flatten", {"axis": -(1 << 62)}), ("Softmax", {"axis": 7}), ("Softmax", {"axis": 1 << 62}),
    ("Transpose", {"perm": [0, 0, 1, 2]}), ("Transpose", {"perm": [0, 1]}), ("Transpose", {"perm": [0, 1, 2, 9]}),
    ("Concat", {"axis": 4}), ("Concat", {}), ("LeakyRelu", {"alpha": float("nan")}), ("Cast", {"to": 99}),
    ("DepthToSpace", {"blocksize": 0}), ("ReduceMean", {"axes": [9]}),
])  # fmt: skip
def test_other_operators_with_absurd_attributes_are_refused(op: str, attributes: dict[str, Any]) -> None:
    refused(model([node(op, ["x"], ["y"], **attributes)], inputs=[info("x", (1, 3, 8, 8))]))


def test_a_repeated_attribute_is_refused() -> None:
    broken = conv(group=1)
    broken.graph.node[0].attribute.append(helper.make_attribute("group", 1))
    refused(broken, "attribute")


def test_channels_that_do_not_fit_are_refused() -> None:
    inputs = [info("x", ("N", 5, 8, 8))]
    refused(model([node("Conv", ["x", "w"], ["y"])], [weights("w", 4, 3, 3, 3)], inputs=inputs), "channels")
    refused(
        model(
            [node("Conv", ["x", "w", "b"], ["y"])], [weights("w", 4, 5, 3, 3), weights("b", 3)], inputs=inputs
        ),
        "bias",
    )
    parameters = [weights(name, 4) for name in "sbmv"]
    refused(model([node("BatchNormalization", ["x", *"sbmv"], ["y"])], parameters, inputs=inputs))


def test_shapes_that_contradict_each_other_are_refused() -> None:
    refused(model([node("Add", ["x", "w"], ["y"])], [weights("w", 5)]), "shape inference")
    refused(model([node("MatMul", ["x", "w"], ["y"])], [weights("w", 5, 2)]), "shape inference")
    target = numpy_helper.from_array(np.asarray([7, 13], np.int64), "s")
    refused(model([node("Reshape", ["x", "s"], ["y"])], [target], inputs=[info("x", (2, 3))]))


def test_negative_batch_dims_do_not_crash_shape_inference() -> None:
    indices = numpy_helper.from_array(np.zeros((2, 1), np.int64), "i")
    inputs = [info("x", (2, 2, 2))]
    refused(
        model([node("GatherND", ["x", "i"], ["y"], batch_dims=-2)], [indices], inputs=inputs), "batch_dims"
    )


@pytest.mark.parametrize("parts", [1, 2, 4, 0, 1 << 20])
def test_a_split_into_more_parts_than_outputs_does_not_crash_shape_inference(parts: int) -> None:
    split = node("Split", ["x"], ["a", "y", "b"], num_outputs=parts)
    refused(model([split], inputs=[info("x", (6,))], opset=18), "num_outputs|parts")


# --- what a graph cannot hold ---------------------------------------------------------------------------------------
def test_inputs_that_are_no_tensors_of_numbers_are_refused_in_words() -> None:
    sequence = helper.make_tensor_sequence_value_info("x", FLOAT, None)
    with pytest.raises(aidge_core.UnsupportedError, match="'x'"):
        aidge_onnx.load_onnx(model([node("SequenceAt", ["x", "i"], ["y"])], [*[shape_of(0)][:0], numpy_helper.from_array(np.asarray(0, np.int64), "i")], inputs=[sequence]))  # fmt: skip
    text = info("x", (1,), TensorProto.STRING)
    with pytest.raises(aidge_core.UnsupportedError, match="STRING"):
        aidge_onnx.load_onnx(
            model(
                [node("Identity", ["x"], ["y"])], inputs=[text], outputs=[info("y", (1,), TensorProto.STRING)]
            )
        )
