"""Providers read by the library, and what importing the package costs."""

from __future__ import annotations

import gc
import signal
import time
from collections.abc import Iterator
from typing import Any

import aidge_core
import numpy as np
import pytest
from aidge_core import DataProvider, GraphView
from helpers.data_sources import PATIENCE, Failing, Mine, Numbers, eventually, running, workers

# --- through the library ---------------------------------------------------------------------------------------


def model() -> GraphView:
    import aidge_backend_cpu  # noqa: F401

    graph = aidge_core.sequential([aidge_core.Conv2D(1, 2, [2, 2], "conv"), aidge_core.ReLU("relu")])
    graph.get_node("conv_w").get_operator().set_output(0, np.ones((2, 1, 2, 2), np.float32))
    graph.compile("cpu", dims=[[2, 1, 2, 2]])
    return graph


def parameters() -> Any:
    return aidge_core.fibnlr_Parameters(convergence_threshold=0.0)


@pytest.mark.parametrize("num_workers", [0, 2])
def test_fibnlr_reads_a_provider_and_ends_at_its_end(num_workers: int) -> None:
    graph = model()
    aidge_core.fibnlr_prepare(graph, parameters())
    provider = DataProvider(Numbers(10), 2, num_workers=num_workers)
    result = aidge_core.fibnlr_compute(graph, provider, parameters())
    assert (result.iterations, result.reason, result.samples) == (5, "out_of_data", 10)


@pytest.mark.parametrize("num_workers", [0, 2])
def test_an_exception_of_the_database_passes_through_the_library_as_itself(num_workers: int) -> None:
    graph, error = model(), Mine("mine")
    aidge_core.fibnlr_prepare(graph, parameters())
    with pytest.raises(Mine) as caught:
        aidge_core.fibnlr_compute(
            graph, DataProvider(Failing(20, error), 2, num_workers=num_workers), parameters()
        )
    assert caught.value is error
    assert any(entry.name == "get_item" for entry in caught.traceback)
    assert eventually(lambda: not workers())


def test_a_generator_is_closed_when_the_library_stops_reading() -> None:
    closed: list[int] = []

    def generate() -> Iterator[Any]:
        try:
            while True:
                yield np.ones((2, 1, 2, 2), np.float32)
        finally:
            closed.append(1)

    graph = model()
    limited = aidge_core.fibnlr_Parameters(max_iteration=3, convergence_threshold=0.0)
    aidge_core.fibnlr_prepare(graph, limited)
    assert aidge_core.fibnlr_compute(graph, generate(), limited).iterations == 3
    gc.collect()
    assert closed == [1]


@pytest.mark.slow
@pytest.mark.parametrize("num_workers", [0, 2])
def test_ctrl_c_ends_a_long_computation(num_workers: int) -> None:
    code = f"""
    import numpy as np, aidge_backend_cpu
    class Endless:
        def __iter__(self):
            print("running")
            while True:
                yield np.ones((8, 1, 16, 16), np.float32)
    class Many(aidge_core.Database):
        def __len__(self):
            return 10**7
        def get_item(self, index):
            if index == 0:
                print("running")
            return [np.ones((1, 16, 16), np.float32)]
    provider = aidge_core.DataProvider(Many(), 8, num_workers={num_workers}) if {num_workers} else Endless()
    graph = aidge_core.sequential([aidge_core.Conv2D(1, 8, [3, 3], "c"), aidge_core.ReLU("r")])
    graph.compile("cpu", dims=[[8, 1, 16, 16]])
    params = aidge_core.fibnlr_Parameters(max_iteration=0, convergence_threshold=0.0)
    aidge_core.fibnlr_prepare(graph, params)
    aidge_core.fibnlr_compute(graph, provider, params)
    """
    with running(code) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "running\n"
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=PATIENCE)
    assert errors.rstrip().endswith("KeyboardInterrupt"), errors
    assert "Fatal" not in errors


def test_a_program_that_ignores_ctrl_c_computes_to_the_end() -> None:
    """As in the background of a shell, where SIGINT is ignored."""
    code = """
    import numpy as np, aidge_backend_cpu
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    def batches():
        for index in range(30):
            if index == 3:
                print("running")
                time.sleep(0.5)
            yield np.ones((8, 1, 16, 16), np.float32)
    graph = aidge_core.sequential([aidge_core.Conv2D(1, 8, [3, 3], "c"), aidge_core.ReLU("r")])
    graph.compile("cpu", dims=[[8, 1, 16, 16]])
    params = aidge_core.fibnlr_Parameters(max_iteration=0, convergence_threshold=0.0)
    aidge_core.fibnlr_prepare(graph, params)
    print(aidge_core.fibnlr_compute(graph, batches(), params).iterations)
    """
    with running(code) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "running\n"
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, errors
    assert output == "30\n"
