"""The settings of Principal Filter Analysis in a sweep."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..channels.options import CompressOptions
from ..channels.run import Decision
from ..channels.trials import Cutter
from ..measure.trial import Bench, Case, combinations, spelled, unique
from ..options import changed
from ..progress import report_to
from .introspect import PFA
from .options import PfaOptions

__all__ = ["PfaGrid"]

_DEFAULT = PfaOptions()


@dataclass(frozen=True)
class PfaGrid:
    """KL, and Energy, Size (of the units) and Budget (of the MACs) at these shares, with each way to choose units and to make up for them."""

    energies: Sequence[float] = (0.8, 0.9, 0.95, 0.99)
    sizes: Sequence[float] = ()
    budgets: Sequence[float] = ()
    kl: bool = True
    unit_strategies: Sequence[str] = (_DEFAULT.unit_strategy,)
    compensations: Sequence[str] = (CompressOptions().compensation,)

    def settings(self) -> Iterator[dict[str, Any]]:
        """Every combination as options by name. ValueError if there is none, or a value is unknown or out of range."""
        strategies: list[dict[str, Any]] = [{"strategy": "kl"}] if self.kl else []
        for name, option, shares in (
            ("energy", "energy", self.energies),
            ("size", "size", self.sizes),
            ("budget", "keep_macs", self.budgets),
        ):
            strategies += [{"strategy": name, option: share} for share in dict.fromkeys(shares)]
        units = spelled(PfaOptions, "unit_strategy", self.unit_strategies)
        compensations = spelled(CompressOptions, "compensation", self.compensations)
        for options in unique([tuple(entry.items()) for entry in strategies], "strategies"):
            changed(_DEFAULT, dict(options), "sweep::grid")
            for rest in combinations({"unit_strategy": units, "compensation": compensations}):
                yield {**dict(options), **rest}

    def statistics(self) -> str:
        """Nothing: the responses are collected anew."""
        return ""

    def cases(self, bench: Bench) -> Iterator[Case]:
        """All recommendations, carried out by what removes channels for compress."""
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

    def show(batch: int, samples: int, batches: int | None) -> None:
        report_to(bench.progress, "collecting responses", batch, batches or 0)

    return bench.once("pfa", lambda: PFA.introspect_model(bench.copy(), bench.data, progress=show))
