"""FIBNLR with the published Eclipse Aidge wheels; run by the Python of a separate environment.

    python -m venv .venv-aidge
    .venv-aidge/bin/pip install aidge_core==0.10.1 aidge_backend_cpu==0.10.1 aidge_onnx==0.10.1
    .venv-aidge/bin/python benchmark/aidge_reference.py net.onnx batches.npz --threads 1

The published ``fibnlr`` never returns with a database written in Python, so the job is done in its parts:
prepare, a loop of our own over ``SequentialScheduler.forward`` with the convergence rule, prune. The loop
asks ``fibnlr_compute_NNPR`` without normalisation for the ratios after every batch. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="FIBNLR with the published aidge wheels.")
    parser.add_argument("model", type=Path)
    parser.add_argument(
        "batches", type=Path, help="an .npz file whose arrays are the batches, in their order"
    )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--threshold", type=float, default=1e-6)
    arguments = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(arguments.threads)

    import aidge_backend_cpu  # noqa: F401  (registers the backend)
    import aidge_core
    import aidge_onnx
    import numpy as np

    with np.load(arguments.batches) as file:
        batches = [np.ascontiguousarray(file[name]) for name in file.files]
    model = aidge_onnx.load_onnx(str(arguments.model))
    model.set_mandatory_inputs_first()
    model.compile("cpu", aidge_core.dtype.float32, dims=[list(batches[0].shape)])
    params = aidge_core.fibnlr_Parameters()
    params.ablation_threshold = 0.1  # 0.25 in the published wheels
    ratios_only = aidge_core.fibnlr_Parameters()
    ratios_only.normalization = aidge_core.NormalizationMethod.NONE

    began = time.perf_counter()
    aidge_core.fibnlr_prepare(model, params)
    scheduler = aidge_core.SequentialScheduler(model)
    previous: dict[str, float] | None = None
    iterations = 0
    for batch in batches:
        scheduler.forward(data=[aidge_core.Tensor(batch)])
        iterations += 1
        ratios = {
            node.name(): value for node, value in aidge_core.fibnlr_compute_NNPR(model, ratios_only).items()
        }
        change = None if previous is None else sum((ratios[name] - previous[name]) ** 2 for name in ratios)
        previous = ratios
        if change is not None and change < arguments.threshold:
            break
    aidge_core.fibnlr_compute_NNPR(model, params)
    order = [node.name() for node in model.get_ordered_nodes() if node.name() in ratios]
    pruned = aidge_core.fibnlr_prune(model, params)
    seconds = time.perf_counter() - began
    names = sorted(node.name() for node in pruned)
    ordered = {name: ratios[name] for name in order}
    print(json.dumps({"seconds": seconds, "iterations": iterations, "npr": ordered, "pruned": names}))


if __name__ == "__main__":
    main()
