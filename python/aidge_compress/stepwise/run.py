"""Removes one activation after the other, and trains in between."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..fibnlr import FibnlrOptions, prune_activations
from ..merge import merge_layers
from ..network.costs import costs_of
from ..network.opening import open_network
from ..options import changed
from ..progress import Progress
from ..recovery import RecoverOptions, recover
from ..recovery.samples import Samples, read, split
from .result import Step, StepwiseResult

if TYPE_CHECKING:
    from aidge_core import GraphView

    from ..measure.metrics import Quality
    from ..network.opening import NetworkSource

__all__ = ["prune_step_by_step"]

_ONE = FibnlrOptions(
    ablation_criteria="x_least_per_group",
    group="none",
    normalization="none",
    ablation_x_least=1,
    ablation_threshold=1e30,  # the least one goes, however large it is
    ablation_method="remove",
)


def prune_step_by_step(
    model: NetworkSource,
    data: Any,
    options: RecoverOptions | None = None,
    *,
    until_drop: float = 0.01,
    evaluation: Any = None,
    progress: Progress | None = None,
    **changes: Any,
) -> StepwiseResult:
    """Remove the activation whose input is least often negative, train, and go on while the loss is at most `until_drop`; then merge.

    Args:
        model: the path or the bytes of an ONNX file, an onnx.ModelProto, a GraphView or a torch.nn.Module; it stays as it is.
        data: what to measure and train on, which is read into memory.
        options, changes: of the training of each step, e.g. minutes=1; see RecoverOptions.
        until_drop: the largest loss of the metric, in its unit: 0.01 of a share is 1 %. The metric is the option of that name; see evaluate.
        evaluation: samples that the loss is measured on; None: a share `held_out` of `data`.
        progress: called with (stage, done, total).

    Raises:
        ValueError: if until_drop is negative, and as prune_activations and recover do.
        ImportError: if PyTorch is missing.
        Stopped: if `progress` returns False.
    """
    if not until_drop >= 0:
        raise ValueError(f"[recover::steps] expected until_drop of at least 0, got {until_drop}")
    asked = changed(options or RecoverOptions(), changes, "recover::steps")
    original = open_network(model, data)
    train, held = read(data, original), None if evaluation is None else read(evaluation, original)
    if held is None:
        train, held = split(train, asked.held_out, asked.seed)
    current, quality, steps = original, None, []
    figure = None
    dims = [[1, *array.shape[1:]] for array in train.inputs]
    while _has_activations(current):
        pruned = prune_activations(current, _batches(train), _ONE, progress=progress)
        if not pruned.removed:
            break
        better = recover(
            pruned.model,
            _batches(train),
            asked,
            reference=original,
            evaluation=_batches(held),
            progress=progress,
        )
        start, end = better.start_quality, better.quality
        figure = end.figure
        kept = end.drop <= until_drop
        steps.append(Step(pruned.removed[0], _figure(start), _figure(end), end.drop, kept))
        if not kept:
            break
        current, quality = better.model, end
    merged = merge_layers(current, dims=dims)
    return StepwiseResult(
        model=merged.model,
        before=costs_of(original, dims),
        after=costs_of(merged.model, dims),
        quality=quality,
        options=asked,
        until_drop=until_drop,
        steps=tuple(steps),
        merged=len(merged.fusion.merged),
        metric=None if figure is None else figure.metric,
        title="quality" if figure is None else figure.title,
        unit="number" if figure is None else figure.unit,
    )


def _has_activations(model: GraphView) -> bool:
    return any(node.type() in _ONE.prunable_types for node in model.get_ordered_nodes(deep=True))


def _batches(samples: Samples) -> list[list[Any]]:
    parts = samples.batches(64)
    return [part.batch for part in parts]


def _figure(quality: Quality) -> float:
    return float("nan") if quality.figure is None else quality.figure.after
