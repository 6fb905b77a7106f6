"""A small network with a hostile name, and one report of each kind on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aidge_backend_cpu  # noqa: F401
import aidge_core
import aidge_onnx
import numpy as np
from aidge_compress.pfa import PFA, PFARecommendation
from aidge_compress.report import Measured
from aidge_compress.sweeps import CompressGrid, FibnlrGrid, PfaGrid
from aidge_core.data import from_arrays
from onnx import helper

from helpers.toy import model_of, save

EVIL = '<script>alert("&")</script>'


def make_network(path: Path) -> Path:
    """Conv–ReLU twice with a skip, two convolutions in a row, and a classifier; one convolution is called EVIL."""
    rng = np.random.default_rng(0)
    weights = {
        "w1": rng.standard_normal((8, 3, 3, 3)) / 5,
        "b1": np.zeros(8),
        "w2": np.abs(rng.standard_normal((8, 8, 3, 3))) / 9,
        "b2": np.full(8, 0.5),
        "w3": rng.standard_normal((4, 8, 1, 1)),
        "w4": rng.standard_normal((8, 4, 1, 1)),
        "w5": rng.standard_normal((5, 8)),
        "b5": np.zeros(5),
    }
    nodes = [
        helper.make_node("Conv", ["image", "w1", "b1"], ["c1"], EVIL, pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c1"], ["r1"], "relu1"),
        helper.make_node("Conv", ["r1", "w2", "b2"], ["c2"], "conv2", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c2"], ["r2"], "relu2"),
        helper.make_node("Add", ["r1", "r2"], ["s"], "sum"),
        helper.make_node("Conv", ["s", "w3"], ["c3"], "conv3"),
        helper.make_node("Conv", ["c3", "w4"], ["c4"], "conv4"),
        helper.make_node("GlobalAveragePool", ["c4"], ["g"], "pool"),
        helper.make_node("Flatten", ["g"], ["f"], "flatten"),
        helper.make_node("Gemm", ["f", "w5", "b5"], ["logits"], "fc", transB=1),
    ]
    return save(model_of(nodes, weights, {"image": ["N", 3, 12, 12]}, {"logits": ["N", 5]}), path)


def make_data(path: Path) -> Path:
    """48 images with labels."""
    rng = np.random.default_rng(1)
    images = rng.standard_normal((48, 3, 12, 12)).astype(np.float32)
    np.savez(path, image=images, label=rng.integers(0, 5, 48))
    return path


@dataclass(frozen=True)
class Reports:
    """The results, where their reports are, and parameters that each must tell."""

    model: Path
    data: Path
    paths: Mapping[str, Path]
    parameters: Mapping[str, Mapping[str, Any]]
    fibnlr: aidge_core.FibnlrResult
    pfa: PFARecommendation
    merge: aidge_core.MergeResult
    compress: aidge_core.CompressionResult

    def sweep(self) -> aidge_core.SweepResult:
        """A sweep of all three methods on the same network."""
        graph = aidge_onnx.load_onnx(self.model)
        graph.compile("cpu", dims=[[8, 3, 12, 12]])
        with np.load(self.data) as archive:
            provider = from_arrays(archive["image"], archive["label"], batch_size=8)
        grids = {"fibnlr": FibnlrGrid(), "compress": CompressGrid(targets=(0.8, 0.7)), "pfa": PfaGrid()}
        return aidge_core.sweep(graph, provider, provider, latency=False, **grids)


def make_reports(folder: Path) -> Reports:
    """All four."""
    model, data = make_network(folder / "model.onnx"), make_data(folder / "data.npz")
    provider = from_arrays(np.load(data)["image"], batch_size=8)

    def compiled() -> aidge_core.GraphView:
        graph = aidge_onnx.load_onnx(model)
        graph.compile("cpu", dims=[[8, 3, 12, 12]])
        return graph

    params = aidge_core.fibnlr_Parameters(
        ablation_threshold=0.2, ablation_method=aidge_core.AblationMethod.REMOVE
    )
    pruned = aidge_core.fibnlr_run(compiled(), provider, params)
    pfa = PFA.introspect_model(compiled(), provider).recommend(strategy=PFA.Strategy.Energy(0.8))
    merged = aidge_core.merge_layers(compiled(), policy="always", repeats=1)
    options = {"target": 0.7, "min_channels": 2, "latency": False}
    smaller = aidge_core.compress(aidge_onnx.load_onnx(model), provider, **options)
    results = {"fibnlr": pruned, "pfa": pfa, "merge": merged, "compress": smaller}
    paths = {kind: folder / f"{kind}.html" for kind in results}
    mine = [Measured("accuracy of mine", 0.5, 0.25, "share")]
    for kind, result in results.items():
        data_of = {"calibration": data}
        result.report(paths[kind], model=model, data=data_of, measured=mine, command="aidge --some command")
    parameters = {
        "fibnlr": {
            "ablation_method": "REMOVE",
            "ablation_threshold": 0.2,
            "max_iteration": 100,
            "method": "STRICT",
        },
        "pfa": {"pooling": "MAX", "samples": 48, "unit_strategy": "L1Max"},
        "merge": {"policy": "always", "repeats": 1},
        "compress": {"keep_macs": 0.7, "min_channels": 2},
    }
    return Reports(model, data, paths, parameters, pruned, pfa, merged, smaller)
