"""The options of `recover`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..measure.registry import METRIC_HELP, MetricSource, metric_of
from ..options import check, option

__all__ = ["RecoverOptions"]


@dataclass(frozen=True)
class RecoverOptions:
    """How long and how a network is trained. The time or the number of epochs is the budget, whichever ends first.

    Raises:
        ValueError: if a value is out of range or not one of the choices, or there is no budget.
    """

    minutes: float | None = option(5.0, "Train for at most this time", "MINUTES", least=0, above=True)
    epochs: int | None = option(None, "Train for at most this many passes over the data", "N", least=1)
    labels: bool = option(False, "Also learn the labels of the data, not only the outputs of the reference")
    augment: bool = option(True, "Shift pictures at random, and mirror those with three channels")
    learning_rate: float = option(
        1e-3, "Largest learning rate, reached after a warm-up", "X", least=0, above=True
    )
    batch: int = option(32, "Samples per step of the training", "N", least=1)
    guides: int = option(
        8,
        "Follow the outputs of at most this many blocks, too; 0: only the network's outputs",
        "N",
        least=0,
        expert=True,
    )
    guide_weight: float = option(
        0.5, "What the outputs of blocks count beside the outputs", "X", least=0, expert=True
    )
    label_weight: float = option(0.5, "What the labels count beside the outputs", "X", least=0, expert=True)
    batch_norm: Literal["frozen", "estimated"] = option(
        "frozen", "Statistics of BatchNorm: as they are, or estimated anew in the training", expert=True
    )
    weight_decay: float = option(1e-4, "Of AdamW, for weights that are no vectors", "X", least=0, expert=True)
    warm_up: float = option(
        0.05, "Share of the budget in which the learning rate grows", "FRACTION", least=0, most=1, expert=True
    )
    clip: float = option(1.0, "Largest norm of the gradient of a step", "X", least=0, above=True, expert=True)
    metric: MetricSource = option(None, METRIC_HELP, "NAME")
    held_out: float = option(
        0.2,
        "Share of the samples that is not trained on, if there is no data to evaluate on",
        "FRACTION",
        least=0.01,
        most=0.9,
        expert=True,
    )
    seed: int = option(0, "Of the order of samples and the augmentation", "N", least=0, expert=True)
    device: Literal["auto", "cpu", "cuda"] = option(
        "auto", "Where to train; auto: on CUDA if PyTorch has it", expert=True
    )

    def __post_init__(self) -> None:
        check(self, "recover::options")
        metric_of(self.metric)  # raises, naming the metrics that there are
        if self.minutes is None and self.epochs is None:
            raise ValueError("[recover::options] expected minutes or epochs as the budget, got neither")
