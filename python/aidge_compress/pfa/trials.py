"""The settings of Principal Filter Analysis in a sweep."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from ..channels.options import CompressOptions
from ..channels.run import Decision
from ..channels.trials import Cutter
from ..measure.grid import Grid, grid_of, unique
from ..measure.trial import Bench, Case
from .introspect import PFA
from .options import PfaOptions

__all__ = ["PfaGrid"]

SHARES = {"energy": "energy", "size": "size", "budget": "keep_macs"}
"""Strategy → the option that says how much it keeps."""


@grid_of(PfaOptions, shared={CompressOptions: ["compensation"]})
class PfaGrid(Grid):
    """All combinations of lists for `strategy`, the share of each strategy, `unit_strategy` and `compensation`; see PfaOptions, CompressOptions.

    No `strategy`: "kl", and each strategy whose share (`energy`, `size`, `keep_macs`) has values. A strategy that is named, but has no values,
    is tried with the default.
    """

    former: ClassVar[Mapping[str, str]] = {
        "energies": "energy",
        "sizes": "size",
        "budgets": "keep_macs",
        "unit_strategies": "unit_strategy",
        "compensations": "compensation",
        "kl": "strategy",
    }

    def _take(self, former: str, value: Any) -> None:
        if former != "kl":
            super()._take(former, value)
        elif not value:
            others = [entry for entry in self.strategy or self._with_values() if entry != "kl"]
            super()._take(former, unique(others, "strategy"))

    def _with_values(self) -> list[str]:
        return [strategy for strategy, share in SHARES.items() if getattr(self, share)]

    def lists(self) -> dict[str, Sequence[Any]]:
        """See Grid.lists."""
        strategies = self.strategy or ("kl", *self._with_values())
        default = PfaOptions()
        shares = {name: getattr(self, name) or (getattr(default, name),) for name in SHARES.values()}
        values = {name: getattr(self, name) for name in self.infos()} | {"strategy": strategies} | shares
        return {name: unique(found, name) for name, found in values.items()}

    def matters(self, name: str, options: Mapping[str, Any]) -> bool:
        """See Grid.matters."""
        return name not in SHARES.values() or SHARES.get(options["strategy"]) == name

    def cases(self, bench: Bench) -> Iterator[Case]:
        """All recommendations, applied by the channel removal of compress."""
        cutter = Cutter.of(bench)

        def choose(options: Mapping[str, Any]) -> Decision:
            chosen = PfaOptions(**{name: value for name, value in options.items() if name != "compensation"})
            recipes = _analysis(bench).get_recipe(
                strategy=chosen.how_many(bench.original), unit_strategy=chosen.which()
            )
            units = {name: set(recipe.maximally_correlated_units) for name, recipe in recipes.items()}
            return cutter.compressor.agree(units, options["compensation"])

        for options in self.settings():
            yield cutter.case("pfa", options, choose)


def _analysis(bench: Bench) -> PFA:
    """The statistics of all layers' responses, from one pass."""
    return bench.once("pfa", lambda: PFA.introspect_model(bench.copy(), bench.data, progress=bench.progress))
