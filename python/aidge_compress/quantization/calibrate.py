"""Ranges of activations, from histograms that ONNX Runtime's calibrators collect."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from .source import quiet

if TYPE_CHECKING:
    from onnx import ModelProto

    from .options import QuantizeOptions

__all__ = ["METHODS", "Ranges", "activation_ranges", "best_range"]

METHODS = ("minmax", "percentile", "entropy", "mse")
Ranges: TypeAlias = Mapping[str, tuple[np.ndarray, np.ndarray]]
"""Name of a tensor → (lowest, highest) value that 8 bits cover, as float32."""
_BINS = 2048
_ENTROPY_BINS = 128
_STEPS = 255
_SHARES = np.linspace(1.0, 0.1, 91)


class _OneBatch:
    """A calibration data reader of one batch; ONNX Runtime's calibrators keep all outputs of a reader in memory."""

    def __init__(self, feeds: Mapping[str, np.ndarray]) -> None:
        self._feeds: Mapping[str, np.ndarray] | None = feeds

    def get_next(self) -> Mapping[str, np.ndarray] | None:
        feeds, self._feeds = self._feeds, None
        return feeds


def activation_ranges(
    proto: ModelProto,
    batches: Iterable[Mapping[str, np.ndarray]],
    methods: Sequence[str],
    types: Sequence[str],
    options: QuantizeOptions,
) -> dict[str, Ranges]:
    """Ranges of the tensors beside nodes of the types, by method.

    Raises:
        ValueError: if a tensor holds NaN or infinity.
    """
    from onnxruntime.quantization import CalibrationMethod, create_calibrator

    wanted: dict[Any, dict[str, Any]] = {
        CalibrationMethod.Percentile: {
            "num_bins": _BINS,
            "percentile": options.percentile,
            "symmetric": False,
        }
    }
    if "entropy" in methods:
        bins = {"num_bins": _ENTROPY_BINS, "num_quantized_bins": _ENTROPY_BINS, "symmetric": False}
        wanted[CalibrationMethod.Entropy] = bins
    with tempfile.TemporaryDirectory() as folder, quiet():
        path = Path(folder) / "model.onnx"
        path.write_bytes(proto.SerializeToString(deterministic=True))
        calibrators = {
            method: create_calibrator(path, types, str(Path(folder) / f"{method.name}.onnx"), method, extra_options=extra)
            for method, extra in wanted.items()
        }  # fmt: skip
        for feeds in batches:
            for calibrator in calibrators.values():
                _collect(calibrator, feeds)
        plain = calibrators[CalibrationMethod.Percentile]
        found = {"percentile": _computed(plain)}
        if "entropy" in methods:
            found["entropy"] = _computed(calibrators[CalibrationMethod.Entropy])
    histograms = plain.collector.get_histogram_dict()
    found["minmax"] = {name: (_float(entry[2]), _float(entry[3])) for name, entry in histograms.items()}
    if "mse" in methods:
        found["mse"] = {name: best_range(*entry[:4]) for name, entry in histograms.items()}
    return {method: found[method] for method in methods}


def _collect(calibrator: Any, feeds: Mapping[str, np.ndarray]) -> None:
    bad = next(
        (name for name, array in feeds.items() if array.dtype.kind == "f" and not np.isfinite(array).all()),
        None,
    )
    try:
        if bad is None:
            calibrator.collect_data(_OneBatch(feeds))
    except ValueError as error:
        if "finite" not in str(error):
            raise
        bad = "a tensor of the network"
    if bad is not None:
        raise ValueError(
            f"[quantize::calibrate] expected finite values in the calibration data, got NaN or infinity in {bad}"
        )


def _computed(calibrator: Any) -> Ranges:
    return {
        name: (_float(entry.lowest), _float(entry.highest))
        for name, entry in calibrator.compute_data().items()
    }


def _float(value: Any) -> np.ndarray:
    return np.asarray(value, dtype=np.float32).reshape(())


def best_range(
    counts: np.ndarray, edges: np.ndarray, lowest: Any, highest: Any
) -> tuple[np.ndarray, np.ndarray]:
    """The range with the least mean squared error of 8-bit values, by a search over shares of the range of all values.

    The error is that of values outside the range, which are clipped, plus a twelfth of the squared step for values inside. Zero is exact, so that
    values beside it, most of which are exact zeros behind a rectifier, do not count.

    Args:
        counts, edges: a histogram of the values.
        lowest, highest: of all values.
    """
    middles = (edges[1:].astype(np.float64) + edges[:-1]) / 2
    low, high = min(float(lowest), 0.0), max(float(highest), 0.0)
    counts = np.where((edges[:-1] <= 0) & (edges[1:] > 0), 0, counts)
    middles = np.clip(middles, low, high)

    def error(bottom: float, top: float) -> float:
        outside = middles - np.clip(middles, bottom, top)
        inside = outside == 0
        step = (top - bottom) / _STEPS
        return float((counts * outside**2).sum() + (counts * inside).sum() * step**2 / 12)

    bottom, top = low, high
    for _ in range(3):  # one end after the other, until neither moves
        before = bottom, top
        top = min((share * high for share in _SHARES), key=lambda value: error(bottom, value))
        bottom = min((share * low for share in _SHARES), key=lambda value: error(value, top))
        if (bottom, top) == before:
            break
    return _float(bottom), _float(top)
