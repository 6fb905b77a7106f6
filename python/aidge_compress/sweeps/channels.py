"""The settings of compress and of Principal Filter Analysis in a sweep. What they take out differs; how, and what makes up for it, is one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..channels.run import Compressor, Decision
from ..pfa.options import PfaOptions
from ..progress import Progress, report_to
from .grids import CompressGrid, PfaGrid
from .judge import Judge, Outcome
from .methods import Case, decision_key

if TYPE_CHECKING:
    from aidge_core import GraphView

    from ..pfa import PFA
    from .state import State

__all__ = ["Cutter", "compress_cases", "pfa_cases"]


class Cutter:
    """Decides, makes and judges networks with fewer channels; prepared once, when the first one is asked for."""

    def __init__(
        self, model: GraphView, provider: Any, state: State, judge: Judge, progress: Progress | None
    ) -> None:
        self._model, self._provider, self._progress = model, provider, progress
        self._state, self._judge = state, judge

    @cached_property
    def compressor(self) -> Compressor:
        """What all networks start from."""
        return Compressor(self._model, self._provider, progress=self._progress)

    @cached_property
    def analysis(self) -> PFA:
        """The statistics of all layers' responses, from one pass."""
        from ..pfa import PFA

        def show(batch: int, samples: int, batches: int | None) -> None:
            report_to(self._progress, "collecting responses", batch, batches or 0)

        return PFA.introspect_model(self._model, self._provider, progress=show)

    def case(
        self, method: str, options: Mapping[str, Any], choose: Callable[[Mapping[str, Any]], Decision]
    ) -> Case:
        """A setting; `choose` says which channels go."""
        setting = decision_key(method, options)
        made: list[Decision] = []

        def decision() -> Decision:
            if not made:
                made.append(choose(options))
            return made[0]

        def decide() -> str:
            known = self._state.choice(setting)
            if known is None:
                known = decision_key(method, _digest(decision()), decision().compensation)
                self._state.keep_choice(setting, known)
            return known

        return Case(method, options, decide, lambda: self._judged(decision()))

    def _judged(self, decision: Decision) -> tuple[Outcome, Mapping[str, float]]:
        result = self.compressor.make(decision)
        stays = {
            layer.name: layer.channels for layer in result.layers if layer.channels[1]
        }  # others are merged
        gone = {name: 1.0 - after / before for name, (before, after) in stays.items()}
        return self._judge(result.model), gone


def _digest(decision: Decision) -> str:
    return hashlib.sha256(repr([sorted(group) for group in decision.gone]).encode()).hexdigest()


def compress_cases(cutter: Cutter, grid: CompressGrid) -> Iterator[Case]:
    """All settings of compress."""
    for options in grid.settings():
        yield cutter.case("compress", options, lambda options: cutter.compressor.decide(**options))


def pfa_cases(cutter: Cutter, model: GraphView, grid: PfaGrid) -> Iterator[Case]:
    """All recommendations of PFA, carried out; `model` is compiled."""

    def choose(options: Mapping[str, Any]) -> Decision:
        chosen = PfaOptions(**{name: value for name, value in options.items() if name != "compensation"})
        recipes = cutter.analysis.get_recipe(strategy=chosen.how_many(model), unit_strategy=chosen.which())
        units = {name: set(recipe.maximally_correlated_units) for name, recipe in recipes.items()}
        return cutter.compressor.agree(units, options["compensation"])

    for options in grid.settings():
        yield cutter.case("pfa", options, choose)
