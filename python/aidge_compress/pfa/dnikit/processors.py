"""Stages that work on the arrays of a batch: pooling, resizing of images, renaming."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .batch import Array, Batch, PipelineStage

__all__ = [
    "FieldRemover",
    "FieldRenamer",
    "ImageFormat",
    "ImageResizer",
    "MeanStdNormalizer",
    "Pooler",
    "Processor",
    "Transposer",
]


class Processor(PipelineStage):
    """Applies a function to arrays.

    Args:
        func: array (samples, …) → array (samples, …).
        fields: to which fields, one name or several; None: all.
    """

    def __init__(self, func: Callable[[Array], Array], *, fields: str | Sequence[str] | None = None) -> None:
        self._func = func
        self._fields = [fields] if isinstance(fields, str) else fields

    def _get_batch_processor(self) -> Callable[[Batch], Batch]:
        func, fields = self._func, None if self._fields is None else list(self._fields)

        def process(batch: Batch) -> Batch:
            missing = [name for name in fields or () if name not in batch.fields]
            if missing:
                raise ValueError(f"[pfa::Processor] expected the fields {missing}, got {list(batch.fields)}")
            chosen = set(batch.fields if fields is None else fields)
            return Batch(
                {name: func(array) if name in chosen else array for name, array in batch.fields.items()}
            )

        return process


class Pooler(Processor):
    """Reduces axes to one value.

    Sums and averages are computed in double. NaN remains NaN.

    Args:
        dim: the axes, one or several, never 0: (2, 3) for images in the order NCHW, (1, 2) for NHWC.
        method: `Pooler.Method.MAX`, `SUM` or `AVERAGE`.
        fields: to which fields; None: all.

    Raises:
        ValueError: if an axis is 0, twice there or not an int, or `method` is no Method; while iterating, if an array has not that axis.
    """

    class Method(enum.Enum):
        """How several values become one."""

        MAX = "max"
        SUM = "sum"
        AVERAGE = "average"

    def __init__(
        self, *, dim: int | Sequence[int], method: Pooler.Method, fields: str | Sequence[str] | None = None
    ) -> None:
        axes = (dim,) if isinstance(dim, int) else tuple(dim)
        if (
            not axes
            or 0 in axes
            or len(set(axes)) != len(axes)
            or not all(isinstance(axis, int) for axis in axes)
        ):
            raise ValueError(f"[pfa::Pooler] expected different axes other than 0 (the samples), got {dim}")
        if not isinstance(method, Pooler.Method):
            raise ValueError(f"[pfa::Pooler] expected a Pooler.Method, got {method!r}")
        super().__init__(lambda array: self._pool(array, axes, method), fields=fields)

    @staticmethod
    def _pool(array: Array, axes: tuple[int, ...], method: Pooler.Method) -> Array:
        positive = {axis % array.ndim if -array.ndim <= axis < array.ndim else None for axis in axes}
        if None in positive or 0 in positive or len(positive) != len(axes):
            raise ValueError(
                f"[pfa::Pooler] expected an array with the axes {axes}, got the shape {list(array.shape)}"
            )
        if method is Pooler.Method.MAX:
            return np.asarray(array.max(axis=axes))
        reduce = np.sum if method is Pooler.Method.SUM else np.mean
        return np.asarray(reduce(array, axis=axes, dtype=np.float64))


class ImageFormat(enum.Enum):
    """Where the channels of an image stand; batches have the samples in front."""

    HWC = "HWC"
    CHW = "CHW"


class ImageResizer(Processor):
    """Resizes images bilinearly, pixel centres at half integers and edges repeated, as OpenCV's INTER_LINEAR does.

    The aspect ratio is not kept. Integer images are rounded to their type.

    Args:
        pixel_format: ImageFormat.HWC for (samples, height, width, channels), ImageFormat.CHW for (samples, channels, height, width).
        size: (width, height) in pixels.
        fields: which fields are images; None: all.

    Raises:
        ValueError: if a size is not positive; while iterating, if an array has not four axes.
    """

    def __init__(
        self, *, pixel_format: ImageFormat, size: tuple[int, int], fields: str | Sequence[str] | None = None
    ) -> None:
        if not isinstance(pixel_format, ImageFormat):
            raise ValueError(f"[pfa::ImageResizer] expected an ImageFormat, got {pixel_format!r}")
        if len(size) != 2 or min(size) < 1:
            raise ValueError(f"[pfa::ImageResizer] expected a positive (width, height), got {size}")
        width, height = size
        rows = 1 if pixel_format is ImageFormat.HWC else 2

        def resize(images: Array) -> Array:
            if images.ndim != 4:
                raise ValueError(
                    f"[pfa::ImageResizer] expected images with 4 axes, got the shape {list(images.shape)}"
                )
            result = _resize_axis(_resize_axis(images, rows, height), rows + 1, width)
            if np.issubdtype(images.dtype, np.integer):
                return np.rint(result).astype(images.dtype)
            return result.astype(images.dtype, copy=False)

        super().__init__(resize, fields=fields)


def _resize_axis(images: Array, axis: int, size: int) -> Array:
    """Linear interpolation along one axis, in single precision at least."""
    old = images.shape[axis]
    values = images.astype(np.result_type(images.dtype, np.float32), copy=False)
    if size == old:
        return values
    position = np.clip((np.arange(size) + 0.5) * (old / size) - 0.5, 0, old - 1)
    below = np.minimum(position.astype(np.intp), max(old - 2, 0))
    above = np.minimum(below + 1, old - 1)
    shape = [1] * images.ndim
    shape[axis] = size
    weight: npt.NDArray[Any] = (position - below).astype(values.dtype).reshape(shape)
    first, second = values.take(below, axis), values.take(above, axis)
    return np.asarray(first + (second - first) * weight)


class FieldRenamer(PipelineStage):
    """Renames fields.

    Args:
        mapping: old name → new name; other fields are kept.

    Raises:
        ValueError: while iterating, if an old name is missing, or two fields would have one name.
    """

    def __init__(self, mapping: Mapping[str, str]) -> None:
        self._mapping = dict(mapping)

    def _get_batch_processor(self) -> Callable[[Batch], Batch]:
        mapping = dict(self._mapping)

        def rename(batch: Batch) -> Batch:
            names = [mapping.get(name, name) for name in batch.fields]
            if not mapping.keys() <= batch.fields.keys() or len(set(names)) != len(names):
                raise ValueError(
                    f"[pfa::FieldRenamer] expected the fields {list(mapping)} and new names that differ, got {list(batch.fields)}"
                )
            return Batch(dict(zip(names, batch.fields.values(), strict=True)))

        return rename


class FieldRemover(PipelineStage):
    """Removes fields, or with `keep` all others.

    Args:
        fields: one name or several.
        keep: whether these are the fields that remain.

    Raises:
        ValueError: while iterating, if a name is missing, or no field is left.
    """

    def __init__(self, *, fields: str | Sequence[str], keep: bool = False) -> None:
        self._fields = [fields] if isinstance(fields, str) else list(fields)
        self._keep = keep

    def _get_batch_processor(self) -> Callable[[Batch], Batch]:
        chosen, keep = list(self._fields), self._keep

        def remove(batch: Batch) -> Batch:
            missing = [name for name in chosen if name not in batch.fields]
            if missing:
                raise ValueError(
                    f"[pfa::FieldRemover] expected the fields {missing}, got {list(batch.fields)}"
                )
            return Batch({name: array for name, array in batch.fields.items() if (name in chosen) == keep})

        return remove


class MeanStdNormalizer(Processor):
    """(x - mean) / std.

    Args:
        mean: one value, or an array that fits behind the samples.
        std: the same; not 0.
        fields: to which fields; None: all.

    Raises:
        ValueError: if `std` is 0.
    """

    def __init__(self, *, mean: Any, std: Any, fields: str | Sequence[str] | None = None) -> None:
        if not np.all(np.asarray(std)):
            raise ValueError(f"[pfa::MeanStdNormalizer] expected std other than 0, got {std}")
        super().__init__(lambda array: np.asarray((array - mean) / std), fields=fields)


class Transposer(Processor):
    """Reorders axes, as numpy.transpose does.

    Args:
        dim: the new order; its first entry is 0 (the samples): (0, 3, 1, 2) from NHWC to NCHW.
        fields: to which fields; None: all.

    Raises:
        ValueError: if the samples would move; while iterating, if an array has other axes.
    """

    def __init__(self, *, dim: Sequence[int], fields: str | Sequence[str] | None = None) -> None:
        axes = tuple(dim)
        if sorted(axes) != list(range(len(axes))) or axes[:1] != (0,):
            raise ValueError(f"[pfa::Transposer] expected all axes, the samples (0) first, got {list(axes)}")
        super().__init__(lambda array: np.transpose(array, axes), fields=fields)
