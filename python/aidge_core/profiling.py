"""Where the time of a forward pass goes, and how it compares with another engine's."""

from __future__ import annotations

import statistics
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aidge_core import GraphView

__all__ = [
    "EngineComparison",
    "ModelProfile",
    "StepProfile",
    "against_onnxruntime",
    "compare_in_turn",
    "medians_in_turn",
    "profile_model",
    "random_inputs",
    "times_in_turn",
]

_SETTLE_SECONDS = 0.1
_SAMPLE_SECONDS = 0.05


@dataclass(frozen=True)
class StepProfile:
    """One step of a forward pass: its main node and operator type, the nodes that run inside it, the code that runs it,
    into how many parts of the batch it is cut, multiply-accumulates and mean seconds of a pass over the whole batch."""

    node: str
    type: str
    fused: tuple[str, ...]
    kernel: str
    parts: int
    macs: float
    seconds: float

    @property
    def gflops(self) -> float:
        """10⁹ floating-point operations a second, two a multiply-accumulate (Winograd's savings count as speed)."""
        return 2e-9 * self.macs / self.seconds if self.seconds > 0 else 0.0


@dataclass(frozen=True)
class ModelProfile:
    """A network's steps in order, the median seconds of a pass that is not being profiled, and memory in bytes."""

    dims: tuple[tuple[int, ...], ...]
    threads: int
    passes: int
    seconds: float
    steps: tuple[StepProfile, ...]
    arena_bytes: int
    weight_bytes: int

    @property
    def macs(self) -> float:
        """Multiply-accumulates of one pass."""
        return sum(step.macs for step in self.steps)

    @property
    def step_seconds(self) -> float:
        """The steps' seconds together; beside `seconds` it shows what profiling and the time between steps cost."""
        return sum(step.seconds for step in self.steps)

    @property
    def gflops(self) -> float:
        """10⁹ floating-point operations a second of a pass that is not being profiled."""
        return 2e-9 * self.macs / self.seconds

    def to_frame(self) -> Any:
        """A pandas DataFrame, one row a step. ImportError where pandas is missing."""
        from .reportable import data_frame

        steps = self.to_dict()["steps"]
        return data_frame(steps, list(steps[0]) if steps else [])

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        steps = [{**asdict(step), "gflops": step.gflops} for step in self.steps]
        return {**asdict(self), "steps": steps, "macs": self.macs, "gflops": self.gflops}


@dataclass(frozen=True)
class EngineComparison:
    """Two engines timed in turn: median seconds of a pass, the median of the pairs' ratios (first / second) and its
    quartiles."""

    engines: tuple[str, str]
    seconds: tuple[float, float]
    ratio: float
    quartiles: tuple[float, float]
    pairs: int
    difference: float | None = None
    """Largest difference of an output, relative to the second engine's largest value."""

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def random_inputs(model: GraphView) -> list[np.ndarray]:
    """Standard normal arrays (zeros where the input is no floating-point tensor) of the dims that the model is compiled for."""
    rng = np.random.default_rng(0)
    arrays = []
    for spec, dims in zip(model.input_specs, model.compiled_dims, strict=True):
        dtype = np.dtype(str(spec.dtype).removeprefix("dtype."))
        array = rng.standard_normal(dims) if np.issubdtype(dtype, np.floating) else np.zeros(dims)
        arrays.append(array.astype(dtype))
    return arrays


def _seconds(run: Callable[[], object], repeats: int) -> float:
    began = time.perf_counter()
    for _ in range(repeats):
        run()
    return (time.perf_counter() - began) / repeats


def _repeats(run: Callable[[], object]) -> int:
    """How many runs take about 50 ms; the first ones warm up."""
    run()
    return max(1, round(_SAMPLE_SECONDS / max(_seconds(run, 1), 1e-7)))


def profile_model(
    model: GraphView, data: Sequence[np.ndarray] | None = None, *, passes: int = 20
) -> ModelProfile:
    """Times a compiled model's forward pass, whole and step by step.

    data: one array a graph input; random ones of the compiled dims if None.
    passes: how many passes are timed without, and again with profiling.
    Raises ValueError where the model is not compiled, the data does not fit or `passes` is below 1.
    """
    import aidge_backend_cpu

    from aidge_core import SequentialScheduler

    if passes < 1:
        raise ValueError(f"[profiling::profile_model] expected at least 1 pass, got {passes}")
    if not model.is_compiled:
        raise ValueError("[profiling::profile_model] expected a compiled model, got one that is not")
    inputs = random_inputs(model) if data is None else list(data)
    scheduler = SequentialScheduler(model)
    for _ in range(2):
        scheduler.forward(data=inputs)
    whole = statistics.median(_seconds(lambda: scheduler.forward(data=inputs), 1) for _ in range(passes))
    scheduler.set_profiling(True)
    for _ in range(passes):
        scheduler.forward(data=inputs)
    report = scheduler.report()
    steps = tuple(
        StepProfile(
            step.node,
            step.type,
            tuple(step.fused),
            step.implementation,
            step.parts,
            step.macs,
            step.seconds / passes,
        )
        for step in report.steps
    )
    dims = tuple(tuple(array.shape) for array in inputs)
    threads = aidge_backend_cpu.get_num_threads()
    return ModelProfile(dims, threads, passes, whole, steps, report.arena_bytes, report.weight_bytes)


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
            times[index].append(_seconds(runs[index], repeats))
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


def against_onnxruntime(model: GraphView, source: str | bytes, *, pairs: int = 20) -> EngineComparison:
    """Times a compiled model against ONNX Runtime running `source` (path or bytes) with as many threads.

    Raises ImportError without onnxruntime.
    """
    import aidge_backend_cpu

    try:
        import onnxruntime
    except ImportError as error:
        raise ImportError(
            "comparing with ONNX Runtime needs it: pip install 'aidge-compress[ort]'"
        ) from error
    from aidge_core import SequentialScheduler, __version__

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = aidge_backend_cpu.get_num_threads()
    session = onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    inputs = random_inputs(model)
    feed = dict(zip((entry.name for entry in session.get_inputs()), inputs, strict=True))
    scheduler = SequentialScheduler(model)
    ours = [np.asarray(array) for array in scheduler.forward(data=inputs)]
    theirs = [np.asarray(array) for array in session.run(None, feed)]
    difference = 0.0
    for mine, other in zip(ours, theirs, strict=True):
        scale = max(float(np.abs(other).max(initial=0.0)), 1e-30)
        difference = max(difference, float(np.abs(mine - other).max(initial=0.0)) / scale)
    seconds, ratio, quartiles = compare_in_turn(
        lambda: scheduler.forward(data=inputs), lambda: session.run(None, feed), pairs=pairs
    )
    engines = (f"aidge-compress {__version__}", f"ONNX Runtime {onnxruntime.__version__}")
    return EngineComparison(engines, seconds, ratio, quartiles, pairs, difference)
