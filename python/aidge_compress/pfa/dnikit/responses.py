"""The tensors that a model can give out."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["ResponseInfo"]


@dataclass(frozen=True)
class ResponseInfo:
    """What is known of a tensor that a model can give out.

    Attributes:
        name: of the response, by which it is asked for.
        dtype: of its elements.
        shape: an extent is None if it is not known, as that of the samples in front; an empty tuple if nothing is known.
        layer: the layer that makes it.
    """

    class LayerKind(enum.Enum):
        """What a layer does, whatever its framework calls it."""

        UNKNOWN = 0
        LINEAR = 1000
        DENSE = LINEAR
        PLACEHOLDER = 1001
        CONV_1D = 2000
        CONV_2D = 2001
        CONV_3D = 2002
        CONV_TRANSPOSE_1D = 2003
        CONV_TRANSPOSE_2D = 2004
        CONV_TRANSPOSE_3D = 2005
        MAX_POOLING_1D = 3000
        MAX_POOLING_2D = 3001
        MAX_POOLING_3D = 3003
        AVERAGE_POOLING_1D = 3004
        AVERAGE_POOLING_2D = 3005
        AVERAGE_POOLING_3D = 3006
        BATCH_NORM = 5000
        BATCH_NORM_2D = 5001
        BATCH_NORM_3D = 5002
        LAYER_NORM = 5003
        DROPOUT = 6000
        SIGMOID = 8000
        TANH = 8001
        RELU = 8002
        LEAKY_RELU = 8003
        PRELU = 8004
        SOFTMAX = 8006
        RELU6 = 8008

    @dataclass(frozen=True)
    class Layer:
        """A layer: its name, its kind, and its framework's name of its type."""

        name: str
        kind: ResponseInfo.LayerKind
        typename: str

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int | None, ...]
    layer: Layer
