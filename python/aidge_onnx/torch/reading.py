"""From a PyTorch module to a graph, by PyTorch's own ONNX exporter."""

from __future__ import annotations

import ast
import io
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import aidge_core

from ..load import load_onnx

if TYPE_CHECKING:
    import onnx

__all__ = ["from_torch"]

_SCOPES = "pkg.torch.onnx.name_scopes"


def from_torch(
    module: Any,
    example_inputs: Any,
    *,
    input_names: Sequence[str] | None = None,
    dynamic_batch: bool = True,
) -> aidge_core.GraphView:
    """Return a PyTorch module as a graph, as it computes in evaluation mode. The module is not changed.

    Nodes have the names of the modules that they come from ("layer1.0.conv1"), with the operator behind it if a module that holds others
    computes by itself ("layer1.0/Add"), and numbers if a module is called again ("relu", "relu_1").

    Args:
        module: a torch.nn.Module; its weights are copied.
        example_inputs: a tensor, a tuple of tensors (in the order of `forward`), or a dict of them by the names of `forward`'s arguments.
            Only their shapes and types matter.
        input_names: of the graph's inputs; by default those of `forward`'s arguments.
        dynamic_batch: leave the first dim of every input free; False fixes all dims to the examples'.

    Raises:
        ValueError: if `module` is not a torch.nn.Module, or the example inputs are missing or not tensors.
        ImportError: if PyTorch or onnxscript is missing.
        UnsupportedError: if PyTorch cannot export the module (data-dependent control flow, a batch size that is written into the code …).
    """
    torch = _torch()
    if not isinstance(module, torch.nn.Module):
        raise ValueError(f"[torch::from_torch] expected a torch.nn.Module, got {type(module).__name__}")
    named = isinstance(example_inputs, Mapping)
    values = list(example_inputs.values()) if named else _as_list(example_inputs)
    if not values or not all(isinstance(value, torch.Tensor) for value in values):
        raise ValueError(
            "[torch::from_torch] expected example inputs that are tensors, got "
            f"{[type(value).__name__ for value in values]}"
        )
    examples = _batched(torch, values) if dynamic_batch else values
    sizes = [{0: torch.export.Dim.DYNAMIC} if dynamic_batch and value.ndim else None for value in examples]
    arguments: dict[str, Any] = (
        {
            "args": (),
            "kwargs": dict(zip(example_inputs, examples, strict=True)),
            "dynamic_shapes": dict(zip(example_inputs, sizes, strict=True)),
        }
        if named
        else {"args": tuple(examples), "dynamic_shapes": tuple(sizes)}
    )
    with _evaluating(module), _quiet(), torch.no_grad():
        try:
            program = torch.onnx.export(
                module, **arguments, input_names=input_names, dynamo=True, verbose=False
            )
        except Exception as error:
            raise aidge_core.UnsupportedError(
                f"[torch::from_torch] expected a module that torch.onnx.export takes, got {_reason(error)}"
                + ("; dynamic_batch=False fixes the batch size" if dynamic_batch else "")
            ) from error
        model = program.model_proto
    _rename(model, {name for name, part in module.named_modules() if not list(part.children())})
    return load_onnx(model)


def _torch() -> Any:
    missing = [name for name in ("torch", "onnxscript") if find_spec(name) is None]
    if missing:
        raise ImportError(
            f"[torch::from_torch] expected PyTorch and onnxscript, got no {' and no '.join(missing)}: "
            "pip install 'aidge-compress[torch]'"
        )
    import torch

    return torch


def _as_list(inputs: Any) -> list[Any]:
    return list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]


def _batched(torch: Any, values: list[Any]) -> list[Any]:
    """The examples, repeated to two samples if all have one: the exporter takes a size of 1 as fixed."""
    if all(value.ndim and value.shape[0] == 1 for value in values):
        return [torch.cat([value, value]) for value in values]
    return values


@contextmanager
def _evaluating(module: Any) -> Iterator[None]:
    """All parts in evaluation mode for a while."""
    modes = {part: part.training for part in module.modules()}
    try:
        module.eval()
        yield
    finally:
        for part, mode in modes.items():
            part.training = mode


@contextmanager
def _quiet() -> Iterator[None]:
    """The exporter's own warnings, log lines and prints are not about the user's module."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def _reason(error: BaseException) -> str:
    """The first line that says something of the innermost cause."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0] if lines else 'no message'}"


def _rename(model: onnx.ModelProto, leaves: set[str]) -> None:
    """Name the nodes by the modules that they come from."""
    weights = {entry.name for entry in model.graph.initializer}
    used: set[str] = set()
    for node in model.graph.node:
        owners = [
            name.removesuffix(".weight")
            for name in node.input
            if name in weights and name.endswith(".weight")
        ]
        scopes = [entry.value for entry in node.metadata_props if entry.key == _SCOPES]
        path = owners[0] if owners else (ast.literal_eval(scopes[0])[-2] if scopes else "")
        name = path if path in leaves else f"{path}/{node.op_type}".lstrip("/")
        number, unique = 0, name
        while unique in used:
            number += 1
            unique = f"{name}_{number}"
        used.add(unique)
        node.name = unique
