"""The settings of compress in a sweep, and what carries out any decision of which channels to remove."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any, ClassVar

from ..measure.grid import Grid, grid_of
from ..measure.trial import Bench, Case, Outcome, decision_key
from .options import CompressOptions
from .run import Compressor, Decision

__all__ = ["CompressGrid", "Cutter"]


@grid_of(CompressOptions)
class CompressGrid(Grid):
    """All combinations of lists for `keep_macs`, `allocation`, `selection` and `compensation`; see CompressOptions."""

    former: ClassVar[Mapping[str, str]] = {
        "targets": "keep_macs",
        "allocations": "allocation",
        "selections": "selection",
        "compensations": "compensation",
    }

    def cases(self, bench: Bench) -> Iterator[Case]:
        """All settings from one preparation of the network."""
        cutter = Cutter.of(bench)
        for options in self.settings():
            yield cutter.case("compress", options, lambda options: cutter.compressor.decide(**options))


class Cutter:
    """Decides, makes and judges networks with fewer channels; prepared once, when the first one is asked for."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    @classmethod
    def of(cls, bench: Bench) -> Cutter:
        """The one that all methods of a sweep share."""
        return bench.once("cutter", lambda: cls(bench))

    @cached_property
    def compressor(self) -> Compressor:
        """What all networks start from."""
        return Compressor(self._bench.copy(), self._bench.data, progress=self._bench.progress)

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
            known = self._bench.kept.choice(setting)
            if known is None:
                known = decision_key(method, _digest(decision()), decision().compensation)
                self._bench.kept.keep_choice(setting, known)
            return known

        return Case(method, options, decide, lambda: self._judged(decision()))

    def _judged(self, decision: Decision) -> tuple[Outcome, Mapping[str, float]]:
        result = self.compressor.make(decision)
        stays = {
            layer.name: layer.channels for layer in result.layers if layer.channels[1]
        }  # others are merged
        gone = {name: 1.0 - after / before for name, (before, after) in stays.items()}
        return self._bench.judge(result.model), gone


def _digest(decision: Decision) -> str:
    return hashlib.sha256(repr([sorted(group) for group in decision.gone]).encode()).hexdigest()
