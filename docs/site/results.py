"""Tables of results on the demonstration network, computed anew whenever the site is built: python docs/site/results.py"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aidge_backend_cpu  # noqa: F401  (registers the backend)
import aidge_core
import aidge_onnx
from aidge_core.data import from_arrays, mnist
from aidge_core.evaluation import evaluate_model
from aidge_core.pfa import PFA

__all__ = ["results_page"]

MODEL = Path(aidge_core.__file__).parent / "demo" / "mnist_resnet18.onnx"
BATCH = 100
THRESHOLDS = (0.05, 0.1, 0.2)
ENERGIES = (0.8, 0.9, 0.95, 0.99)


def network() -> Any:
    """The network of the demonstration, compiled."""
    model = aidge_onnx.load_onnx(MODEL)
    model.compile("cpu", dims=[[BATCH, 1, 28, 28]])
    return model


def accuracy(model: Any, test: Any) -> str:
    """As a cell."""
    return f"{evaluate_model(model, test).accuracy:.1%}"


def table(header: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def fibnlr_rows(calibration: Any, test: Any) -> list[list[str]]:
    """What goes and what it costs, a threshold each; nothing is retrained."""
    rows = [["0", "0", accuracy(network(), test)]]
    for threshold in THRESHOLDS:
        model = network()
        params = aidge_core.fibnlr_Parameters(ablation_threshold=threshold)
        removed = aidge_core.fibnlr(model, calibration, params)
        rows.append([f"{threshold:g}", str(len(removed)), accuracy(model, test)])
    return rows


def pfa_rows(calibration: Any) -> list[list[str]]:
    """Units that each energy keeps."""
    analysis = PFA.introspect_model(network(), calibration)
    rows = []
    for energy in ENERGIES:
        recipes = analysis.get_recipe(strategy=PFA.Strategy.Energy(energy)).values()
        kept = sum(recipe.recommended_output_count for recipe in recipes)
        units = sum(recipe.original_output_count for recipe in recipes)
        rows.append([f"{energy:g}", str(kept), str(units), f"{kept / units:.1%}"])
    return rows


def results_page() -> str:
    """The page."""
    images, labels = mnist("validation")
    calibration = from_arrays(images[:500], batch_size=BATCH)
    images, labels = mnist("test")
    test = from_arrays(images[:1000], labels[:1000], batch_size=BATCH)
    return "\n\n".join(
        [
            "# Results on the demonstration network",
            (
                "A small ResNet-18 for MNIST, 500 validation images to measure, the first 1,000 test images to judge; nothing is retrained. "
                "`docs/site/results.py` computes these tables whenever the site is built."
            ),
            "## FIBNLR: activations that go at each threshold",
            table(["threshold", "removed", "accuracy"], fibnlr_rows(calibration, test)),
            "## PFA: units that hold a share of the energy",
            table(["energy", "units kept", "of", "share"], pfa_rows(calibration)),
        ]
    )


if __name__ == "__main__":
    print(results_page())
