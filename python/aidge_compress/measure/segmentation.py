"""Figures of networks that give a class to every pixel: mean IoU with masks, and agreement with a reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from aidge_core.data.labels import MASKS

from .labels import Labels

__all__ = ["IGNORED", "PixelAgreement", "Segmentation", "class_maps", "scale_of"]

IGNORED = 255
"""The class of pixels in a mask that do not count; negative classes do not count either."""


def class_maps(output: np.ndarray, *, probability: bool = False) -> np.ndarray | None:
    """Return the class of every pixel, (samples, height, width), -1 if a score is NaN; None if an output is no map of classes.

    Args:
        output: scores (samples, classes, height, width); one value per pixel behind a sigmoid, (samples, 1, height, width), is the probability
            of class 1; integers (samples, height, width), with an axis of length 1 for the channel or without, are the classes themselves.
        probability: whether the values come from a sigmoid.
    """
    if output.dtype.kind in "iub" and (output.ndim == 3 or (output.ndim == 4 and output.shape[1] == 1)):
        maps = output.reshape(len(output), *output.shape[-2:]).astype(np.int64)
    elif output.ndim != 4 or output.dtype.kind != "f":
        return None
    elif output.shape[1] > 1:
        maps = np.where(np.isnan(output).any(axis=1), -1, output.argmax(axis=1))
    elif probability:
        maps = np.where(np.isnan(output[:, 0]), -1, output[:, 0] > 0.5)
    else:
        return None
    return maps if maps.shape[1] * maps.shape[2] > 1 else None


def scale_of(output: np.ndarray, mask: np.ndarray) -> tuple[int, int] | None:
    """How many pixels of a mask one of an output stands for, along both axes; None if that is no whole number."""
    (height, width), (rows, columns) = output.shape[-2:], mask.shape[-2:]
    if not height or not width or rows % height or columns % width:
        return None
    return rows // height, columns // width


class Segmentation:
    """Mean over the classes of intersection over union with the masks, counted over all pixels of all samples.

    Classes that neither the masks nor the network have are left out. Pixels of class 255 or below 0 in the masks do not count. A smaller output is
    enlarged by repeating pixels. A pixel with NaN has no class.
    """

    def __init__(self, probability: bool) -> None:
        self._probability = probability
        self._counts = np.zeros((0, 3), dtype=np.int64)  # of each class: both, mask, network
        self._right = self._pixels = 0

    def add(
        self, outputs: Sequence[np.ndarray], labels: Labels, expected: Sequence[np.ndarray] | None
    ) -> None:
        """See Meter. ValueError for a mask of another size, or with a class that the network does not have."""
        maps = class_maps(outputs[0], probability=self._probability)
        masks = labels.get(MASKS)
        if maps is None or masks is None:
            return
        scale = scale_of(maps, masks)
        if scale is None:
            raise ValueError(
                f"[evaluation::miou] expected masks whose height and width are multiples of the output's, {list(maps.shape[1:])}, got "
                f"{list(masks.shape[1:])}"
            )
        maps = maps.repeat(scale[0], axis=1).repeat(scale[1], axis=2)
        masks = masks.astype(np.int64)
        counted = (masks >= 0) & (masks != IGNORED)
        wanted, found = masks[counted], maps[counted]
        classes = self._classes(outputs[0], wanted, found)
        if len(self._counts) < classes:
            self._counts = np.pad(self._counts, ((0, classes - len(self._counts)), (0, 0)))
        for column, values in enumerate((wanted[wanted == found], wanted, found[found >= 0])):
            self._counts[:, column] += np.bincount(values, minlength=len(self._counts))
        self._right += int((wanted == found).sum())
        self._pixels += len(wanted)

    def _classes(self, output: np.ndarray, wanted: np.ndarray, found: np.ndarray) -> int:
        if output.dtype.kind != "f":
            return 1 + max(int(wanted.max(initial=0)), int(found.max(initial=0)))
        classes: int = max(output.shape[1], 2)
        if wanted.max(initial=0) >= classes:
            raise ValueError(
                f"[evaluation::miou] expected masks of classes below {classes} ({IGNORED} does not count), got {int(wanted.max())}"
            )
        return classes

    def value(self) -> float | None:
        """See Meter."""
        both, wanted, found = self._counts.T
        union = wanted + found - both
        return float((both[union > 0] / union[union > 0]).mean()) if (union > 0).any() else None

    def details(self) -> Mapping[str, float]:
        """See Meter."""
        return {"pixel accuracy": self._right / self._pixels} if self._pixels else {}


class PixelAgreement:
    """Share of all pixels that have the same class in both networks; NaN agrees with nothing."""

    def __init__(self, probability: bool) -> None:
        self._probability = probability
        self._same = self._pixels = 0
        self._usable = True

    def add(
        self, outputs: Sequence[np.ndarray], labels: Labels, expected: Sequence[np.ndarray] | None
    ) -> None:
        """See Meter."""
        maps = class_maps(outputs[0], probability=self._probability)
        other = None if expected is None else class_maps(expected[0], probability=self._probability)
        if maps is None or other is None or maps.shape != other.shape:
            self._usable = False
            return
        self._same += int(((maps == other) & (maps >= 0)).sum())
        self._pixels += maps.size

    def value(self) -> float | None:
        """See Meter."""
        return self._same / self._pixels if self._usable and self._pixels else None

    def details(self) -> Mapping[str, float]:
        """See Meter."""
        return {}
