"""From what people call their data to a provider of batches: what --data takes, and everything that aidge_core.data takes."""

from __future__ import annotations

import math
import os
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast

import numpy as np
from aidge_core.data import as_provider

from ..options import check, option

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from aidge_core import GraphView
    from aidge_core.data import DataProvider

__all__ = [
    "DATA_HELP",
    "DataOptions",
    "DataSource",
    "batches_of",
    "channel_values",
    "check_dims",
    "fixed_batch",
    "open_data",
]

DATA_HELP = (
    "A .npz (arrays: inputs by name or in order, then labels), a .npy, a .parquet, a folder of images (sub-folders are labels, or images/ and masks/), "
    "a .json of COCO beside its images, a folder with YOLO's text files, "
    "or mnist:train, mnist:validation, mnist:test."
)


@dataclass(frozen=True)
class DataOptions:
    """How data is read.

    Raises:
        ValueError: if a value is out of range.
    """

    batch_size: int = option(64, "Samples per batch", "N", least=1)
    limit: int = option(0, "Use at most this many samples; 0: all", "N", least=0)
    shuffle: bool = option(False, "Shuffle the samples")
    seed: int | None = option(None, "Random seed of --shuffle", "N")
    mean: tuple[float, ...] = option(
        (), "Images: mean of each channel, for pixel values in [0, 1], such as 0.485,0.456,0.406", "X"
    )
    std: tuple[float, ...] = option(
        (), "Images: standard deviation of each channel, such as 0.229,0.224,0.225", "X"
    )
    dims: tuple[tuple[int, ...], ...] = option(
        (), "Dims of an input that the file leaves free, for one sample, such as 1,3,224,224", "N,…"
    )

    def for_evaluation(self) -> DataOptions:
        """The same for data to evaluate on: all samples, in their order."""
        return replace(self, limit=0, shuffle=False, seed=None)

    def __post_init__(self) -> None:
        check(self, "cli::data")
        for name, values in (("mean", self.mean), ("std", self.std)):
            if not all(math.isfinite(value) and (name == "mean" or value > 0) for value in values):
                wanted = "finite numbers" if name == "mean" else "finite numbers above 0"
                raise ValueError(
                    f"[cli::data] expected {wanted} as --{name}, got {', '.join(map(str, values))}"
                )


def channel_values(texts: Sequence[str] | None) -> tuple[float, ...]:
    """["0.485,0.456,0.406"] or ["0.485", "0.456", "0.406"] → (0.485, 0.456, 0.406). ValueError if it is not a list of numbers."""
    try:
        return tuple(float(part) for text in texts or () for part in text.split(","))
    except ValueError:
        given = ",".join(texts or ())
        raise ValueError(
            f"[cli::data] expected a number per channel, such as 0.485,0.456,0.406, got {given}"
        ) from None


class InputSpec(Protocol):
    """What must be known of a network's input, as `aidge_core.GraphInput` has it."""

    @property
    def name(self) -> str: ...

    @property
    def dims(self) -> Sequence[int | None] | None: ...

    @property
    def dtype(self) -> Any: ...


class HasInputs(Protocol):
    """A GraphView, or what stands for it."""

    @property
    def input_specs(self) -> Sequence[InputSpec]: ...


@dataclass(frozen=True)
class _Input:
    name: str
    dims: tuple[int | None, ...] | None
    dtype: np.dtype[Any]


@dataclass(frozen=True)
class DataSource:
    """What `open_data` needs, to be sent to another process and called there."""

    spec: str
    input_specs: tuple[InputSpec, ...]
    options: DataOptions

    @staticmethod
    def of(spec: str, model: HasInputs, options: DataOptions) -> DataSource:
        """For a network; the path of a file becomes absolute."""
        inputs = tuple(
            _Input(entry.name, None if entry.dims is None else tuple(entry.dims), np.dtype(entry.dtype))
            for entry in model.input_specs
        )
        return DataSource(str(Path(spec).resolve()) if Path(spec).exists() else spec, inputs, options)

    def __call__(self) -> Iterable[Any]:
        """Return the provider."""
        return open_data(self.spec, self, self.options)

    def __repr__(self) -> str:
        return self.spec


def check_dims(model: HasInputs, dims: Sequence[Sequence[int]]) -> None:
    """ValueError unless there are dims for every input, of its rank, and equal to those behind the first one that the file fixes."""
    specs = model.input_specs
    if len(dims) != len(specs):
        names = ", ".join(spec.name for spec in specs)
        raise ValueError(
            f"[cli::dims] expected dims of each input ({names}), got {len(dims)} of {len(specs)}"
        )
    for given, spec in zip(dims, specs, strict=True):
        declared = None if spec.dims is None else list(spec.dims)
        if declared is None:
            continue
        fixed = zip(declared[1:], given[1:], strict=False)
        if len(declared) != len(given) or any(dim not in (None, length) for dim, length in fixed):
            text = ",".join("N" if dim is None else str(dim) for dim in declared)
            raise ValueError(
                f"[cli::dims] expected dims of input {spec.name} that fit {text}, got {','.join(map(str, given))}"
            )


@dataclass(frozen=True)
class _Described:
    """What stands for a network whose inputs have the dims that the user gives."""

    input_specs: Sequence[InputSpec]


def _described(model: HasInputs, options: DataOptions) -> HasInputs:
    if not options.dims:
        return model
    check_dims(model, options.dims)
    inputs: list[InputSpec] = []
    for given, spec in zip(options.dims, model.input_specs, strict=True):
        first = spec.dims[0] if spec.dims else None
        if given and given[0] not in (1, first or options.batch_size):
            raise ValueError(
                f"[cli::dims] expected 1 or the batch size {first or options.batch_size} as the first of the dims of input {spec.name}, "
                f"got {given[0]}"
            )
        inputs.append(_Input(spec.name, (first, *given[1:]), np.dtype(spec.dtype)))
    return _Described(inputs)


def _image_dims(model: HasInputs) -> tuple[tuple[int, int] | None, int]:
    """Height and width, None if the file leaves them free, and channels."""
    dims = model.input_specs[0].dims
    if dims is None or len(dims) != 4 or dims[1] not in (1, 3) or (dims[2] is None) != (dims[3] is None):
        raise ValueError(
            "[cli::data] expected an input (N, C, H, W) of 1 or 3 channels, and of fixed or free height and width, for images, got "
            f"{dims}; data for other inputs comes as .npz or .npy"
        )
    height, width = dims[2:]
    return None if height is None or width is None else (height, width), dims[1]


def _feeding(samples: Mapping[str, np.ndarray], model: HasInputs) -> list[str]:
    """Names of the arrays that feed the inputs: those with the inputs' names, else for each input the first that is left and fits it.

    Args:
        samples: one sample by name, in the order of the file.
        model: the network.

    Returns:
        A name for each input, or fewer if one is missing.
    """
    names = [entry.name for entry in model.input_specs]
    if all(name in samples for name in names):
        return names
    chosen: list[str] = []
    for entry in model.input_specs:
        left = (name for name, sample in samples.items() if name not in chosen and _fits(sample, entry))
        chosen += [name for name in [next(left, None)] if name is not None]
    return chosen


def _fits(sample: np.ndarray, entry: InputSpec) -> bool:
    """Whether both are floating-point numbers or both are not, and the sample has the dims that are known."""
    if (sample.dtype.kind == "f") != (np.dtype(entry.dtype).kind == "f"):
        return False
    wanted = None if entry.dims is None else list(entry.dims)[1:]
    return wanted is None or (
        sample.ndim == len(wanted)
        and all(dim in (None, length) for dim, length in zip(wanted, sample.shape, strict=True))
    )


def _labels_among(candidates: Mapping[str, np.ndarray], samples: int, data: str) -> str | None:
    """The name of the array of labels: one that is called so, else the only one that holds one class per sample. Masks, boxes and arrays that the
    network should give must be called so."""
    from aidge_core.data.labels import class_labels, labels_among

    found = [name for name, array in candidates.items() if class_labels(array, samples) is not None]
    called = [name for name in found if name.lower() in _LABEL_NAMES]
    integers = [name for name in found if candidates[name].dtype.kind in "iub"]
    for names in (called, integers, found):
        if len(names) == 1:
            return names[0]
        if names:
            warnings.warn(
                f"{data} holds several arrays that may be the labels, {names}: none is used; call one of them 'labels'",
                stacklevel=2,
            )
            return None
    named = [name for name in candidates if name.lower() in (*_LABEL_NAMES, *_OTHER_NAMES)]
    for name in named:
        if labels_among([candidates[name]], samples):
            return name
    for name in named:
        got = f"{candidates[name].dtype} {list(candidates[name].shape)}"
        warnings.warn(
            f"{name!r} of {data} is not used as labels: expected one class, one mask (height, width) or rows of boxes per sample for {samples} samples, got {got}",
            stacklevel=2,
        )
    return None


_LABEL_NAMES = ("label", "labels", "y", "target", "targets", "class", "classes")
_OTHER_NAMES = ("mask", "masks", "segmentation", "box", "boxes", "bboxes")


def _file_arrays(path: Path, model: HasInputs) -> tuple[list[np.ndarray], np.ndarray | None]:
    from aidge_core.data.array_files import read_arrays

    archive = read_arrays(path)
    if list(archive) == [""]:  # of a .npy file
        archive = {model.input_specs[0].name: archive[""]}
    samples = {name: array[0] for name, array in archive.items() if array.ndim and len(array)}
    names = _feeding(samples or archive, model)
    if len(names) < len(model.input_specs):
        wanted = [f"{spec.name} {spec.dims}" for spec in model.input_specs]
        given = {name: f"{array.dtype} {list(array.shape)}" for name, array in archive.items()}
        raise ValueError(f"[cli::data] expected arrays for the inputs {wanted} in {path}, got {given}")
    inputs = [archive[name] for name in names]
    rest = {name: array for name, array in archive.items() if name not in names}
    label = _labels_among(rest, len(inputs[0]), str(path)) if inputs[0].ndim else None
    return inputs, None if label is None else archive[label]


def _arrays(spec: str, model: HasInputs) -> tuple[list[np.ndarray], np.ndarray | None]:
    if spec.startswith("mnist"):
        from aidge_core.data.datasets import mnist

        split = spec.partition(":")[2] or "test"
        if split not in ("train", "validation", "test"):
            raise ValueError(f"[cli::data] expected mnist:train, mnist:validation or mnist:test, got {spec}")
        images, labels = mnist(cast("Literal['train', 'validation', 'test']", split))
        return [images], labels
    path = Path(spec)
    if not path.exists():
        raise FileNotFoundError(2, "no such file", spec)
    if path.suffix.lower() in (".npz", ".npy"):
        return _file_arrays(path, model)
    raise ValueError(f"[cli::data] expected {DATA_HELP[0].lower()}{DATA_HELP[1:-1]}, got {spec}")


def _preprocessing(model: HasInputs, options: DataOptions) -> dict[str, Any]:
    """Arguments of ImageFolder and ImageTransform."""
    size, channels = _image_dims(model)
    return {
        "size": size,
        "mean": options.mean or 0.0,
        "std": options.std or 1.0,
        "channels": 1 if channels == 1 else 3,
    }


def _open_folder(path: Path, model: HasInputs, options: DataOptions) -> DataProvider:
    from aidge_core.data import DataProvider, ImageFolder

    folder = _annotated(path, model, options) or ImageFolder(path, **_preprocessing(model, options))
    full = fixed_batch(model) is not None
    if options.batch_size > 1 and _image_dims(model)[0] is None and len(sizes := folder.sizes()) > 1:
        if full:
            raise ValueError(
                f"[cli::data] expected images of one size in {path}, as the network takes batches of {options.batch_size}, got {len(sizes)} sizes"
            )
        warnings.warn(
            f"the images in {path} have {len(sizes)} sizes: each forms a separate batch", stacklevel=2
        )
        options = replace(options, batch_size=1)
    return DataProvider(
        folder, options.batch_size, shuffle=options.shuffle, drop_last=full, seed=options.seed
    )


def _say_unused(options: DataOptions, spec: str) -> None:
    if options.mean or options.std:
        warnings.warn(
            f"--mean and --std are for images: the arrays of {spec} are used as they are", stacklevel=3
        )


def _annotated(path: Path, model: HasInputs, options: DataOptions) -> Any:
    """Images with masks or boxes; None if the folder holds images alone, or classes."""
    from aidge_core.data import ImageTransform
    from aidge_core.data.annotated import ImagesWithBoxes, annotated_folder, coco_boxes

    arguments = _preprocessing(model, options)
    boxed = ImageTransform(**arguments, fit="letterbox")
    if path.is_dir():
        return annotated_folder(path, ImageTransform(**arguments), boxed)
    return ImagesWithBoxes(coco_boxes(path), boxed, shares=False)


def _open_parquet(path: Path, model: HasInputs, options: DataOptions) -> DataProvider:
    """The columns with the inputs' names or, for one input, the first that is an image or an array; then an integer column."""
    from aidge_core.data import ImageTransform
    from aidge_core.data.tables import ParquetRows, from_dataset

    row = ParquetRows(path)[0]
    arrays = [name for name, value in row.items() if isinstance(value, (np.ndarray, bytes, dict))]
    names = [entry.name for entry in model.input_specs]
    if not all(name in row for name in names):
        names = arrays[: len(names)]
    if len(names) < len(model.input_specs):
        wanted = [entry.name for entry in model.input_specs]
        raise ValueError(f"[cli::data] expected columns for the inputs {wanted} in {path}, got {list(row)}")
    rest = {name: np.asarray(value)[None] for name, value in row.items() if name not in names}
    label = _labels_among(
        {name: array for name, array in rest.items() if array.dtype.kind in "iub"}, 1, str(path)
    )
    shapes = {}
    for name, entry in zip(names, model.input_specs, strict=True):
        wanted_shape = [dim for dim in (entry.dims or [])[1:] if dim is not None]
        if (
            isinstance(row[name], np.ndarray)
            and row[name].ndim == 1
            and row[name].size == np.prod(wanted_shape)
        ):
            shapes[name] = wanted_shape
    pictures = [name for name in names if isinstance(row[name], (bytes, dict))]
    if not pictures:
        _say_unused(options, str(path))
    return from_dataset(
        ParquetRows(path, shapes),
        [*names, *([] if label is None else [label])],
        options.batch_size,
        transforms={name: ImageTransform(**_preprocessing(model, options)) for name in pictures},
        shuffle=options.shuffle,
        drop_last=fixed_batch(model) is not None,
        seed=options.seed,
    )


def fixed_batch(model: HasInputs) -> int | None:
    """The batch that the file allows alone; None if it leaves it open. ValueError for a batch of 0 samples."""
    for spec in model.input_specs:
        if spec.dims and spec.dims[0] == 0:
            raise ValueError(
                f"[cli::data] expected a batch of at least one sample at the graph input {spec.name!r}, got dims {spec.dims} in the file"
            )
    sizes = [spec.dims[0] for spec in model.input_specs if spec.dims]
    return sizes[0] if sizes else None


def open_data(spec: str, model: HasInputs, options: DataOptions) -> Iterable[Any]:
    """A re-iterable provider: every batch is the network's inputs in order, then the labels if there are any.

    If the file fixes its batch, all batches are of that size, and the last samples, if they do not fill one, are left out with a warning.

    Raises:
        ValueError: if the data does not fit the network, or does not fill one batch.
        OSError: if a file cannot be read.
    """
    from aidge_core.data.full_batches import say_left_out

    model = _described(model, options)
    fixed = fixed_batch(model)
    if fixed is not None:
        options = replace(options, batch_size=fixed)
    path = Path(spec)
    if path.is_dir() or (path.suffix.lower() in (".parquet", ".json") and path.exists()):
        provider: Any = (
            _open_parquet if path.suffix.lower() == ".parquet" and path.is_file() else _open_folder
        )(path, model, options)
        samples = provider.all_samples()
        provider = provider.head(options.limit) if options.limit else provider
    else:
        _say_unused(options, spec)
        provider = _provider_of_arrays(*_arrays(spec, model), options, full=fixed is not None)
        samples = provider.all_samples()
    if fixed is not None:
        say_left_out(min(samples, options.limit or samples), fixed, spec)
    return cast("Iterable[Any]", provider)


def _provider_of_arrays(
    inputs: list[np.ndarray], labels: np.ndarray | None, options: DataOptions, *, full: bool
) -> Any:
    from aidge_core.data.adapters import ArrayProvider

    arrays = inputs if labels is None else [*inputs, labels]
    if options.limit:
        order = np.arange(len(arrays[0]))
        if options.shuffle:
            order = np.random.default_rng(options.seed).permutation(order)
        arrays = [array[order[: options.limit]] for array in arrays]
    return ArrayProvider(
        arrays, options.batch_size, shuffle=options.shuffle, drop_last=full, seed=options.seed
    )


def batches_of(data: Any, model: GraphView) -> Iterable[Any]:
    """Return a provider of batches for a network.

    Args:
        data: the path of an .npz, .npy or .parquet file or of a folder of images, "mnist:train" and the like (all read as `open_data` does
            with its default options), or anything that aidge_core.data.as_provider takes: arrays, datasets, iterables of batches. If the
            network's file fixes a batch above 1, batches of another size are regrouped, and samples that do not fill the last one are
            left out with a warning.
        model: the network, whose inputs say how files are read.

    Raises:
        ValueError: if `data` is none of these.
        OSError: if a file cannot be read.
    """
    from aidge_core.data.full_batches import FullBatches

    if isinstance(data, (str, os.PathLike)):
        return open_data(os.fspath(data), model, DataOptions())
    fixed = fixed_batch(model)
    if fixed is None or fixed == 1:
        return as_provider(data)
    provider = as_provider(data, fixed)
    whole = getattr(provider, "is_of_full_batches", None)
    if isinstance(provider, FullBatches) or (whole is not None and whole(fixed)):
        return provider
    return FullBatches(provider, model.input_specs, fixed)
