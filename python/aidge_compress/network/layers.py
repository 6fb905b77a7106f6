"""Which nodes of a graph are layers: kinds, and the choice of those to analyse."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable

import numpy as np
from aidge_core import GraphView, Node

__all__ = ["broken_layers", "closed_layers", "kind_name", "select_layers", "warn_of_broken_layers"]

_CONVOLUTIONS = ("Conv1D", "Conv2D", "Conv3D", "ConvTranspose1D", "ConvTranspose2D", "ConvTranspose3D")
_LINEAR = ("FC", "Gemm", "MatMul")
_NORMALISED = (
    "BatchNorm1D",
    "BatchNorm2D",
    "BatchNorm3D",
    "InstanceNorm",
    "LayerNorm",
    "RMSNorm",
    "GroupNorm",
)
_OTHER_FLOATS = ("float16", "bfloat16", "float64")
_INTEGER_LAYERS = frozenset(
    {
        "QLinearConv",
        "QLinearMatMul",
        "QGemm",
        "QLinearAdd",
        "QLinearConcat",
        "ConvInteger",
        "MatMulInteger",
        "DynamicQuantizeLinear",
    }
)
_LAYERS_OF_ONNX = ("Conv", "ConvTranspose", "Gemm", "MatMul")
_KINDS = {
    **{f"Conv{d}D": f"CONV_{d}D" for d in (1, 2, 3)},
    **{f"ConvTranspose{d}D": f"CONV_TRANSPOSE_{d}D" for d in (1, 2, 3)},
    **{f"MaxPooling{d}D": f"MAX_POOLING_{d}D" for d in (1, 2, 3)},
    **{f"AvgPooling{d}D": f"AVERAGE_POOLING_{d}D" for d in (1, 2, 3)},
    **{f"BatchNorm{d}D": f"BATCH_NORM_{d}D" if d > 1 else "BATCH_NORM" for d in (1, 2, 3)},
    **dict.fromkeys(_LINEAR, "LINEAR"),
    "Dropout": "DROPOUT",
    "Sigmoid": "SIGMOID",
    "Tanh": "TANH",
    "ReLU": "RELU",
    "LeakyReLU": "LEAKY_RELU",
    "PReLU": "PRELU",
    "Softmax": "SOFTMAX",
}


def kind_name(node: Node) -> str:
    """Return the name of the node's ResponseInfo.LayerKind, "UNKNOWN" if it has none."""
    if node.type() == "Clip":
        attributes = node.get_operator().attr
        return "RELU6" if (attributes.min, attributes.max) == (0.0, 6.0) else "UNKNOWN"
    return _KINDS.get(node.type(), "UNKNOWN")


def closed_layers(graph: GraphView) -> str:
    """Names the layers that no method can change, with the reason: integer operators, weights behind DequantizeLinear in a form that is not
    native (blocks, 4 bits), or of another type than float32; "" if there are none."""
    found: dict[str, list[str]] = {}
    for node in graph.get_ordered_nodes(deep=True):
        attributes = node.get_operator().attr
        reason = str(attributes.onnx_reason) if attributes.has_attr("onnx_reason") else ""
        kind = reason.rpartition(" ")[2]
        operator = node.type().rpartition("::")[2]
        if not node.get_operator().is_generic():
            continue
        if operator in _INTEGER_LAYERS:
            found.setdefault(_integer(operator), []).append(node.name())
        elif reason.endswith("behind DequantizeLinear"):
            found.setdefault("weights behind DequantizeLinear", []).append(node.name())
        elif kind in _OTHER_FLOATS and node.type().removeprefix("onnx::") in _LAYERS_OF_ONNX:
            cure = f"{kind} (aidge_onnx.load_onnx(path, in_float32=True) reads such a network in float32)"
            found.setdefault(cure, []).append(node.name())
    return "; ".join(f"{_listed(names)}: {reason}" for reason, names in found.items())


def broken_layers(graph: GraphView) -> str:
    """Names the layers whose weights hold NaN or infinity, with how many values they are; "" if there are none."""
    found = []
    for node in graph.get_ordered_nodes(deep=True):
        if node.type() not in _CONVOLUTIONS + _LINEAR + _NORMALISED:
            continue
        parents = [
            parent for parent in node.get_parents() if parent is not None and parent.type() == "Producer"
        ]
        weights = [np.asarray(parent.get_operator().get_output(0)) for parent in parents]
        weights = [array for array in weights if array.dtype.kind == "f"]
        bad = sum(array.size - int(np.count_nonzero(np.isfinite(array))) for array in weights)
        if bad:
            found.append(f"{node.name()} ({bad} of {sum(array.size for array in weights)} values)")
    return _listed(found)


def warn_of_broken_layers(graph: GraphView) -> None:
    """Warns with the names of the layers whose weights hold NaN or infinity, if there are some."""
    if names := broken_layers(graph):
        warnings.warn(f"weights of these layers hold NaN or infinity: {names}", stacklevel=3)


def _integer(operator: str) -> str:
    form = (
        "dynamically quantised"
        if operator.endswith("Integer") or operator.startswith("Dynamic")
        else "of the form QOperator"
    )
    return f"{operator}, {form}: write the network in the form QDQ, for example by aidge quantize from the float32 network"


def _listed(names: list[str]) -> str:
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")


def _has_weight(node: Node) -> bool:
    """True for a convolution or a product with a constant."""
    if node.type() not in _CONVOLUTIONS + _LINEAR:
        return False
    parent = node.get_parent(1)
    return parent is not None and parent.type() == "Producer"


def _weighted(node: Node) -> list[Node]:
    """Layers with weights that `node` is or, if it is a meta operator, holds."""
    operator = node.get_operator()
    if not operator.is_meta():
        return [node] if _has_weight(node) else []
    return [inner for inner in operator.get_micro_graph().get_ordered_nodes(deep=True) if _has_weight(inner)]


def _last_layers(graph: GraphView) -> set[Node]:
    """Layers with weights from which an output is reached without another one."""
    last: set[Node] = set()
    seen: set[Node] = set()
    stack = [node for node, _ in graph.get_ordered_outputs()]
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        layers = _weighted(node)
        last.update(layers)
        if not layers:
            stack.extend(parent for parent in node.get_parents() if parent is not None)
    return last


def _by_name(graph: GraphView, nodes: list[Node], wanted: Iterable[str | Node]) -> list[Node]:
    names = {node.name(): node for node in nodes}
    chosen: set[Node] = set()
    for entry in wanted:
        if isinstance(entry, Node):
            chosen.add(entry)
        elif entry in names:
            chosen.add(names[entry])
        elif any(node.type() == entry for node in nodes):
            chosen.update(node for node in nodes if node.type() == entry)
        else:
            graph.get_node(entry)  # raises, naming the nearest names
    missing = [node.name() for node in chosen if node not in nodes]
    if missing:
        raise ValueError(f"[pfa::layers] expected nodes of the graph that compute something, got {missing}")
    return [node for node in nodes if node in chosen]


def select_layers(
    graph: GraphView, layers: Iterable[str | Node] | Callable[[Node], bool] | None
) -> list[Node]:
    """Return the layers to analyse in the order of the graph; see PFA.introspect_model.

    Raises:
        ValueError: if none is left, a name is unknown, two have one name, or a layer's units are not on axis 1.
    """
    nodes = [node for node in graph.get_ordered_nodes(deep=True) if node.type() != "Producer"]
    if layers is None:
        last = _last_layers(graph)
        chosen = [
            node for node in nodes if _has_weight(node) and node not in last and not _units_elsewhere(node)
        ]
    elif callable(layers):
        chosen = [node for node in nodes if layers(node)]
        _warn_of_classifiers(graph, chosen)
    else:
        chosen = _by_name(graph, nodes, [layers] if isinstance(layers, str) else layers)
    if not chosen:
        reason = closed_layers(graph)
        raise ValueError(f"[pfa::layers] expected at least one layer, got none{reason and f' ({reason})'}")
    names = [node.name() for node in chosen]
    if len(set(names)) != len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise ValueError(f"[pfa::layers] expected layers of different names, got two of {twice}")
    elsewhere = [node.name() for node in chosen if _units_elsewhere(node)]
    if elsewhere:
        raise ValueError(
            f"[pfa::layers] expected layers with their units on axis 1, got products along the last axis: {elsewhere}"
        )
    return chosen


def _warn_of_classifiers(graph: GraphView, chosen: list[Node]) -> None:
    last = _last_layers(graph)
    names = [node.name() for node in chosen if node in last]
    if names:
        warnings.warn(
            f"{', '.join(names)}: the last layer with weights is analysed, too; its units are the outputs, which cannot be removed: leave it out "
            "in the filter, or name the layers",
            stacklevel=4,
        )


def _units_elsewhere(node: Node) -> bool:
    """True for a matrix product of more than two axes, whose units are on the last one."""
    return node.type() in ("Gemm", "MatMul") and len(node.get_operator().get_output(0).dims) > 2
