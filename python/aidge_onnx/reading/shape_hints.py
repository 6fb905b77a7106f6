"""Dims of values that are made to a shape which is computed from dims known only at run time, or scaled.

ONNX shape inference can follow such computations too (`data_prop`), but it takes memory in proportion to
the dims, which a hostile file
chooses."""

from __future__ import annotations

from itertools import zip_longest

from .source import OnnxNode, Source
from .symbolic import Dim, Sym

__all__ = ["hinted_dims"]


def hinted_dims(source: Source, node: OnnxNode) -> tuple[Dim, ...] | None:
    """Dims of the node's first output, from the symbolic value of its shape input; None if that says
    nothing."""
    if node.op in ("Resize", "Upsample") and not node.domain:
        dims = _scaled(source, node)
        if dims is not None:
            return dims
    shape_input = {"ConstantOfShape": 0, "Expand": 1, "Resize": 3}.get(node.op)
    if node.domain or shape_input is None or shape_input >= len(node.inputs):
        return None
    target = source.symbolic.get(node.inputs[shape_input])
    if target is None or target.ndim != 1:
        return None
    wanted = [element if isinstance(element, Sym) else int(element) for element in target]
    if node.op != "Expand":
        return tuple(wanted)
    dims = source.type_of(node.inputs[0]).dims
    return None if dims is None else _broadcast(dims, wanted, node.outputs[0])


def _scaled(source: Source, node: OnnxNode) -> tuple[Dim, ...] | None:
    """Dims after scaling by constants, if a free dim is scaled by 1, which keeps it; else None."""
    index = 2 if node.op == "Resize" and source.opset >= 11 else 1
    scales = node.attributes.get("scales")
    if scales is None and index < len(node.inputs):
        scales = source.constants.get(node.inputs[index])
    dims = source.type_of(node.inputs[0]).dims
    if scales is None or dims is None or len(scales) != len(dims) or "axes" in node.attributes:
        return None
    if not any(isinstance(dim, Sym) and float(scale) == 1.0 for dim, scale in zip(dims, scales, strict=True)):
        return None
    # What is scaled by something else is left to the inference, which knows how it is rounded.
    return tuple(
        dim if float(scale) == 1.0 else Sym((f"{node.outputs[0]}:{axis}",))
        for axis, (dim, scale) in enumerate(zip(dims, scales, strict=True))
    )


def _broadcast(left: tuple[Dim, ...], right: list[Dim], name: str) -> tuple[Dim, ...]:
    result: list[Dim] = []
    for one, other in zip_longest(reversed(left), reversed(right), fillvalue=1):
        if one == other or other == 1:
            result.append(one)
        elif one == 1:
            result.append(other)
        else:
            result.append(Sym((f"{name}:{len(result)}",)))
    return tuple(reversed(result))
