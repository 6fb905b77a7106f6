"""What a sweep is made of, for methods to say how they are tried: cases, how they are evaluated once, and what is kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from ..network.summary import summarize
from ..progress import Progress
from .latency import latencies
from .metrics import Tally, run_over
from .registry import metric_of

if TYPE_CHECKING:
    import numpy as np
    from aidge_core import GraphView

    from .registry import MetricSource

__all__ = ["Bench", "Case", "Judge", "Kept", "Outcome", "decision_key"]

_LATENCY_SECONDS = 1.5
_MOST_KEPT = 1 << 28

T = TypeVar("T")


@dataclass(frozen=True)
class Outcome:
    """What a network costs and how it does; None: not measured.

    Attributes:
        macs, parameters: multiply-accumulates for the compiled dims, and elements of constants.
        accuracy: share of labelled samples whose largest output is the label.
        agreement: share of samples with the original's prediction; None if the network does not choose among classes.
        latency: median time of a pass over that of the original, measured in turns.
        metric: the figure by which the sweep judges; see Judge.metric.
    """

    macs: float
    parameters: float
    accuracy: float | None = None
    agreement: float | None = None
    latency: float | None = None
    metric: float | None = None


class Judge:
    """Compares compiled networks with `original` on `data`.

    Args:
        metric: the figure to judge by; None: the one that fits.

    Attributes:
        choice: the figure, and why that one.
        not_numbers: samples with NaN in the inputs or in the outputs of the original.

    Raises:
        ValueError: if there is no data, or the metric does not fit.
    """

    def __init__(self, original: GraphView, data: Any, *, latency: bool, metric: MetricSource = None) -> None:
        self._original = original
        self._data = data
        self._latency = latency
        self._dims = original.compiled_dims
        self._metric = metric_of(metric)
        outputs: list[list[np.ndarray]] = []
        alone = run_over(original, data, reference=original, metric=self._metric, keep=outputs)
        small = sum(out.nbytes for batch in outputs for out in batch) <= _MOST_KEPT
        self._expected = (
            outputs if small else original
        )  # of which outputs are kept, or computed again for each network
        self.choice, self.samples, self.judged = alone.choice, alone.samples, 0
        self.not_numbers = alone.quality.not_numbers
        self.baseline = self._outcome(original, alone, 1.0 if latency else None)

    def _outcome(self, model: GraphView, tally: Tally, latency: float | None) -> Outcome:
        costs = summarize(model, self._dims)
        figure = tally.quality.figure
        chosen = self.choice.metric
        value = None if figure is None or chosen is None or figure.metric != chosen.name else figure.after
        return Outcome(costs.macs, costs.parameters, tally.accuracy, tally.agreement, latency, value)

    def __call__(self, model: GraphView) -> Outcome:
        """Runs `model` over the data; it need not be compiled."""
        self.judged += 1
        model.compile("cpu", dims=self._dims)
        tally = run_over(model, self._data, reference=self._expected, metric=self._metric)
        return self._outcome(model, tally, self._time(model) if self._latency else None)

    def _time(self, model: GraphView) -> float:
        before, after = latencies([self._original, model], self._dims, limit=_LATENCY_SECONDS)
        return after / before


@dataclass(frozen=True)
class Case:
    """A setting, how to know the key of its decision, and how to find out what comes of that: an outcome, and the share of each layer that goes."""

    method: str
    options: Mapping[str, Any]
    decide: Callable[[], str]
    find: Callable[[], tuple[Outcome, Mapping[str, float]]]


def decision_key(method: str, *what: Any) -> str:
    """Equal for equal decisions of a method."""
    return json.dumps([method, *what], sort_keys=True)


class Kept(Protocol):
    """What a sweep keeps for its methods, in memory or in a file."""

    def statistics(self, method: str) -> Any:
        """What was stored for a method; None if nothing was."""

    def keep_statistics(self, method: str, values: Any) -> None:
        """Stores what JSON can hold."""

    def choice(self, setting: str) -> str | None:
        """The key of the decision that a setting leads to; None if that is not known."""

    def keep_choice(self, setting: str, decision: str) -> None:
        """Stores the key of a setting's decision."""


@dataclass
class Bench:
    """What a method needs to try its settings.

    Attributes:
        original: the compiled network; it must stay as it is.
        copy: makes a compiled copy of it.
        data: calibration batches.
        kept: what is known from before.
        judge: evaluates networks.
        merge: whether to merge adjacent layers after activations are removed.
        progress: of the sweep.
    """

    original: GraphView
    copy: Callable[[], GraphView]
    data: Any
    kept: Kept
    judge: Judge
    merge: bool
    progress: Progress | None
    _shared: dict[str, Any] = field(default_factory=dict)

    def once(self, name: str, make: Callable[[], T]) -> T:
        """What `make` returned for this name at the first call: methods share what is expensive to prepare."""
        if name not in self._shared:
            self._shared[name] = make()
        shared: T = self._shared[name]
        return shared
