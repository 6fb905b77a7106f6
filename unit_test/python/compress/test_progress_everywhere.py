"""Every public function that takes `progress` stops when it returns False. The functions are found, not listed: a new one without a call here fails."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import aidge_backend_cpu  # noqa: F401
import aidge_compress as ac
import aidge_core
import pytest
from aidge_compress import Stopped
from aidge_compress.channels.run import Compressor, with_int8
from aidge_compress.fibnlr.run import measure_activations
from aidge_compress.measure.metrics import run_over
from aidge_compress.pfa import PFA
from aidge_compress.quantization import quantize_cut
from helpers.low_rank import images, residual_network

OUTSIDE = ("cli", "progress")
"""The command line hands its bars to the functions below; the protocol itself."""


def _functions_of(body: Sequence[ast.stmt], before: str) -> Iterator[str]:
    """Public functions and methods with a parameter `progress`; a class stands for its __init__."""
    for statement in body:
        if isinstance(statement, ast.ClassDef) and not statement.name.startswith("_"):
            yield from _functions_of(statement.body, f"{before}.{statement.name}")
        elif isinstance(statement, ast.FunctionDef):
            taken = [entry.arg for entry in (*statement.args.args, *statement.args.kwonlyargs)]
            if "progress" in taken and statement.name == "__init__":
                yield before
            elif "progress" in taken and not statement.name.startswith("_"):
                yield f"{before}.{statement.name}"


def product_functions() -> list[str]:
    """All of them in aidge_compress, by module and name; read from the sources, so that no optional package is needed."""
    found = []
    root = Path(ac.__file__).parent
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        if parts[0] not in OUTSIDE:
            found += _functions_of(ast.parse(path.read_text("utf-8")).body, ".".join(parts))
    return sorted(found)


def core_functions() -> list[str]:
    """Functions of the compiled core with a parameter `progress`: their callbacks are Aidge's own, (batches, …) -> bool | None."""
    return [
        name
        for name in dir(aidge_core._core)
        if "progress:" in (getattr(getattr(aidge_core._core, name), "__doc__", None) or "").split("\n", 1)[0]
    ]


class Batches:
    """Calibration data that counts how many batches were read."""

    def __init__(self) -> None:
        self.read = 0

    def __iter__(self) -> Iterator[Any]:
        for _ in range(4):
            self.read += 1
            yield [images(16)]


def compiled() -> aidge_core.GraphView:
    graph = residual_network()
    graph.compile("cpu", dims=[[16, 3, 8, 8]])
    return graph


def prepared() -> aidge_core.GraphView:
    graph = compiled()
    aidge_core.fibnlr_prepare(graph)
    return graph


def _parts() -> Any:
    return [[[images(16)]] for _ in range(4)]


def _float() -> Any:
    return ac.compress(compiled(), Batches(), keep_macs=0.7, latency=False)


CALLS: dict[str, Callable[[Any], Any]] = {
    "channels.run.Compressor": lambda stop: Compressor(compiled(), Batches(), progress=stop),
    "channels.run.with_int8": lambda stop: with_int8(_float(), compiled(), Batches(), progress=stop),
    "channels.run.compress": lambda stop: ac.compress(compiled(), Batches(), keep_macs=0.7, progress=stop),
    "distributed.fibnlr.fibnlr": lambda stop: ac.distributed.fibnlr(compiled(), _parts(), progress=stop),
    "distributed.fibnlr.fibnlr_compute": lambda stop: ac.distributed.fibnlr_compute(
        prepared(), _parts(), progress=stop
    ),
    "distributed.pfa.introspect_model": lambda stop: ac.distributed.introspect_model(
        compiled(), _parts(), progress=stop
    ),
    "fibnlr.run.fibnlr_run": lambda stop: ac.fibnlr_run(compiled(), Batches(), progress=stop),
    "fibnlr.run.measure_activations": lambda stop: measure_activations(
        prepared(), Batches(), aidge_core.fibnlr_Parameters(), progress=stop
    ),
    "fibnlr.run.prune_activations": lambda stop: ac.prune_activations(compiled(), Batches(), progress=stop),
    "measure.evaluate.evaluate": lambda stop: ac.evaluate(compiled(), Batches(), progress=stop),
    "measure.evaluate.evaluate_model": lambda stop: ac.evaluate_model(compiled(), Batches(), progress=stop),
    "measure.metrics.run_over": lambda stop: run_over(compiled(), Batches(), progress=stop),
    "pfa.introspect.PFA.introspect_model": lambda stop: PFA.introspect_model(
        compiled(), Batches(), progress=stop
    ),
    "pfa.run.recommend_channels": lambda stop: ac.recommend_channels(compiled(), Batches(), progress=stop),
    "quantization.run.quantize": lambda stop: ac.quantize(compiled(), Batches(), progress=stop),
    "quantization.run.quantize_cut": lambda stop: quantize_cut(
        compiled(), compiled(), Batches(), progress=stop
    ),
    "recovery.run.recover": lambda stop: ac.recover(
        compiled(), Batches(), reference=compiled(), progress=stop
    ),
    "recovery.training.Trainer": lambda stop: _train(stop),
    "stepwise.run.prune_step_by_step": lambda stop: ac.prune_step_by_step(
        compiled(), Batches(), progress=stop
    ),
    "sweeps.run.sweep": lambda stop: ac.sweep(compiled(), Batches(), Batches(), latency=False, progress=stop),
}

CORE: dict[str, Callable[[Any, Any], Any]] = {
    "compensate_layers": lambda stop, data: _compensate(stop, data),
    "fibnlr": lambda stop, data: aidge_core.fibnlr(compiled(), data, progress=stop),
    "fibnlr_compute": lambda stop, data: aidge_core.fibnlr_compute(prepared(), data, progress=stop),
    "pfa_collect": lambda stop, data: _collect(stop, data),
}


def _collect(stop: Any, data: Any) -> Any:
    graph = compiled()
    layers = [node for node in graph.get_ordered_nodes() if node.type() == "Conv2D"]
    return aidge_core.pfa_collect(graph, data, layers, progress=stop)


def _compensate(stop: Any, data: Any) -> Any:
    graph = compiled()
    smaller = graph.clone()
    smaller.compile("cpu", dims=graph.compiled_dims)
    calibration = aidge_core.CalibrationData(graph, [[images(16)], [images(16)]])
    return aidge_core.compensate_layers(graph, smaller, calibration, progress=stop)


def _train(stop: Any) -> Any:
    from aidge_compress.recovery.samples import Samples
    from aidge_compress.recovery.training import Trainer

    samples = Samples((images(32),), {})
    Trainer(compiled(), compiled(), samples, samples, ac.RecoverOptions(), stop, None).train()


def _as_parameter(name: str) -> Any:
    """Those that start worker processes take seconds."""
    return pytest.param(name, marks=pytest.mark.slow if name.startswith("distributed.") else ())


@pytest.mark.parametrize("name", [_as_parameter(name) for name in product_functions()])
def test_false_stops_at_once_and_every_call_says_stage_done_total(name: str) -> None:
    if name.startswith("distributed."):
        pytest.importorskip("distributed", reason="dask.distributed is not installed")
    if name.startswith(("recovery.", "stepwise.")):
        pytest.importorskip("torch", reason="PyTorch is not installed")
    assert name in CALLS, f"write down how {name} is called, so that it is tested that False stops it"
    calls: list[tuple[Any, ...]] = []

    def stop(*at: Any) -> bool:
        calls.append(at)
        return False

    with pytest.raises(Stopped, match="stopped by the progress function"):
        CALLS[name](stop)
    ((stage, done, total),) = calls
    assert isinstance(stage, str)
    assert isinstance(done, int)
    assert isinstance(total, int)


@pytest.mark.parametrize("name", core_functions())
def test_false_stops_a_function_of_the_core_after_the_batch(name: str) -> None:
    assert name in CORE, f"write down how {name} is called, so that it is tested that False stops it"
    calls: list[tuple[Any, ...]] = []

    def stop(*at: Any) -> bool:
        calls.append(at)
        return False

    data = Batches()
    CORE[name](stop, data)
    assert len(calls) == 1
    assert data.read <= 2  # the next batch may have been fetched already


def test_no_call_is_left_of_a_function_that_is_gone() -> None:
    assert sorted(CALLS) == product_functions()
    assert sorted(CORE) == sorted(core_functions())
