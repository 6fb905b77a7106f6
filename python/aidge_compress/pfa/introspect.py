"""`PFA`: collects the statistics of layers' responses once, and answers with recipes as often as asked."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from aidge_core import Covariance, GraphView, Node, pfa_collect, pfa_Pooling

from ..network.layers import select_layers
from ..network.opening import load_and_compile
from ..network.outline import Outline, outline
from ..network.sources import batches_of
from ..progress import Progress, report_to
from . import budget, charts, storage, strategies, tables, units
from .dnikit.batch import Batch, Producer
from .dnikit.processors import Pooler
from .layer import PFACovariancesResult
from .recipe import PFARecipe
from .recommendation import PFARecommendation
from .strategies import PFAStrategyType
from .units import PFAUnitSelectionStrategyType

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame

__all__ = ["COLLECTING", "PFA"]

COLLECTING = "collecting responses"
"""The stage that measuring is reported as."""

Recipes = Mapping[str, PFARecipe]


class PFA:
    """Principal Filter Analysis of a network's layers.

    Made by `PFA.introspect`, `PFA.introspect_model`, `PFA.load` or `PFA.merge`. Layers are in the order of the graph, or of the producer's
    first batch.
    """

    class Strategy:
        """How many units a layer keeps; or your own callable: see PFAStrategyType."""

        KL = strategies.KL
        Energy = strategies.Energy
        Size = strategies.Size
        Budget = budget.Budget

    class UnitSelectionStrategy:
        """Which units are removed; or your own callable: see PFAUnitSelectionStrategyType."""

        AbsMax = units.AbsMax
        AbsMin = units.AbsMin
        L1Max = units.L1Max
        L1Min = units.L1Min
        Random = units.Random

        @classmethod
        def get_algos(cls) -> list[PFAUnitSelectionStrategyType]:
            """Return one of each strategy that looks at correlations."""
            return [cls.AbsMax(), cls.AbsMin(), cls.L1Max(), cls.L1Min()]

    class VisType:
        """What `PFA.show` returns."""

        CHART = "chart"
        TABLE = "table"

    def __init__(
        self,
        accumulators: Mapping[str, Covariance],
        *,
        epsilon_inactive: float = 1e-8,
        strict_samples: bool = False,
    ) -> None:
        self._accumulators = dict(accumulators)
        self._epsilon = epsilon_inactive
        self._strict = strict_samples
        self._results: dict[str, PFACovariancesResult] = {}
        self._failed: list[str] = []
        self._network: Outline | None = None
        self._origin: dict[str, Any] = {
            "epsilon_inactive": epsilon_inactive,
            "strict_samples": strict_samples,
        }
        if not epsilon_inactive >= 0:
            raise ValueError(f"[pfa::PFA] expected epsilon_inactive >= 0, got {epsilon_inactive}")
        for name, accumulator in self._accumulators.items():
            if accumulator.samples >= (max(2, accumulator.units) if strict_samples else 2):
                with _naming(name):
                    self._results[name] = PFACovariancesResult(accumulator, epsilon_inactive)
            else:
                self._failed.append(name)
        self._warn_of_few_samples()

    def _warn_of_few_samples(self) -> None:
        """One warning for the layers that are left out and one for the others; each names the widest layer."""
        few = [
            (entry.units, name)
            for name, entry in self._accumulators.items()
            if entry.samples < max(2, entry.units)
        ]
        for refused, verdict in (
            (True, "it is left out"),
            (False, "its covariance has a rank below its number of units"),
        ):
            layers = [(units, name) for units, name in few if (name in self._failed) == refused]
            if not layers:
                continue
            units, name = max(layers)
            samples = self._accumulators[name].samples
            counts = f"{samples} samples" + (
                f" of {units} units, fewer than units" if samples >= 2 else ", too few for a covariance"
            )
            others = f"; so it is with {len(layers) - 1} more layers" if len(layers) > 1 else ""
            warnings.warn(f"layer {name!r} has {counts}: {verdict}{others}", stacklevel=4)

    # --- collecting ---------------------------------------------------------------------------------------------

    @classmethod
    def introspect(
        cls,
        producer: Producer,
        *,
        batch_size: int = 32,
        epsilon_inactive: float = 1e-8,
        strict_samples: bool = False,
    ) -> PFA:
        """Take the responses of a producer: one covariance per field, whatever the number of samples.

        Args:
            producer: batch size → batches of arrays (samples, units) of any real type; put a Pooler behind responses with more axes.
            batch_size: samples to ask for per batch; it does not change the result.
            epsilon_inactive: a unit is inactive if its variance is below this times the layer's largest.
            strict_samples: leave layers out that have fewer samples than units, as DNIKit does, instead of warning.

        Raises:
            ValueError: if the producer has no batches, a response does not have two axes or is not an array of real numbers, the number of
                a layer's units changes, or a value is NaN or infinite (the error names layer and samples).
        """
        if batch_size < 1:
            raise ValueError(f"[pfa::introspect] expected batch_size >= 1, got {batch_size}")
        accumulators: dict[str, Covariance] = {}
        for batch in producer(batch_size):
            fields = batch.fields if isinstance(batch, Batch) else Batch(batch).fields
            for name, response in fields.items():
                rows = _two_axes(name, response)
                with _naming(name):
                    accumulators.setdefault(name, Covariance()).add(rows)
        if not accumulators:
            raise ValueError("[pfa::introspect] expected a producer with at least one batch, got none")
        for accumulator in accumulators.values():
            accumulator.flush()
        return cls(accumulators, epsilon_inactive=epsilon_inactive, strict_samples=strict_samples)

    @classmethod
    def introspect_model(
        cls,
        model: GraphView | str | os.PathLike[str],
        provider: Any,
        layers: Iterable[str | Node] | Callable[[Node], bool] | None = None,
        pooling: Pooler.Method = Pooler.Method.MAX,
        *,
        epsilon_inactive: float = 1e-8,
        strict_samples: bool = False,
        progress: Progress | None = None,
    ) -> PFA:
        """Run data through a network and take its layers' responses within the forward pass, without Python in between.

        Args:
            model: a compiled graph, or the path of an ONNX file.
            provider: an aidge_core.DataProvider or any iterable of batches, as for fibnlr_compute.
            layers: names of nodes or operator types, nodes, or a predicate of nodes; None: all convolutions and fully connected layers but
                the last one of each path, whose width is the task's.
            pooling: how the positions of a channel become one response.
            epsilon_inactive: see `introspect`.
            strict_samples: see `introspect`.
            progress: called after every batch with ("collecting responses", batches done, batches of a pass or 0).

        Raises:
            ValueError: if the graph is not compiled, no layer is left, a name is unknown, the provider is empty, a batch does not fit, or
                there is NaN or infinity (naming layer and samples). The graph is as before the call, whatever happens.
            Stopped: if `progress` returns False.
        """

        def show(batch: int, samples: int, batches: int | None) -> None:
            report_to(progress, COLLECTING, batch, batches or 0)

        graph = model if isinstance(model, GraphView) else load_and_compile(model)
        nodes = select_layers(graph, layers)
        provider = batches_of(provider, graph)
        found = pfa_collect(graph, provider, nodes, pfa_Pooling[pooling.name], progress=show)
        names = [node.name() for node in nodes]
        accumulators = dict(zip(names, found, strict=True))
        result = cls(accumulators, epsilon_inactive=epsilon_inactive, strict_samples=strict_samples)
        result._network = outline(graph)
        result._origin["pooling"] = pooling.name
        return result

    # --- keeping and merging ------------------------------------------------------------------------------------

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the statistics to one .npz file (means and second moments; no responses)."""
        storage.save(Path(path), self._accumulators, self._epsilon, self._strict)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> PFA:
        """Read what `save` wrote. ValueError if the file is something else."""
        accumulators, epsilon, strict = storage.load(Path(path))
        return cls(accumulators, epsilon_inactive=epsilon, strict_samples=strict)

    @classmethod
    def merge(cls, parts: Iterable[PFA]) -> PFA:
        """Return the PFA of all samples that the parts have seen, as if by one; the parts are not changed.

        Raises:
            ValueError: if `parts` is empty, their epsilon_inactive or strict_samples differ, or a layer's number of units differs.
        """
        several = list(parts)
        settings = {(part._epsilon, part._strict) for part in several}
        if len(settings) != 1:
            raise ValueError(
                f"[pfa::merge] expected parts of one epsilon_inactive and strict_samples, got {sorted(settings)}"
            )
        accumulators: dict[str, Covariance] = {}
        for part in several:
            for name, accumulator in part._accumulators.items():
                with _naming(name):
                    accumulators.setdefault(name, Covariance()).merge(accumulator)
        ((epsilon, strict),) = settings
        return cls(accumulators, epsilon_inactive=epsilon, strict_samples=strict)

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self._accumulators, self._epsilon, self._strict)

    # --- answers ------------------------------------------------------------------------------------------------

    @property
    def failed_responses(self) -> list[str]:
        """Layers that were skipped because there were too few samples."""
        return list(self._failed)

    @property
    def layers(self) -> dict[str, PFACovariancesResult]:
        """The statistics of all other layers, by name."""
        return dict(self._results)

    def get_recipe(
        self,
        *,
        strategy: PFAStrategyType | None = None,
        unit_strategy: PFAUnitSelectionStrategyType | None = None,
    ) -> dict[str, PFARecipe]:
        """Return one recipe per layer: how many units to keep, and which to remove.

        Args:
            strategy: PFA.Strategy.KL() if None.
            unit_strategy: PFA.UnitSelectionStrategy.L1Max() if None.

        A layer keeps at most its active units; where the strategy asks for more, the recipe says so (`requested_output_count`, `note`).

        Raises:
            ValueError: if your own strategy returns a layer, a count or units that cannot be, naming the layer.
        """
        choose: PFAStrategyType = strategies.KL() if strategy is None else strategy
        select: PFAUnitSelectionStrategyType = units.L1Max() if unit_strategy is None else unit_strategy
        recipes = {}
        for name, recipe in choose(self.layers).items():
            if name not in self._results:
                raise ValueError(
                    f"[pfa::get_recipe] expected recipes of the layers {list(self._results)}, got {name!r}"
                )
            recipes[name] = _with_units(name, self._results[name], recipe, select)
        return recipes

    def recommend(
        self,
        *,
        strategy: PFAStrategyType | None = None,
        unit_strategy: PFAUnitSelectionStrategyType | None = None,
    ) -> PFARecommendation:
        """Return the recipes of `get_recipe` together with the data that a report and a table show."""
        recipes = self.get_recipe(strategy=strategy, unit_strategy=unit_strategy)
        samples = {accumulator.samples for accumulator in self._accumulators.values()}
        chosen = {
            "strategy": strategies.KL() if strategy is None else strategy,
            "unit_strategy": units.L1Max() if unit_strategy is None else unit_strategy,
            **self._origin,
            "samples": ", ".join(str(count) for count in sorted(samples)),
        }
        return PFARecommendation(recipes, self.layers, tuple(self._failed), chosen, self._network)

    @staticmethod
    def show(
        recipe_result: Recipes | Sequence[Recipes],
        *,
        vis_type: str = VisType.TABLE,
        include_columns: Sequence[str] | None = None,
        exclude_columns: Sequence[str] | None = None,
    ) -> DataFrame | Axes:
        """Return recipes as a pandas DataFrame, or one set of them as a matplotlib chart.

        Args:
            recipe_result: what `get_recipe` returned, or (for the table) several of them, one below the other.
            vis_type: PFA.VisType.TABLE or PFA.VisType.CHART.
            include_columns: of "layer name", "original count", "recommended count", "units to keep", "KL divergence", "PFA strategy",
                "units ratio", "kept energy" (underscores and other capitals are understood); None: the first four; []: all.
            exclude_columns: columns to leave out of these.

        Raises:
            ValueError: if recipes are missing, a column is unknown, no column is left, or a chart is asked for of several results.
            ImportError: if pandas or matplotlib is missing.
        """
        if isinstance(recipe_result, PFA):
            raise ValueError("[pfa::show] expected what pfa.get_recipe() returns, got the PFA itself")
        several = [recipe_result] if isinstance(recipe_result, Mapping) else list(recipe_result)
        if not several or not all(several):
            raise ValueError("[pfa::show] expected recipes, got none")
        if vis_type == PFA.VisType.TABLE:
            return tables.recipe_table(several, include_columns, exclude_columns)
        if vis_type != PFA.VisType.CHART:
            raise ValueError(f'[pfa::show] expected vis_type "table" or "chart", got {vis_type!r}')
        if len(several) != 1:
            raise ValueError(f"[pfa::show] expected one result for a chart, got {len(several)}")
        return charts.recipe_chart(several[0])

    def show_spectrum(self, layer: str, recipe: PFARecipe | None = None, *, ax: Axes | None = None) -> Axes:
        """Return a chart of a layer's eigenvalues, their cumulated energy and, if a recipe is given, the position of its cut.

        Raises:
            ValueError: if there is no such layer.
            ImportError: if matplotlib is missing.
        """
        if layer not in self._results:
            raise ValueError(
                f"[pfa::show_spectrum] expected one of the layers {list(self._results)}, got {layer!r}"
            )
        return charts.spectrum_chart(layer, self._results[layer].eigenvalues, recipe, ax)

    def __repr__(self) -> str:
        return f"PFA({len(self._results)} layers, {len(self._failed)} failed)"


def _restore(accumulators: dict[str, Covariance], epsilon: float, strict: bool) -> PFA:
    return PFA(accumulators, epsilon_inactive=epsilon, strict_samples=strict)


@contextmanager
def _naming(layer: str) -> Iterator[None]:
    """Errors of the work inside name the layer."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"[pfa::introspect] layer {layer!r}: {error}") from error


def _two_axes(name: str, response: np.ndarray) -> np.ndarray:
    if response.ndim != 2:
        hint = ": put a Pooler behind it" if response.ndim > 2 else ""
        raise ValueError(
            f"[pfa::introspect] expected responses (samples, units) of layer {name!r}, got the shape {list(response.shape)}{hint}"
        )
    try:
        if response.dtype.kind == "c":
            raise TypeError
        return response if response.dtype in (np.float32, np.float64) else response.astype(np.float64)
    except (TypeError, ValueError):
        raise ValueError(
            f"[pfa::introspect] expected real numbers of layer {name!r}, got {response.dtype}"
        ) from None


def _with_units(
    name: str, layer: PFACovariancesResult, recipe: PFARecipe, select: PFAUnitSelectionStrategyType
) -> PFARecipe:
    total = layer.original_output_count
    asked = recipe.recommended_output_count
    if not 1 <= asked <= total:
        raise ValueError(
            f"[pfa::get_recipe] expected a count in [1, {total}] for layer {name!r}, got {asked}"
        )
    count = min(asked, total - len(layer.inactive_units))
    removed = [int(unit) for unit in select(layer, num_units_to_keep=count)]
    if (
        len(removed) != total - count
        or len(set(removed)) != len(removed)
        or not set(removed) <= set(range(total))
    ):
        raise ValueError(
            f"[pfa::get_recipe] expected {total - count} different units of layer {name!r} (0 to {total - 1}) to remove, got {removed}"
        )
    return PFARecipe(
        total,
        count,
        removed,
        len(layer.inactive_units),
        recipe.diagnostics,
        asked if asked != count else None,
    )
