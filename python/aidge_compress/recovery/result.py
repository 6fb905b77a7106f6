"""What recovery has brought."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ..measure.metrics import Quality
from ..measure.result import Result
from ..network.costs import Costs
from ..numbers import shown
from ..options import as_dict
from ..tables import data_frame
from .options import RecoverOptions

if TYPE_CHECKING:
    from aidge_core import GraphView

    from ..report import Story

__all__ = ["RecoverResult", "Round"]


@dataclass(frozen=True)
class Round:
    """One look at the held-out samples.

    Attributes:
        seconds: of training until then.
        epoch: passes over the data until then; 0 is before any training.
        loss: mean of the steps since the last look; None before any training.
        metric: the figure by which the network is judged (see Quality.figure) on the held-out samples; None if there is none.
        error: relative error of the outputs there.
        kept: whether the weights of this round are those of the result.
    """

    seconds: float
    epoch: float
    loss: float | None
    metric: float | None
    error: float
    kept: bool = False


@dataclass(frozen=True, repr=False)
class RecoverResult(Result):
    """A network after recovery.

    Attributes:
        model: the trained network; the given one's copy if no round was better.
        before, after: costs, which are equal: nothing is removed.
        start_quality, quality: on the held-out samples, before and after training, compared with the reference.
        options: what was chosen.
        rounds: the looks at the held-out samples.
        guides: names of the nodes whose outputs were followed.
        samples, held_out: how many were trained on, and how many decided.
        seconds: of training.
        reason: why it ended: "time", "epochs" or "interrupted".
        device: where it was trained.
    """

    model: GraphView
    before: Costs
    after: Costs
    start_quality: Quality
    quality: Quality
    options: RecoverOptions
    rounds: tuple[Round, ...]
    guides: tuple[str, ...]
    samples: int
    held_out: int
    seconds: float
    reason: str
    device: str

    @property
    def improved(self) -> bool:
        """Whether the weights have changed."""
        return not self.rounds[0].kept

    def figures(self) -> list[tuple[str, str, float | None, float | None, float | None]]:
        """(what, kind, of the reference, before training, after training)."""
        rows: list[tuple[str, str, float | None, float | None, float | None]] = []
        for end in self.quality.figures:
            start = self.start_quality.find(end.metric)
            before = end.before if end.labelled else None
            rows.append((end.title, end.unit, before, None if start is None else start.after, end.after))
        return rows

    def _headline(self) -> str:
        name, kind, _, start, end = self.figures()[0]
        return f"{name} {shown(start, kind)} → {shown(end, kind)} in {self.seconds / 60:.1f} minutes"

    def to_dict(self) -> dict[str, Any]:
        """For JSON: everything but the network."""
        return {
            "options": as_dict(self.options),
            "before": asdict(self.before),
            "after": asdict(self.after),
            "start_quality": self.start_quality.to_dict(),
            "quality": self.quality.to_dict(),
            "rounds": [asdict(entry) for entry in self.rounds],
            "guides": list(self.guides),
            "samples": self.samples,
            "held_out": self.held_out,
            "seconds": self.seconds,
            "reason": self.reason,
            "device": self.device,
        }

    def to_frame(self) -> Any:
        """A pandas DataFrame, one row a round. ImportError if pandas is missing."""
        return data_frame([asdict(entry) for entry in self.rounds], list(Round.__dataclass_fields__))

    def _story(self) -> Story:
        from .report import recover_story

        return recover_story(self)
