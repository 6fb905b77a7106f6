"""From what the user writes after --data to a provider of batches."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aidge_core import GraphView

__all__ = ["DATA_HELP", "DataOptions", "input_size", "open_data"]

DATA_HELP = (
    "A .npz (first array: inputs, an integer array: labels), a .npy, a folder of images (sub-folders are labels), "
    "or mnist:train, mnist:validation, mnist:test."
)


@dataclass(frozen=True)
class DataOptions:
    """How data is read: images a batch, at most how many (0: all), order, and the preprocessing of image folders."""

    batch_size: int = 64
    limit: int = 0
    shuffle: bool = False
    seed: int | None = None
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()


def input_size(model: GraphView) -> tuple[int, int]:
    """(height, width) of the network's first input. Raises ValueError where it is no image or its size is free."""
    dims = model.input_specs[0].dims
    if dims is None or len(dims) != 4 or dims[2] is None or dims[3] is None:
        raise ValueError(f"[cli::data] expected an image input (N, C, H, W) of fixed size for an image folder, got {dims}")
    return int(dims[2]), int(dims[3])


def _labels_of(archive: dict[str, np.ndarray], inputs: list[str]) -> np.ndarray | None:
    for name, array in archive.items():
        if name not in inputs and array.ndim == 1 and np.issubdtype(array.dtype, np.integer):
            return array
    return None


def _npz_arrays(path: Path, model: GraphView) -> tuple[list[np.ndarray], np.ndarray | None]:
    with np.load(path, allow_pickle=False) as loaded:
        archive = {name: loaded[name] for name in loaded.files}
    names = [spec.name for spec in model.input_specs]
    if not all(name in archive for name in names):
        names = [name for name, array in archive.items() if np.issubdtype(array.dtype, np.floating)][: len(names)]
    if len(names) < len(model.input_specs):
        wanted = [spec.name for spec in model.input_specs]
        raise ValueError(f"[cli::data] expected arrays for the inputs {wanted} in {path}, got {sorted(archive)}")
    inputs = [archive[name].astype(np.float32) if archive[name].dtype == np.float64 else archive[name] for name in names]
    return inputs, _labels_of(archive, names)


def _arrays(spec: str, model: GraphView) -> tuple[list[np.ndarray], np.ndarray | None]:
    if spec.startswith("mnist"):
        from aidge_core.data.datasets import mnist

        images, labels = mnist(spec.partition(":")[2] or "test")
        return [images], labels
    path = Path(spec)
    if not path.exists():
        raise FileNotFoundError(2, "no such file", spec)
    if path.suffix == ".npz":
        return _npz_arrays(path, model)
    if path.suffix == ".npy":
        array = np.load(path, allow_pickle=False)
        return [array.astype(np.float32) if array.dtype == np.float64 else array], None
    raise ValueError(f"[cli::data] expected {DATA_HELP[0].lower()}{DATA_HELP[1:-1]}, got {spec}")


def open_data(spec: str, model: GraphView, options: DataOptions) -> Iterable[Any]:
    """A re-iterable provider: every batch is the network's inputs in order, then the labels where there are some."""
    from aidge_core.data import from_arrays, from_image_folder

    path = Path(spec)
    if path.is_dir():
        return from_image_folder(
            path, size=input_size(model), batch_size=options.batch_size, mean=options.mean or None, std=options.std or None,
            shuffle=options.shuffle, seed=options.seed, limit=options.limit or None,
        )  # fmt: skip
    inputs, labels = _arrays(spec, model)
    arrays = inputs if labels is None else [*inputs, labels]
    if options.limit:
        order = np.random.default_rng(options.seed).permutation(len(arrays[0])) if options.shuffle else np.arange(len(arrays[0]))
        arrays = [array[np.sort(order[: options.limit])] for array in arrays]
    return from_arrays(*arrays, batch_size=options.batch_size, shuffle=options.shuffle, seed=options.seed)
