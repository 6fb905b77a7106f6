"""Values of a graph as PyTorch tensors, and back."""

from __future__ import annotations

from typing import Any

import aidge_core
import numpy as np
import torch

__all__ = ["graph_tensor", "tensor_of"]


def tensor_of(value: aidge_core.Tensor) -> Any:
    """A copy as a PyTorch tensor of the same type."""
    array = np.array(value)
    if value.dtype.name == "bfloat16":  # which NumPy does not have
        return torch.from_numpy(array.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(array)


def graph_tensor(value: Any) -> aidge_core.Tensor:
    """A copy of a PyTorch tensor in host memory as a value of a graph."""
    if value.dtype is torch.bfloat16:
        return aidge_core.Tensor(value.float().numpy()).cast(aidge_core.dtype.bfloat16)
    return aidge_core.Tensor(value.numpy().copy())
