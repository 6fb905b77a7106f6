"""What a network is, from whatever it comes as: `inspect`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .opening import open_network
from .summary import ModelSummary, summarize

if TYPE_CHECKING:
    from .opening import NetworkSource

__all__ = ["inspect"]


def inspect(model: NetworkSource, dims: Sequence[Sequence[int]] = (), *, data: Any = None) -> ModelSummary:
    """Return a network's layers with shapes, parameters and multiply-accumulates; nothing is run.

    Args:
        model: the path or the bytes of an ONNX file, an onnx.ModelProto, a GraphView or a torch.nn.Module; it is not changed.
        dims: one list per input; none: those that the network is compiled for, or the declared ones with free dims taken as 1.
        data: for a module without dims: batches from which to take example inputs.

    Raises:
        ValueError: if the dims do not fit. UnsupportedError: for an operator that nothing here can run.
        TypeError: for a model that is none of these.
    """
    network = open_network(model, data, dims)
    known = network.compiled_dims if network.is_compiled and not dims else dims
    return summarize(network, known)
