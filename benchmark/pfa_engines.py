"""What benchmark/pfa.py compares, as runners for `harness.Worker`. Nothing heavy is imported before a runner is made."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "CollectingPass",
    "DnikitIntrospect",
    "DnikitOrder",
    "OurIntrospect",
    "OurOrder",
    "PassMemory",
    "PlainPass",
]

RANK_SHARE = 4
"""The responses have a strong part of rank units / RANK_SHARE, as those of a redundant layer do."""


def make_responses(samples: int, units: int, seed: int = 0) -> Any:
    """Float32 (samples, units): a mixture of fewer sources, rectified, with noise."""
    import numpy as np

    generator = np.random.default_rng(seed)
    sources = generator.standard_normal((samples, max(1, units // RANK_SHARE)), dtype=np.float32)
    mixing = generator.standard_normal((sources.shape[1], units), dtype=np.float32)
    noise = generator.standard_normal((samples, units), dtype=np.float32)
    return np.maximum(sources @ mixing / sources.shape[1] ** 0.5, 0) + 0.1 * noise


def use_dnikit(site: str) -> None:
    """Puts DNIKit's own packages, NumPy included, before ours."""
    sys.path.insert(0, site)


class _Introspect:
    """PFA of ready responses: covariance and eigenvalues."""

    def __init__(self, units: int, samples: int, batch_size: int) -> None:
        self._batch_size = batch_size
        self._rows = make_responses(samples, units)
        self._found: Any = None

    def _batches(self, batch_type: Any, batch_size: int) -> Iterator[Any]:
        for begin in range(0, len(self._rows), batch_size):
            yield batch_type({"layer": self._rows[begin : begin + batch_size]})

    def prepare(self) -> None:
        """Untimed work before a run."""
        return


class OurIntrospect(_Introspect):
    """`PFA.introspect` of ours."""

    def __init__(self, *, units: int, samples: int, batch_size: int, threads: int) -> None:
        from aidge_compress.pfa import PFA, Batch

        super().__init__(units, samples, batch_size)
        self._pfa, self._batch_type = PFA, Batch

    def run(self) -> None:
        """The timed work."""
        self._found = self._pfa.introspect(
            lambda size: self._batches(self._batch_type, size), batch_size=self._batch_size
        )

    def result(self) -> Any:
        """The eigenvalues, descending."""
        return self._found.layers["layer"].eigenvalues


class DnikitIntrospect(_Introspect):
    """`PFA.introspect` of DNIKit."""

    def __init__(self, *, units: int, samples: int, batch_size: int, threads: int, site: str) -> None:
        use_dnikit(site)
        from dnikit.base import Batch
        from dnikit.introspectors import PFA

        super().__init__(units, samples, batch_size)
        self._pfa, self._batch_type = PFA, Batch

    def run(self) -> None:
        """The timed work."""
        self._found = self._pfa.introspect(
            lambda size: self._batches(self._batch_type, size), batch_size=self._batch_size
        )

    def result(self) -> Any:
        """The eigenvalues, descending."""
        return self._found._internal_result["layer"].eigenvalues


def _covariance(units: int) -> Any:
    import numpy as np

    return np.cov(make_responses(units + 500, units).astype(np.float64).T)


class OurOrder:
    """The whole order of removal."""

    def __init__(self, *, units: int, strategy: str, threads: int) -> None:
        from aidge_core import pfa_removal_order, pfa_UnitStrategy

        names = {"L1Max": pfa_UnitStrategy.L1_MAX, "AbsMax": pfa_UnitStrategy.ABS_MAX}
        self._work = lambda: pfa_removal_order(self._matrix, names[strategy])
        self._matrix = _covariance(units)
        self._found: list[int] = []

    def prepare(self) -> None:
        """Untimed work before a run."""
        return

    def run(self) -> None:
        """The timed work."""
        self._found = self._work()

    def result(self) -> list[int]:
        """The order."""
        return self._found


class DnikitOrder:
    """The first `steps` removals by DNIKit; every step of its works on the whole matrix and takes as long."""

    def __init__(self, *, units: int, strategy: str, steps: int, threads: int, site: str) -> None:
        use_dnikit(site)
        import numpy as np
        from dnikit.introspectors import PFA
        from dnikit.introspectors._pfa._covariances_calculator import PFACovariancesResult

        # Made by hand: the eigenvectors that its own constructor computes are not needed here.
        nothing = np.zeros(0)
        inactive = np.zeros(0, dtype=int)
        self._layer = PFACovariancesResult(_covariance(units), nothing, nothing, units, inactive)
        self._strategy = getattr(PFA.UnitSelectionStrategy, strategy)()
        self._keep = units - steps
        self._found: list[int] = []

    def prepare(self) -> None:
        """Untimed work before a run."""
        return

    def run(self) -> None:
        """The timed work."""
        self._found = [int(u) for u in self._strategy(covariances=self._layer, num_units_to_keep=self._keep)]

    def result(self) -> list[int]:
        """The beginning of the order."""
        return self._found


class PlainPass:
    """A pass over some batches; planning is not timed."""

    def __init__(self, *, path: str, shape: tuple[int, ...], batches: int, threads: int) -> None:
        import aidge_core
        from engines import our_model
        from models import make_batch

        self._model = our_model(path, shape, threads)
        self._batches = [make_batch(shape, seed) for seed in range(batches)]
        self._scheduler = aidge_core.SequentialScheduler(self._model)
        self._scheduler.forward(data=[self._batches[0]])

    def prepare(self) -> None:
        """Untimed work before a run."""
        return

    def run(self) -> None:
        """The timed work."""
        for batch in self._batches:
            self._scheduler.forward(data=[batch])

    def result(self) -> None:
        """Nothing."""
        return


class CollectingPass(PlainPass):
    """The same pass with every convolution observed; timed from the end of the first, untimed batch on, which plans the run."""

    def __init__(self, *, path: str, shape: tuple[int, ...], batches: int, threads: int) -> None:
        import aidge_core

        super().__init__(path=path, shape=shape, batches=batches, threads=threads)
        self._layers = [node for node in self._model.get_ordered_nodes(deep=True) if node.type() == "Conv2D"]
        self._collect = aidge_core.pfa_collect
        self._iterator: Any = None

    def _endless(self) -> Iterator[Any]:
        while True:
            yield from self._batches

    def prepare(self) -> None:
        """Begins a pass in a separate thread, which waits after each batch until the next one is asked for."""
        import queue
        import threading

        self.finish()
        self._go: queue.Queue[bool] = queue.Queue()
        self._done: queue.Queue[int] = queue.Queue()

        def wait(batch: int, samples: int, batches: int | None) -> bool:
            self._done.put(batch)
            return self._go.get()

        work = lambda: self._collect(self._model, self._endless(), self._layers, progress=wait)  # noqa: E731
        self._iterator = threading.Thread(target=work, daemon=True)
        self._iterator.start()
        self._done.get()

    def run(self) -> None:
        """The timed work."""
        for _ in self._batches:
            self._go.put(True)
            self._done.get()

    def finish(self) -> None:
        """Ends the pass that was begun."""
        if self._iterator is not None:
            self._go.put(False)
            self._iterator.join()
            self._iterator = None


class PassMemory:
    """Bytes after the imports and at the peak of a process that makes one plain or collecting pass."""

    def __init__(
        self, *, path: str, shape: tuple[int, ...], batches: int, collect: bool, threads: int
    ) -> None:
        import aidge_backend_cpu  # noqa: F401
        import aidge_core
        import aidge_onnx  # noqa: F401
        from engines import our_model
        from memory import resident_bytes
        from models import make_batch

        self._baseline = resident_bytes("VmRSS")
        model = our_model(path, shape, threads)
        data = [make_batch(shape)] * batches
        self._kept: Any
        if collect:
            layers = [node for node in model.get_ordered_nodes(deep=True) if node.type() == "Conv2D"]
            self._kept = aidge_core.pfa_collect(model, data, layers)
        else:
            self._kept = aidge_core.SequentialScheduler(model)
            for batch in data:
                self._kept.forward(data=[batch])
        self._peak = resident_bytes("VmHWM")

    def prepare(self) -> None:
        """Nothing: all is done."""
        return

    def run(self) -> None:
        """Nothing: all is done."""
        return

    def result(self) -> tuple[int, int]:
        """Bytes after the imports and at the peak."""
        return self._baseline, self._peak
