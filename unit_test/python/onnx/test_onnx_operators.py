"""Every operator in every form that ONNX has had for it: in, out again, and the same numbers from ONNX Runtime."""

from __future__ import annotations

from typing import Any

import aidge_core
import aidge_onnx
import numpy as np
import onnx
import onnxruntime
import pytest
from helpers import function_cases  # noqa: F401  (enters its cases)
from helpers.operator_cases import CASES, Make
from helpers.single_operators import data_for, model_of_net
from onnx import ModelProto

EXPORT_TOLERANCE = 1e-6
FORWARD_TOLERANCE = 1e-4


def run(model: ModelProto, feeds: dict[str, np.ndarray[Any, Any]]) -> list[np.ndarray[Any, Any]]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    names = {value.name for value in session.get_inputs()}
    return [
        np.asarray(value)
        for value in session.run(None, {name: feeds[name] for name in feeds if name in names})
    ]


def types_of(graph: aidge_core.GraphView) -> list[str]:
    return [node.type() for node in graph.get_ordered_nodes() if not node.get_operator().is_producer()]


def generics_of(graph: aidge_core.GraphView) -> list[str]:
    return [node.name() for node in graph.get_ordered_nodes() if node.get_operator().is_generic()]


def assert_close(
    got: list[np.ndarray[Any, Any]], expected: list[np.ndarray[Any, Any]], tolerance: float
) -> None:
    assert len(got) == len(expected)
    for one, other in zip(got, expected, strict=True):
        assert one.shape == other.shape
        scale = max(1.0, float(np.max(np.abs(other), initial=0.0, where=np.isfinite(other))))
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance * scale)


PARAMETERS = [
    pytest.param(
        make, opset, id=f"{name}-{opset}", marks=() if opset in (opsets[0], opsets[-1]) else pytest.mark.slow
    )
    for name, make, opsets in CASES
    for opset in opsets
]
"""Every form of every operator; the oldest and the newest opset are for daily work, those between are marked slow."""


def lenient(model: ModelProto) -> ModelProto:
    """The model with the output shapes that ONNX Runtime wants to see, or not."""
    return onnx.shape_inference.infer_shapes(model)


@pytest.mark.parametrize(("make", "opset"), PARAMETERS)
def test_an_operator_survives_import_and_export(make: Make, opset: int) -> None:
    net = make(opset)
    model = lenient(model_of_net(net, opset))
    graph = aidge_onnx.load_onnx(model)
    assert types_of(graph) == net.native
    assert generics_of(graph) == []
    exported = aidge_onnx.to_model_proto(graph)
    assert {entry.domain: entry.version for entry in exported.opset_import} == {"": max(opset, 13)}
    for batch in (1, 3):
        feeds = data_for(net, batch)
        assert_close(run(exported, feeds), run(model, feeds), EXPORT_TOLERANCE)


@pytest.mark.parametrize(("make", "opset"), PARAMETERS)
def test_an_operator_can_be_written_for_the_opset_it_came_from(make: Make, opset: int) -> None:
    net = make(opset)
    model = lenient(model_of_net(net, opset))
    exported = aidge_onnx.to_model_proto(aidge_onnx.load_onnx(model), opset=opset)
    assert {entry.domain: entry.version for entry in exported.opset_import} == {"": opset}
    feeds = data_for(net, 2)
    assert_close(run(exported, feeds), run(model, feeds), EXPORT_TOLERANCE)


@pytest.mark.parametrize(("make", "opset"), PARAMETERS)
def test_a_second_round_trip_changes_nothing(make: Make, opset: int) -> None:
    first = aidge_onnx.to_model_proto(aidge_onnx.load_onnx(lenient(model_of_net(make(opset), opset))))
    second = aidge_onnx.to_model_proto(aidge_onnx.load_onnx(first))
    assert second.SerializeToString(deterministic=True) == first.SerializeToString(deterministic=True)


@pytest.mark.parametrize(("make", "opset"), PARAMETERS)
def test_an_operator_gives_the_numbers_of_onnx_runtime(make: Make, opset: int) -> None:
    import aidge_backend_cpu  # noqa: F401

    net = make(opset)
    model = lenient(model_of_net(net, opset))
    graph = aidge_onnx.load_onnx(model)
    for batch in (1, 3):
        feeds = data_for(net, batch)
        arrays = [feeds[spec.name] for spec in graph.input_specs]
        graph.compile("cpu", dims=[list(array.shape) for array in arrays])
        results = aidge_core.SequentialScheduler(graph).forward(data=arrays)
        assert_close([np.asarray(result) for result in results], run(model, feeds), FORWARD_TOLERANCE)
