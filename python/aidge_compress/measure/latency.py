"""How long networks take on this machine: functions timed alternately, and the inputs and the forward pass to time."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

import numpy as np
from aidge_core import SequentialScheduler

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aidge_core import GraphView, Node

__all__ = [
    "compare_in_turn",
    "dims_at",
    "latencies",
    "medians_in_turn",
    "random_inputs",
    "runner",
    "seconds_of",
    "times_in_turn",
]

_SETTLE_SECONDS = 0.1
_SAMPLE_SECONDS = 0.05


def random_inputs(model: GraphView, dims: Sequence[Sequence[int]] | None = None) -> list[np.ndarray]:
    """One array per input of a network: standard normal values, or zeros if the input does not hold floating-point numbers.

    dims: of each input; None: those that the model is compiled for.
    """
    rng = np.random.default_rng(0)
    arrays = []
    for spec, shape in zip(model.input_specs, model.compiled_dims if dims is None else dims, strict=True):
        dtype = np.dtype(spec.dtype)
        array = rng.standard_normal(shape) if np.issubdtype(dtype, np.floating) else np.zeros(shape)
        arrays.append(array.astype(dtype))
    return arrays


def latencies(
    models: Sequence[GraphView],
    dims: Sequence[Sequence[int]] | None = None,
    *,
    rounds: int = 15,
    limit: float = 3.0,
) -> list[float]:
    """Median seconds of a forward pass of each compiled network, all on the same made-up inputs, measured alternately (see medians_in_turn).

    dims: of each input; None: those that the first network is compiled for.
    """
    batch = random_inputs(models[0], dims)
    return medians_in_turn([runner(model, batch) for model in models], rounds=rounds, limit=limit)


def seconds_of(run: Callable[[], object], repeats: int = 1) -> float:
    """Mean seconds of a call over `repeats` calls."""
    began = time.perf_counter()
    for _ in range(repeats):
        run()
    return (time.perf_counter() - began) / repeats


def _repeats(run: Callable[[], object]) -> int:
    """How many runs take about 50 ms; the first ones warm up."""
    run()
    return max(1, round(_SAMPLE_SECONDS / max(seconds_of(run, 1), 1e-7)))


def times_in_turn(
    runs: Sequence[Callable[[], object]],
    *,
    rounds: int,
    repeats: int = 1,
    settle: float = 0.0,
    limit: float | None = None,
) -> list[list[float]]:
    """Seconds of each function in every round, in turns so that what disturbs one disturbs all; every second round runs backwards.

    rounds: how many, and at least 3 where they would take longer than `limit` seconds; repeats: calls a sample, of which the mean counts;
    settle: seconds of rest before a sample. What warms up is the caller's.
    """
    times: list[list[float]] = [[] for _ in runs]
    began = time.perf_counter()
    for number in range(rounds):
        order = range(len(runs))
        for index in order if number % 2 == 0 else reversed(order):
            if settle:
                time.sleep(settle)
            times[index].append(seconds_of(runs[index], repeats))
        if limit is not None and number >= 2 and time.perf_counter() - began > limit:
            break
    return times


def medians_in_turn(
    runs: Sequence[Callable[[], object]], *, rounds: int = 15, limit: float = 3.0
) -> list[float]:
    """Median seconds of each function after one call that warms up, as times_in_turn."""
    for run in runs:
        run()
    return [statistics.median(entry) for entry in times_in_turn(runs, rounds=rounds, limit=limit)]


def compare_in_turn(
    first: Callable[[], object], second: Callable[[], object], *, pairs: int = 20
) -> tuple[tuple[float, float], float, tuple[float, float]]:
    """Median seconds of both functions, median of the ratios first / second of interleaved pairs, and its quartiles.

    A pause before each sample lets the other one's threads fall asleep. Raises ValueError for less than 2 pairs.
    """
    if pairs < 2:
        raise ValueError(f"[profiling::compare_in_turn] expected at least 2 pairs, got {pairs}")
    repeats = min(_repeats(first), _repeats(second))
    times = times_in_turn([first, second], rounds=pairs, repeats=repeats, settle=_SETTLE_SECONDS)
    ratios = sorted(a / b for a, b in zip(*times, strict=True))
    lower, middle, upper = statistics.quantiles(ratios, n=4, method="inclusive")
    return (statistics.median(times[0]), statistics.median(times[1])), middle, (lower, upper)


def dims_at(node: Node, index: int) -> list[int]:
    """Dims of the tensor at an input of a compiled network."""
    tensor = node.get_operator().get_input(index)
    assert tensor is not None
    return list(tensor.dims)


def runner(model: GraphView, inputs: Sequence[np.ndarray]) -> Callable[[], object]:
    """A forward pass over `inputs`."""
    scheduler = SequentialScheduler(model)
    feeds = list(inputs)
    return lambda: scheduler.forward(data=feeds)
