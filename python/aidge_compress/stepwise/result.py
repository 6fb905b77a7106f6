"""The curve of quality over removed activations."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ..measure.metrics import Quality
from ..measure.result import Result
from ..network.costs import Costs
from ..numbers import counted
from ..recovery import RecoverOptions
from ..report import Measured, Section, Story, shown, table
from ..report.charts import Curve, line_chart
from ..report.html import tag
from ..tables import data_frame

if TYPE_CHECKING:
    from aidge_core import GraphView

__all__ = ["Step", "StepwiseResult"]


@dataclass(frozen=True)
class Step:
    """One more activation without.

    Attributes:
        name: of the activation.
        recipe: the metric when it was removed.
        trained: the same after training.
        drop: what is lost of it then, compared with the original, in its unit.
        kept: whether the loss was small enough.
    """

    name: str
    recipe: float
    trained: float
    drop: float
    kept: bool


@dataclass(frozen=True, repr=False)
class StepwiseResult(Result):
    """A network from which activations were removed one by one.

    Attributes:
        model: the network with the layers merged that nothing separates any more.
        before, after, quality: see Result; the quality is that of the last step that was kept, on the samples that were not trained on.
        options: of the training of each step.
        until_drop: the largest loss of the metric that was allowed, in its unit.
        metric, title, unit: the metric, how it is called, and how it is shown; None if there was no step.
        steps: in order; only the last one may not be kept.
        merged: how many layers were merged.
    """

    model: GraphView
    before: Costs
    after: Costs
    quality: Quality | None
    options: RecoverOptions
    until_drop: float
    steps: tuple[Step, ...]
    merged: int
    metric: str | None = None
    title: str = "quality"
    unit: str = "number"

    @property
    def removed(self) -> tuple[str, ...]:
        """Names of the activations that were removed."""
        return tuple(step.name for step in self.steps if step.kept)

    def _headline(self) -> str:
        return f"{counted(len(self.removed), 'activation')} removed within a drop of {self.until_drop:g} in {self.metric or self.title}"

    def to_dict(self) -> dict[str, Any]:
        """For JSON: everything but the network."""
        return {
            **self._common(),
            "metric": self.metric,
            "until_drop": self.until_drop,
            "steps": [asdict(step) for step in self.steps],
            "merged": self.merged,
        }

    def to_frame(self) -> Any:
        """A pandas DataFrame, one row a step. ImportError if pandas is missing."""
        return data_frame([asdict(step) for step in self.steps], list(Step.__dataclass_fields__))

    def _story(self) -> Story:
        numbers = [float(number) for number in range(1, len(self.steps) + 1)]
        curves = [
            Curve(numbers, [step.trained for step in self.steps]),
            Curve(numbers, [step.recipe for step in self.steps], "second"),
        ]
        said = f"{self.title[:1].upper()}{self.title[1:]}; dashed: before the training of the step."
        chart = line_chart(curves, title=f"{self.title} over removed activations", x="removed activations", y=said) if self.steps else tag("p", "None.")  # fmt: skip
        rows = [
            (step.name, shown(step.recipe, self.unit), shown(step.trained, self.unit), "kept" if step.kept else "taken back")
            for step in self.steps
        ]  # fmt: skip
        return Story(
            "Activations removed step by step (FIBNLR)",
            ((str(len(self.removed)), "activations removed"), (str(self.merged), "merged layers")),
            (
                Measured("MACs", self.before.macs, self.after.macs, "count"),
                Measured("parameters", self.before.parameters, self.after.parameters, "count"),
            ),
            (
                Section("Quality over removed activations", chart, said),
                Section(
                    "Steps", table(("activation", "after the recipe", "after training", "decision"), rows)
                ),
            ),
            {**self.parameters, "until_drop": self.until_drop},
        )
