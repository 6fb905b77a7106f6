"""Winograd convolutions: their errors against double precision, and that a change of the option reaches existing schedulers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import aidge_backend_cpu
import aidge_core
import aidge_onnx
import numpy as np
import onnx
import pytest
from helpers.toy import model_of
from onnx import helper

pytestmark = pytest.mark.instruction_set

ERROR_LIMITS = {"direct": 2e-6, "default": 2e-6, "fast": 2e-5}
"""Largest error of a layer's output, relative to its largest magnitude."""


def limit_of(accuracy: str, products: int) -> float:
    """The limit for sums of this many products. A direct kernel may add them in one chain, as oneDNN's for SSE4.1 does, so its rounding
    errors grow with their number; u = 2^-24 is float32's unit roundoff.
    """
    chain = products * 2.0**-24 / 50 if accuracy == "direct" else 0.0
    return max(ERROR_LIMITS[accuracy], chain)


@pytest.fixture(autouse=True)
def _restored_option() -> Iterator[None]:
    yield
    aidge_backend_cpu.set_convolution_accuracy("default")


def convolution_net(channels: int, outputs: int, residual: bool) -> tuple[bytes, Any]:
    """A 3x3 convolution with ReLU behind an exact 1x1 one, and the same in double precision."""
    rng = np.random.default_rng(channels)
    weight = (rng.standard_normal((outputs, channels, 3, 3)) / np.sqrt(9 * channels)).astype(np.float32)
    bias = rng.standard_normal(outputs).astype(np.float32)
    nodes = [
        helper.make_node("Conv", ["x", "one"], ["same"], name="pre"),
        helper.make_node("Conv", ["same", "w", "b"], ["y"], pads=[1, 1, 1, 1], name="conv"),
    ]
    if residual:
        nodes.append(helper.make_node("Add", ["y", "same"], ["sum"]))
    nodes.append(helper.make_node("Relu", ["sum" if residual else "y"], ["z"]))
    one = np.eye(channels, dtype=np.float32).reshape(channels, channels, 1, 1)
    constants = {"one": one, "w": weight, "b": bias}
    ends = {"z": ["n", outputs, "h", "w"]}
    model = model_of(nodes, constants, {"x": ["n", channels, "h", "w"]}, ends)
    onnx.checker.check_model(model)

    def exact(x: np.ndarray) -> np.ndarray:
        padded = np.pad(x.astype(np.float64), ((0, 0), (0, 0), (1, 1), (1, 1)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
        y = np.einsum("nchwij,kcij->nkhw", windows, weight.astype(np.float64), optimize=True)
        y += bias[:, None, None]
        return np.maximum(y + x if residual else y, 0)

    return model.SerializeToString(), exact


def implementation_of(scheduler: Any) -> str:
    """How the 3x3 convolution ran."""
    return next(step.implementation for step in scheduler.report().steps if step.node == "conv")


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(
    ("shape", "outputs", "residual"),
    [
        ((2, 32, 9, 11), 32, True),
        ((1, 64, 56, 56), 64, False),
        ((4, 128, 14, 14), 128, True),
        ((2, 512, 7, 7), 512, True),
        ((3, 50, 8, 8), 70, False),
    ],
)
def test_the_errors_of_every_accuracy_stay_within_its_promise(
    shape: tuple[int, ...], outputs: int, residual: bool, threads: int
) -> None:
    file, exact = convolution_net(shape[1], outputs, residual)
    x = np.random.default_rng(1).standard_normal(shape).astype(np.float32)
    expected = exact(x)
    aidge_backend_cpu.set_num_threads(threads)
    try:
        model = aidge_onnx.load_onnx(file)
        model.compile("cpu", dims=[list(shape)])
        scheduler = aidge_core.SequentialScheduler(model)
        kinds = []
        for accuracy in ERROR_LIMITS:
            aidge_backend_cpu.set_convolution_accuracy(accuracy)
            (result,) = scheduler.forward(data=[x])
            limit = limit_of(accuracy, 9 * shape[1])
            assert np.abs(np.array(result) - expected).max() / np.abs(expected).max() < limit, accuracy
            kinds.append(implementation_of(scheduler).split(":")[0])
    finally:
        aidge_backend_cpu.set_num_threads(0)
    assert "winograd" not in kinds[0]
    assert kinds[1] == "winograd_f2"
    assert kinds[2] in ("winograd_f4", "winograd_f2")


@pytest.mark.parametrize("shape", [(1, 32, 3, 3), (1, 32, 1, 1), (2, 64, 1, 40), (2, 16, 30, 30)])
def test_small_maps_and_few_channels_are_right_whatever_the_kernel(shape: tuple[int, ...]) -> None:
    file, exact = convolution_net(shape[1], shape[1], residual=True)
    x = np.random.default_rng(1).standard_normal(shape).astype(np.float32)
    model = aidge_onnx.load_onnx(file)
    model.compile("cpu", dims=[list(shape)])
    scheduler = aidge_core.SequentialScheduler(model)
    for accuracy, limit in ERROR_LIMITS.items():
        aidge_backend_cpu.set_convolution_accuracy(accuracy)
        (result,) = scheduler.forward(data=[x])
        expected = exact(x)
        assert np.abs(np.array(result) - expected).max() / np.abs(expected).max() < limit


def test_a_word_that_is_no_accuracy_is_refused() -> None:
    with pytest.raises(
        ValueError, match='expected "direct", "default" or "fast" as convolution accuracy, got "exact"'
    ):
        aidge_backend_cpu.set_convolution_accuracy("exact")
    assert aidge_backend_cpu.get_convolution_accuracy() == "default"


def test_the_option_of_a_compile_goes_before_that_of_the_process() -> None:
    model, _ = convolution_net(64, 64, residual=False)
    data = np.random.default_rng(0).standard_normal((1, 64, 32, 32)).astype(np.float32)
    networks = {}
    for accuracy in ("direct", "fast", None):
        network = aidge_onnx.load_onnx(model)
        options = {} if accuracy is None else {"convolution_accuracy": accuracy}
        network.compile("cpu", dims=[[1, 64, 32, 32]], **options)
        networks[accuracy] = (network, aidge_core.SequentialScheduler(network))

    def ran_by(accuracy: str | None) -> str:
        networks[accuracy][1].forward(data=[data])
        return implementation_of(networks[accuracy][1]).split(":")[0]

    assert ran_by("fast") == "winograd_f4"
    assert ran_by(None) == "winograd_f2"
    assert not ran_by("direct").startswith("winograd")
    aidge_backend_cpu.set_convolution_accuracy("direct")
    assert not ran_by(None).startswith("winograd")
    assert ran_by("fast") == "winograd_f4"
    copy = networks["fast"][0].clone()
    scheduler = aidge_core.SequentialScheduler(copy)
    scheduler.forward(data=[data])
    assert implementation_of(scheduler).startswith("winograd_f4")
    networks["fast"][0].compile("cpu", dims=[[1, 64, 32, 32]])
    assert not ran_by("fast").startswith("winograd")


@pytest.mark.parametrize(
    ("accuracy", "kernel"), [("direct", None), ("default", "winograd_f2"), ("fast", "winograd_f4")]
)
def test_winograd_runs_below_the_rules_sizes_where_it_is_asked_for(accuracy: str, kernel: str | None) -> None:
    shape = (1, 16, 9, 7)
    model, exact = convolution_net(shape[1], 8, residual=False)
    data = np.random.default_rng(1).standard_normal(shape).astype(np.float32)
    for choice in ("rule", "winograd"):
        network = aidge_onnx.load_onnx(model)
        network.compile("cpu", dims=[shape], convolution_accuracy=accuracy, convolution_choice=choice)
        scheduler = aidge_core.SequentialScheduler(network)
        (result,) = scheduler.forward(data=[data])
        expected = exact(data)
        assert np.abs(np.asarray(result) - expected).max() / np.abs(expected).max() < ERROR_LIMITS[accuracy]
        ran = implementation_of(scheduler)
        if kernel is not None and choice == "winograd":
            assert ran.startswith(kernel)
        else:
            assert not ran.startswith("winograd")


@pytest.mark.parametrize("accuracy", ["direct", "default", "fast"])
@pytest.mark.parametrize(("shape", "outputs"), [((1, 16, 9, 7), 8), ((2, 48, 20, 20), 40)])
def test_kernels_that_are_chosen_by_measuring_compute_the_same(
    shape: tuple[int, ...], outputs: int, accuracy: str
) -> None:
    model, exact = convolution_net(shape[1], outputs, residual=False)
    network = aidge_onnx.load_onnx(model)
    network.compile("cpu", dims=[shape], convolution_accuracy=accuracy, convolution_choice="measure")
    data = np.random.default_rng(1).standard_normal(shape).astype(np.float32)
    ran = []
    for _ in range(2):
        scheduler = aidge_core.SequentialScheduler(network.clone())
        (result,) = scheduler.forward(data=[data])
        expected = exact(data)
        assert np.abs(np.asarray(result) - expected).max() / np.abs(expected).max() < ERROR_LIMITS[accuracy]
        ran.append(implementation_of(scheduler))
    assert ran[0] == ran[1]
    if accuracy == "direct":
        assert not ran[0].startswith("winograd")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"convolution_accuracy": "exact"},
            r'\[graph::compile\] expected "direct", "default" or "fast".*got "exact"',
        ),
        (
            {"convolution_choice": "guess"},
            r'expected convolution_choice "rule", "measure" or "winograd", got "guess"',
        ),
        (
            {"speed": "high"},
            r"\[graph::compile\] expected the options convolution_accuracy and convolution_choice, got speed",
        ),
    ],
)
def test_an_unknown_option_of_a_compile_is_refused(options: dict[str, str], message: str) -> None:
    network = aidge_onnx.load_onnx(convolution_net(32, 32, residual=False)[0])
    with pytest.raises(ValueError, match=message):
        network.compile("cpu", dims=[[1, 32, 8, 8]], **options)
    assert not network.is_compiled
