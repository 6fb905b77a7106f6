"""The usual topologies, exported from PyTorch: all groups are cut, to what the masked network computes."""

from __future__ import annotations

import importlib.util
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import cutting
from helpers.paths import EXAMPLES

pytestmark = [pytest.mark.torch, pytest.mark.slow]
torch = pytest.importorskip("torch")
TOPOLOGIES_FILE = EXAMPLES / "torch_topologies.py"
NETS: dict[str, tuple[int, dict[str, int], int]] = {
    "mobilenet_v2": (64, {}, 25),
    "squeezenet1_1": (64, {}, 25),
    "vgg16_bn": (224, {"width": 8}, 15),
    "resnet18": (64, {}, 12),
    "densenet121": (64, {}, 120),
}
"""Width and height of the pictures, options of the topology, groups that can be cut."""


@pytest.mark.parametrize("name", NETS)
def test_a_topology_is_cut_to_what_the_masked_one_computes(name: str) -> None:
    spec = importlib.util.spec_from_file_location("torch_topologies", TOPOLOGIES_FILE)
    assert spec is not None
    assert spec.loader is not None
    topologies: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(topologies)
    size, options, groups = NETS[name]
    torch.manual_seed(0)
    module = topologies.randomize_batchnorm(getattr(topologies, name)(num_classes=10, **options), 0)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of the exporter itself
        path = topologies.export_onnx(module, Path(folder) / "net.onnx", (1, 3, size, size))
        model = bytes(path.read_bytes())
    x = np.random.default_rng(0).standard_normal((2, 3, size, size), dtype=np.float32)
    _, report = cutting.check_cut(model, {"input": x}, share=0.4)
    assert len(report.removed) == groups
    assert report.macs_after < 0.5 * report.macs_before
