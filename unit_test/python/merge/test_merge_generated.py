"""Merged networks against ONNX Runtime: chains of linear layers made at random."""

from __future__ import annotations

import os

import aidge_backend_cpu  # noqa: F401
import aidge_core
import aidge_onnx
import pytest
from helpers.networks import LINEAR, Network, networks, run_ort, same
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.slow

EXAMPLES = int(os.environ.get("AIDGE_MERGE_EXAMPLES", "300"))


@pytest.mark.parametrize("policy", ["exact_and_cheaper", "always"])
@settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck),
          phases=[Phase.generate, Phase.shrink])  # fmt: skip
@given(network=networks(LINEAR), border=st.sampled_from(["refuse", "shift", "image"]))
def test_a_merged_network_computes_the_same(policy: str, network: Network, border: str) -> None:
    graph = aidge_onnx.load_onnx(network.model)
    options = {"policy": policy, "border": border, "dims": network.shapes(1), "repeats": 0}
    report = aidge_core.fuse_convolution(graph, **options)
    written = aidge_onnx.to_model_proto(graph)
    if policy == "exact_and_cheaper":
        assert report.macs_after <= report.macs_before
        assert all(merge.macs_after < merge.macs_before for merge in report.merged)
        again = aidge_core.fuse_convolution(graph, **options)
        assert len(again) == 0
        assert again.macs_before == pytest.approx(report.macs_after)
    feeds = [network.feeds(grow=grow) for grow in ((0, 1, 4) if network.free else (0,))]
    for wanted, results in zip(run_ort(network.model, *feeds), run_ort(written, *feeds), strict=True):
        assert all(same(expected, got) for expected, got in zip(wanted, results, strict=True))
