"""Chooses how many channels each group keeps by cutting networks on trial and comparing their outputs with the original's."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import aidge_core
import numpy as np
from aidge_core import SequentialScheduler

from ..measure.labels import labelled_batches
from ..measure.meters import RelativeError
from ..measure.metrics import loose_outputs
from ..network.summary import summarize
from .allocate import RULES, UnreachableTarget, allocate
from .curves import Curves, scaled
from .stages import cut, one_sample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from ..progress import Clock
    from .allocate import Share
    from .budget import Budget
    from .options import CompressOptions
    from .stages import Cut, Prepared

__all__ = ["FITS", "Allocation", "Trial", "Trials", "by_trials"]

_SAMPLE_MACS = 2e10
"""Multiply-accumulates of the original that the samples of a trial may take …"""
_LEAST_SAMPLES, _MOST_SAMPLES = 16, 256
"""… but so many samples at least, and at most."""
_ROWS_PER_UNKNOWN, _LEAST_ROWS, _MOST_UNKNOWNS = 3, 2000, 1200
"""Of a fit on trial."""
_EXPONENTS = (1.0, 0.5)
_LEAST_GAIN = 0.99
"""What is clearly better: a search between the best two goes on only then."""
_HOPELESS = 1.3
"""An allocation whose error before the fit is so many times the least one is not fitted; errors near 1, which say little, are all below that."""


FITS = {
    "least_squares": aidge_core.CompensationMethod.LEAST_SQUARES,
    "mean_variance": aidge_core.CompensationMethod.MEAN_VARIANCE,
}
"""Choices of `compensation` that fit layers after the cut."""


@dataclass(frozen=True)
class Trial:
    """An allocation that was tried.

    Attributes:
        name: how it was found.
        error: relative error of the network's outputs (see Quality.error) on samples that nothing was fitted on, after a quick fit.
    """

    name: str
    error: float


@dataclass(frozen=True)
class Allocation:
    """How many channels each measured group keeps, and what was tried to find that out."""

    counts: list[int]
    tried: tuple[Trial, ...] = ()


class Trials:
    """Networks that are cut on trial, and how far their outputs are from the original's. Equal counts are measured once.

    Args:
        prepared: what is cut.
        options: of compress.
        clock: told of each network.
    """

    def __init__(self, prepared: Prepared, options: CompressOptions, clock: Clock) -> None:
        dims = one_sample(prepared.original, prepared.data.dims)
        macs = summarize(prepared.original, dims).macs / dims[0][0]
        prepared.original.forward_dims(prepared.data.dims)
        self._prepared, self._options, self._clock = prepared, options, clock
        self._samples = int(np.clip(_SAMPLE_MACS / max(macs, 1.0), _LEAST_SAMPLES, _MOST_SAMPLES))
        self._batches: list[tuple[list[np.ndarray], list[np.ndarray]]] = []
        self._errors: dict[tuple[bool, tuple[int, ...]], float] = {}
        self._fit_data = aidge_core.CalibrationData(
            prepared.original, _first(prepared.fit, self._samples), memory=options.memory // 4
        )

    def error(self, counts: Sequence[int], *, fitted: bool) -> float:
        """Relative error of the outputs if the measured groups keep so many channels.

        Args:
            counts: one per measured group.
            fitted: whether the layers are fitted quickly; else only those that read removed channels take over what they can.
        """
        key = fitted, tuple(counts)
        if key not in self._errors:
            self._clock.step("allocate", len(self._errors), 0)
            self._errors[key] = self._measure(counts, fitted=fitted)
        return self._errors[key]

    def _measure(self, counts: Sequence[int], *, fitted: bool) -> float:
        smaller = cut(self._prepared, counts, self._options, compensate=True)
        smaller.model.compile("cpu", dims=self._prepared.data.dims)
        if fitted:
            self._fit(smaller)
        scheduler = SequentialScheduler(smaller.model)
        meter = RelativeError(loose_outputs(self._prepared.original))
        for inputs, expected in self._data():
            meter.add([np.asarray(out) for out in scheduler.forward(data=inputs)], {}, expected)
        error = meter.value() or 0.0  # without an output that can be compared, all cuts are equal
        return error if np.isfinite(error) else float("inf")

    def _fit(self, smaller: Cut) -> None:
        """On few rows: networks compare as they do after the full fit, which the covariance start alone does not tell once its error is near 1."""
        targets = {entry.layer: entry.name for entry in self._prepared.removed if entry.layer}
        aidge_core.compensate_layers(
            self._prepared.original, smaller.model, self._fit_data, smaller.outputs, targets,
            method=FITS[self._options.compensation], memory=self._options.memory,
            rows_per_unknown=_ROWS_PER_UNKNOWN, min_rows=_LEAST_ROWS, max_unknowns=_MOST_UNKNOWNS,
        )  # fmt: skip

    def _data(self) -> Sequence[tuple[list[np.ndarray], list[np.ndarray]]]:
        if not self._batches:
            scheduler = SequentialScheduler(self._prepared.original)
            batches = labelled_batches(self._prepared.trial, self._prepared.original)
            for inputs in _first((inputs for inputs, _ in batches), self._samples):
                self._batches.append((inputs, [np.array(out) for out in scheduler.forward(data=inputs)]))
        return self._batches


def _first(batches: Iterable[Any], samples: int) -> list[list[np.ndarray]]:
    """Batches until they hold so many samples."""
    found: list[list[np.ndarray]] = []
    for batch in batches:
        found.append([np.array(array) for array in batch])
        if sum(len(entry[0]) for entry in found) >= samples:
            break
    return found


def _sensitivity(curves: Curves, trials: Trials) -> list[float]:
    """For each group, the squared error of the outputs if it alone keeps half of its channels."""
    everything = [group.group.size for group in curves.groups]
    found = []
    for index, half in enumerate(curves.halves):
        alone = [*everything[:index], half, *everything[index + 1 :]]
        found.append(trials.error(alone, fitted=False) ** 2 if half < everything[index] else 0.0)
    known = [value for value in found if value > 0.0]
    least = 0.01 * float(np.median(known)) if known else 1.0
    return [max(min(value, 4.0), least) for value in found]


class _Search:
    """Allocations within a budget that were tried."""

    def __init__(self, prepared: Prepared, options: CompressOptions, budget: Budget, trials: Trials) -> None:
        self._groups, self._limits = prepared.measured, options.limits
        self._budget, self._trials = budget, trials
        self._fitted = options.compensation in FITS
        self.errors: dict[str, float] = {}
        self.counts: dict[str, list[int]] = {}
        self.unreachable: UnreachableTarget | None = None

    def best(self, place: int = 0) -> str:
        """Name of the one of the least error, or of the next ones."""
        return sorted(self.errors, key=lambda name: self.errors[name])[place]

    def add(self, name: str, choose: Callable[[Share], list[int]]) -> bool:
        """Try what `choose` finds within the budget; whether it is clearly the best so far."""
        counts = self._meet(choose)
        return counts is not None and self._try(name, counts)

    def _meet(self, choose: Callable[[Share], list[int]]) -> list[int] | None:
        try:
            return self._budget.meet(choose)
        except UnreachableTarget as unreachable:
            self.unreachable = unreachable
            return None

    def _try(self, name: str, counts: list[int]) -> bool:
        error = self._trials.error(counts, fitted=self._fitted)
        before = min(self.errors.values(), default=float("inf"))
        self.errors[name], self.counts[name] = error, counts
        return error < _LEAST_GAIN * before

    def rules(self) -> dict[str, list[int]]:
        """What each of RULES finds within the budget."""
        return self._found({rule: partial(self._by_rule, rule) for rule in RULES})

    def _found(self, choices: Mapping[str, Callable[[Share], list[int]]]) -> dict[str, list[int]]:
        found = {name: self._meet(choose) for name, choose in choices.items()}
        return {name: counts for name, counts in found.items() if counts is not None}

    def compare(self, candidates: Mapping[str, list[int]]) -> None:
        """Try uniform, and those that can be the best one. A fit takes most of the time of a trial, so their errors before it are compared first."""
        starts = {name: self._trials.error(counts, fitted=False) for name, counts in candidates.items()}
        limit = _HOPELESS * min(starts.values())
        for name, counts in candidates.items():
            if not self._fitted or name == "uniform" or starts[name] <= limit:
                self._try(name, counts)

    def _by_rule(self, rule: str, share: Share) -> list[int]:
        return allocate(self._groups, rule, self._limits, share, self._budget.target)

    def by_sensitivity(self) -> dict[str, list[int]]:
        """Least squared error, as far as the errors of groups that are cut alone add up; and half way to equal sensitivities."""
        curves = Curves(self._groups, self._limits)
        sensitivity = _sensitivity(curves, self._trials)
        choices = {}
        for exponent in _EXPONENTS:
            weights = [value**exponent for value in sensitivity]
            name = "sensitivity" if exponent == 1 else "root of sensitivity"
            choices[name] = partial(curves.cheapest, weights)
        return self._found(choices)

    def between(self, number: int) -> bool:
        """Try the mean of the best two, and what lies beyond the best one, seen from the second one; whether one is clearly better."""
        if len(self.errors) < 2:
            return False
        first, second = (np.log(self.counts[self.best(place)]) for place in (0, 1))
        names = self.best(0), self.best(1)
        better = False
        for step, word in ((0.5, "between"), (-0.5, "beyond")):
            name = f"{word} {names[0]} and {names[1]}" if number == 0 else f"{word}, step {number + 1}"
            better |= self.add(
                name, partial(scaled, self._groups, self._limits, first + step * (second - first))
            )
        return better


def by_trials(prepared: Prepared, options: CompressOptions, budget: Budget, clock: Clock) -> Allocation:
    """The counts, within the budget, of the least error of the outputs among networks that are cut on trial.

    Tried are the rules of RULES, allocations by measured sensitivity (those that are much worse than another one before the fit are not fitted), and then what lies between the best ones, as long as that is better.

    Raises:
        UnreachableTarget: if the target cannot be reached; says what can.
    """
    everything = [group.group.size for group in prepared.measured]
    if budget.estimate(everything) <= 1.0:
        return Allocation(budget.meet(lambda share: everything))
    same = replace(options, keep_macs=None, keep_parameters=None, keep_latency=None, max_drop=None)
    if same not in prepared.trials:
        prepared.trials[same] = Trials(prepared, options, clock)
    search = _Search(prepared, options, budget, prepared.trials[same])
    candidates = search.rules()
    if not candidates:
        assert search.unreachable is not None
        raise search.unreachable
    search.compare({**candidates, **search.by_sensitivity()})
    for number in range(options.trials):
        if not search.between(number):
            break
    tried = tuple(Trial(name, error) for name, error in search.errors.items())
    return Allocation(search.counts[search.best()], tried)
