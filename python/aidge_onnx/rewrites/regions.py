"""Sequences, optionals, strings and other values that no tensor of this library holds: the nodes between which they pass become one."""

from __future__ import annotations

from collections.abc import Sequence

from onnx import GraphProto, ValueInfoProto, helper

from ..generic import REGION
from ..reading.source import OnnxNode, Source

__all__ = ["join_regions"]


def join_regions(source: Source) -> None:
    """Puts one node, with the others as a graph inside it, in the place of all nodes that exchange such values."""
    foreign = source.foreign | set(source.opaque)
    if not any(name in foreign for node in source.nodes for name in [*node.uses(), *node.outputs]):
        return
    parts = _groups(source, foreign)
    place = {index: number for number, part in enumerate(parts) for index in part}
    made: dict[int, OnnxNode] = {}
    nodes: list[OnnxNode] = []
    for index, node in enumerate(source.nodes):
        if index not in place:
            nodes.append(node)
        elif place[index] not in made:
            made[place[index]] = _region(
                [source.nodes[member] for member in sorted(parts[place[index]])], source
            )
            nodes.append(made[place[index]])
    source.nodes = _sorted(nodes)
    for name in [name for name in source.opaque if not any(name in node.uses() for node in source.nodes)]:
        del source.opaque[name]


def _groups(source: Source, foreign: set[str]) -> list[set[int]]:
    """Sets of nodes that belong together. No way leads out of a set and back into it."""
    nodes = source.nodes
    maker = {name: index for index, node in enumerate(nodes) for name in node.outputs if name}
    parents = [{maker[name] for name in node.uses() if name in maker} for node in nodes]
    group = list(range(len(nodes)))

    def find(index: int) -> int:
        while group[index] != index:
            index = group[index]
        return index

    touched: set[int] = set()
    for index, node in enumerate(nodes):
        for name in node.uses():
            if name in foreign:
                touched.add(index)
                if name in maker:
                    touched.add(maker[name])
                    group[find(index)] = find(maker[name])
    while True:
        sets: dict[int, set[int]] = {}
        for index in touched:
            sets.setdefault(find(index), set()).add(index)
        between = [(min(part), _between(part, parents) - part) for part in sets.values()]
        if not any(extra for _, extra in between):
            return list(sets.values())
        for first, extra in between:
            for index in extra:
                touched.add(index)
                group[find(index)] = find(first)


def _between(part: set[int], parents: list[set[int]]) -> set[int]:
    """Nodes that depend on one of the part and on which one of the part depends."""
    below: set[int] = set()
    for index in range(min(part), max(part) + 1):
        if parents[index] & (below | part):
            below.add(index)
    above: set[int] = set()
    for index in range(max(part), min(part) - 1, -1):
        if index in part or index in above:
            above |= parents[index]
    return below & above


def _region(nodes: Sequence[OnnxNode], source: Source) -> OnnxNode:
    made = {name for node in nodes for name in node.outputs if name}
    read = list(dict.fromkeys(name for node in nodes for name in node.uses() if name not in made))
    inside = {id(node) for node in nodes}
    outside = {name for node in source.nodes if id(node) not in inside for name in node.uses()}
    outside |= {value.name for value in source.outputs}
    body = GraphProto(name="region")
    for name in read:
        if name in source.opaque:
            body.node.append(helper.make_node("Constant", [], [name], value=source.opaque[name]))
    body.node.extend(node.to_proto() for node in nodes)
    inputs = [name for name in read if name not in source.opaque]
    outputs = [name for node in nodes for name in node.outputs if name and name in outside]
    body.input.extend(ValueInfoProto(name=name) for name in inputs)
    body.output.extend(ValueInfoProto(name=name) for name in outputs)
    name = f"{nodes[-1].name}_region" if nodes[-1].name else ""
    proto = helper.make_node("Region", inputs, outputs, name, domain=REGION, body=body)
    return OnnxNode.read(proto)


def _sorted(nodes: list[OnnxNode]) -> list[OnnxNode]:
    """In topological order; a region may stand before what it reads."""
    maker = {name: node for node in nodes for name in node.outputs if name}
    order: list[OnnxNode] = []
    state: dict[int, int] = {}
    for start in nodes:
        stack = [start]
        while stack:
            node = stack[-1]
            if state.get(id(node)) == 2:
                stack.pop()
                continue
            waiting = [maker[n] for n in node.uses() if n in maker and state.get(id(maker[n])) != 2]
            if state.get(id(node)) == 1 or not waiting:
                if waiting:
                    raise ValueError("values that only ONNX has pass between nodes in both directions")
                state[id(node)] = 2
                order.append(node)
                stack.pop()
                continue
            state[id(node)] = 1
            stack.extend(waiting)
    return order
