"""Images with masks or boxes: pairs of folders, COCO JSON, and YOLO's text files. Needs Pillow, as folders of images do."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from copy import copy
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .database import Database
from .images import SUFFIXES, ImageTransform, read_image, upright_size

__all__ = ["ImagesWithBoxes", "ImagesWithMasks", "annotated_folder", "coco_boxes", "is_coco", "yolo_boxes"]

Boxes = npt.NDArray[np.float64]
"""(boxes, 5): x1, y1, x2, y2, class; class -2 - c stands for a crowd of class c."""

_MASK_FOLDERS = ("masks", "mask", "annotations", "labels")
_IGNORED = 255
_LOOKED_AT = 32


class _Files(Database):
    """Images of files."""

    def __init__(self, files: Sequence[Path], transform: ImageTransform) -> None:
        self._files, self._transform = list(files), transform

    def __len__(self) -> int:
        return len(self._files)

    def get_nb_modalities(self) -> int:
        """Return 2."""
        return 2

    def sizes(self) -> set[tuple[int, int]]:
        """Return the heights and widths of the images as they stand in the files, upright."""
        return {read_image(path, upright_size, os.fspath(path)) for path in self._files}


class ImagesWithMasks(_Files):
    """Items [image, mask]: int64 (height, width), the class of every pixel.

    A mask is the file of the same name, whatever its ending, in the other folder. If the masks have the values 0 and 255 alone, 255 is class 1; else
    it means that the pixel does not count.

    Args:
        images, masks: folders.
        transform: of the images; masks are brought to size in the same way, without mixing classes.

    Raises:
        ValueError: if the folder holds no images, an image has no mask, or a mask has another size than its image.
    """

    def __init__(self, images: Path, masks: Path, transform: ImageTransform) -> None:
        super().__init__(_images(images), transform)
        known = {path.stem: path for path in _images(masks)}
        missing = [path.name for path in self._files if path.stem not in known]
        if not self._files or missing:
            got = f"none for {missing[0]}" if missing else f"no images in {images}"
            raise ValueError(
                f"[data::masks] expected a mask in {masks} for every image in {images}, got {got}"
            )
        self._masks = [known[path.stem] for path in self._files]
        looked_at = [read_image(path, _classes, os.fspath(path)) for path in self._masks[:_LOOKED_AT]]
        values = set().union(*looked_at)
        self._binary = _IGNORED in values and values <= {0, _IGNORED}

    def subset(self, indices: Sequence[int]) -> ImagesWithMasks:
        """Return a database of these images alone, in this order."""
        result = copy(self)
        result._files = [self._files[index] for index in indices]
        result._masks = [self._masks[index] for index in indices]
        return result

    def get_item(self, index: int) -> list[Any]:
        """Return the image and its mask."""
        path, source = self._files[index], self._masks[index]
        sizes = [read_image(entry, upright_size, os.fspath(entry)) for entry in (path, source)]
        if sizes[0] != sizes[1]:
            raise ValueError(
                f"[data::masks] expected a mask of the image's height and width, {list(sizes[0])}, in {source}, got {list(sizes[1])}"
            )
        image = read_image(path, self._transform, os.fspath(path))
        mask = read_image(source, lambda opened: self._transform.mask(opened, _IGNORED), os.fspath(source))
        return [image, (mask == _IGNORED).astype(np.int64) if self._binary else mask]


def _classes(opened: Any) -> set[int]:
    return {int(value) for value in np.unique(np.asarray(opened))}


class ImagesWithBoxes(_Files):
    """Items [image, boxes]: float64 (most boxes of an image, 5), rows x1, y1, x2, y2 in pixels of the image as the network gets it, and the class.

    Rows that stand for no box have class -1; a crowd of class c has -2 - c. What is cut off by the transform is cut off the boxes.

    Args:
        boxes: file → its boxes, in pixels of the upright image, or as shares of its sides.
        transform: of the images.
        shares: whether coordinates are shares.
    """

    def __init__(self, boxes: Mapping[Path, Boxes], transform: ImageTransform, *, shares: bool) -> None:
        super().__init__(list(boxes), transform)
        self._boxes, self._shares = list(boxes.values()), shares
        self._most = max(1, *(len(entry) for entry in self._boxes)) if self._boxes else 1

    def subset(self, indices: Sequence[int]) -> ImagesWithBoxes:
        """Return a database of these images alone, in this order."""
        result = copy(self)
        result._files = [self._files[index] for index in indices]
        result._boxes = [self._boxes[index] for index in indices]
        return result

    def get_item(self, index: int) -> list[Any]:
        """Return the image and its boxes."""
        path = self._files[index]
        height, width = read_image(path, upright_size, os.fspath(path))
        image = read_image(path, self._transform, os.fspath(path))
        boxes = self._boxes[index].copy()
        if self._shares:
            boxes[:, :4] *= [width, height, width, height]
        scale_x, left, scale_y, top = self._transform.place(width, height)
        boxes[:, :4] = boxes[:, :4] * [scale_x, scale_y, scale_x, scale_y] + [left, top, left, top]
        boxes[:, :4] = np.clip(boxes[:, :4], 0, [image.shape[2], image.shape[1]] * 2)
        boxes = boxes[(boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])]
        rows = np.zeros((self._most, 5))
        rows[:, 4] = -1
        rows[: len(boxes)] = boxes
        return [image, rows]


def _images(folder: Path) -> list[Path]:
    files = (path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file())
    return sorted(path for path in files if not path.name.startswith("."))


def is_coco(path: Path) -> bool:
    """Whether a file is JSON with images and annotations, as COCO has them."""
    if path.suffix.lower() != ".json" or not path.is_file():
        return False
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return False
    return isinstance(document, dict) and {"images", "annotations"} <= set(document)


def coco_boxes(path: Path) -> dict[Path, Boxes]:
    """The boxes of a file of COCO, by image file, in pixels. A class is the rank of the category's id among all ids of the file.

    Images are looked for beside the file, in `images` beside it, and in `images` beside its folder.

    Raises:
        ValueError: if the file is no such file, an image is missing, or an annotation has no box or another image.
    """
    where = "[data::coco]"
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        ids = sorted(
            {entry["id"] for entry in document.get("categories", ())}
            | {entry["category_id"] for entry in document["annotations"]}
        )
        names = {entry["id"]: str(entry["file_name"]) for entry in document["images"]}
        found: dict[Any, list[list[float]]] = {number: [] for number in names}
        for entry in document["annotations"]:
            x, y, width, height = map(float, entry["bbox"])
            rank = ids.index(entry["category_id"])
            found[entry["image_id"]].append(
                [x, y, x + width, y + height, -2 - rank if entry.get("iscrowd") else rank]
            )
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{where} expected images and annotations with boxes, as COCO has them, in {path}, got {error!r}"
        ) from error
    folders = [path.parent, path.parent / "images", path.parent.parent / "images"]
    result = {}
    for number, name in names.items():
        file = next((folder / name for folder in folders if (folder / name).is_file()), None)
        if file is None:
            raise ValueError(
                f"{where} expected the image {name} of {path} in {folders[0]} or {folders[1]}, got none"
            )
        result[file] = np.array(found[number], dtype=np.float64).reshape(-1, 5)
    if not result:
        raise ValueError(f"{where} expected at least one image in {path}, got none")
    return result


def yolo_boxes(images: Sequence[Path], labels: Path) -> dict[Path, Boxes]:
    """The boxes of YOLO's text files, by image file, as shares of the sides: lines of a class, the centre, width and height, or the points of a
    polygon. An image without a file has no boxes.

    Raises:
        ValueError: if a line is something else; names it.
    """
    result = {}
    for image in images:
        file = labels / f"{image.stem}.txt"
        lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
        rows = [
            _yolo_row(line.split(), f"line {number} of {file}")
            for number, line in enumerate(lines, 1)
            if line.strip()
        ]
        result[image] = np.array(rows, dtype=np.float64).reshape(-1, 5)
    return result


def _yolo_row(words: Sequence[str], where: str) -> list[float]:
    try:
        number, *values = [float(word) for word in words]
        if number != int(number) or number < 0 or (len(values) != 4 and (len(values) < 6 or len(values) % 2)):
            raise ValueError
    except ValueError:
        raise ValueError(
            f"[data::yolo] expected a class and four numbers, or a polygon, in {where}, got {' '.join(words)!r}"
        ) from None
    if len(values) == 4:
        x, y, width, height = values
        return [x - width / 2, y - height / 2, x + width / 2, y + height / 2, number]
    return [min(values[::2]), min(values[1::2]), max(values[::2]), max(values[1::2]), number]


def annotated_folder(path: Path, transform: ImageTransform, boxes: ImageTransform) -> Database | None:
    """What a folder holds beside its images; None if it is a folder of images alone, or of classes.

    Understood are: `images` and `masks` (or `annotations`, `labels` with images in it); a JSON file of COCO in the folder or in `annotations`;
    `images` and `labels` with YOLO's text files, or such files beside the images.

    Args:
        path: the folder.
        transform: of images with masks.
        boxes: of images with boxes.
    """
    for folder in (path, path / "annotations"):
        files = [file for file in sorted(folder.glob("*.json")) if is_coco(file)] if folder.is_dir() else []
        if len(files) > 1:
            names = ", ".join(file.name for file in files)
            raise ValueError(
                f"[data::coco] expected one file of annotations in {folder}, got {names}: name one of them instead of the folder"
            )
        if files:
            return ImagesWithBoxes(coco_boxes(files[0]), boxes, shares=False)
    images = path / "images" if (path / "images").is_dir() else path
    if images is not path:
        for name in _MASK_FOLDERS:
            if (path / name).is_dir() and _images(path / name):
                return ImagesWithMasks(images, path / name, transform)
    labels = path / "labels" if (path / "labels").is_dir() else images
    pictures = _images(images)
    if pictures and any((labels / f"{picture.stem}.txt").is_file() for picture in pictures):
        return ImagesWithBoxes(yolo_boxes(pictures, labels), boxes, shares=True)
    return None
