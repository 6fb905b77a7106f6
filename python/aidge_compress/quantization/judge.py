"""How files do in ONNX Runtime: quality against a reference on samples, and latency."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..measure.feeds import open_session, session_feeds
from ..measure.latency import random_inputs, seconds_of, times_in_turn
from ..measure.metrics import Quality, Tally, ends_in_sigmoid, labelled_batches, loose_outputs
from ..measure.registry import metric_of

if TYPE_CHECKING:
    from aidge_core import GraphView
    from onnx import ModelProto

    from ..measure.registry import MetricSource

__all__ = ["Judge", "feeds_of", "is_slower", "one_sample_feeds", "session_of", "timed"]

_ROUNDS = 10
_SETTLE_SECONDS = 0.1
_SAMPLE_SECONDS = 0.05


def session_of(model: ModelProto | bytes) -> Any:
    """The model in ONNX Runtime, with the optimisations that users get: these choose the integer kernels."""
    return open_session(model if isinstance(model, bytes) else model.SerializeToString())


def feeds_of(network: GraphView, data: Any, samples: int, batch: int = 8) -> Iterator[dict[str, np.ndarray]]:
    """The first samples of the data as inputs by name, at most `batch` together where the file leaves the batch free."""
    names = [spec.name for spec in network.input_specs]
    fixed = any(spec.dims and spec.dims[0] is not None for spec in network.input_specs)
    left = samples
    for inputs, _ in labelled_batches(data, network):
        arrays = [np.array(entry) for entry in inputs]
        count = len(arrays[0]) if arrays[0].ndim else 1
        parts = [(0, count)] if fixed or any(len(array) != count for array in arrays) else [
            (begin, min(begin + batch, count, begin + left)) for begin in range(0, min(count, left), batch)
        ]  # fmt: skip
        for begin, end in parts:
            yield {name: array[begin:end] for name, array in zip(names, arrays, strict=True)}
        left -= count
        if left <= 0:
            return


def one_sample_feeds(network: GraphView, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Made-up inputs of the sizes of a batch, for one sample where the file leaves the batch free."""
    fixed = any(spec.dims and spec.dims[0] is not None for spec in network.input_specs)
    dims = [list(feeds[spec.name].shape) for spec in network.input_specs]
    if not fixed:
        dims = [[1, *entry[1:]] for entry in dims]
    arrays = random_inputs(network, dims)
    return {spec.name: array for spec, array in zip(network.input_specs, arrays, strict=True)}


def timed(sessions: Sequence[Any], feeds: Mapping[str, np.ndarray]) -> list[list[float]]:
    """Seconds of a pass of each session, round by round, measured in turn; threads of the others sleep meanwhile."""
    runs = [_runner(session, session_feeds(session, feeds)) for session in sessions]
    slowest = max(seconds_of(run, 3) for run in runs for _ in range(2))
    repeats = max(1, round(_SAMPLE_SECONDS / max(slowest, 1e-7)))
    return times_in_turn(runs, rounds=_ROUNDS, repeats=repeats, settle=_SETTLE_SECONDS)


def _runner(session: Any, feeds: Mapping[str, np.ndarray]) -> Callable[[], object]:
    return lambda: session.run(None, feeds)


def is_slower(before: Sequence[float], after: Sequence[float]) -> bool:
    """Whether three quarters of the rounds say that the second one took longer."""
    ratios = [new / old for old, new in zip(before, after, strict=True)]
    return statistics.quantiles(ratios, n=4, method="inclusive")[0] > 1.0


class Judge:
    """Compares files with a reference on samples.

    Args:
        network: the reference for our own engine, which tells the inputs and the kind of the outputs.
        reference: the same in ONNX Runtime.
        data: batches; what follows the inputs may be labels.
        metric: the figure to judge by; None: the one that fits.
        strict: whether a label that is not a class of the output is an error.
    """

    def __init__(
        self, network: GraphView, reference: Any, data: Any, *, metric: MetricSource = None, strict: bool
    ) -> None:
        self._network, self._reference, self._data, self._strict = network, reference, data, strict
        self._metric = metric_of(metric)
        self._probability = ends_in_sigmoid(network)

    def quality(self, session: Any, samples: int | None = None) -> Quality:
        """How a file does on the first `samples` samples (None: on all).

        Raises:
            ValueError: if there is no data, the metric does not fit, or a label is not a class of the output.
        """
        tally: Tally | None = None
        for inputs, labels in labelled_batches(self._data, self._network):
            arrays = [np.array(entry) for entry in inputs]
            if tally is None:
                loose = loose_outputs(self._network, [array.shape for array in arrays])
                tally = Tally(self._metric, strict=self._strict, probability=self._probability, loose=loose)
            feeds = {spec.name: array for spec, array in zip(self._network.input_specs, arrays, strict=True)}
            expected, outputs = (
                [np.asarray(out) for out in entry.run(None, session_feeds(entry, feeds))]
                for entry in (self._reference, session)
            )
            tally.add(outputs, labels, expected, inputs=arrays)
            if samples is not None and tally.samples >= samples:
                break
        if tally is None:
            raise ValueError("[quantize::judge] expected data to evaluate on, got none")
        return tally.quality
