"""How a network does compared with the one that it came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from aidge_core import SequentialScheduler

from ..numbers import counted, shown
from ..progress import report_to
from ..report.comparison import Measured
from .labels import check_labels, labelled_batches
from .meters import Meter, class_scores, is_classifier
from .registry import METRICS, Choice, Facts, Metric, choose, metric_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from aidge_core import GraphView, Node

    from ..progress import Progress
    from .labels import Labels
    from .registry import MetricSource

__all__ = [
    "Figure",
    "NotNumbers",
    "Quality",
    "Tally",
    "check_labels",
    "class_scores",
    "compare",
    "is_classifier",
    "labelled_batches",
    "loose_outputs",
    "measured",
    "probabilities",
    "relative_difference",
    "run_over",
]

_ALWAYS = ("top1", "agreement", "relative_error")
"""What is measured beside the figure that was chosen, where it fits."""
_NAMED = 10


@dataclass(frozen=True)
class Figure:
    """One figure of a network, and of the one that it came from.

    Attributes:
        metric: its name; see registry.METRICS.
        title: how it is called in tables.
        unit: "share", "number" or "decibels"; see numbers.shown.
        higher_is_better: its direction.
        before: of the original network; None if there is none.
        after: of the network.
        drop: what was lost, in the figure's unit; negative if it became better; None without an original network.
        details: figures that belong to it, by name.
        labelled: whether the labels say what is right, and not the original, whose figure is the best one then.
    """

    metric: str
    title: str
    unit: str
    higher_is_better: bool
    before: float | None
    after: float
    drop: float | None
    details: Mapping[str, float] = field(default_factory=dict)
    labelled: bool = False

    def __str__(self) -> str:
        if self.before is None or not self.labelled:
            return f"{self.title} {shown(self.after, self.unit)}"
        return f"{self.title} {shown(self.before, self.unit)} → {shown(self.after, self.unit)}"

    @property
    def points(self) -> float:
        """The value after, where more is better."""
        return self.after if self.higher_is_better else -self.after


@dataclass(frozen=True)
class NotNumbers:
    """Samples with NaN, by their numbers in the data: in the inputs, in the outputs, and in the outputs of the reference network."""

    inputs: tuple[int, ...] = ()
    outputs: tuple[int, ...] = ()
    reference: tuple[int, ...] = ()

    def __str__(self) -> str:
        named = (
            ("the inputs", self.inputs),
            ("the outputs", self.outputs),
            ("the outputs of the reference", self.reference),
        )
        return "; ".join(
            f"NaN in {where} of {counted(len(found), 'sample')} ({_listed(found)})"
            for where, found in named
            if found
        )


def _listed(numbers: Sequence[int]) -> str:
    more = ", …" if len(numbers) > _NAMED else ""
    return f"number {', '.join(map(str, numbers[:_NAMED]))}{more}"


@dataclass(frozen=True)
class Quality:
    """How a network does on samples that nothing was fitted on, compared with the original.

    Attributes:
        samples: how many.
        figures: the one that was chosen first, then what was measured beside it.
        reason: why that one: what the outputs and the labels are, or that it was asked for.
        not_numbers: samples with NaN. They count as different, never as equal.
    """

    samples: int
    figures: tuple[Figure, ...] = ()
    reason: str = ""
    not_numbers: NotNumbers = NotNumbers()

    @property
    def figure(self) -> Figure | None:
        """The chosen one, of which thresholds speak; None if nothing could be compared."""
        return self.figures[0] if self.figures else None

    @property
    def metric(self) -> str | None:
        """Its name."""
        return None if self.figure is None else self.figure.metric

    @property
    def drop(self) -> float:
        """What was lost of the chosen figure, in its unit; infinite if it is not known."""
        return float("inf") if self.figure is None or self.figure.drop is None else self.figure.drop

    def find(self, metric: str) -> Figure | None:
        """One of the figures by name; None if it was not measured."""
        return next((figure for figure in self.figures if figure.metric == metric), None)

    def _after(self, metric: str) -> float | None:
        found = self.find(metric)
        return None if found is None else found.after

    @property
    def agreement(self) -> float | None:
        """Share of samples with the same prediction; None if the network does not choose among classes."""
        return self._after("agreement")

    @property
    def error(self) -> float | None:
        """Root of the mean squared difference of all outputs over their variance in the original; None if none can be compared, because only a
        run tells the sizes of the outputs (the boxes that NonMaxSuppression keeps)."""
        return self._after("relative_error")

    @property
    def accuracy(self) -> float | None:
        """Share of labelled samples whose label is predicted; None without labels."""
        return self._after("top1")

    @property
    def original_accuracy(self) -> float | None:
        """The same of the original."""
        found = self.find("top1")
        return None if found is None else found.before

    @property
    def original(self) -> Quality:
        """The original compared with itself."""
        same = tuple(
            Figure(
                one.metric,
                one.title,
                one.unit,
                one.higher_is_better,
                one.before,
                one.before,
                0.0,
                labelled=one.labelled,
            )
            for one in self.figures
            if one.before is not None
        )
        return Quality(self.samples, same, self.reason)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "samples": self.samples,
            "metric": self.metric,
            "reason": self.reason,
            "drop": None if self.figure is None else self.figure.drop,
            "accuracy": self.accuracy,
            "original_accuracy": self.original_accuracy,
            "agreement": self.agreement,
            "error": self.error,
            "figures": [asdict(figure) for figure in self.figures],
            "not_numbers": asdict(self.not_numbers),
        }

    def __str__(self) -> str:
        said = ", ".join(map(str, self.figures)) or "nothing could be compared"
        text = (
            f"{said} (on {counted(self.samples, 'sample')})\nmetric: {self.metric or 'none'} ({self.reason})"
        )
        return f"{text}\n{self.not_numbers}" if str(self.not_numbers) else text


@dataclass
class _Gauge:
    """A figure with what measures it of the network and, if there is one, of the original."""

    metric: Metric
    after: Meter
    before: Meter | None
    labelled: bool

    def figure(self) -> Figure | None:
        after = self.after.value()
        before = None if self.before is None else self.before.value()
        if after is None:
            return None
        drop = None if before is None else self.metric.drop(before, after)
        title: str = getattr(self.after, "title", self.metric.title)
        return Figure(
            self.metric.name, title, self.metric.unit, self.metric.higher_is_better, before, after, drop,
            self.after.details(), self.labelled,
        )  # fmt: skip


class Tally:
    """All figures of a network over batches, alone and compared with another; the one place where they are counted.

    Args:
        asked: the figure that is wanted; None: the one that fits.
        k: of the k largest outputs among which a label may be.
        strict: whether a label that is not a class of the output is an error; else it does not count.
        probability: see meters.class_scores.
        loose: numbers of the outputs whose sizes only a run tells (see loose_outputs), which neither choose among classes nor are compared.
        takes_nan: whether the network asks which of its inputs are NaN. Else a sample with NaN in the inputs counts as one with NaN in the outputs:
            a ReLU that is computed together with a layer, and a maximum, may turn NaN into a number.

    Attributes:
        samples: how many there were.
        choice: which figure is measured, and why; known after the first batch.
    """

    def __init__(
        self,
        asked: MetricSource | Metric = None,
        *,
        k: int = 1,
        strict: bool = True,
        probability: bool = False,
        loose: Collection[int] = (),
        takes_nan: bool = False,
    ) -> None:
        self._asked = asked if isinstance(asked, Metric) else metric_of(asked)
        self._k, self._strict, self._probability, self._loose = k, strict, probability, frozenset(loose)
        self._takes_nan = takes_nan
        self.samples = 0
        self.choice = Choice(None, "there is no data")
        self._gauges: dict[str, _Gauge] = {}
        self._bad: dict[str, list[int]] = {"inputs": [], "outputs": [], "reference": []}

    def add(
        self,
        outputs: Sequence[np.ndarray],
        labels: Labels | None = None,
        expected: Sequence[np.ndarray] | None = None,
        *,
        inputs: Sequence[np.ndarray] = (),
    ) -> None:
        """Counts a batch.

        Args:
            outputs: all outputs of the network.
            labels: by kind; see aidge_core.data.labels.
            expected: all outputs of the other network.
            inputs: of the network; without them, the batch has as many samples as the first output has rows.

        Raises:
            ValueError: if the figure that is wanted does not fit, a label is not a class of the output, or outputs have other shapes than those
                of the other network.
        """
        first = inputs[0] if len(inputs) else outputs[0]
        samples = len(first) if first.ndim else 1
        labels = labels or {}
        if not self.samples:
            sizes = tuple(tuple(array.shape) for array in inputs) or ((samples,),)
            facts = Facts(
                tuple(outputs), labels, sizes, samples, self._probability, self._loose, expected is not None, self._k, self._strict
            )  # fmt: skip
            self._begin(facts)
        bad = {
            where: _with_nan(arrays, samples)
            for where, arrays in (("inputs", inputs), ("outputs", outputs), ("reference", expected or ()))
        }
        if bad["inputs"].any() and not self._takes_nan:
            outputs = _without(outputs, bad["inputs"])
            expected = None if expected is None else _without(expected, bad["inputs"])
        for gauge in self._gauges.values():
            gauge.after.add(outputs, labels, expected)
            if gauge.before is not None and expected is not None:
                gauge.before.add(expected, labels, expected)
        for where, rows in bad.items():
            self._bad[where] += [self.samples + int(row) for row in np.flatnonzero(rows)]
        self.samples += samples

    def _begin(self, facts: Facts) -> None:
        self.choice = choose(facts, self._asked)
        chosen = self.choice.metric
        beside = [METRICS[name] for name in ((chosen.beside if chosen else ()) + _ALWAYS)]
        likely = [metric for metric in beside if metric.fits(facts) and metric.likely(facts)]
        for metric in [*([] if chosen is None else [chosen]), *likely]:
            if metric.name not in self._gauges:
                before = metric.meter(facts) if facts.reference else None
                self._gauges[metric.name] = _Gauge(
                    metric, metric.meter(facts), before, metric.labelled(facts)
                )

    def meter(self, metric: str) -> Any:
        """What measures a figure of the network; None if it is not measured."""
        return self._gauges[metric].after if metric in self._gauges else None

    def _value(self, metric: str) -> float | None:
        return self._gauges[metric].after.value() if metric in self._gauges else None

    @property
    def accuracy(self) -> float | None:
        """Share of labelled samples whose label is predicted; None without labels or classes."""
        return self._value("top1")

    @property
    def agreement(self) -> float | None:
        """Share of samples for which both networks predict the same; None without classes."""
        return self._value("agreement")

    @property
    def error(self) -> float | None:
        """Relative error of all outputs; None if none could be compared."""
        return self._value("relative_error")

    @property
    def worst(self) -> float | None:
        """Largest difference of a value of the first output that is compared; infinite where a value is NaN; None: none was compared."""
        return None if self.meter("relative_error") is None else self.meter("relative_error").worst

    @property
    def quality(self) -> Quality:
        """Compared with the other network, as one that it came from. The chosen figure is first.

        Raises:
            ValueError: if the metric that was asked for could not be measured, e.g. since no label can be used.
        """
        figures = [figure for gauge in self._gauges.values() if (figure := gauge.figure()) is not None]
        chosen, reason = self.choice.metric, self.choice.reason
        if chosen is not None and (not figures or figures[0].metric != chosen.name):
            if self._asked is not None:
                raise ValueError(
                    f"[evaluation::metric] expected samples on which {chosen.name} can be measured, got none: {chosen.name} needs {chosen.expects}"
                )
            reason = f"{reason}, on which {chosen.name} could not be measured"
        return Quality(
            self.samples,
            tuple(figures),
            reason,
            NotNumbers(**{where: tuple(found) for where, found in self._bad.items()}),
        )


def _without(arrays: Sequence[np.ndarray], bad: np.ndarray) -> list[np.ndarray]:
    """Copies in which the rows of bad samples are NaN, of integers -1."""
    copies = []
    for array in arrays:
        copy = np.array(array)
        if copy.dtype.kind == "f" and copy.ndim and len(copy) == len(bad):
            copy[bad] = np.nan
        elif copy.dtype.kind == "i" and copy.ndim and len(copy) == len(bad):
            copy[bad] = -1
        copies.append(copy)
    return copies


def _with_nan(arrays: Sequence[np.ndarray], samples: int) -> np.ndarray:
    """Which samples of a batch have NaN; all of them if it is in an array that is not one row per sample."""
    bad = np.zeros(samples, dtype=bool)
    for array in arrays:
        if array.dtype.kind != "f" or not np.isnan(array).any():
            continue
        if array.ndim and len(array) == samples:
            bad |= np.isnan(array).reshape(samples, -1).any(axis=1)
        else:
            bad[:] = True
    return bad


def ends_in_sigmoid(model: GraphView) -> bool:
    """Whether the first output is a sigmoid's, so that its values are probabilities."""
    node: Node | None = model.get_ordered_outputs()[0][0]
    while node is not None and node.type() in _PASSING:
        node = node.input(0)[0]
    return node is not None and node.type() in ("Sigmoid", "HardSigmoid")


_PASSING = ("Identity", "Flatten", "Reshape", "Squeeze", "Unsqueeze", "Cast")
"""Operators that keep the values."""


def loose_outputs(model: GraphView, dims: Sequence[Sequence[int]] = ()) -> frozenset[int]:
    """Numbers of the outputs whose sizes only a run tells, such as the boxes that NonMaxSuppression keeps.

    dims: of each input; none: those that the network is compiled for.
    """
    known = model.infer_shapes([list(entry) for entry in dims or model.compiled_dims])
    ends = enumerate(model.get_ordered_outputs())
    return frozenset(number for number, (node, _) in ends if node not in known)


def probabilities(model: GraphView, reference: GraphView | None = None) -> bool:
    """Whether the first output of a network, and of the one that it is compared with, is a sigmoid's."""
    return ends_in_sigmoid(model) and (reference is None or ends_in_sigmoid(reference))


def run_over(
    model: GraphView,
    data: Iterable[Any],
    *,
    reference: GraphView | Sequence[Sequence[np.ndarray]] | None = None,
    metric: MetricSource | Metric = None,
    k: int = 1,
    strict: bool = True,
    keep: list[list[np.ndarray]] | None = None,
    progress: Progress | None = None,
) -> Tally:
    """Runs a compiled network over data and counts.

    Args:
        model: the network.
        data: batches as for fibnlr_compute; what follows the network's inputs may be labels (see aidge_core.data.labels).
        reference: a compiled network to compare with, or its outputs batch by batch.
        metric: the figure that is wanted; None: the one that fits the outputs and the labels.
        k, strict: see Tally.
        keep: gets all outputs, batch by batch.
        progress: called with ("evaluating", samples done, 0).

    Raises:
        ValueError: if there is no data, the metric does not fit, or a label is not a class of the output.
        Stopped: if `progress` returns False.
    """
    other_graph = None if reference is None or isinstance(reference, Sequence) else reference
    tally = Tally(
        metric,
        k=k,
        strict=strict,
        probability=probabilities(model, other_graph),
        loose=loose_outputs(model),
        takes_nan=any(node.type() == "IsNaN" for node in model.get_ordered_nodes(deep=True)),
    )
    scheduler = SequentialScheduler(model)
    other = None if other_graph is None else SequentialScheduler(other_graph)
    known = iter(reference) if isinstance(reference, Sequence) else iter(())
    for inputs, labels in labelled_batches(data, model):
        expected: Sequence[np.ndarray] | None = next(known, None)
        if other is not None:
            expected = [np.array(out) for out in other.forward(data=inputs)]
        same = reference is model and expected is not None
        outputs = expected if same else [np.asarray(out) for out in scheduler.forward(data=inputs)]
        assert outputs is not None
        if keep is not None:
            keep.append([np.array(out) for out in outputs])
        tally.add(outputs, labels, expected, inputs=[np.asarray(entry) for entry in inputs])
        report_to(progress, "evaluating", tally.samples, 0)
    if not tally.samples:
        raise ValueError("[evaluation::evaluate] expected data, got an empty provider")
    return tally


def compare(
    model: GraphView,
    original: GraphView,
    data: Any,
    *,
    metric: MetricSource | Metric = None,
    strict: bool = True,
) -> Quality:
    """How `model` does on `data` (batches as for evaluate_model) compared with `original`; both are compiled.

    Raises:
        ValueError: if there is no data, the metric does not fit, or a label is not a class of the output; with strict=False such labels do not count.
    """
    return run_over(model, data, reference=original, metric=metric, strict=strict).quality


def measured(quality: Quality | None) -> list[Measured]:
    """What a report says of the quality, the chosen figure first; without samples nothing."""
    if quality is None or not quality.samples:
        return []
    return [
        Measured(
            f"{one.title}, without retraining" if one.labelled else one.title,
            one.before if one.labelled else None,
            one.after,
            one.unit,
        )
        for one in quality.figures
    ]


def relative_difference(expected: Sequence[np.ndarray], got: Sequence[np.ndarray]) -> float:
    """Largest difference of an output, relative to the largest finite value that is expected in it.

    Infinite if the dims of an output differ, or if only one of two values is not a number or infinite.
    """
    worst = 0.0
    for wanted, found in zip(expected, got, strict=True):
        if wanted.shape != found.shape:
            return float("inf")
        wanted, found = wanted.astype(np.float64), found.astype(np.float64)
        known = np.isfinite(wanted)
        if not np.array_equal(
            np.where(known, 0.0, wanted), np.where(np.isfinite(found), 0.0, found), equal_nan=True
        ):
            return float("inf")
        scale = max(float(np.abs(wanted[known]).max(initial=0.0)), 1e-30)
        worst = max(worst, float(np.abs(found[known] - wanted[known]).max(initial=0.0)) / scale)
    return worst
