"""Structure of a model, checked before any of it is handed to native code or allocated."""

from __future__ import annotations

from collections.abc import Iterator

import onnx
from onnx import AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto

from ..errors import InvalidModelError
from ..protos import subgraphs
from ..tensors import check_tensor

__all__ = [
    "MAX_DEPTH",
    "check_attributes",
    "check_graph",
    "check_header",
    "outer_names",
    "sort_nodes",
    "tensors_of",
    "use_one_domain",
]

MAX_DEPTH = 24
_STANDARD = ("", "ai.onnx")
_LIMIT = 1 << 31
_POSITIVE = frozenset(
    {
        "kernel_shape",
        "strides",
        "dilations",
        "group",
        "blocksize",
        "num_outputs",
        "block_size",
        "num_heads",
        "q_num_heads",
        "kv_num_heads",
        "hidden_size",
        "num_groups",
    }
)
_BOUNDED = frozenset(
    {
        "pads",
        "output_padding",
        "output_shape",
        "axis",
        "axes",
        "perm",
        "split",
        "shape",
        "keepdims",
        "batch_axis",
        "time_axis",
        "select_last_index",
        "start",
        "end",
        "size",
        "detect_positive",
    }
)
_NOT_NEGATIVE = frozenset({"batch_dims"})


def _node_tensors(nodes: list[NodeProto], depth: int) -> Iterator[tuple[TensorProto, str]]:
    for node in nodes:
        for attribute in node.attribute:
            where = f"attribute {attribute.name!r} of node {node.name!r} ({node.op_type})"
            if attribute.HasField("t"):
                yield attribute.t, where
            for tensor in attribute.tensors:
                yield tensor, where
        for graph in subgraphs(node):
            yield from tensors_of(graph, depth + 1)


def tensors_of(part: GraphProto | FunctionProto, depth: int = 0) -> Iterator[tuple[TensorProto, str]]:
    """Every dense tensor of the graph or function, with a description of its place.

    InvalidModelError past MAX_DEPTH.
    """
    if depth > MAX_DEPTH:
        raise InvalidModelError(f"graphs nested more than {MAX_DEPTH} deep")
    if isinstance(part, GraphProto):
        if len(part.sparse_initializer):
            raise InvalidModelError("sparse initialisers are not supported; store them as dense tensors")
        for tensor in part.initializer:
            yield tensor, f"initialiser {tensor.name!r}"
    yield from _node_tensors(list(part.node), depth)


def _domain(name: str) -> str:
    return "" if name in _STANDARD else name


def use_one_domain(model: ModelProto) -> None:
    """Writes the domain of the standard operators as "" everywhere (in place); "ai.onnx" is its other name."""
    parts: list[ModelProto | FunctionProto] = [model, *model.functions]
    for part in parts:
        opsets = {_domain(entry.domain): entry.version for entry in part.opset_import}
        del part.opset_import[:]
        part.opset_import.extend(onnx.helper.make_opsetid(*entry) for entry in opsets.items())
    for graph in [model.graph, *model.functions]:
        _rename_domains(list(graph.node), 0)


def _rename_domains(nodes: list[NodeProto], depth: int) -> None:
    if depth > MAX_DEPTH:
        raise InvalidModelError(f"graphs nested more than {MAX_DEPTH} deep")
    for node in nodes:
        if node.domain in _STANDARD:
            node.domain = ""
        for graph in subgraphs(node):
            _rename_domains(list(graph.node), depth + 1)


def check_header(model: ModelProto) -> dict[str, int]:
    """Version fields; returns the opset of every domain ("ai.onnx" counts as "")."""
    if not model.HasField("ir_version") or not model.HasField("graph"):
        raise InvalidModelError("not an ONNX model: no IR version or no graph")
    if not 3 <= model.ir_version <= onnx.IR_VERSION:
        raise InvalidModelError(f"IR version {model.ir_version}, expected 3 to {onnx.IR_VERSION}")
    opsets: dict[str, int] = {}
    imported: set[str] = set()
    standard = {entry.version for entry in model.opset_import if entry.domain in _STANDARD}
    for entry in model.opset_import:
        domain = _domain(entry.domain)
        again = domain in opsets and (entry.domain in imported or len(standard) > 1)
        if again or entry.version < 1:
            raise InvalidModelError(f"bad or repeated opset import for domain {domain!r}: {entry.version}")
        imported.add(entry.domain)
        opsets[domain] = entry.version
    newest = onnx.defs.onnx_opset_version()
    if opsets.get("", 1) > newest:
        raise InvalidModelError(f"opset {opsets['']}, expected 1 to {newest}")
    if not opsets:
        raise InvalidModelError("not an ONNX model: no opset import")
    return opsets


def _check_value(value: ValueInfoProto, where: str) -> None:
    if not value.name:
        raise InvalidModelError(f"{where} without a name")
    tensor = value.type.tensor_type
    if value.type.HasField("tensor_type"):
        if tensor.elem_type not in TensorProto.DataType.values():
            raise InvalidModelError(f"{where} {value.name!r}: unknown element type {tensor.elem_type}")
        for dim in tensor.shape.dim:
            if dim.dim_value == -1:  # what some converters write for a free dim
                dim.ClearField("dim_value")
            elif dim.HasField("dim_value") and not 0 <= dim.dim_value < 1 << 48:
                raise InvalidModelError(f"{where} {value.name!r}: dimension {dim.dim_value}")


def check_attributes(node: NodeProto) -> None:
    """Unique names, and no value on which shape inference could divide by zero, overflow or run out of range."""
    _check_split(node)
    names = [attribute.name for attribute in node.attribute]
    if len(set(names)) != len(names) or "" in names:
        raise InvalidModelError(f"node {node.name!r} ({node.op_type}): unnamed or repeated attribute")
    for attribute in node.attribute:
        if attribute.type not in (AttributeProto.INT, AttributeProto.INTS):
            continue
        values = [attribute.i, *attribute.ints]
        if attribute.name in _POSITIVE:
            values = list(attribute.ints) if attribute.type == AttributeProto.INTS else [attribute.i]
            low = 1
        elif attribute.name in _BOUNDED or attribute.name in _NOT_NEGATIVE:
            low = -_LIMIT if attribute.name in _BOUNDED else 0
        else:
            continue
        if any(not low <= value < _LIMIT for value in values) or len(values) > 1 << 16:
            raise InvalidModelError(
                f"node {node.name!r} ({node.op_type}): attribute {attribute.name} = {values[:8]} is "
                f"out of range"
            )


def _check_split(node: NodeProto) -> None:
    """As many parts as outputs: shape inference counts on it."""
    if node.op_type != "Split":
        return
    for attribute in node.attribute:
        parts = {"num_outputs": attribute.i, "split": len(attribute.ints)}.get(attribute.name)
        if parts is not None and parts != len(node.output):
            raise InvalidModelError(
                f"node {node.name!r} (Split): {len(node.output)} outputs, but {parts} parts"
            )


def _define(name: str, known: set[str], where: str) -> None:
    if name in known:
        raise InvalidModelError(f"{where}: the name {name!r} is defined twice")
    known.add(name)


def sort_nodes(graph: GraphProto, outer: frozenset[str] | set[str] = frozenset()) -> None:
    """Puts the nodes in topological order (stable); InvalidModelError for an undefined input or a cycle."""
    known = set(outer) | {value.name for value in graph.input} | {tensor.name for tensor in graph.initializer}
    producer = {name: index for index, node in enumerate(graph.node) for name in node.output if name}
    needs: list[set[int]] = []
    for node in graph.node:
        mine: set[int] = set()
        for name in [*node.input, *outer_names(node)]:
            if not name or name in known:
                continue
            if name not in producer:
                raise InvalidModelError(
                    f"node {node.name!r} ({node.op_type}): input {name!r} is defined nowhere"
                )
            mine.add(producer[name])
        needs.append(mine)
    if all(all(parent < index for parent in mine) for index, mine in enumerate(needs)):
        return
    order = _kahn(needs)
    if len(order) != len(needs):
        stuck = graph.node[next(index for index in range(len(needs)) if index not in set(order))]
        raise InvalidModelError(f"the graph has a cycle through node {stuck.name!r} ({stuck.op_type})")
    nodes = [NodeProto() for _ in order]
    for copy, index in zip(nodes, order, strict=True):
        copy.CopyFrom(graph.node[index])
    del graph.node[:]
    graph.node.extend(nodes)


def _kahn(needs: list[set[int]]) -> list[int]:
    import heapq

    children: list[list[int]] = [[] for _ in needs]
    for index, mine in enumerate(needs):
        for parent in mine:
            children[parent].append(index)
    waiting = [len(mine) for mine in needs]
    ready = [index for index, count in enumerate(waiting) if count == 0]
    order: list[int] = []
    while ready:
        index = heapq.heappop(ready)
        order.append(index)
        for child in children[index]:
            waiting[child] -= 1
            if waiting[child] == 0:
                heapq.heappush(ready, child)
    return order


def outer_names(node: NodeProto, depth: int = 0) -> list[str]:
    """Names that the node's subgraphs use and do not define themselves, in order of first use."""
    if depth > MAX_DEPTH:
        raise InvalidModelError(f"graphs nested more than {MAX_DEPTH} deep")
    found: dict[str, None] = {}
    for graph in subgraphs(node):
        known = {value.name for value in graph.input} | {tensor.name for tensor in graph.initializer}
        for inner in graph.node:
            for name in [*inner.input, *outer_names(inner, depth + 1)]:
                if name and name not in known:
                    found[name] = None
            known.update(inner.output)
        for output in graph.output:
            if output.name not in known:
                found[output.name] = None
    return list(found)


def check_graph(graph: GraphProto, outer: set[str], depth: int = 0) -> None:
    """Tensors, names (single assignment), inputs and attributes of the graph and of all graphs in it; sorts
    the nodes."""
    if depth > MAX_DEPTH:
        raise InvalidModelError(f"graphs nested more than {MAX_DEPTH} deep")
    known: set[str] = set()
    for value in graph.input:
        _check_value(value, "graph input")
        _define(value.name, known, "graph inputs")
    initialisers: set[str] = set()
    for tensor in graph.initializer:
        check_tensor(tensor, f"initialiser {tensor.name!r}", external=True)
        if not tensor.name:
            raise InvalidModelError("initialiser without a name")
        _define(tensor.name, initialisers, "initialisers")
    known |= initialisers
    for node in graph.node:
        if not node.op_type:
            raise InvalidModelError(f"node {node.name!r} without an operator type")
        check_attributes(node)
        for name in node.output:
            if name:
                _define(name, known, f"node {node.name!r} ({node.op_type})")
    sort_nodes(graph, outer)
    for value in graph.value_info:
        _check_value(value, "value info")
    outputs: set[str] = set()
    for value in graph.output:
        _check_value(value, "graph output")
        _define(value.name, outputs, "graph outputs")
        if value.name not in known and value.name not in outer:
            raise InvalidModelError(f"graph output {value.name!r} is defined nowhere")
    for node in graph.node:
        for inner in subgraphs(node):
            check_graph(inner, outer | known, depth + 1)
