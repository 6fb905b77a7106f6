"""Versions, headers, a trained network and files: what must come through import and export unharmed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import aidge_core
import aidge_onnx
import numpy as np
import onnx
import pytest
from helpers.onnx_models import (
    EXPORT_TOLERANCE,
    SCALARS,
    assert_same,
    dims_of,
    flattening,
    info,
    model,
    node,
    round_trip,
    run,
    tensor,
    values,
    weights,
)
from helpers.paths import DATA
from onnx import ModelProto, numpy_helper


# --- versions -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "name",
    [
        "Conv2d",
        "BatchNorm2d_eval",
        "Linear",
        "MaxPool2d",
        "ConstantPad2d",
        "PReLU_2d_multiparam",
        "Softmax",
        "GLU_dim",
    ],
)
def test_models_from_before_opset_7_are_converted(name: str) -> None:
    """The onnx package has such files, with the values that PyTorch computed."""
    directory = (
        Path(onnx.__file__).parent / "backend" / "test" / "data" / "pytorch-converted" / f"test_{name}"
    )
    given, expected = (
        numpy_helper.to_array(onnx.load_tensor(directory / "test_data_set_0" / f"{kind}_0.pb"))
        for kind in ("input", "output")
    )
    source = onnx.load(directory / "model.onnx")
    assert [entry.version for entry in source.opset_import] == [6]
    exported = round_trip(source)
    assert [entry.version for entry in exported.opset_import] == [13]
    (entry,) = exported.graph.input
    (result,) = run(exported, {entry.name: given})
    np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-5)


def test_generic_operators_pin_the_opset_unless_they_mean_the_same_in_the_wished_one() -> None:
    old = model(
        [node("MaxUnpool", ["x", "places"], ["y"], kernel_shape=[2, 2], strides=[2, 2])],
        [tensor("places", [[[[0, 3], [9, 15]]], [[[16, 18], [25, 31]]]], np.int64)],
        inputs=[info("x", ("N", 1, 2, 2))],
        opset=9,
    )
    graph = aidge_onnx.load_onnx(old)
    exported = aidge_onnx.to_model_proto(graph)
    assert [entry.version for entry in exported.opset_import] == [9]
    assert_same(old, exported, {"x": values(2, 1, 2, 2)})
    with pytest.raises(ValueError, match="MaxUnpool"):
        aidge_onnx.to_model_proto(graph, opset=13)
    same = aidge_onnx.load_onnx(model([node("Selu", ["x"], ["y"])], opset=9))
    assert [entry.version for entry in aidge_onnx.to_model_proto(same, opset=13).opset_import] == [13]


@pytest.mark.parametrize(("make", "first"), [
    (lambda: aidge_core.make_node("Pad", {"pads": [0, 1, 0, 1], "mode": "wrap"}, "n"), 19),
    (lambda: aidge_core.make_node("Reshape", {"shape": [0, 4], "allowzero": True}, "n"), 14),
    (lambda: aidge_core.make_node("GeLU", {}, "n"), 9),
])  # fmt: skip
def test_a_form_that_the_opset_lacks_is_an_error_that_names_the_node_and_the_opset(
    make: Any, first: int
) -> None:
    graph = aidge_core.sequential([make()])
    with pytest.raises(ValueError, match=rf"opset {first} or newer.* n \("):
        aidge_onnx.to_model_proto(graph, opset=first - 1, input_dims=[[None, 4]])


def test_the_default_opset_rises_to_what_the_graph_needs() -> None:
    graph = aidge_core.sequential([aidge_core.make_node("Pad", {"pads": [0, 1, 0, 1], "mode": "wrap"}, "n")])
    assert [
        entry.version for entry in aidge_onnx.to_model_proto(graph, input_dims=[[None, 4]]).opset_import
    ] == [19]


@pytest.mark.parametrize("opset", [0, 6, 999])
def test_an_opset_that_cannot_be_written_is_refused(opset: int) -> None:
    with pytest.raises(ValueError, match="opset"):
        round_trip(model([node("Relu", ["x"], ["y"])]), opset=opset)


@pytest.mark.parametrize(("opset", "ir_version"), [(13, 8), (17, 8), (20, 9), (21, 10)])
def test_the_ir_version_is_the_oldest_that_fits_and_at_least_8(opset: int, ir_version: int) -> None:
    source = model([node("Relu", ["x"], ["y"])])
    assert round_trip(source, opset=opset).ir_version == ir_version
    assert round_trip(source, opset=opset, ir_version=11).ir_version == 11


def test_the_header_of_the_source_survives() -> None:
    source = model(
        [node("Relu", ["x"], ["y"])],
        producer_name="maker",
        producer_version="1.2",
        domain="here",
        model_version=7,
        doc_string="words",
    )
    source.graph.doc_string = "more words"
    source.metadata_props.add(key="classes", value="cat, dog")
    exported = round_trip(source)
    assert (exported.producer_name, exported.producer_version, exported.domain) == ("maker", "1.2", "here")
    assert (exported.model_version, exported.doc_string, exported.graph.doc_string) == (
        7,
        "words",
        "more words",
    )
    assert [(entry.key, entry.value) for entry in exported.metadata_props] == [("classes", "cat, dog")]


def test_a_proto_that_is_loaded_is_left_as_it_is() -> None:
    source = model([node("Gemm", ["x", "w"], ["h"]), *flattening(17)], [weights("w", 4, 3), *SCALARS])
    before = source.SerializeToString(deterministic=True)
    aidge_onnx.load_onnx(source, dynamic_batch=True)
    assert source.SerializeToString(deterministic=True) == before


def test_paths_bytes_and_protos_give_the_same_graph(tmp_path: Path) -> None:
    source = model([node("Gemm", ["x", "w"], ["y"])], [weights("w", 4, 3)])
    path = tmp_path / "m.onnx"
    path.write_bytes(source.SerializeToString())
    exports = {aidge_onnx.to_model_proto(aidge_onnx.load_onnx(form)).SerializeToString(deterministic=True)
               for form in (path, str(path), source.SerializeToString(), bytearray(source.SerializeToString()), source)}  # fmt: skip
    assert len(exports) == 1


# --- a trained network ---------------------------------------------------------------------------------------------
GOLDEN = DATA / "fibnlr" / "net.onnx"


def golden_feeds(source: ModelProto) -> dict[str, np.ndarray[Any, Any]]:
    constants = {initialiser.name for initialiser in source.graph.initializer}
    feeds = {}
    for value in source.graph.input:
        if value.name not in constants:
            feeds[value.name] = values(*(int(dim) if isinstance(dim, int) else 3 for dim in dims_of(value)))
    return feeds


def test_the_golden_network_of_fibnlr_survives() -> None:
    source = onnx.load(GOLDEN)
    graph = aidge_onnx.load_onnx(GOLDEN)
    assert [n.name() for n in graph.get_nodes() if n.get_operator().is_generic()] == []
    named = {n.name for n in source.graph.node if n.name}
    assert named & {n.name() for n in graph.get_nodes()} == named
    assert_same(source, aidge_onnx.to_model_proto(graph), golden_feeds(source))


def test_a_network_from_which_activations_were_taken_exports_with_its_names() -> None:
    source = onnx.load(GOLDEN)
    graph = aidge_onnx.load_onnx(GOLDEN)
    activations = [n for n in graph.get_ordered_nodes() if n.type() == "ReLU"]
    for activation in activations:
        graph.bypass(activation)
    exported = aidge_onnx.to_model_proto(graph)
    assert [value.name for value in exported.graph.output] == [value.name for value in source.graph.output]
    assert len(exported.graph.node) <= len(source.graph.node) - len(activations) + 1
    expected = {n.name for n in exported.graph.node}
    assert expected.isdisjoint(n.name() for n in activations)
    run(exported, golden_feeds(source))


# --- writing --------------------------------------------------------------------------------------------------------
def test_a_file_is_written_whole_and_alone(tmp_path: Path) -> None:
    source = model([node("Gemm", ["x", "w"], ["y"])], [weights("w", 4, 3)])
    path = tmp_path / "out.onnx"
    path.write_bytes(b"old")
    aidge_onnx.export_onnx(aidge_onnx.load_onnx(source), path)
    assert os.listdir(tmp_path) == ["out.onnx"]
    onnx.checker.check_model(str(path), full_check=True)
    data = values(3, 4)
    np.testing.assert_allclose(
        run(str(path), {"x": data})[0], run(source, {"x": data})[0], rtol=EXPORT_TOLERANCE
    )


def test_a_failed_export_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "out.onnx"
    path.write_bytes(b"old")
    graph = aidge_core.sequential([aidge_core.GenericOperator("Unknown", 1, nb_out=1, name="strange")])
    with pytest.raises(ValueError, match="strange"):
        aidge_onnx.export_onnx(graph, path, input_dims=[[None, 4]])
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["out.onnx"]


def test_an_invalid_graph_is_not_written(tmp_path: Path) -> None:
    graph = aidge_core.sequential([aidge_core.FC(4, 3, name="fc")])
    with pytest.raises(ValueError, match="fit"):
        aidge_onnx.export_onnx(graph, tmp_path / "out.onnx", input_dims=[[None, 5]])
    assert os.listdir(tmp_path) == []


def test_an_error_in_the_middle_of_writing_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = aidge_onnx.load_onnx(model([node("Relu", ["x"], ["y"])]))

    def fail(*_: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    for external in (False, True):
        with pytest.raises(OSError, match="disk full"):
            aidge_onnx.export_onnx(graph, tmp_path / "out.onnx", external_data=external)
    assert os.listdir(tmp_path) == []


def test_a_directory_that_is_not_there_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        aidge_onnx.export_onnx(
            aidge_onnx.load_onnx(model([node("Relu", ["x"], ["y"])])), tmp_path / "no" / "out.onnx"
        )


def test_weights_can_be_written_beside_the_model(tmp_path: Path) -> None:
    source = model([node("Gemm", ["x", "w", "b"], ["y"])], [weights("w", 4, 3), weights("b", 3)])
    path = tmp_path / "out.onnx"
    aidge_onnx.export_onnx(aidge_onnx.load_onnx(source), path, external_data=True)
    assert sorted(os.listdir(tmp_path)) == ["out.onnx", "out.onnx.data"]
    onnx.checker.check_model(str(path), full_check=True)
    data = values(3, 4)
    expected = run(source, {"x": data})[0]
    np.testing.assert_allclose(run(str(path), {"x": data})[0], expected, rtol=EXPORT_TOLERANCE)
    again = aidge_onnx.to_model_proto(aidge_onnx.load_onnx(path))
    np.testing.assert_allclose(run(again, {"x": data})[0], expected, rtol=EXPORT_TOLERANCE)


def test_weights_that_change_in_the_graph_change_in_the_file() -> None:
    graph = aidge_onnx.load_onnx(model([node("Add", ["x", "w"], ["y"])], [weights("w", 4)]))
    graph.get_node("w").get_operator().set_output(0, np.full(4, 2.5, np.float32))
    exported = aidge_onnx.to_model_proto(graph)
    np.testing.assert_array_equal(
        numpy_helper.to_array(exported.graph.initializer[0]), np.full(4, 2.5, np.float32)
    )
