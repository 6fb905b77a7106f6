"""Random small networks as ONNX models: valid, quick to make, and small again where Hypothesis finds a fault.

    @given(network=networks())                      # everything; networks(LINEAR) for what merging knows
    def test_…(network): graph = aidge_onnx.load_onnx(network.model)

`network.feeds()` are inputs for it, `run_ort(model, feeds)` what ONNX Runtime makes of them, `run_exactly` what they are in
float64, and `same` compares.
A layer is a function of the network as it has grown so far (`Net`); one that does not fit adds nothing."""

from __future__ import annotations

from .build import ALL, LINEAR, Network, build_network, networks
from .choices import Choices
from .exact import run_exactly
from .net import Net, Value
from .oracle import TOLERANCE, run_ort, same

__all__ = [
    "ALL",
    "LINEAR",
    "TOLERANCE",
    "Choices",
    "Net",
    "Network",
    "Value",
    "build_network",
    "networks",
    "run_exactly",
    "run_ort",
    "same",
]
