"""Where the time of a forward pass goes, and how it compares with another engine's."""

from __future__ import annotations

import statistics
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from aidge_core import SequentialScheduler, __version__
from aidge_core.data import as_batches

from ..network.opening import open_network
from ..network.sources import batches_of
from ..numbers import counted, shown
from ..tables import data_frame
from .feeds import open_session, run_session, runtime_name, session_feeds
from .latency import compare_in_turn, random_inputs, seconds_of
from .metrics import relative_difference

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aidge_core import GraphView

    from ..network.opening import NetworkSource

__all__ = [
    "EngineComparison",
    "ModelProfile",
    "StepProfile",
    "against_onnxruntime",
    "profile",
    "profile_model",
]


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

    def __str__(self) -> str:
        threads = counted(self.threads, "thread")
        return f"{shown(self.seconds, 'seconds')} a pass with {threads}, {shown(self.macs, 'count')} MACs, {self.gflops:.1f} GFLOP/s"

    def to_frame(self) -> Any:
        """A pandas DataFrame, one row per step. ImportError if pandas is missing."""
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


def profile_model(
    model: GraphView, data: Sequence[np.ndarray] | None = None, *, passes: int = 20
) -> ModelProfile:
    """Times a compiled model's forward pass, whole and step by step.

    data: one array a graph input; random ones of the compiled dims if None.
    passes: how many passes are timed without, and again with profiling.
    Raises ValueError if the model is not compiled, the data does not fit or `passes` is below 1.
    """
    import aidge_backend_cpu

    if passes < 1:
        raise ValueError(f"[profiling::profile_model] expected at least 1 pass, got {passes}")
    if not model.is_compiled:
        raise ValueError("[profiling::profile_model] expected a compiled model, got one that is not")
    inputs = random_inputs(model) if data is None else list(data)
    scheduler = SequentialScheduler(model)
    for _ in range(2):
        scheduler.forward(data=inputs)
    whole = statistics.median(seconds_of(lambda: scheduler.forward(data=inputs), 1) for _ in range(passes))
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


def profile(
    model: NetworkSource, data: Any = None, *, dims: Sequence[Sequence[int]] = (), passes: int = 20
) -> ModelProfile:
    """Time a forward pass of a network, whole and step by step.

    Args:
        model: the path or the bytes of an ONNX file, an onnx.ModelProto, a GraphView or a torch.nn.Module; it stays as it is.
        data: what to run, of which the first batch counts; None: random values.
        dims: one list per input; none: those that it is compiled for, or the first batch's, or the declared ones with free dims taken as 1.
        passes: how many passes are timed without, and again with profiling.

    Raises:
        ValueError: if the dims or the data do not fit, or `passes` is below 1.
        TypeError: for a model that is none of these.
    """
    network = open_network(model, data, dims)
    batch = None
    if data is not None:
        first = next(iter(as_batches(batches_of(data, network), network.input_specs)))
        batch = [np.asarray(tensor) for tensor in first]
    if dims or not network.is_compiled:
        network.compile(
            "cpu", dims=[list(entry) for entry in (dims or [array.shape for array in batch or []])]
        )
    return profile_model(network, batch, passes=passes)


def against_onnxruntime(model: GraphView, source: str | bytes, *, pairs: int = 20) -> EngineComparison:
    """Times a compiled model against ONNX Runtime running `source` (path or bytes) with as many threads.

    Raises:
        ImportError: if ONNX Runtime is not installed.
        UnsupportedError: if it cannot run `source`.
    """
    import aidge_backend_cpu

    session = open_session(source, threads=aidge_backend_cpu.get_num_threads())
    inputs = random_inputs(model)
    named = {spec.name: array for spec, array in zip(model.input_specs, inputs, strict=True)}
    theirs = run_session(session, named)
    feed = session_feeds(session, named)
    scheduler = SequentialScheduler(model)
    ours = [np.asarray(array) for array in scheduler.forward(data=inputs)]
    difference = relative_difference(theirs, ours)
    seconds, ratio, quartiles = compare_in_turn(
        lambda: scheduler.forward(data=inputs), lambda: session.run(None, feed), pairs=pairs
    )
    engines = (f"aidge-compress {__version__}", runtime_name())
    return EngineComparison(engines, seconds, ratio, quartiles, pairs, difference)
