"""FIBNLR from Python: providers, and what happens when they raise, stop or do not fit."""

from __future__ import annotations

import math
import signal
import threading
from collections.abc import Iterator
from typing import Any

import aidge_backend_cpu  # noqa: F401
import aidge_core
import aidge_onnx
import numpy as np
import pytest
from helpers.fibnlr_models import endless, relu_network, small_batches, small_model

pytestmark = pytest.mark.instruction_set

# --- providers ------------------------------------------------------------------------------------


class LabelledData(aidge_core.Database):
    """Twenty labelled samples."""

    def __init__(self) -> None:
        super().__init__()
        self.x = np.concatenate(small_batches())

    def __len__(self) -> int:
        return len(self.x)

    def get_item(self, index: int) -> list[Any]:
        return [self.x[index], np.int64(index)]


def ratios_with(provider: Any) -> float:
    model = small_model()
    params = endless()
    aidge_core.fibnlr_prepare(model, params)
    aidge_core.fibnlr_compute(model, provider, params)
    return float(aidge_core.fibnlr_get_npr(model.get_node("a")).value())


def test_every_kind_of_provider_gives_the_same_ratio() -> None:
    batches = small_batches()
    expected = ratios_with(batches)
    labels = np.zeros(4, dtype=np.int64)
    assert ratios_with(aidge_core.DataProvider(LabelledData(), batch_size=4)) == pytest.approx(expected)
    assert ratios_with(iter(batches)) == pytest.approx(expected)
    assert ratios_with([(b, labels) for b in batches]) == pytest.approx(expected)
    assert ratios_with([[aidge_core.Tensor(b)] for b in batches]) == pytest.approx(expected)
    name = small_model().input_specs[0].name
    assert ratios_with([{name: b, "label": labels} for b in batches]) == pytest.approx(expected)


@pytest.mark.torch
def test_a_torch_data_loader_is_a_provider() -> None:
    import torch

    data = torch.utils.data.TensorDataset(torch.from_numpy(np.concatenate(small_batches())), torch.arange(20))
    loader = torch.utils.data.DataLoader(data, batch_size=4)
    assert ratios_with(loader) == pytest.approx(ratios_with(small_batches()))


def test_the_script_of_the_merge_request_runs() -> None:
    provider = aidge_core.DataProvider(
        LabelledData(), backend="cpu", batch_size=8, shuffle=True, drop_last=True
    )
    model = aidge_core.sequential([aidge_core.ReLU(name="a"), aidge_core.ReLU(name="b")])
    (tensor, _label) = next(iter(provider))
    model.set_mandatory_inputs_first()
    model.compile("cpu", datatype=aidge_core.dtype.float32, dims=[tensor.dims])
    params = aidge_core.fibnlr_Parameters()
    pruned_nodes = aidge_core.fibnlr(model, provider, params)
    assert {node.name() for node in pruned_nodes} == {"b"}
    prepared_nodes = aidge_core.fibnlr_prepare(model, params)
    assert {node.name() for node in prepared_nodes} == {"a"}
    aidge_core.fibnlr_compute(model, provider, params)
    assert aidge_core.fibnlr_prune(model, params) == set()


def test_an_empty_provider_is_an_error() -> None:
    model = small_model()
    aidge_core.fibnlr_prepare(model)
    with pytest.raises(ValueError, match="empty"):
        aidge_core.fibnlr_compute(model, [])


def test_what_a_provider_raises_comes_out_and_undoes_the_call() -> None:
    class Trouble(Exception):
        pass

    def batches() -> Iterator[np.ndarray]:
        yield from small_batches(2)
        raise Trouble("third batch")

    model = small_model()
    aidge_core.fibnlr_prepare(model)
    with pytest.raises(Trouble, match="third batch"):
        aidge_core.fibnlr_compute(model, batches())
    assert aidge_core.fibnlr_get_npr(model.get_node("a")) == aidge_core.NPR()
    with pytest.raises(ValueError, match="no NPR: compute must run first"):
        aidge_core.fibnlr_prune(model)


def test_what_a_progress_callback_raises_comes_out_and_undoes_the_call() -> None:
    def progress(iteration: int, convergence: float | None, samples: int) -> None:
        raise RuntimeError("enough")

    model = small_model()
    with pytest.raises(RuntimeError, match="enough"):
        aidge_core.fibnlr(model, small_batches(), progress=progress)
    assert not aidge_core.fibnlr_has_npr(model.get_node("a"))
    assert not model.get_node("a").has_observers()


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Ctrl-C raises KeyboardInterrupt, also if the tests run in the background, where SIGINT is ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_between_batches_ends_compute_with_keyboard_interrupt() -> None:
    def batches() -> Iterator[np.ndarray]:
        for index, batch in enumerate(small_batches(50)):
            if index == 3:
                signal.raise_signal(signal.SIGINT)
            yield batch

    model = small_model()
    aidge_core.fibnlr_prepare(model)
    with pytest.raises(KeyboardInterrupt):
        aidge_core.fibnlr_compute(model, batches(), endless())
    assert aidge_core.fibnlr_get_npr(model.get_node("a")) == aidge_core.NPR()


def test_other_threads_run_while_compute_does() -> None:
    model = small_model()
    aidge_core.fibnlr_prepare(model)
    turn = threading.Semaphore(0)
    done = threading.Semaphore(0)

    def other() -> None:
        for _ in range(5):
            turn.acquire()
            done.release()

    def batches() -> Iterator[np.ndarray]:
        for batch in small_batches():
            turn.release()
            assert done.acquire(timeout=60)
            yield batch

    thread = threading.Thread(target=other, daemon=True)
    thread.start()
    assert aidge_core.fibnlr_compute(model, batches(), endless()).iterations == 5
    thread.join(timeout=60)
    assert not thread.is_alive()


@pytest.mark.parametrize(
    "batch",
    [
        np.zeros((4, 5, 9, 7), np.float32),
        np.zeros((4, 3, 9), np.float32),
        np.zeros((4, 3, 9, 7), np.int64),
        {"other": np.zeros((4, 3, 9, 7), np.float32)},
        [],
    ],
    ids=["channels", "rank", "type", "name", "nothing"],
)
def test_a_batch_that_does_not_fit_is_an_error_that_names_the_input(batch: Any) -> None:
    model = aidge_onnx.load_onnx(relu_network(0))
    model.compile("cpu", dims=[[4, 3, 9, 7]])
    aidge_core.fibnlr_prepare(model)
    good = np.ones((4, 3, 9, 7), np.float32)
    with pytest.raises(ValueError, match="'x'"):
        aidge_core.fibnlr_compute(model, [good, batch])
    assert aidge_core.fibnlr_get_npr(model.get_node("relu1")) == aidge_core.NPR()


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_nan_or_infinity_names_node_and_batch(bad: float) -> None:
    batches = small_batches()
    batches[3][1, 1, 1, 1] = bad
    model = small_model()
    aidge_core.fibnlr_prepare(model)
    with pytest.raises(ValueError, match=r'(?s)"a".*batch 3'):
        aidge_core.fibnlr_compute(model, batches, endless())
    assert aidge_core.fibnlr_get_npr(model.get_node("a")) == aidge_core.NPR()
