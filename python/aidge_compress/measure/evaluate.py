"""How well a network does on data: by the figure that fits its outputs and the labels, alone or compared with another network."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ..network.opening import prepare
from ..network.sources import batches_of
from ..numbers import shown
from ..tables import data_frame
from .metrics import Quality, run_over

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aidge_core import GraphView

    from ..network.opening import NetworkSource
    from ..progress import Progress
    from .registry import MetricSource

__all__ = ["EvaluationResult", "evaluate", "evaluate_model"]


@dataclass(frozen=True)
class EvaluationResult:
    """The figures of a network over all samples.

    Attributes:
        quality: all figures, the chosen one first; see Quality.
        labelled, top1, topk: labelled samples, those whose label is predicted, and those whose label is among the k largest outputs; 0 if the
            network does not choose among classes.
        k: of topk.
        agreed: samples for which both networks predict the same; None if there is no reference, or the network does not choose.
        worst_difference: largest difference of a value of the first output from the reference's; None without a reference.
    """

    quality: Quality
    labelled: int
    top1: int
    topk: int
    k: int
    agreed: int | None
    worst_difference: float | None

    @property
    def samples(self) -> int:
        """How many samples there were."""
        return self.quality.samples

    @property
    def metric(self) -> str | None:
        """Name of the figure that was chosen; None if there was nothing to measure."""
        return self.quality.metric

    @property
    def value(self) -> float | None:
        """That figure of the network."""
        return None if self.quality.figure is None else self.quality.figure.after

    @property
    def accuracy(self) -> float | None:
        """Share of labelled samples whose label is predicted."""
        return self.quality.accuracy

    @property
    def topk_accuracy(self) -> float | None:
        """Share of labelled samples whose label is among the k largest outputs."""
        return self.topk / self.labelled if self.labelled else None

    @property
    def agreement(self) -> float | None:
        """Share of samples for which both networks predict the same; None if the network does not choose among classes."""
        return self.quality.agreement

    def rows(self) -> list[tuple[str, str]]:
        """(what, value) of all figures and their details, as people read them."""
        found = []
        for figure in self.quality.figures:
            found.append((figure.title, shown(figure.after, figure.unit)))
            kind = "share" if figure.unit == "share" else "number"
            found += [(name, shown(value, kind)) for name, value in figure.details.items()]
        return found

    def __str__(self) -> str:
        if not self.quality.figures:
            return f"nothing measured: {self.quality.reason} (on {self.samples} samples)"
        said = ", ".join(f"{name} {value}" for name, value in self.rows())
        text = f"{said} (on {self.samples} samples); metric: {self.metric} ({self.quality.reason})"
        return "\n".join([text, *filter(None, [str(self.quality.not_numbers)])])

    def to_frame(self) -> Any:
        """A pandas DataFrame of one row. ImportError if pandas is missing."""
        figures = {
            name: value for name, value in self.to_dict().items() if name not in ("figures", "not_numbers")
        }
        return data_frame([figures], list(figures))

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "samples": self.samples,
            "metric": self.metric,
            "value": self.value,
            "reason": self.quality.reason,
            "labelled": self.labelled,
            "top1": self.top1,
            "topk": self.topk,
            "k": self.k,
            "agreed": self.agreed,
            "worst_difference": self.worst_difference,
            "accuracy": self.accuracy,
            "topk_accuracy": self.topk_accuracy,
            "agreement": self.agreement,
            "figures": [asdict(figure) for figure in self.quality.figures],
            "not_numbers": asdict(self.quality.not_numbers),
        }


def evaluate_model(
    model: GraphView,
    data: Iterable[Any],
    *,
    reference: GraphView | None = None,
    metric: MetricSource = None,
    k: int = 5,
    progress: Progress | None = None,
) -> EvaluationResult:
    """Runs a compiled `model` (and `reference`) over `data`; see `evaluate`.

    `progress` is called with ("evaluating", samples done, 0). Raises ValueError as `evaluate` does, and Stopped if `progress` returns False.
    """
    tally = run_over(
        model, batches_of(data, model), reference=reference, metric=metric, k=k, progress=progress
    )
    top1, agreement = tally.meter("top1"), tally.meter("agreement")
    labelled, right, among = (0, 0, 0) if tally.accuracy is None else (top1.labelled, top1.top1, top1.topk)
    agreed = None if tally.agreement is None else agreement.agreed
    return EvaluationResult(tally.quality, labelled, right, among, k, agreed, tally.worst)


def evaluate(
    model: NetworkSource,
    data: Any,
    *,
    reference: NetworkSource | None = None,
    metric: MetricSource = None,
    k: int = 5,
    progress: Progress | None = None,
) -> EvaluationResult:
    """Measure how well a network does, by the figure that fits its outputs and the labels.

    Args:
        model, reference: the path or the bytes of an ONNX file, an onnx.ModelProto, a GraphView or a torch.nn.Module; they stay as they are.
        data: a path as --data takes it, arrays, or any source of batches; what follows the network's inputs may be labels: one class per
            sample, masks, boxes, or arrays that the network should give.
        metric: the figure: a name as in docs/metrics.md, "module:function", or a function (outputs, labels, reference_outputs) -> float; None:
            the one that fits, which the result names with the reason.
        k: of top-k accuracy.
        progress: called with ("evaluating", samples done, 0).

    Raises:
        ValueError: if the metric does not fit the outputs or the labels, a label is not a class of the output, or there is no data.
        TypeError: for a model that is none of these.
        Stopped: if `progress` returns False.
    """
    network, provider = prepare(model, data)
    other = None if reference is None else prepare(reference, provider)[0]
    return evaluate_model(network, provider, reference=other, metric=metric, k=k, progress=progress)
