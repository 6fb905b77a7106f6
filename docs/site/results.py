"""Tables of results on the demonstration network, computed anew whenever the site is built: python docs/site/results.py"""

from __future__ import annotations

from typing import Any

import aidge_backend_cpu  # noqa: F401  (registers the backend)
import aidge_core
import aidge_onnx
from aidge_compress.demo import NETWORK
from aidge_compress.measure.evaluate import evaluate_model
from aidge_compress.pfa import PFA
from aidge_core.data import from_arrays, mnist

__all__ = ["results_page"]

MODEL = NETWORK
BATCH = 100
THRESHOLDS = (0.05, 0.1, 0.2)
ENERGIES = (0.8, 0.9, 0.95, 0.99)
SHARES = (0.7, 0.5, 0.33, 0.2)


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


def compress_rows(calibration: Any, test: Any) -> list[list[str]]:
    """What is left, and what it does before and after least squares, a share of the MACs each."""
    rows = []
    for share in SHARES:
        result = aidge_core.compress(network(), calibration, target=share, evaluation=test, latency=False)
        before, after, start = result.before, result.after, result.start_quality
        assert start is not None
        shares = (after.macs / before.macs, after.parameters / before.parameters)
        figures = (start.accuracy, result.quality.accuracy, result.quality.agreement)
        rows.append(
            [f"{share:g}", *(f"{value:.3f}" for value in shares), *(f"{value:.1%}" for value in figures)]
        )
    return rows


def results_page(samples: int = 500, judged: int = 1000) -> str:
    """The page, from so many validation images and judged on so many test images."""
    images, labels = mnist("validation")
    calibration = from_arrays(images[:samples], batch_size=BATCH)
    images, labels = mnist("test")
    test = from_arrays(images[:judged], labels[:judged], batch_size=BATCH)
    return "\n\n".join(
        [
            "# Results on the demonstration network",
            (
                f"A small ResNet-18 for MNIST, {samples:,} validation images to measure, the first {judged:,} test images to judge; nothing is retrained. "
                "`docs/site/results.py` computes these tables whenever the site is built."
            ),
            "## FIBNLR: activations that go at each threshold",
            table(["threshold", "removed", "accuracy"], fibnlr_rows(calibration, test)),
            "## PFA: units that hold a share of the energy",
            table(["energy", "units kept", "of", "share"], pfa_rows(calibration)),
            "## compress: shares of the work",
            table(
                ["target", "MACs", "parameters", "accuracy, channels gone", "accuracy", "agreement"],
                compress_rows(calibration, test),
            ),
            (
                "*Channels gone*: before least squares, when the layers that read them have taken over what they can. *Agreement*: "
                "the same prediction as the original's. More, and other networks: [Compression in one call](compression.md#measured)."
            ),
        ]
    )


if __name__ == "__main__":
    print(results_page())
