"""All figures that a network can be measured by: one table, what each needs, and which one is chosen where nobody has said."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np
from aidge_core.data.labels import BOXES, CLASSES, MASKS, TARGETS

from .boxes import FORMS, form_of
from .detections import Detections
from .labels import Labels
from .meters import (
    Agreement,
    Embedding,
    Meter,
    Psnr,
    RelativeError,
    Top1,
    WithFunction,
    decisions,
    is_classifier,
    unit_vectors,
)
from .segmentation import PixelAgreement, Segmentation, class_maps, scale_of

__all__ = ["METRICS", "METRIC_HELP", "Choice", "Facts", "Metric", "MetricSource", "choose", "metric_of"]


class MetricFunction(Protocol):
    """A figure of the caller's own: called once with everything that was run.

    outputs: all outputs of the network over all samples, each of shape (samples, …). labels: what follows the inputs in the data, (samples, …);
    None without labels. reference_outputs: as `outputs`, of the reference network; None without one. An attribute `higher_is_better`
    (default True) of the function says which direction is good, `unit` how it is shown ("share", "number" or "decibels").
    """

    def __call__(
        self,
        outputs: Sequence[np.ndarray],
        labels: np.ndarray | None,
        reference_outputs: Sequence[np.ndarray] | None,
        /,
    ) -> float: ...


MetricSource: TypeAlias = str | Callable[..., float] | None
"""A name in METRICS, "module:function", a function, or None for the one that fits."""


@dataclass(frozen=True)
class Facts:
    """What the first batch tells of a network and its data.

    Attributes:
        outputs: of the first batch.
        labels: of the first batch, by kind.
        inputs: dims of the inputs.
        samples: of the batch.
        probability: whether the first output is a sigmoid's.
        loose: numbers of the outputs whose sizes only a run tells.
        reference: whether there is a network to compare with.
        k: of top-k accuracy.
        strict: whether a label that is not a class of the output is an error; else it does not count.
    """

    outputs: tuple[np.ndarray, ...]
    labels: Labels
    inputs: tuple[tuple[int, ...], ...]
    samples: int
    probability: bool = False
    loose: frozenset[int] = frozenset()
    reference: bool = True
    k: int = 5
    strict: bool = True

    @property
    def first(self) -> np.ndarray | None:
        """The first output, if it has one row per sample."""
        known = 0 not in self.loose and self.outputs[0].ndim and len(self.outputs[0]) == self.samples
        return self.outputs[0] if known else None

    def describe(self) -> str:
        """The outputs' shapes and the labels, in words."""
        shapes = [
            " x ".join(["N" if out.shape[:1] == (self.samples,) else str(out.shape[0]), *map(str, out.shape[1:])]) if out.ndim else "()"
            for out in self.outputs
        ]  # fmt: skip
        what = f"the output has shape {shapes[0]}"
        if len(shapes) > 1:
            what = f"the {len(shapes)} outputs have shapes {', '.join(shapes)}"
        kinds = [kind for kind in (CLASSES, MASKS, BOXES, TARGETS) if kind in self.labels]
        return f"{what} and {'the labels are ' + ' or '.join(kinds) if kinds else 'there are no labels'}"


@dataclass(frozen=True)
class Metric:
    """A figure.

    Attributes:
        name: how it is asked for.
        title: how it is called in tables.
        higher_is_better: its direction.
        unit: how it is shown: "share", "number" or "decibels" (see numbers.shown).
        expects: which outputs and labels it needs, in words.
        fits: whether it can be measured.
        likely: whether it is what such a network is for, so that it is chosen without being asked for.
        meter: makes what measures it over batches.
        beside: names of other figures that are measured with it.
        labelled: whether the labels say what is right, and not the reference, of which the figure is the best one then.
    """

    name: str
    title: str
    higher_is_better: bool
    unit: str
    expects: str
    fits: Callable[[Facts], bool]
    likely: Callable[[Facts], bool]
    meter: Callable[[Facts], Meter]
    beside: tuple[str, ...] = ()
    labelled: Callable[[Facts], bool] = lambda facts: False

    def drop(self, before: float, after: float) -> float:
        """What is lost between two values, in the figure's unit; negative if it became better; infinite if one is not known, as with NaN."""
        if before == after and (self.higher_is_better or np.isfinite(after)):
            return 0.0
        lost = before - after if self.higher_is_better else after - before
        return float("inf") if np.isnan(lost) else lost


def _decides(facts: Facts) -> bool:
    return facts.first is not None and decisions(facts.first, probability=facts.probability) is not None


def _is_embedding(facts: Facts) -> bool:
    return facts.first is not None and is_classifier(facts.first) and unit_vectors(facts.first)


def _has_maps(facts: Facts) -> bool:
    return facts.first is not None and class_maps(facts.first, probability=facts.probability) is not None


def _looks_like_classes_of_pixels(facts: Facts) -> bool:
    """Whether a map's channels are classes rather than features, colours or directions, as far as sizes tell: one picture goes in, and all outputs
    are maps of its height and width with another number of channels."""
    if not _has_maps(facts) or len(facts.inputs) != 1 or len(facts.inputs[0]) != 4:
        return False
    channels, *size = facts.inputs[0][1:]
    maps = [out for out in facts.outputs if out.ndim == 4 and list(out.shape[2:]) == size]
    alike = len(maps) == len(facts.outputs) and len({out.shape for out in maps}) == 1
    return (alike and channels in (1, 3, 4) and maps[0].shape[1] != channels) or facts.outputs[
        0
    ].dtype.kind in "iub"


def _has_target(facts: Facts) -> bool:
    return (
        facts.first is not None
        and TARGETS in facts.labels
        and facts.labels[TARGETS].shape == facts.first.shape
    )


def _is_real(facts: Facts) -> bool:
    return facts.first is not None and facts.first.dtype.kind == "f"


def _comparable(facts: Facts) -> bool:
    return facts.reference and len(facts.loose) < len(facts.outputs)


def _form(facts: Facts) -> str:
    """That of the boxes; "" if there are none."""
    return form_of(facts.outputs, facts.inputs, facts.samples)


def _labelled_boxes(facts: Facts) -> bool:
    return BOXES in facts.labels


_TABLE = (
    Metric(
        "detections", "detections", True, "share",
        f"boxes ({FORMS}), and boxes as labels or a reference network",
        lambda facts: (facts.reference or _labelled_boxes(facts)) and bool(_form(facts)),
        lambda facts: True,
        lambda facts: Detections(_form(facts), _labelled_boxes(facts)), (), _labelled_boxes,
    ),
    Metric(
        "miou", "mean IoU", True, "share",
        "maps (samples, classes, height, width) as the first output, and masks (samples, height, width) of that size, or a multiple, as labels",
        lambda facts: _has_maps(facts) and MASKS in facts.labels and scale_of(facts.outputs[0], facts.labels[MASKS]) is not None,
        lambda facts: True,
        lambda facts: Segmentation(facts.probability), ("pixel_agreement",), lambda facts: True,
    ),
    Metric(
        "top1", "accuracy", True, "share",
        "one score per class, (samples, classes), as the first output, and one class per sample as labels",
        lambda facts: _decides(facts) and CLASSES in facts.labels,
        lambda facts: not _is_embedding(facts),
        lambda facts: Top1(facts.k, facts.probability, facts.strict), ("agreement",), lambda facts: True,
    ),
    Metric(
        "embedding", "cosine similarity of embeddings", True, "number",
        "one vector per sample, (samples, values), as the first output, and a reference network",
        lambda facts: facts.reference and facts.first is not None and is_classifier(facts.first),
        _is_embedding,
        lambda facts: Embedding(),
    ),
    Metric(
        "agreement", "agreement", True, "share",
        "one score per class, (samples, classes), as the first output, and a reference network",
        lambda facts: facts.reference and _decides(facts),
        lambda facts: not _is_embedding(facts),
        lambda facts: Agreement(facts.probability),
    ),
    Metric(
        "pixel_agreement", "pixel agreement", True, "share",
        "maps (samples, classes, height, width) as the first output, and a reference network",
        lambda facts: facts.reference and _has_maps(facts),
        _looks_like_classes_of_pixels,
        lambda facts: PixelAgreement(facts.probability),
    ),
    Metric(
        "psnr", "PSNR", True, "decibels",
        "floating-point numbers as the first output, and labels of its shape or a reference network",
        lambda facts: _is_real(facts) and (facts.reference or _has_target(facts)),
        lambda facts: _has_target(facts) and facts.outputs[0].ndim == 4,
        lambda facts: Psnr(_has_target(facts)), (), _has_target,
    ),
    Metric(
        "relative_error", "relative error of the outputs", False, "number",
        "an output whose size is known before a run, and a reference network",
        _comparable,
        lambda facts: True,
        lambda facts: RelativeError(facts.loose),
    ),
)  # fmt: skip

METRICS: Mapping[str, Metric] = {metric.name: metric for metric in _TABLE}
"""All figures by name, in the order in which one is chosen: the first that fits and is likely."""

METRIC_HELP = (
    f"The figure by which networks are compared: {', '.join(METRICS)}, or module:function for a function of your own; by default the one that "
    "fits the outputs and the labels"
)


@dataclass(frozen=True)
class Choice:
    """The figure that is measured, and why; None: there is nothing to measure."""

    metric: Metric | None
    reason: str

    def __str__(self) -> str:
        return f"metric: {self.metric.name if self.metric else 'none'} ({self.reason})"


def metric_of(source: MetricSource) -> Metric | None:
    """The figure that is meant; None for the one that fits.

    Raises:
        ValueError: if there is none of that name, or no such function.
    """
    if source is None:
        return None
    if callable(source):
        return _of_function(source, getattr(source, "__qualname__", type(source).__name__))
    name = source.lower().replace("-", "_")
    if name in METRICS:
        return METRICS[name]
    if ":" in source:
        return _of_function(_function(source), source)
    raise ValueError(
        f"[evaluation::metric] expected a metric among {', '.join(METRICS)}, or module:function, got {source!r}"
    )


def _function(source: str) -> Callable[..., float]:
    """The function that "module:function" or "file.py:function" names; modules in the current folder count."""
    where, _, name = source.rpartition(":")
    if where.endswith(".py"):
        spec = importlib.util.spec_from_file_location(Path(where).stem, where)
        if spec is None or spec.loader is None or not Path(where).is_file():
            raise ValueError(f"[evaluation::metric] expected a Python file, got {where}")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    else:
        sys.path.insert(0, os.getcwd())
        try:
            module = importlib.import_module(where)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{where}.".startswith(f"{error.name}."):
                raise
            raise ValueError(
                f"[evaluation::metric] expected a module that can be imported, got {where!r} in {source!r}"
            ) from error
        finally:
            sys.path.remove(os.getcwd())
    found = getattr(module, name, None)
    if not callable(found):
        raise ValueError(f"[evaluation::metric] expected a function {name!r} in {where}, got {found!r}")
    function: Callable[..., float] = found
    return function


def _of_function(function: Callable[..., float], name: str) -> Metric:
    return Metric(
        name, getattr(function, "title", name), bool(getattr(function, "higher_is_better", True)), getattr(function, "unit", "number"),
        "anything", lambda facts: True, lambda facts: True, lambda facts: WithFunction(function, name), (), lambda facts: True,
    )  # fmt: skip


def choose(facts: Facts, asked: Metric | None) -> Choice:
    """The figure to measure.

    Raises:
        ValueError: if the one that was asked for does not fit; says what it needs, and what came.
    """
    if asked is not None:
        if not asked.fits(facts):
            without = "" if facts.reference else ", and there is no reference network"
            raise ValueError(
                f"[evaluation::metric] expected for {asked.name} {asked.expects}, got: {facts.describe()}{without}"
            )
        return Choice(asked, "as asked for")
    for metric in _TABLE:
        if metric.fits(facts) and metric.likely(facts):
            return Choice(metric, facts.describe())
    why = "" if facts.reference else ", and no reference network"
    return Choice(None, f"{facts.describe()}{why}")
