"""Every operator as a function of PyTorch: the same outputs as our forward, and gradients that are numbers."""

from __future__ import annotations

import os
from typing import Any

import aidge_backend_cpu
import aidge_core
import aidge_onnx
import numpy as np
import pytest
from helpers import function_cases  # noqa: F401  (enters its cases)
from helpers.conformance import cases, data_of, exceptions, is_native, model_of
from helpers.networks import Network, networks
from helpers.operator_cases import CASES, Make
from helpers.real_networks import OCR_MODELS, channels_last_network, ocr_model
from helpers.single_operators import data_for, model_of_net
from hypothesis import HealthCheck, Phase, assume, given, settings

torch: Any = pytest.importorskip("torch")
from aidge_onnx.torch import take_weights, to_torch  # noqa: E402

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore::RuntimeWarning")]

TOLERANCE = 1e-5
CHAINED = 2e-5
"""Over a dozen layers."""
STORED_ONLY = ("uint16", "uint32", "uint64")
"""Types that PyTorch has no arithmetic for."""
UNKNOWN_SIZES = ("Compress", "GatherND", "NonMaxSuppression", "NonZero", "Unique")
"""Operators of the networks' tails that a module cannot have, or behind which nothing is trained."""
NETWORKS = 5_000 if os.environ.get("AIDGE_NIGHTLY") else 300


@pytest.fixture(autouse=True)
def _one_thread() -> Any:
    before = torch.get_num_threads(), aidge_backend_cpu.get_num_threads()
    torch.set_num_threads(1)
    aidge_backend_cpu.set_num_threads(1)
    yield
    torch.set_num_threads(before[0])
    aidge_backend_cpu.set_num_threads(before[1])


def inputs_of(graph: Any, feeds: dict[str, Any]) -> list[np.ndarray]:
    return [np.asarray(feeds[spec.name]) for spec in graph.input_specs]


def forward(graph: Any, arrays: list[np.ndarray]) -> list[np.ndarray]:
    graph.compile("cpu", dims=[list(array.shape) for array in arrays])
    return [np.array(out) for out in aidge_core.SequentialScheduler(graph).forward(data=arrays)]


def answers(module: Any, arrays: list[np.ndarray]) -> list[Any]:
    found = module(*[torch.from_numpy(np.array(array)) for array in arrays])
    return list(found) if isinstance(found, tuple) else [found]


def assert_close(wanted: list[np.ndarray], found: list[Any], tolerance: float, least: float = 1.0) -> None:
    assert len(wanted) == len(found)
    for expected, tensor in zip(wanted, found, strict=True):
        got = tensor.detach().numpy()
        assert got.shape == expected.shape
        assert got.dtype == expected.dtype
        scale = max(least, float(np.abs(expected, where=np.isfinite(expected), out=np.zeros(expected.shape)).max(initial=0))) if expected.dtype.kind == "f" else 0  # fmt: skip
        np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance * scale)


def backward(module: Any, found: list[Any]) -> None:
    """Gradients reach every parameter that a smooth path leads to, and are numbers."""
    losses = [out[torch.isfinite(out)].square().sum() for out in found if out.requires_grad]
    if not losses:
        return
    sum(losses).backward()
    for name, parameter in module.named_parameters():
        assert parameter.grad is None or torch.isfinite(parameter.grad).all(), name


PARAMETERS = [
    pytest.param(make, opset, id=f"{name}-{opset}")
    for name, make, opsets in CASES
    for opset in sorted({opsets[0], opsets[-1]})
]


@pytest.mark.parametrize(("make", "opset"), PARAMETERS)
def test_an_operator_computes_the_same_and_has_gradients(make: Make, opset: int) -> None:
    net = make(opset)
    graph = aidge_onnx.load_onnx(model_of_net(net, opset), cleaning=False)
    module = to_torch(graph)
    for batch in (1, 3):
        arrays = inputs_of(graph, data_for(net, batch))
        found = answers(module, arrays)
        assert_close(forward(graph, arrays), found, TOLERANCE)
    backward(module, found)
    wide = module.double()(*[torch.from_numpy(array).double() for array in arrays])
    assert all(out.dtype is not torch.float32 for out in (wide if isinstance(wide, tuple) else (wide,)))


def refused(graph: Any) -> bool:
    try:
        to_torch(graph)
    except aidge_core.UnsupportedError as error:
        return "does not compute with uint" in str(error)
    return False


def _cases() -> list[Any]:
    found = [case for entries in cases().values() for case in entries if case.name not in exceptions()]
    return [pytest.param(case, id=case.name) for case in found]


@pytest.mark.slow
@pytest.mark.parametrize("case", _cases())
def test_a_conformance_case_of_native_operators(case: Any) -> None:
    """Each has the outputs that the onnx package gives for it."""
    model = model_of(case)
    if not is_native(model):
        pytest.skip("not native")
    graph = aidge_onnx.load_onnx(model)
    nodes = graph.get_ordered_nodes(deep=True)
    if any(node.get_operator().is_generic() for node in nodes):
        pytest.skip("not native")
    kinds = {spec.dtype.name for spec in graph.input_specs}
    if "bfloat16" in kinds:
        pytest.skip("NumPy has no bfloat16")
    if kinds & set(STORED_ONLY) and refused(graph):
        return
    if any(node.type().endswith("QuantizeLinear") or node.type() == "DequantizeLinear" for node in nodes):
        with pytest.raises(aidge_core.UnsupportedError, match=r"(Quantize|Dequantize)Linear"):
            to_torch(graph)
        return
    module = to_torch(graph)
    known = {entry.name for entry in model.graph.initializer}
    names = [value.name for value in model.graph.input if value.name not in known]
    for given_, wanted in data_of(case, model):
        arrays = inputs_of(graph, dict(zip(names, given_, strict=True)))
        for expected, got in zip(wanted, answers(module, arrays), strict=True):
            if got.dtype is not torch.bfloat16:
                _assert_equal(np.asarray(expected), got.detach().numpy(), case)


def _assert_equal(expected: np.ndarray, got: np.ndarray, case: Any) -> None:
    assert got.shape == expected.shape
    assert got.dtype == expected.dtype
    if got.dtype == np.bool_:
        np.testing.assert_array_equal(got, expected)
    else:
        np.testing.assert_allclose(
            got.astype(np.float64),
            expected.astype(np.float64),
            rtol=case.rtol or 1e-3,
            atol=case.atol or 1e-5,
        )


@pytest.mark.slow
@settings(
    max_examples=NETWORKS,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate, Phase.shrink],
    derandomize=not os.environ.get("AIDGE_NIGHTLY"),
)
@given(network=networks())
def test_a_random_network_computes_the_same_for_all_sizes_and_takes_its_weights_back(
    network: Network,
) -> None:
    assume(not any(node.op_type in UNKNOWN_SIZES for node in network.model.graph.node))
    graph = aidge_onnx.load_onnx(network.model)
    module = to_torch(graph)
    for step in (0, 1) if network.free else (0,):
        arrays = inputs_of(graph, network.feeds(batch=2 + step, grow=step))
        found = answers(module, arrays)
        assert_close(forward(graph, arrays), found, CHAINED, least=1e-2)
    backward(module, found)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.mul_(0.75)
    take_weights(graph, module)
    assert_close(forward(graph, arrays), answers(module, arrays), CHAINED, least=1e-2)


@pytest.mark.slow
@pytest.mark.parametrize("name", OCR_MODELS)
def test_a_network_that_others_made_computes_the_same(name: str) -> None:
    path = ocr_model(name)
    if path is None or not path.exists():
        pytest.skip("needs rapidocr-onnxruntime")
    graph = aidge_onnx.load_onnx(path)
    module = to_torch(graph)
    for sizes in OCR_MODELS[name]:
        x = np.random.default_rng(0).standard_normal((1, 3, *sizes)).astype(np.float32)
        assert_close(forward(graph, [x]), answers(module, [x]), 1e-4, least=1e-2)


def test_a_network_with_channels_last_computes_the_same() -> None:
    graph = aidge_onnx.load_onnx(channels_last_network())
    arrays = [
        np.random.default_rng(0).standard_normal([dim or 2 for dim in spec.dims]).astype(np.float32)
        for spec in graph.input_specs
    ]
    assert_close(forward(graph, arrays), answers(to_torch(graph), arrays), CHAINED, least=1e-2)
