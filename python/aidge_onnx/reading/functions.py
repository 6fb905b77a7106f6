"""Model-local functions are inlined; recursive ones and those that would blow the graph up are refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from onnx import FunctionProto, ModelProto, NodeProto

from ..errors import InvalidModelError
from ..protos import subgraphs
from .checks import MAX_DEPTH, check_attributes

__all__ = ["inline_functions"]

MAX_NODES = 1_000_000
_Key = tuple[str, str, str]


def _calls(nodes: Iterable[NodeProto], depth: int = 0) -> Iterator[_Key]:
    if depth > MAX_DEPTH:
        raise InvalidModelError(f"graphs nested more than {MAX_DEPTH} deep")
    for node in nodes:
        yield node.domain, node.op_type, node.overload
        for graph in subgraphs(node):
            yield from _calls(graph.node, depth + 1)


def _expanded_sizes(functions: dict[_Key, FunctionProto]) -> dict[_Key, int]:
    """Nodes of every function after inlining all that it calls."""
    sizes: dict[_Key, int] = {}
    active: list[tuple[_Key, Iterator[_Key]]] = []
    on_path: set[_Key] = set()
    for root in functions:
        if root in sizes:
            continue
        active.append((root, _calls(functions[root].node)))
        on_path.add(root)
        sizes[root] = 0
        while active:
            key, calls = active[-1]
            callee = next(calls, None)
            if callee is None:
                active.pop()
                on_path.discard(key)
                if active:
                    sizes[active[-1][0]] += sizes[key]
            elif callee in on_path:
                raise InvalidModelError(f"the function {callee[1]!r} of domain {callee[0]!r} calls itself")
            elif callee not in functions:
                sizes[key] += 1
            elif callee in sizes:
                sizes[key] += sizes[callee]
            else:
                if len(active) >= 64:
                    raise InvalidModelError("functions call each other more than 64 deep")
                sizes[callee] = 0
                on_path.add(callee)
                active.append((callee, _calls(functions[callee].node)))
            if sizes[key] > MAX_NODES:
                raise InvalidModelError(f"the model's functions expand to more than {MAX_NODES} nodes")
    return sizes


def inline_functions(model: ModelProto) -> ModelProto:
    """The model without local functions (the same model if it has none).

    Its big weights should be out of the way already.
    """
    if not len(model.functions):
        return model
    functions: dict[_Key, FunctionProto] = {}
    for function in model.functions:
        key = (function.domain, function.name, function.overload)
        if key in functions:
            raise InvalidModelError(
                f"the function {function.name!r} of domain {function.domain!r} is defined twice"
            )
        for node in function.node:
            check_attributes(node)
        functions[key] = function
    sizes = _expanded_sizes(functions)
    total = sum(sizes.get(call, 1) for call in _calls(model.graph.node))
    if total > MAX_NODES:
        raise InvalidModelError(f"the model's functions expand to {total} nodes, more than {MAX_NODES}")
    import onnx.inliner

    try:
        inlined = onnx.inliner.inline_local_functions(model, convert_version=True)
    except Exception as error:  # the inliner does not define an exception type
        raise InvalidModelError(f"functions cannot be inlined: {error}") from error
    if len(inlined.functions):
        raise InvalidModelError(
            f"functions cannot be inlined: {', '.join(function.name for function in inlined.functions)}"
        )
    return inlined
