"""What `inspect` counts does not depend on what else was imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import aidge_compress
import numpy as np
import onnx
from helpers import onnx_models as om
from onnx import helper


def test_macs_behind_sizes_that_the_graph_computes_are_counted_without_a_run(tmp_path: Path) -> None:
    """A class token is expanded to the batch size, which Shape reads: only kernels tell the sizes behind it."""
    nodes = [
        helper.make_node("Shape", ["x"], ["s"], "shape", end=1),
        helper.make_node("Concat", ["s", "rest"], ["t"], "sizes", axis=0),
        helper.make_node("ConstantOfShape", ["t"], ["ones"], "ones", value=om.tensor("v", [1.0])),
        helper.make_node("Concat", ["ones", "x"], ["c"], "join", axis=1),
        helper.make_node("MatMul", ["c", "w"], ["y"], "fc"),
    ]
    weights = [om.tensor("rest", [1, 4], np.int64), om.tensor("w", np.ones((4, 6)))]
    path = tmp_path / "n.onnx"
    onnx.save(om.model(nodes, weights, inputs=[om.info("x", ("N", 3, 4))]), path)
    program = f"import aidge_compress; print(aidge_compress.inspect({str(path)!r}, [[1, 3, 4]]).macs)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert int(done.stdout) == aidge_compress.inspect(path, [[1, 3, 4]]).macs == 4 * 4 * 6
