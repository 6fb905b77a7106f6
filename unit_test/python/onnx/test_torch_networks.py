"""The usual networks at their full depth, exported from PyTorch: same numbers as ONNX Runtime, before and after every rewriting."""

from __future__ import annotations

import functools
import importlib.util
import tempfile
import warnings
from pathlib import Path
from typing import Any

import aidge_backend_cpu  # noqa: F401  (registers the backend "cpu")
import aidge_core
import aidge_onnx
import numpy as np
import onnxruntime
import pytest
from helpers.paths import EXAMPLES

pytestmark = [pytest.mark.torch, pytest.mark.slow]
torch = pytest.importorskip("torch")
EXPORT_TOLERANCE = 1e-6
FORWARD_TOLERANCE = 1e-4
BATCHES = (1, 3, 64)
TOPOLOGIES_FILE = EXAMPLES / "torch_topologies.py"
NETS: dict[str, tuple[int, dict[str, int]]] = {
    "resnet18": (96, {}),
    "resnet50": (64, {}),
    "mobilenet_v2": (96, {}),
    "vgg16_bn": (224, {"width": 8}),
    "densenet121": (64, {}),
}
"""Width and height of the pictures, and options of the topology: VGG's classifier takes 224 pixels only."""


@functools.cache
def topologies() -> Any:
    spec = importlib.util.spec_from_file_location("torch_topologies", TOPOLOGIES_FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@functools.cache
def exported(name: str) -> bytes:
    size, options = NETS[name]
    torch.manual_seed(0)
    module = topologies().randomize_batchnorm(topologies().TOPOLOGIES[name](num_classes=10, **options), 0)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of the exporter itself
        path = topologies().export_onnx(module, Path(folder) / "net.onnx", (1, 3, size, size))
        return bytes(path.read_bytes())


def session(file: bytes) -> Any:
    return onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])


def run_ort(file: bytes, x: np.ndarray) -> np.ndarray:
    ort = session(file)
    return np.asarray(ort.run(None, {ort.get_inputs()[0].name: x})[0])


def difference(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(a - b).max() / np.abs(b).max())


def pictures(name: str, batch: int) -> np.ndarray:
    size = NETS[name][0]
    return np.random.default_rng(batch).standard_normal((batch, 3, size, size), dtype=np.float32)


def compiled(name: str) -> Any:
    size = NETS[name][0]
    model = aidge_onnx.load_onnx(exported(name))
    model.compile("cpu", dims=[[3, 3, size, size]])
    return model


def check_forward(model: Any, name: str, reference: bytes) -> None:
    scheduler = aidge_core.SequentialScheduler(model)
    for batch in BATCHES:
        x = pictures(name, batch)
        (result,) = scheduler.forward(data=[x])
        assert difference(np.array(result), run_ort(reference, x)) < FORWARD_TOLERANCE, batch


@pytest.mark.parametrize("name", list(NETS))
def test_a_network_runs_and_comes_out_as_in_onnx_runtime(name: str) -> None:
    model = compiled(name)
    check_forward(model, name, exported(name))
    x = pictures(name, 3)
    again = aidge_onnx.to_model_proto(model).SerializeToString()
    assert difference(run_ort(again, x), run_ort(exported(name), x)) < EXPORT_TOLERANCE


@pytest.mark.parametrize("name", list(NETS))
def test_exact_rewritings_keep_the_numbers(name: str) -> None:
    model = compiled(name)
    assert aidge_core.fuse_batchnorm(model) > 0
    check_forward(model, name, exported(name))
    x = pictures(name, 3)
    written = aidge_onnx.to_model_proto(model).SerializeToString()
    assert difference(run_ort(written, x), run_ort(exported(name), x)) < FORWARD_TOLERANCE


@pytest.mark.parametrize("name", list(NETS))
def test_a_pruned_and_merged_network_runs_as_the_file_that_is_written(name: str) -> None:
    model = compiled(name)
    params = aidge_core.fibnlr_Parameters(
        max_iteration=2,
        ablation_criteria=aidge_core.AblationCriteria.X_LEAST_PER_GROUP,
        ablation_x_least=2,
        ablation_threshold=1.0,
    )
    params.prunable_types = sorted({*params.prunable_types, "Clip"})
    pruned = aidge_core.fibnlr(model, [[pictures(name, 3)], [pictures(name, 3)]], params)
    assert pruned
    file = aidge_onnx.to_model_proto(model).SerializeToString()
    check_forward(model, name, file)
    aidge_core.fuse_batchnorm(model)
    aidge_core.fuse_convolution(model, policy="always")
    check_forward(model, name, file)
