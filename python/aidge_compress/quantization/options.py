"""The options of `quantize`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..measure.registry import METRIC_HELP, MetricSource, metric_of
from ..options import check, option

__all__ = ["QuantizeOptions"]


@dataclass(frozen=True)
class QuantizeOptions:
    """What becomes 8 bits wide, and how the ranges of activations are chosen.

    Raises:
        ValueError: if a value is out of range or not one of the choices.
    """

    weights: Literal["int8", "float16"] = option(
        "int8", "int8: weights and activations; float16: only a smaller file, computed in float32"
    )
    calibration: Literal["auto", "minmax", "percentile", "entropy", "mse"] = option(
        "auto", "How ranges of activations are chosen; auto: by the error of the outputs on held-out samples"
    )
    max_drop: float | None = option(
        None,
        "Largest loss of the metric, in its own unit (0.01 of a share is 1 %); layers that cost most stay in float until it holds",
        "X",
        least=0,
    )
    metric: MetricSource = option(None, METRIC_HELP, "NAME")
    keep_float: tuple[str, ...] = option((), "Leave these nodes in float", "NODE")
    first_layer: Literal["int8", "float"] = option("int8", "Type of the layers that read the inputs")
    last_layer: Literal["int8", "float"] = option("int8", "Type of the layers that make the outputs")
    biases: Literal["int32", "float"] = option("int32", "Type of biases", expert=True)
    activations: Literal["uint8", "int8"] = option("uint8", "Type of activations", expert=True)
    symmetric: bool = option(False, "Ranges of activations are symmetric about zero", expert=True)
    per_channel: bool = option(True, "One scale for each output channel of a weight", expert=True)
    reduce_range: bool = option(
        False, "Weights of 7 bits, for processors without VNNI, whose 16-bit sums may saturate", expert=True
    )
    percentile: float = option(
        99.999,
        "With calibration percentile: share of the values inside the range, in percent",
        "PERCENT",
        least=50,
        most=100,
        expert=True,
    )
    samples: int = option(
        512, "Calibrate on at most N samples, and choose on at most N held-out ones", "N", least=1
    )
    held_out: float = option(
        0.2,
        "Without evaluation data: the share of the samples to choose and evaluate on",
        "FRACTION",
        least=0.01,
        most=0.9,
        expert=True,
    )
    latency: bool = option(True, "Measure the latency in ONNX Runtime before and after")

    def __post_init__(self) -> None:
        names = (self.keep_float,) if isinstance(self.keep_float, str) else tuple(self.keep_float)
        object.__setattr__(self, "keep_float", names)
        check(self, "quantize::options")
        metric_of(self.metric)  # raises, naming the metrics that there are
