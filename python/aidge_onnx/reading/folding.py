"""Folds constant subgraphs, and shape computations on dims that are only known at run time, until nothing
changes any more."""

from __future__ import annotations

from typing import Any

import numpy as np

from .fold_ops import evaluate
from .shape_hints import hinted_dims
from .source import OnnxNode, Source
from .symbolic import Dim, Sym, as_array, is_symbolic

__all__ = ["drop_dead_nodes", "fold"]

_ROUNDS = 24
_MAX_SYMBOLIC = 1024


def fold(source: Source, max_bytes: int) -> None:
    """Evaluates what can be, resolves Reshape targets and drops the nodes that this leaves without a reader.

    `max_bytes` bounds the sum of all results."""
    budget = max_bytes
    for _ in range(_ROUNDS):
        pending = source.infer()
        used, resolved = _fold_once(source, budget)
        drop_dead_nodes(source)
        budget -= used
        if not resolved and not pending:
            return


def drop_dead_nodes(source: Source) -> None:
    """Removes nodes from which no graph output can be reached, and constants that nobody reads."""
    live = {value.name for value in source.outputs}
    kept: list[OnnxNode] = []
    for node in reversed(source.nodes):
        if any(name in live for name in node.outputs):
            kept.append(node)
            live.update(node.uses())
    source.nodes = kept[::-1]
    for table in (source.constants, source.opaque):
        for name in [name for name in table if name not in live]:
            del table[name]


def _fold_once(source: Source, budget: int) -> tuple[int, bool]:
    """One pass; returns the bytes of new constants and whether anything changed."""
    used, changed = 0, False
    remaining: list[OnnxNode] = []
    for node in source.nodes:
        result = _known_result(source, node, budget - used)
        if result is None:
            changed |= _resolve_reshape(source, node) or _add_hint(source, node)
            remaining.append(node)
        elif is_symbolic(result):
            remaining.append(node)
            before = source.symbolic.get(node.outputs[0])
            changed |= before is None or not np.array_equal(before, result)
            source.symbolic[node.outputs[0]] = result
        else:
            source.constants[node.outputs[0]] = result
            source.symbolic.pop(node.outputs[0], None)
            used += result.nbytes
            changed = True
    source.nodes = remaining
    return used, changed


def _add_hint(source: Source, node: OnnxNode) -> bool:
    dims = hinted_dims(source, node)
    elem = source.type_of(node.outputs[0]).elem if node.outputs else None
    if dims is None or elem is None or source.hints.get(node.outputs[0]) == dims:
        return False
    source.hints[node.outputs[0]] = dims
    return True


def _lookup(source: Source, name: str) -> np.ndarray[Any, Any] | None:
    found = source.constants.get(name)
    return source.symbolic.get(name) if found is None else found


def _known_result(source: Source, node: OnnxNode, max_bytes: int) -> np.ndarray[Any, Any] | None:
    if node.domain or len(node.outputs) != 1 or node.captured:
        return None
    if node.op in ("Shape", "Size"):
        return _shape_of(source, node)
    inputs = [_lookup(source, name) if name else None for name in node.inputs]
    if any(name and array is None for name, array in zip(node.inputs, inputs, strict=True)):
        return None
    if node.op == "Transpose" and node.inputs[0] in source.constants:
        return _transposed(source, node, max_bytes)
    result = evaluate(node, inputs, source.opset, max_bytes)
    if result is not None and is_symbolic(result) and result.size > _MAX_SYMBOLIC:
        return None
    return result


def _transposed(source: Source, node: OnnxNode, max_bytes: int) -> np.ndarray[Any, Any] | None:
    """The transposed constant, one array for all nodes that ask for it; None for a weight that other nodes read in another form: it would be two weights."""
    array = source.constants[node.inputs[0]]
    key = id(array), str(node.attributes.get("perm"))
    if key not in source.transposed:
        if array.dtype.kind == "f" and array.ndim == 2 and _is_tied(source, node, array):
            return None
        result = evaluate(node, [array], source.opset, max_bytes)
        if result is None:
            return None
        source.transposed[key] = array, result
    return source.transposed[key][1]


def _is_tied(source: Source, node: OnnxNode, array: np.ndarray[Any, Any]) -> bool:
    """Whether a matrix is read as it is, too, and its transposition by products only."""
    names = {name for name, held in source.constants.items() if held is array}
    exits = {value.name for value in source.outputs}
    products = [reader for reader in source.nodes if node.outputs[0] in reader.uses()]
    if node.outputs[0] in exits or any(reader.op != "MatMul" or reader.domain for reader in products):
        return False
    for reader in source.nodes:
        if names.isdisjoint(reader.uses()):
            continue
        if reader.op == "Identity" and not reader.domain:
            names.update(reader.outputs)  # nodes are in topological order
        elif reader.op != "Transpose" or reader.attributes.get("perm") != node.attributes.get("perm"):
            return True
    return not names.isdisjoint(exits)


def _shape_of(source: Source, node: OnnxNode) -> np.ndarray[Any, Any] | None:
    dims = source.type_of(node.inputs[0]).dims
    if dims is None:
        return None
    if node.op == "Size":
        count: Dim = 1
        for dim in dims:
            count = count * dim
        return as_array([count], ())
    part = dims[slice(int(node.attributes.get("start", 0)), node.attributes.get("end"))]
    return as_array(part, (len(part),))


def _resolve_reshape(source: Source, node: OnnxNode) -> bool:
    """Replaces a Reshape's computed target by a constant one with 0 and -1 if that says the same."""
    if node.op != "Reshape" or node.domain or len(node.inputs) < 2:
        return False
    dims = source.type_of(node.inputs[0]).dims
    target = source.symbolic.get(node.inputs[1])
    if target is not None and target.ndim == 1:
        shape = reshape_target(list(target), dims, bool(node.attributes.get("allowzero", 0)))
    else:
        shape = _freed_target(source, node, dims)
    if shape is None:
        return False
    name = node.inputs[1] + "_folded"
    while name in source.constants or name in source.values:
        name += "_"
    source.constants[name] = np.asarray(shape, np.int64)
    node.inputs[1] = name
    return True


def _freed_target(source: Source, node: OnnxNode, dims: tuple[Dim, ...] | None) -> list[int] | None:
    """A constant target whose first element was the batch that has been freed."""
    target = source.constants.get(node.inputs[1])
    if source.freed_batch is None or target is None or target.ndim != 1 or not target.size or not dims:
        return None
    name, size = source.freed_batch
    if target[0] != size or dims[0] != Sym((name,)) or node.attributes.get("allowzero", 0):
        return None
    return [0, *(int(element) for element in target[1:])]


def reshape_target(target: list[Dim], dims: tuple[Dim, ...] | None, allow_zero: bool) -> list[int] | None:
    """The target with 0 for a dim that is copied and -1 for the one that is left; None if that does not
    suffice."""
    shape: list[int] = []
    for axis, element in enumerate(target):
        if not isinstance(element, Sym):
            shape.append(int(element))
        elif not allow_zero and dims is not None and axis < len(dims) and dims[axis] == element:
            shape.append(0)
        else:
            shape.append(-1)
    return shape if shape.count(-1) <= 1 else None
