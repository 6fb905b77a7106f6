"""How well a network does on data: accuracy where there are labels, agreement with another network always."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ..network.opening import prepare
from ..network.sources import batches_of
from ..numbers import shown
from ..tables import data_frame
from .metrics import run_over

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aidge_core import GraphView

    from ..network.opening import NetworkSource
    from ..progress import Progress

__all__ = ["EvaluationResult", "evaluate", "evaluate_model"]


@dataclass(frozen=True)
class EvaluationResult:
    """Counts over all samples; rates are fractions in [0, 1], None where they could not be measured."""

    samples: int
    labelled: int
    top1: int
    topk: int
    k: int
    agreed: int | None
    worst_difference: float | None

    @property
    def accuracy(self) -> float | None:
        """Share of labelled samples whose label is predicted."""
        return self.top1 / self.labelled if self.labelled else None

    @property
    def topk_accuracy(self) -> float | None:
        """Share of labelled samples whose label is among the k largest outputs."""
        return self.topk / self.labelled if self.labelled else None

    @property
    def agreement(self) -> float | None:
        """Share of samples for which both networks predict the same; None if the first output does not choose among classes."""
        return self.agreed / self.samples if self.agreed is not None and self.samples else None

    def __str__(self) -> str:
        rates = (
            ("top-1 accuracy", self.accuracy),
            (f"top-{self.k} accuracy", self.topk_accuracy),
            ("agreement", self.agreement),
        )
        parts = [f"{name} {shown(rate, 'share')}" for name, rate in rates if rate is not None]
        return f"{', '.join(parts) or 'no labels and no reference'} (on {self.samples} samples)"

    def to_frame(self) -> Any:
        """A pandas DataFrame of one row. ImportError if pandas is missing."""
        figures = self.to_dict()
        return data_frame([figures], list(figures))

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        rates = {"accuracy": self.accuracy, "topk_accuracy": self.topk_accuracy, "agreement": self.agreement}
        return {**asdict(self), **rates}


def evaluate_model(
    model: GraphView,
    data: Iterable[Any],
    *,
    reference: GraphView | None = None,
    k: int = 5,
    progress: Progress | None = None,
) -> EvaluationResult:
    """Runs `model` (and `reference`) over `data` and compares the first output with labels and with the reference.

    `data`: batches as for fibnlr_compute; the first entry behind the network's inputs that is one class per sample is the label.
    `progress` is called with ("evaluating", samples done, 0). Raises ValueError if a label is not a class of the output, or there is no data,
    and Stopped if `progress` returns False.
    """
    tally = run_over(model, batches_of(data, model), reference=reference, k=k, progress=progress)
    compared = reference is not None
    return EvaluationResult(
        tally.samples,
        tally.labelled,
        tally.top1,
        tally.topk,
        k,
        tally.agreed if compared and tally.classifies else None,
        tally.worst if compared else None,
    )


def evaluate(
    model: NetworkSource,
    data: Any,
    *,
    reference: NetworkSource | None = None,
    k: int = 5,
    progress: Progress | None = None,
) -> EvaluationResult:
    """Measure how well a network does: accuracy if there are labels, and agreement with a reference network.

    Args:
        model, reference: the path or the bytes of an ONNX file, an onnx.ModelProto, a GraphView or a torch.nn.Module; they stay as they are.
        data: a path as --data takes it, arrays, or any source of batches; the entry behind the network's inputs, if integer and one per
            sample, is the label.
        k: of top-k accuracy.
        progress: called with ("evaluating", samples done, 0).

    Raises:
        ValueError: if a label is not a class of the output, or there is no data.
        TypeError: for a model that is none of these.
        Stopped: if `progress` returns False.
    """
    network, provider = prepare(model, data)
    other = None if reference is None else prepare(reference, provider)[0]
    return evaluate_model(network, provider, reference=other, k=k, progress=progress)
