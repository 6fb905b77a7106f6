"""Random networks against ONNX Runtime: import and forward, every recipe before and after, export.

2,000 networks; AIDGE_NIGHTLY=1 (make nightly) draws 20,000."""

from __future__ import annotations

import os
from collections.abc import Iterator

import aidge_backend_cpu
import aidge_core
import aidge_onnx
import numpy as np
import pytest
from helpers.networks import Network, networks, run_ort, same
from hypothesis import HealthCheck, Phase, given, settings

pytestmark = pytest.mark.slow

EXAMPLES = 20_000 if os.environ.get("AIDGE_NIGHTLY") else int(os.environ.get("AIDGE_EXAMPLES", "2000"))
_WIDE = 30.0
"""Values that reach every clamp."""
QUIET = {
    "deadline": None,
    "suppress_health_check": list(HealthCheck),
    "phases": [Phase.generate, Phase.shrink],
    "derandomize": not os.environ.get("AIDGE_NIGHTLY"),
}


class Judged:
    """A graph of a network, and whether it still computes what ONNX Runtime made of the network."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.feeds = [network.feeds(), *([network.feeds(batch=3, grow=1)] if network.free else [])]
        self.feeds += [network.feeds(seed=1, scale=_WIDE)] if network.wide else []
        self.expected = run_ort(network.model, *self.feeds)
        self.graph = aidge_onnx.load_onnx(network.model)
        self.names = [spec.name for spec in self.graph.input_specs]
        self.dims = [list(self.feeds[0][name].shape) for name in self.names]
        self.graph.compile("cpu", dims=self.dims)
        self.scheduler = aidge_core.SequentialScheduler(self.graph)

    def run(self, index: int = 0) -> list[np.ndarray]:
        feeds = self.feeds[index]
        return [np.asarray(out) for out in self.scheduler.forward([feeds[name] for name in self.names])]

    def computes_the_same(self, sizes: int) -> bool:
        """For so many of the sizes that the inputs may have: every plan takes milliseconds to make."""
        return all(
            same(expected, got)
            for index, outputs in enumerate(self.expected[:sizes])
            for expected, got in zip(outputs, self.run(index), strict=True)
        )

    def is_exported_well(self, expected: list[list[np.ndarray]] | None = None) -> bool:
        """Also passes onnx.checker, as every export does."""
        expected = expected or self.expected
        results = run_ort(aidge_onnx.to_model_proto(self.graph), *self.feeds[: len(expected)])
        return all(
            same(one, other)
            for wanted, got in zip(expected, results, strict=True)
            for one, other in zip(wanted, got, strict=True)
        )


def recipes_keep_everything(judged: Judged) -> None:
    graph = judged.graph
    aidge_core.fuse_batchnorm(graph)
    aidge_core.remove_dropout(graph)
    aidge_core.remove_identity(graph)
    assert aidge_core.fuse_batchnorm(graph) == aidge_core.remove_dropout(graph) == 0
    left = aidge_core.remove_identity(graph)
    assert left == 0
    aidge_core.fuse_convolution(graph, dims=judged.dims, repeats=0)
    assert len(aidge_core.fuse_convolution(graph, dims=judged.dims, repeats=0)) == 0
    assert judged.computes_the_same(sizes=1)
    assert judged.is_exported_well()


def pruning_is_what_is_exported(judged: Judged) -> None:
    """Every second activation goes, by Identity or for good; what runs here and what is written agree."""
    remove = judged.network.seed % 2 == 0
    method = aidge_core.AblationMethod.REMOVE if remove else aidge_core.AblationMethod.IDENTITY
    params = aidge_core.fibnlr_Parameters(ablation_method=method, ablation_threshold=0.5)
    nodes = sorted(aidge_core.fibnlr_prepare(judged.graph, params), key=lambda node: node.name())
    if not nodes:
        return
    for index, node in enumerate(nodes):
        aidge_core.fibnlr_set_npr(node, aidge_core.NPR(float(index % 2), 1.0 - index % 2))
    aidge_core.fibnlr_compute_NNPR(judged.graph, params)
    pruned = {node.name() for node in aidge_core.fibnlr_prune(judged.graph, params)}
    assert pruned <= {node.name() for node in nodes}
    types = {node.name(): node.type() for node in judged.graph.get_ordered_nodes()}
    left = {types.get(name) for name in pruned}
    assert left <= ({None, "Identity"} if remove else {"Identity"})  # between input and output one stays
    assert judged.is_exported_well([judged.run()])


@pytest.fixture(autouse=True)
def restored_threads() -> Iterator[None]:
    before = aidge_backend_cpu.get_num_threads()
    yield
    aidge_backend_cpu.set_num_threads(before)


@settings(max_examples=EXAMPLES, **QUIET)
@given(network=networks())
def test_a_network_computes_what_onnx_runtime_says_whatever_is_done_to_it(network: Network) -> None:
    # Mostly one thread: waiting for each other takes longer than the work.
    aidge_backend_cpu.set_num_threads(2 if network.seed % 8 == 0 else 1)
    judged = Judged(network)
    assert judged.computes_the_same(sizes=3)
    assert judged.is_exported_well()
    recipes_keep_everything(judged)
    pruning_is_what_is_exported(judged)
