"""From a graph to a PyTorch module, and trained weights back into the graph."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

import aidge_core

__all__ = ["need_torch", "take_weights", "to_torch"]

_HINT = "pip install 'aidge-compress[torch]'"
_COUNTER = "num_batches_tracked"
_FREE_TO_CHANGE = re.compile(r",? ?momentum=[^,)]*")


def need_torch(where: str) -> None:
    """ImportError that says what to install, where PyTorch is missing."""
    if find_spec("torch") is None:
        raise ImportError(f"[{where}] expected PyTorch, got none: {_HINT}")


def to_torch(model: aidge_core.GraphView) -> Any:
    """Return a graph as a torch.nn.Module (a torch.fx.GraphModule in evaluation mode) that computes the same and can be trained.

    Convolutions, fully connected layers, batch and layer normalisations are PyTorch's layers under the names of the nodes, so that a graph of
    `from_torch` has the names of the module that it came from; everything else is a call of a function. Weights are parameters, also those of
    MatMul, Add …; constants and statistics are buffers; a value that several nodes read is one parameter. Batch and sizes are as free as in
    the graph. The graph is not changed, and its weights are copied. `take_weights` brings trained ones back.

    Raises:
        UnsupportedError: lists all nodes that PyTorch cannot have, with the reasons.
        ImportError: if PyTorch is missing.
    """
    need_torch("torch::to_torch")
    from .building import build

    return build(model).module


def take_weights(model: aidge_core.GraphView, module: Any) -> None:
    """Put the weights of a module that `to_torch` has made of this graph, or of an equal one, back into the graph.

    Names, opset, free dims, metadata and element types of the graph do not change, whatever the module's types are. On any error the graph is
    unchanged.

    Raises:
        ValueError: if the module has another structure: parameters that are missing, new or of other dims, layers with other settings, or another
            forward function; if a weight is not finite that was.
        ImportError: if PyTorch is missing.
    """
    need_torch("torch::take_weights")
    import torch

    from .building import build

    module = getattr(module, "_orig_mod", module)
    if isinstance(module, (torch.nn.DataParallel, torch.nn.parallel.DistributedDataParallel)):
        module = module.module
    if not isinstance(module, torch.nn.Module):
        raise ValueError(f"[torch::take_weights] expected a torch.nn.Module, got {type(module).__name__}")
    fresh = build(model)
    state = {name: value for name, value in module.state_dict().items() if not name.endswith(_COUNTER)}
    _check_structure(fresh.module, module, state)
    trained = [(producer, _value(producer, path, state[path])) for producer, path in fresh.places]
    changed = [(producer, value) for producer, value in trained if value is not None]

    def put() -> None:
        for producer, value in changed:
            producer.get_operator().set_output(0, value)

    model.transaction(put)


def _check_structure(fresh: Any, module: Any, state: Mapping[str, Any]) -> None:
    wanted = {name: value for name, value in fresh.state_dict().items() if not name.endswith(_COUNTER)}
    faults = [f"no {name}" for name in wanted if name not in state]
    faults += [f"a new {name}" for name in state if name not in wanted]
    faults += [
        f"{name} of dims {list(state[name].shape)} in place of {list(value.shape)}"
        for name, value in wanted.items()
        if name in state and state[name].shape != value.shape
    ]
    if not faults:
        before, after = _settings(fresh), _settings(module)
        faults = [
            f"{name} is {after[name]} in place of {text}"
            for name, text in before.items()
            if name in after and after[name] != text
        ]
    if not faults and getattr(module, "code", fresh.code) != fresh.code:
        faults = ["another forward function"]
    if faults:
        listed = "; ".join(faults[:10]) + ("; …" if len(faults) > 10 else "")
        raise ValueError(f"[torch::take_weights] expected the structure of the graph, got {listed}")


def _settings(module: Any) -> dict[str, str]:
    """What each layer that computes says of itself; the share of Dropout and the momentum of statistics belong to the training."""
    import torch

    return {
        name: _FREE_TO_CHANGE.sub("", f"{type(part).__name__}({part.extra_repr()})")
        for name, part in module.named_modules()
        if name and not isinstance(part, torch.nn.Dropout) and type(part) is not torch.nn.Module
    }


def _value(producer: aidge_core.Node, path: str, value: Any) -> aidge_core.Tensor | None:
    """The new value of a producer in its own type; None if it is the old one."""
    import torch

    from .tensors import graph_tensor, tensor_of

    old = tensor_of(producer.get_operator().get_output(0))
    new = value.detach().to("cpu", old.dtype).contiguous()
    if torch.equal(old, new):
        return None
    if new.is_floating_point() and bool((torch.isfinite(old) & ~torch.isfinite(new)).any()):
        raise ValueError(f"[torch::take_weights] expected finite weights, got others in {path}")
    return graph_tensor(new)
