"""The light_* models of the onnx package, with random weights: the same numbers after import and export, and from our own execution."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import aidge_core
import aidge_onnx
import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import ModelProto, numpy_helper

EXPORT_TOLERANCE = 1e-6
FORWARD_TOLERANCE = 1e-4
DIRECTORY = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
BIG = ("bvlc_alexnet", "vgg19", "zfnet512")
SMALL = ("densenet121", "inception_v1", "inception_v2", "resnet50", "shufflenet", "squeezenet")
DAILY = ("shufflenet", "squeezenet")
ALL = [pytest.param(name, marks=() if name in DAILY else pytest.mark.slow) for name in (*SMALL, *BIG)]


def with_random_weights(name: str) -> ModelProto:
    """The files make their weights with ConstantOfShape, all alike; here they become random initialisers."""
    model = onnx.load(DIRECTORY / f"light_{name}.onnx")
    rng = np.random.default_rng(sum(map(ord, name)))
    shapes = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    roles = {
        value: index
        for node in model.graph.node
        if node.op_type == "BatchNormalization"
        for index, value in enumerate(node.input)
    }
    kept = []
    for node in model.graph.node:
        if node.op_type != "ConstantOfShape":
            kept.append(node)
            continue
        shape = tuple(int(extent) for extent in shapes[node.input[0]])
        array = rng.standard_normal(shape, dtype=np.float32)
        if roles.get(node.output[0]) in (1, 4):
            array = np.float32(0.7) + np.abs(array) * np.float32(0.3)
        elif len(shape) > 1:
            array *= np.float32(math.sqrt(2 / math.prod(shape[1:])))
        else:
            array *= np.float32(0.1)
        model.graph.initializer.append(numpy_helper.from_array(array, node.output[0]))
    kept = [onnx.NodeProto.FromString(node.SerializeToString()) for node in kept]
    del model.graph.node[:]
    model.graph.node.extend(kept)
    model.ir_version = 8
    # Initialisers that are inputs too could be overridden; ONNX Runtime computes with them in another order.
    constants = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in constants]
    inputs = [onnx.ValueInfoProto.FromString(value.SerializeToString()) for value in inputs]
    del model.graph.input[:]
    model.graph.input.extend(inputs)
    return model


def session_of(model: ModelProto | str) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1  # with more its sums depend on how they are shared out
    source = model.SerializeToString() if isinstance(model, ModelProto) else model
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def answer(session: onnxruntime.InferenceSession, data: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.asarray(session.run(None, {session.get_inputs()[0].name: data})[0])


def run(model: ModelProto | str, data: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return answer(session_of(model), data)


def images(count: int) -> np.ndarray[Any, Any]:
    return np.random.default_rng(count).standard_normal((count, 3, 224, 224), dtype=np.float32)


def distance(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> float:
    """Greatest difference relative to the greatest value."""
    assert one.shape == other.shape
    return float(np.max(np.abs(one - other)) / np.max(np.abs(other)))


@pytest.mark.parametrize("name", ALL)
def test_a_light_model_runs_and_comes_out_as_in_onnx_runtime(name: str, tmp_path: Path) -> None:
    import aidge_backend_cpu  # noqa: F401

    source = with_random_weights(name)
    batch = images(3)
    session = session_of(source)
    expected = np.concatenate([answer(session, batch[index : index + 1]) for index in range(3)])
    graph = aidge_onnx.load_onnx(source)
    assert [n.name() for n in graph.get_nodes() if n.get_operator().is_generic()] == []
    path = tmp_path / "out.onnx"
    aidge_onnx.export_onnx(graph, path)
    assert distance(answer(session_of(str(path)), batch[:1]), expected[:1]) < EXPORT_TOLERANCE
    del graph
    graph = aidge_onnx.load_onnx(source, dynamic_batch=True)
    graph.compile("cpu", dims=[[1, 3, 224, 224]])
    scheduler = aidge_core.SequentialScheduler(graph)
    for count in (1, 3):
        (result,) = scheduler.forward(data=[batch[:count]])
        assert distance(np.asarray(result), expected[:count]) < FORWARD_TOLERANCE


@pytest.mark.parametrize("name", ALL)
def test_a_light_model_as_it_is_shipped_loads_and_exports(name: str, tmp_path: Path) -> None:
    path = tmp_path / "out.onnx"
    aidge_onnx.export_onnx(aidge_onnx.load_onnx(DIRECTORY / f"light_{name}.onnx"), path)
    expected = numpy_helper.to_array(onnx.load_tensor(DIRECTORY / f"light_{name}_output_0.pb"))
    ones = np.ones((1, 3, 224, 224), np.float32)
    assert run(str(path), ones).shape == expected.shape


@pytest.mark.parametrize("name", ALL[: len(SMALL)])
def test_a_light_model_with_a_freed_batch_exports_with_it(name: str) -> None:
    source = with_random_weights(name)
    exported = aidge_onnx.to_model_proto(aidge_onnx.load_onnx(source, dynamic_batch=True))
    data = images(2)
    expected = np.concatenate([run(source, data[index : index + 1]) for index in range(2)])
    assert distance(run(exported, data), expected) < 1e-5
