"""Folders of images as a database. Needs Pillow, which is imported when a folder is opened."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from copy import copy
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np
import numpy.typing as npt

from .database import Database
from .provider import DEFAULT_BATCH_SIZE, DataProvider

__all__ = ["ImageFolder", "ImageTransform", "from_image_folder", "read_image", "upright_size"]

SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"})

Fit = Literal["crop", "stretch", "letterbox"]

_BORDER = 114
"""Grey of the border of a letterbox, as detectors are trained with."""

_FITS = ("crop", "stretch", "letterbox")
_BITS_PER_SAMPLE = 258
"""A tag of TIFF files."""
_ORIENTATION = 274
"""A tag of EXIF; from 5 on, width and height change places."""


class ImageTransform:
    """From a Pillow image to float32 (channels, height, width): values in [0, 1], minus `mean`, divided by `std`.

    8-bit values are divided by 255, 16-bit grey values by 65535, 12-bit ones by 4095. Palettes, CMYK and the like become RGB or grey as
    Pillow's `convert` makes them; transparency is dropped. An image is turned as its EXIF orientation says.

    Args:
        size: height and width, or one number for both; None: each image keeps its own.
        mean: one value per channel, or one for all; 0 by default.
        std: one value per channel, or one for all; 1 by default.
        channels: 3 for colour, 1 for grey.
        fit: "crop" scales the shorter side and cuts the middle out; "stretch" scales both sides; "letterbox" scales the longer side and puts a grey border
            (114 of 255) around.

    Raises:
        ImportError: if Pillow is not installed.
        ValueError: if an argument is out of range; when called, if it is not known which value of the image is white.
    """

    def __init__(
        self,
        size: int | tuple[int, int] | None,
        *,
        mean: float | Sequence[float] = 0.0,
        std: float | Sequence[float] = 1.0,
        channels: Literal[1, 3] = 3,
        fit: Fit = "crop",
    ) -> None:
        pillow()
        height, width = (size, size) if isinstance(size, int) else size or (1, 1)
        if min(height, width) < 1:
            raise ValueError(f"[data::ImageFolder] expected a size >= 1, got {size}")
        if channels not in (1, 3) or fit not in _FITS:
            raise ValueError(
                "[data::ImageFolder] expected 1 or 3 channels and fit 'crop', 'stretch' or 'letterbox', "
                f"got {channels} and {fit!r}"
            )
        self._size = None if size is None else (width, height)
        self._channels = channels
        self._fit = fit
        self._mean = _per_channel(mean, channels, "mean")
        self._std = _per_channel(std, channels, "std")
        if not np.all(self._std > 0):
            raise ValueError(f"[data::ImageFolder] expected std > 0, got {std}")

    def __call__(self, opened: Any) -> npt.NDArray[np.float32]:
        """Return the array of an image."""
        image_module, operations = pillow()
        image = _in_255ths(operations.exif_transpose(opened), opened, "RGB" if self._channels == 3 else "L")
        bilinear = image_module.Resampling.BILINEAR
        if self._size is not None and self._fit == "crop":
            image = operations.fit(image, self._size, method=bilinear)
        elif self._size is not None and self._fit == "letterbox":
            border = _BORDER if len(image.getbands()) == 1 else (_BORDER,) * len(image.getbands())
            image = operations.pad(image, self._size, method=bilinear, color=border)
        elif self._size is not None:
            image = image.resize(self._size, resample=bilinear)
        values = np.asarray(image, dtype=np.float32).reshape(image.height, image.width, -1) / 255
        values = np.broadcast_to(values, (*values.shape[:2], self._channels))
        return np.ascontiguousarray(((values - self._mean) / self._std).transpose(2, 0, 1), dtype=np.float32)

    def place(self, width: int, height: int) -> tuple[float, float, float, float]:
        """Where the pixels of an upright image of this size go: x becomes a x + b and y becomes c y + d, as (a, b, c, d)."""
        if self._size is None:
            return 1.0, 0.0, 1.0, 0.0
        new_width, new_height = self._size
        if self._fit == "stretch":
            return new_width / width, 0.0, new_height / height, 0.0
        if self._fit == "crop":
            scale = max(new_width / width, new_height / height)
            return scale, (new_width - scale * width) / 2, scale, (new_height - scale * height) / 2
        scale = min(new_width / width, new_height / height)  # Pillow's pad works with whole pixels
        inner = [min(round(scale * width), new_width), min(round(scale * height), new_height)]
        left, top = (
            round((whole - part) * 0.5) for whole, part in zip((new_width, new_height), inner, strict=True)
        )
        return inner[0] / width, float(left), inner[1] / height, float(top)

    def mask(self, opened: Any, outside: int) -> npt.NDArray[np.int64]:
        """Return the classes (height, width) of a mask, brought to size as images are, without mixing classes.

        Args:
            opened: a Pillow image of one channel: grey, a palette, whose indices are the classes, or 1 bit.
            outside: the class of the border of a letterbox.

        Raises:
            ValueError: if the image has several channels.
        """
        image_module, operations = pillow()
        if len(opened.getbands()) != 1 or opened.mode == "F":
            raise ValueError(
                f"[data::masks] expected a mask of one channel of integers, got an image of mode {opened.mode}"
            )
        mask = operations.exif_transpose(opened)
        image = image_module.fromarray(np.asarray(mask).astype(np.int32))
        nearest = image_module.Resampling.NEAREST
        if self._size is not None and self._fit == "crop":
            image = operations.fit(image, self._size, method=nearest)
        elif self._size is not None and self._fit == "letterbox":
            image = operations.pad(image, self._size, method=nearest, color=outside)
        elif self._size is not None:
            image = image.resize(self._size, resample=nearest)
        return np.asarray(image).astype(np.int64)


def _in_255ths(image: Any, opened: Any, mode: str) -> Any:
    """The image in `mode`, or in mode F if it is grey with more than 8 bits a value; white is 255 in both.

    Args:
        image: the image, turned.
        opened: the same as Pillow opened it, with the tags of its file.
        mode: RGB or L.

    Raises:
        ValueError: if no white is known, as for floating-point values beyond [0, 1].
    """
    if image.mode not in ("I", "F") and not image.mode.startswith("I;"):
        return image.convert(mode)
    values = np.asarray(image).astype(np.float32)
    bits = getattr(opened, "tag_v2", {}).get(_BITS_PER_SAMPLE, (16,))[0]
    white = 1.0 if image.mode == "F" else 2.0 ** (12 if bits == 12 else 16) - 1
    low, high = float(values.min()), float(values.max())
    if not (low >= 0 and high <= white):
        raise ValueError(
            f"[data::ImageTransform] expected values from 0 to {white:g} in an image of mode {image.mode}, got {low:g} to {high:g}"
        )
    return pillow()[0].fromarray(values * (255 / white))


def upright_size(opened: Any) -> tuple[int, int]:
    """Return height and width of an opened image, turned as its EXIF orientation says."""
    turned = opened.getexif().get(_ORIENTATION, 1) >= 5
    return (opened.width, opened.height) if turned else (opened.height, opened.width)


def read_image(file: str | os.PathLike[str] | BinaryIO, transform: Callable[[Any], Any], name: str) -> Any:
    """Return what `transform` makes of an image file.

    Args:
        file: path or open file.
        transform: takes a Pillow image.
        name: of the file, for the message.

    Raises:
        ImportError: if Pillow is not installed.
        OSError: if the file is damaged, or not an image that can be used.
    """
    image_module = pillow()[0]
    try:
        with image_module.open(file) as opened:
            return transform(opened)
    except (FileNotFoundError, PermissionError):
        raise
    except Exception as error:  # decoders raise SyntaxError, struct.error and others for a changed byte
        raise OSError(f"[data::ImageFolder] expected an image, got {name}: {error}") from error


class ImageFolder(Database):
    """The images of a folder: items `[image]`, or `[image, label]` if each class has a subfolder.

    A label is the rank of the subfolder's name among all subfolders; a subfolder may be empty. Files are taken in the order of their
    names, one from each subfolder in every round, so that the first batches contain all classes. Hidden files and folders
    (".thumbnails") are skipped.

    Args:
        path: the folder.
        size: see ImageTransform, which makes the arrays.
        mean: see ImageTransform.
        std: see ImageTransform.
        channels: see ImageTransform.
        fit: see ImageTransform.

    Raises:
        ImportError: if Pillow is not installed.
        ValueError: if no image is found, a subfolder holds only other files, or an argument is out of range.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        size: int | tuple[int, int] | None,
        *,
        mean: float | Sequence[float] = 0.0,
        std: float | Sequence[float] = 1.0,
        channels: Literal[1, 3] = 3,
        fit: Fit = "crop",
    ) -> None:
        self._transform = ImageTransform(size, mean=mean, std=std, channels=channels, fit=fit)
        self._files, self.classes = _scan(Path(path))

    def __len__(self) -> int:
        return len(self._files)

    def subset(self, indices: Sequence[int]) -> ImageFolder:
        """Return a database of these images alone, in this order; labels do not change."""
        result = copy(self)
        result._files = [self._files[index] for index in indices]
        return result

    def sizes(self) -> set[tuple[int, int]]:
        """Return the heights and widths of the images as they stand in the files, upright."""
        return {read_image(path, upright_size, os.fspath(path)) for path, _ in self._files}

    def get_nb_modalities(self) -> int:
        """Return 2 with labels, else 1."""
        return 2 if self.classes else 1

    def get_item(self, index: int) -> list[Any]:
        """Return the image, and its label if there are subfolders."""
        path, label = self._files[index]
        image = read_image(path, self._transform, os.fspath(path))
        return [image] if label is None else [image, np.int64(label)]


def from_image_folder(
    path: str | os.PathLike[str],
    size: int | tuple[int, int],
    batch_size: int = DEFAULT_BATCH_SIZE,
    *,
    mean: float | Sequence[float] = 0.0,
    std: float | Sequence[float] = 1.0,
    channels: Literal[1, 3] = 3,
    fit: Fit = "crop",
    shuffle: bool = False,
    drop_last: bool = False,
    num_workers: int = 0,
    seed: int | None = None,
) -> DataProvider:
    """Batches of a folder's images; see ImageFolder for the images and DataProvider for the batches."""
    folder = ImageFolder(path, size, mean=mean, std=std, channels=channels, fit=fit)
    return DataProvider(
        folder, batch_size, shuffle=shuffle, drop_last=drop_last, num_workers=num_workers, seed=seed
    )


def pillow() -> tuple[Any, Any]:
    """Return Pillow's modules Image and ImageOps. ImportError if it is missing."""
    try:
        from PIL import Image, ImageOps
    except ImportError as error:
        raise ImportError("[data::ImageFolder] expected Pillow, got none: pip install pillow") from error
    return Image, ImageOps


def _per_channel(values: float | Sequence[float], channels: int, name: str) -> npt.NDArray[np.float32]:
    array = np.atleast_1d(np.asarray(values, dtype=np.float32))
    if array.shape not in ((1,), (channels,)):
        raise ValueError(f"[data::ImageFolder] expected 1 or {channels} values as {name}, got {values}")
    return array


def _scan(root: Path) -> tuple[list[tuple[Path, int | None]], list[str]]:
    """Return (file, label) in order, and the names of the classes; labels are None if there are no
    subfolders."""
    if not root.is_dir():
        raise ValueError(f"[data::ImageFolder] expected a folder, got {root}")
    subfolders = sorted(entry for entry in root.iterdir() if entry.is_dir() and _is_visible(entry))
    if not any(_images(folder) for folder in subfolders):
        subfolders = []
    direct = _images(root)
    if subfolders and direct:
        raise ValueError(
            f"[data::ImageFolder] expected images in {root} or in its subfolders, got {len(direct)} in it "
            f"and more in {len(subfolders)} subfolders"
        )
    if not subfolders and not direct:
        raise ValueError(
            f"[data::ImageFolder] expected images ({', '.join(sorted(SUFFIXES))}) in {root}, got none"
        )
    if direct:
        return [(path, None) for path in direct], []
    _check_classes(subfolders)
    turns = [
        (turn, label, path)
        for label, folder in enumerate(subfolders)
        for turn, path in enumerate(_images(folder))
    ]
    return [(path, label) for _, label, path in sorted(turns)], [folder.name for folder in subfolders]


def _check_classes(subfolders: list[Path]) -> None:
    """ValueError if a subfolder without images holds something else: whether it is a class decides the labels of those behind it."""
    for folder in subfolders:
        others = [entry.name for entry in folder.iterdir() if _is_visible(entry)]
        if others and not _images(folder):
            raise ValueError(
                f"[data::ImageFolder] expected images ({', '.join(sorted(SUFFIXES))}) in {folder}, or an empty folder for a class without "
                f"images, got {min(others)}; a folder whose name starts with a dot is left alone"
            )


def _images(folder: Path) -> list[Path]:
    files = (path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file())
    return sorted(path for path in files if _is_visible(path))


def _is_visible(path: Path) -> bool:
    return not path.name.startswith(".")
