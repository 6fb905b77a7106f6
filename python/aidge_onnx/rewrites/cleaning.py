"""Takes out what does nothing and puts together what exporters have taken apart. No output changes, and graph outputs keep
their names."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from onnx import TensorProto

from ..reading.source import OnnxNode, Source
from ..reading.symbolic import Sym
from .layer_norm import layer_norm
from .uses import Uses

__all__ = ["clean"]

_ROUNDS = 16
_CONVOLUTIONS = ("Conv", "ConvTranspose")


def clean(source: Source) -> None:
    """Applies every rule until none fits any more."""
    for _ in range(_ROUNDS):
        changed = _drop_no_ops(source)
        for rule in (_clamp, _pad_into_convolution, _batch_norm, _transposed_product, layer_norm):
            uses = Uses(source)
            gone: set[int] = set()
            for node in source.nodes:
                if id(node) not in gone and not node.domain:
                    for removed in rule(node, uses):
                        gone.add(id(removed))
                        changed = True
            source.nodes = [node for node in source.nodes if id(node) not in gone]
        if not changed:
            return


# --- what does nothing --------------------------------------------------------------------------------------
def _drop_no_ops(source: Source) -> bool:
    uses = Uses(source)
    kept: list[OnnxNode] = []
    same: dict[str, str] = {}
    for node in source.nodes:
        node.inputs = [same.get(name, name) for name in node.inputs]
        if node.domain or not _does_nothing(node, source, uses):
            kept.append(node)
            continue
        entry, result = node.inputs[0], node.outputs[0]
        if result not in uses.exits:
            captured = any(result in reader.captured for reader in uses.readers.get(result, []))
            if captured:
                kept.append(node)
            else:
                same[result] = entry
            continue
        maker = uses.maker.get(entry)
        renamed = maker is not None and entry not in uses.exits and entry not in same.values()
        if maker is None or not renamed or any(entry in n.captured for n in uses.readers[entry]):
            kept.append(node)
            continue
        maker.outputs = [result if name == entry else name for name in maker.outputs]
        uses.maker[result] = maker
        same[entry] = result
    changed = len(kept) < len(source.nodes)
    for node in kept:
        node.inputs = [same.get(name, name) for name in node.inputs]
    source.nodes = kept
    return changed


def _does_nothing(node: OnnxNode, source: Source, uses: Uses) -> bool:
    rule = _NO_OPS.get(node.op)
    if rule is None or not node.inputs or not node.inputs[0] or not node.outputs[0]:
        return False
    entry = node.inputs[0]
    if entry in source.constants or entry in source.opaque or source.type_of(entry).elem is None:
        return False
    return rule(node, source, uses)


def _dropout(node: OnnxNode, source: Source, uses: Uses) -> bool:
    mask = node.outputs[1] if len(node.outputs) > 1 else ""
    training = len(node.inputs) > 2 and bool(node.inputs[2])
    idle = not training or not np.any(source.constants.get(node.inputs[2], np.ones(1)))
    return idle and not uses.readers.get(mask) and mask not in uses.exits


def _same_shape(node: OnnxNode, source: Source, uses: Uses) -> bool:
    """The output has the input's dims, free ones included, whatever these are."""
    before, after = source.type_of(node.inputs[0]).dims, source.type_of(node.outputs[0]).dims
    if before is None:
        return False
    target = uses.constant(node, 1) if node.op == "Reshape" else None
    if target is not None and target.ndim == 1 and not node.attributes.get("allowzero", 0):
        return _copies(list(target), list(before))
    return after is not None and before == after


def _copies(target: list[int], dims: list[int | Sym]) -> bool:
    """True if this target of a Reshape stands for these dims."""
    if len(target) != len(dims) or target.count(-1) > 1:
        return False
    return all(wanted in (0, -1) or wanted == dim for wanted, dim in zip(target, dims, strict=True))


def _identity_order(node: OnnxNode, source: Source, uses: Uses) -> bool:
    order = node.attributes.get("perm")
    return order is not None and list(order) == sorted(order)


def _no_pads(node: OnnxNode, source: Source, uses: Uses) -> bool:
    pads = node.attributes.get("pads", uses.constant(node, 1))
    return pads is not None and not np.any(np.asarray(pads))


def _full_slice(node: OnnxNode, source: Source, uses: Uses) -> bool:
    if "starts" in node.attributes:
        starts, ends = node.attributes["starts"], node.attributes["ends"]
        steps = None
    else:
        starts, ends, steps = (uses.constant(node, index) for index in (1, 2, 4))
        if len(node.inputs) > 4 and node.inputs[4] and steps is None:
            return False
    if starts is None or ends is None:
        return False
    whole = np.all(np.asarray(starts) == 0) and np.all(np.asarray(ends) >= (1 << 31) - 1)
    return bool(whole) and (steps is None or bool(np.all(steps == 1)))


def _same_type(node: OnnxNode, source: Source, uses: Uses) -> bool:
    return bool(source.type_of(node.inputs[0]).elem == node.attributes.get("to"))


def _one_input(node: OnnxNode, source: Source, uses: Uses) -> bool:
    return len(node.inputs) == 1


_NO_OPS: dict[str, Callable[[OnnxNode, Source, Uses], bool]] = {
    "Identity": lambda node, source, uses: True,
    "Dropout": _dropout,
    "Cast": _same_type,
    "Reshape": _same_shape,
    "Flatten": _same_shape,
    "Expand": _same_shape,
    "Transpose": _identity_order,
    "Pad": _no_pads,
    "Slice": _full_slice,
    "Concat": _one_input,
    "Sum": _one_input,
    "Max": _one_input,
    "Min": _one_input,
    "Mean": _one_input,
}


# --- hidden ReLU6 -------------------------------------------------------------------------------------------
def _clamp(node: OnnxNode, uses: Uses) -> Iterator[OnnxNode]:
    """Max and Min with a number become Clip; Clips that follow each other, or a ReLU, one."""
    own = _bounds(node, uses)
    if own is None or uses.source.type_of(node.outputs[0]).elem != TensorProto.FLOAT:
        return
    data, (low, high) = own
    before = uses.sole_maker(data, "Clip", "Relu", "Max", "Min")
    inner = None if before is None else _bounds(before, uses)
    if before is not None and inner is not None and (node.op, before.op) != ("Relu", "Relu"):
        entry, (least, most) = inner
        # max and min of a value that lies between the inner bounds; they may not cross
        if max(low, least) <= min(high, most):
            data, low, high = entry, max(low, least), min(high, most)
            yield before
            _become_clip(node, data, low, high, uses)
            return
    if node.op in ("Max", "Min"):
        _become_clip(node, data, low, high, uses)


def _bounds(node: OnnxNode, uses: Uses) -> tuple[str, tuple[float, float]] | None:
    """(data, (least, most)) of a node that bounds its input by numbers."""
    if node.domain:
        return None
    if node.op == "Relu":
        return node.inputs[0], (0.0, math.inf)
    if node.op == "Clip":
        return _clip_bounds(node, uses)
    if node.op not in ("Max", "Min") or len(node.inputs) != 2:
        return None
    for number, data in ((1, 0), (0, 1)):
        array = uses.constant(node, number)
        if array is not None and array.size == 1 and array.dtype == np.float32 and np.isfinite(array).all():
            rank = uses.source.type_of(node.inputs[data]).rank
            if rank is not None and array.ndim <= rank:
                bound = float(array.reshape(()))
                return node.inputs[data], (bound, math.inf) if node.op == "Max" else (-math.inf, bound)
    return None


def _clip_bounds(node: OnnxNode, uses: Uses) -> tuple[str, tuple[float, float]] | None:
    bounds = [-math.inf, math.inf]
    for index, name in enumerate(("min", "max"), start=1):
        if name in node.attributes:
            bounds[index - 1] = float(node.attributes[name])
        elif index < len(node.inputs) and node.inputs[index]:
            array = uses.constant(node, index)
            if array is None or array.size != 1 or not np.isfinite(array).all():
                return None
            bounds[index - 1] = float(array.reshape(()))
    return (node.inputs[0], (bounds[0], bounds[1])) if bounds[0] <= bounds[1] else None


def _become_clip(node: OnnxNode, data: str, low: float, high: float, uses: Uses) -> None:
    bounds = {name: bound for name, bound in (("min", low), ("max", high)) if math.isfinite(bound)}
    if low == 0.0 and high == math.inf:
        node.rewrite("Relu", [data], {})
    else:
        node.rewrite("Clip", [data], bounds)
    uses.readers.setdefault(data, []).append(node)


# --- a weight that is also read as it is ---------------------------------------------------------------------
def _transposed_product(node: OnnxNode, uses: Uses) -> Iterator[OnnxNode]:
    """A matrix times a transposed weight is a Gemm, which reads the weight as it is."""
    turned = uses.maker.get(node.inputs[1]) if node.op == "MatMul" else None
    if turned is None or turned.op != "Transpose" or turned.domain or uses.constant(turned, 0) is None:
        return
    if (
        uses.source.type_of(node.inputs[0]).rank == 2
        and uses.source.type_of(node.inputs[1]).elem == TensorProto.FLOAT
    ):
        node.rewrite("Gemm", [node.inputs[0], turned.inputs[0]], {"transB": 1})
    yield from ()


# --- what belongs to a convolution ---------------------------------------------------------------------------
def _pad_into_convolution(node: OnnxNode, uses: Uses) -> Iterator[OnnxNode]:
    """Zeros around the space of a convolution's input are the convolution's own padding."""
    if node.op != "Conv" or node.attributes.get("auto_pad", "NOTSET") not in ("NOTSET", "VALID"):
        return
    pad = uses.sole_maker(node.inputs[0], "Pad")
    rank = None if pad is None else uses.source.type_of(pad.inputs[0]).rank
    if pad is None or rank is None or rank < 3 or pad.attributes.get("mode", "constant") != "constant":
        return
    amounts = _amounts(pad, rank, uses)
    value = uses.constant(pad, 2) if len(pad.inputs) > 2 and pad.inputs[2] else np.asarray(0.0)
    if amounts is None or value is None or np.any(value) or pad.attributes.get("value", 0.0) != 0.0:
        return
    if min(amounts) < 0 or any(amounts[index] for index in (0, 1, rank, rank + 1)):
        return
    own = list(node.attributes.get("pads", [0] * 2 * (rank - 2)))
    extra = amounts[2:rank] + amounts[rank + 2 :]
    attributes = {**node.attributes, "pads": [a + b for a, b in zip(own, extra, strict=True)]}
    attributes.pop("auto_pad", None)
    node.rewrite("Conv", [pad.inputs[0], *node.inputs[1:]], attributes)
    yield pad


def _amounts(pad: OnnxNode, rank: int, uses: Uses) -> list[int] | None:
    amounts = pad.attributes.get("pads", uses.constant(pad, 1))
    if amounts is None or (len(pad.inputs) > 3 and pad.inputs[3]) or len(amounts) != 2 * rank:
        return None
    return [int(amount) for amount in amounts]


def _batch_norm(node: OnnxNode, uses: Uses) -> Iterator[OnnxNode]:
    """A product and a sum with one number per channel behind a convolution become its BatchNorm."""
    if node.op not in ("Add", "Sub") or uses.source.type_of(node.outputs[0]).elem != TensorProto.FLOAT:
        return
    for data, number in ((0, 1),) if node.op == "Sub" else ((0, 1), (1, 0)):
        product = uses.sole_maker(node.inputs[data], "Mul", "Div")
        if product is None:
            continue
        for inner, factor in ((0, 1),) if product.op == "Div" else ((0, 1), (1, 0)):
            layer = uses.sole_maker(product.inputs[inner], *_CONVOLUTIONS)
            scale, shift = uses.constant(product, factor), uses.constant(node, number)
            if layer is None or scale is None or shift is None:
                continue
            factors = _per_channel(scale, product.inputs[inner], uses.source)
            offsets = _per_channel(shift, product.inputs[inner], uses.source)
            if factors is None or offsets is None or (product.op == "Div" and not np.all(factors)):
                continue
            factors = (1.0 / factors if product.op == "Div" else factors).astype(np.float32)
            _become_batch_norm(
                node, product.inputs[inner], factors, -offsets if node.op == "Sub" else offsets, uses
            )
            yield product
            return


def _per_channel(array: np.ndarray[Any, Any], data: str, source: Source) -> np.ndarray[Any, Any] | None:
    """The constant as one number per channel of this value; None if it has more axes, or varies along other axes."""
    dims = source.type_of(data).dims
    if dims is None or len(dims) < 3 or not isinstance(dims[1], int) or array.dtype != np.float32:
        return None
    if array.ndim > len(dims):
        return None
    shape = (1,) * (len(dims) - array.ndim) + array.shape
    if any(size != 1 for axis, size in enumerate(shape) if axis != 1) or shape[1] not in (1, dims[1]):
        return None
    spread: np.ndarray[Any, Any] = np.array(np.broadcast_to(array.reshape(shape[1]), (dims[1],)))
    return spread


def _become_batch_norm(
    node: OnnxNode, data: str, scale: np.ndarray[Any, Any], shift: np.ndarray[Any, Any], uses: Uses
) -> None:
    parts = {
        "scale": scale,
        "shift": shift,
        "mean": np.zeros_like(scale),
        "variance": np.ones_like(scale),
    }
    names = [
        uses.add_constant(f"{node.name or node.outputs[0]}_{part}", array) for part, array in parts.items()
    ]
    node.rewrite("BatchNormalization", [data, *names], {"epsilon": 0.0})
