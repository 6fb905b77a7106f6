"""Random networks: what is left after a cut computes what the masked original does: in float64 to rounding, in ONNX Runtime and here to 1e-5.

`AIDGE_CUT_EXAMPLES=5000` runs more of them."""

from __future__ import annotations

import os

import aidge_backend_cpu  # noqa: F401  (registers the backend "cpu")
import aidge_core
import aidge_onnx
import numpy as np
import pytest
from helpers import cutting
from helpers.networks import Network, networks, run_exactly, run_ort, same
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.slow

TOLERANCE = 1e-5
"""Of the largest output, in float32."""
EXACT_TOLERANCE = 1e-12
"""In float64, where two orders of summation differ by some 1e-15."""
EXAMPLES = int(os.environ.get("AIDGE_CUT_EXAMPLES", "150"))


@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
@given(network=networks(), seed=st.integers(0, 3))
def test_a_cut_random_network_is_the_masked_one(network: Network, seed: int) -> None:
    graph = aidge_onnx.load_onnx(network.model)
    inputs = [spec.name for spec in graph.input_specs]  # those that nothing reads are gone
    shapes = dict(zip((value.name for value in network.model.graph.input), network.shapes(), strict=True))
    dims = [shapes[name] for name in inputs]
    original = aidge_onnx.to_model_proto(graph)
    groups = aidge_core.channel_groups(graph, dims=dims)
    gone = cutting.choose(groups, np.random.default_rng(seed))
    assume(gone)
    report = aidge_core.remove_channels(graph, cutting.request(groups, gone), dims=dims)
    emptied = [r for r in report.refused if not r.reason.startswith("nothing would be left")]
    assert not emptied, emptied
    names = {layer.node for group in report.removed for layer in group}
    done = {g: c for g, c in gone.items() if groups[g].sources[0].node.name() in names}
    cut = aidge_onnx.to_model_proto(graph)
    feeds = [network.feeds(), network.feeds(batch=3, grow=1, seed=1)]
    masked = cutting.masked(original, groups, done)
    wanted, exact = run_exactly(masked, *feeds), run_exactly(cut, *feeds)
    if wanted is not None and exact is not None:
        for ys, zs in zip(wanted, exact, strict=True):
            assert all(same(y, z, EXACT_TOLERANCE) for y, z in zip(ys, zs, strict=True))
    expected = wanted or run_ort(masked, *feeds)
    found = run_ort(cut, *feeds)
    for feed, ys, zs in zip(feeds, expected, found, strict=True):
        assert all(same(y, z, TOLERANCE) for y, z in zip(ys, zs, strict=True))
        try:
            ours = cutting.run_ours(graph, [feed[name] for name in inputs])
        except aidge_core.UnsupportedError:
            continue  # operators without a kernel
        assert all(same(y, z, TOLERANCE) for y, z in zip(ys, ours, strict=True))
