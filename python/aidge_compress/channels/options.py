"""The options of `compress`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ..measure.registry import METRIC_HELP, MetricSource, metric_of
from ..options import check, option
from .allocate import Limits

__all__ = ["DEFAULT_DROP", "CompressOptions", "of_target"]

DEFAULT_DROP = 0.01
"""The loss that is accepted if no goal is given."""


_BUDGETS = {"macs": "keep_macs", "parameters": "keep_parameters", "latency": "keep_latency"}


@dataclass(frozen=True)
class CompressOptions:
    """What `compress` keeps, and how it chooses. With no budget, `max_drop` or `remove_activations`, the smallest network that loses at most
    0.01 is searched for: 1 % of a share, 0.01 of any other metric.

    Raises:
        ValueError: if a value is out of range or not one of the choices.
    """

    keep_macs: float | None = option(
        None,
        "Keep at most this share of the MACs",
        "FRACTION",
        least=0,
        most=1,
        above=True,
        tries=(0.75, 0.5, 0.35),
    )
    keep_parameters: float | None = option(
        None, "Keep at most this share of the parameters", "FRACTION", least=0, most=1, above=True
    )
    keep_latency: float | None = option(
        None,
        "Keep at most this share of the layers' time on this machine",
        "FRACTION",
        least=0,
        most=1,
        above=True,
    )
    max_drop: float | None = option(
        None,
        "Largest loss of the metric, in its own unit (0.01 of a share is 1 %); alone, the smallest network within it is searched for",
        "X",
        least=0,
    )
    metric: MetricSource = option(None, METRIC_HELP, "NAME")
    allocation: Literal["auto", "energy", "loss", "uniform", "kl"] = option(
        "auto", "How removed channels are shared out among the layers", expert=True, tries=("auto",)
    )
    trials: int = option(
        4,
        "With allocation auto: how often to look for a better allocation between the best two",
        "N",
        least=0,
        expert=True,
    )
    selection: Literal["elimination", "cholesky", "l1_norm", "l2_norm", "l1_max", "abs_max", "random"] = (
        option("elimination", "Which channels of a layer are kept", expert=True, tries=("elimination",))
    )
    compensation: Literal["least_squares", "mean_variance", "covariance", "none"] = option(
        "least_squares",
        "How the remaining weights make up for removed channels",
        expert=True,
        tries=("least_squares",),
    )
    remove_activations: int = option(0, "Replace this many activations by affine maps", "N", least=0)
    merge: bool = option(True, "Merge adjacent linear layers if that is exact and cheaper")
    protect: tuple[str, ...] = option((), "Keep all channels of these nodes", "NODE")
    min_channels: int = option(4, "Keep at least this many channels per layer", "N", least=1, expert=True)
    min_share: float = option(
        0.0, "Keep at least this share of each layer's channels", "FRACTION", least=0, most=1, expert=True
    )
    int8: bool = option(False, "Also quantise the smaller network: the file that is written is in int8")
    multiple: int | None = option(
        None,
        "Keep a multiple of N channels; default: 16 with int8, 8 for networks of at least 100 M MACs per sample, else 1",
        "N",
        least=1,
        expert=True,
    )
    held_out: float = option(
        0.2,
        "Without evaluation data: the share of the calibration samples to evaluate on",
        "FRACTION",
        least=0,
        most=1,
        expert=True,
    )
    latency: bool = option(True, "Measure the latency before and after")
    seed: int = option(0, "Random seed of selection random", "N", expert=True)
    memory: int = option(
        1 << 31,
        "Bytes for calibration data and tensors between layers; beyond it data is read again",
        "BYTES",
        least=0,
        expert=True,
    )

    def __post_init__(self) -> None:
        names = (self.protect,) if isinstance(self.protect, str) else tuple(self.protect)
        object.__setattr__(self, "protect", names)
        check(self, "compress::options")
        metric_of(self.metric)  # raises, naming the metrics that there are
        if self.held_out >= 1.0:
            raise ValueError(f"[compress::options] expected held_out in [0, 1), got {self.held_out}")

    @property
    def target(self) -> dict[str, float] | None:
        """Cost → share to keep; None if no budget is given."""
        shares = {cost: getattr(self, name) for cost, name in _BUDGETS.items()}
        return {cost: share for cost, share in shares.items() if share is not None} or None

    @property
    def limits(self) -> Limits:
        """What every group of channels keeps."""
        return Limits(self.min_channels, self.min_share, self.multiple or 1)


def of_target(target: float | Mapping[str, float]) -> dict[str, float]:
    """The options that `target`, the former word for them, stands for: a share of the MACs, or shares by cost.

    Raises:
        ValueError: if it is not.
    """
    shares = dict(target) if isinstance(target, Mapping) else {"macs": float(target)}
    if (
        not shares
        or not set(shares) <= set(_BUDGETS)
        or not all(0.0 < share <= 1.0 for share in shares.values())
    ):
        raise ValueError(
            f"[compress::options] expected target as shares in (0, 1] of {', '.join(_BUDGETS)}, got {target}"
        )
    return {_BUDGETS[cost]: share for cost, share in shares.items()}
