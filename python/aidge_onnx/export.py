"""From a graph to a ModelProto or an ONNX file."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import aidge_core
import numpy as np
import onnx
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto, helper

from .converters import EXPORTERS
from .tensors import onnx_type_of, to_proto
from .writing.float_types import restore_float_types
from .writing.quantised import restore_quantised
from .writing.saving import replace_files
from .writing.writer import NeedsOpset, Writer

__all__ = ["export_onnx", "to_model_proto"]

InputDims: TypeAlias = Sequence[Sequence[int | None]]
_FROM_SCRATCH = 17
_MODERN = 13
_MAX_PROTO = (1 << 31) - (1 << 20)


def export_onnx(
    graph: aidge_core.GraphView,
    path: str | os.PathLike[str],
    *,
    opset: int | None = None,
    ir_version: int | None = None,
    input_dims: InputDims | None = None,
    external_data: bool | None = None,
    notes: Mapping[str, str] | None = None,
) -> None:
    """Writes the graph as an ONNX file, checked by onnx.checker and strict shape inference.

    opset: version of the standard operators (7 or newer); by default the source's, raised to at least 13
        if the graph has no generic operators, and 17 for graphs that did not come from ONNX.
    ir_version: by default the oldest that fits the opset, at least 8.
    input_dims: dims of the graph inputs, None for free ones; by default as declared, then as compiled with a
        free first dim.
    external_data: weights in a second file `<path>.data`; by default only if the model would exceed 2 GB.
    notes: node name → text, for viewers such as Netron: it becomes the description of the node, and the shapes of all tensors are written too.
    Raises ValueError if the graph does not fit the opset or is not a valid model, or a note names an unknown node; OSError. On any error the
    file is as it was before.
    """
    target = Path(path)
    draft = _draft(graph, opset, ir_version, input_dims)
    if notes is not None:
        _annotate(graph, draft, notes)
    size = sum(array.nbytes for array in draft.arrays.values())
    if external_data or (external_data is None and size > _MAX_PROTO - draft.model.ByteSize()):
        _check(draft.check_model)
        replace_files(target, draft.model, draft.arrays)
        return
    data = _complete(draft).SerializeToString(deterministic=True)
    _check(data)
    replace_files(target, data)


def to_model_proto(
    graph: aidge_core.GraphView,
    *,
    opset: int | None = None,
    ir_version: int | None = None,
    input_dims: InputDims | None = None,
) -> ModelProto:
    """The graph as a checked ModelProto; arguments and errors as in export_onnx."""
    draft = _draft(graph, opset, ir_version, input_dims)
    model = _complete(draft)
    size = sum(array.nbytes for array in draft.arrays.values()) + draft.model.ByteSize()
    _check(draft.check_model if size > _MAX_PROTO else model.SerializeToString())
    return model


@dataclass(frozen=True)
class _Draft:
    """A model without initialisers, the initialisers, and a small model that stands for both in checks."""

    model: ModelProto
    arrays: dict[str, np.ndarray[Any, Any]]
    check_model: ModelProto


def _complete(draft: _Draft) -> ModelProto:
    for name, array in draft.arrays.items():
        draft.model.graph.initializer.append(to_proto(array, name))
    return draft.model


def _annotate(graph: aidge_core.GraphView, draft: _Draft, notes: Mapping[str, str]) -> None:
    """Puts the notes on the nodes, and the shapes that can be inferred on the tensors."""
    known = {node.name() for node in graph.get_ordered_nodes(deep=True)}
    if unknown := sorted(set(notes) - known):
        raise ValueError(f"[aidge_onnx.export] expected notes of the graph's nodes, got {unknown}")
    for node in draft.model.graph.node:
        node.doc_string = "\n\n".join(text for text in (notes.get(node.name, ""), node.doc_string) if text)
    inferred = onnx.shape_inference.infer_shapes(draft.check_model)
    draft.model.graph.value_info.extend(inferred.graph.value_info)


def _check(model: ModelProto | bytes) -> None:
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ValueError(f"[aidge_onnx.export] expected a valid model, got: {str(error).strip()}") from error


# --- the header ---------------------------------------------------------------------------------------------
def _has_generic(graph: aidge_core.GraphView) -> bool:
    return any(node.get_operator().is_generic() for node in graph.get_ordered_nodes(deep=True))


def _default_opset(graph: aidge_core.GraphView, metadata: dict[str, str]) -> int:
    if "onnx.opset_imports" not in metadata:
        return _FROM_SCRATCH
    source = int(json.loads(metadata["onnx.opset_imports"]).get("", _FROM_SCRATCH))
    return source if _has_generic(graph) else max(source, _MODERN)


def _draft(
    graph: aidge_core.GraphView, opset: int | None, ir_version: int | None, input_dims: InputDims | None
) -> _Draft:
    metadata = dict(graph.metadata)
    newest = onnx.defs.onnx_opset_version()
    wished = _default_opset(graph, metadata) if opset is None else int(opset)
    if not 7 <= wished <= newest:
        raise ValueError(f"[aidge_onnx.export] expected opset 7 to {newest}, got {wished}")
    try:
        write = _write_nodes(graph, wished, metadata, input_dims)
    except NeedsOpset as error:
        if opset is not None or _has_generic(graph):
            raise
        write = _write_nodes(graph, error.version, metadata, input_dims)
    outputs = _output_infos(graph, write, metadata)
    check_model = write.skeleton(outputs)
    model = ModelProto()
    model.CopyFrom(check_model)
    del model.graph.initializer[:], model.graph.input[:]
    model.graph.input.extend(write.inputs_of_graph)
    minimum = helper.find_min_ir_version_for(list(model.opset_import), ignore_unknown=True)
    model.ir_version = check_model.ir_version = max(8, minimum) if ir_version is None else int(ir_version)
    _set_header(model, graph, metadata)
    return _Draft(model, write.initialisers, check_model)


def _set_header(model: ModelProto, graph: aidge_core.GraphView, metadata: dict[str, str]) -> None:
    model.graph.name = graph.name() or "graph"
    model.graph.doc_string = metadata.get("onnx.graph_doc_string", "")
    if "onnx.opset_imports" in metadata:
        model.producer_name = metadata.get("onnx.producer_name", "")
        model.producer_version = metadata.get("onnx.producer_version", "")
    else:
        model.producer_name = "aidge-compress"
    model.domain = metadata.get("onnx.domain", "")
    model.model_version = int(metadata.get("onnx.model_version", "0"))
    model.doc_string = metadata.get("onnx.doc_string", "")
    _add_properties(model, json.loads(metadata.get("onnx.metadata_props", "[]")))
    _add_properties(model.graph, json.loads(metadata.get("onnx.graph_metadata_props", "[]")))
    properties = json.loads(metadata.get("onnx.properties", '{"nodes": {}, "values": {}}'))
    texts = json.loads(metadata.get("onnx.doc_strings", '{"nodes": {}, "values": {}}'))
    for node in model.graph.node:
        node.doc_string = node.doc_string or texts["nodes"].get(node.name, "")
        if not node.metadata_props:
            _add_properties(node, properties["nodes"].get(node.name, []))
    for entry in [*model.graph.input, *model.graph.output]:
        entry.doc_string = texts["values"].get(entry.name, "")
        _add_properties(entry, properties["values"].get(entry.name, []))


def _add_properties(
    proto: ModelProto | GraphProto | NodeProto | ValueInfoProto, pairs: list[list[str]]
) -> None:
    for key, value in pairs:
        proto.metadata_props.add(key=key, value=value)


# --- inputs and outputs -------------------------------------------------------------------------------------
def _declared(name: str, declaration: dict[str, Any]) -> ValueInfoProto:
    dims = declaration["dims"]
    shape = None if dims is None else [dim if dim != "" else None for dim in dims]
    return helper.make_tensor_value_info(name, declaration["elem_type"], shape)


def _input_infos(
    graph: aidge_core.GraphView, metadata: dict[str, str], input_dims: InputDims | None
) -> list[ValueInfoProto]:
    specs = graph.input_specs
    if input_dims is not None and len(input_dims) != len(specs):
        raise ValueError(f"[aidge_onnx.export] expected dims of {len(specs)} inputs, got {len(input_dims)}")
    dim_params: dict[str, list[str]] = json.loads(metadata.get("onnx.dim_params", "{}"))
    infos = []
    for index, spec in enumerate(specs):
        dims = _dims_of(graph, index, input_dims)
        names = dim_params.get(spec.name, [])
        names = names if len(names) == len(dims) else [""] * len(dims)
        shape = [
            dim if dim is not None else name or ("batch" if axis == 0 else f"{spec.name}_dim{axis}")
            for axis, (dim, name) in enumerate(zip(dims, names, strict=True))
        ]
        infos.append(helper.make_tensor_value_info(spec.name, onnx_type_of(spec.dtype.name), shape))
    for index, name, declaration in json.loads(metadata.get("onnx.unused_inputs", "[]")):
        if all(info.name != name for info in infos):
            infos.insert(index, _declared(name, declaration))
    return infos


def _dims_of(graph: aidge_core.GraphView, index: int, input_dims: InputDims | None) -> list[int | None]:
    spec = graph.input_specs[index]
    if input_dims is not None:
        return [None if dim is None or dim < 0 else int(dim) for dim in input_dims[index]]
    if spec.dims is not None:
        return list(spec.dims)
    if graph.is_compiled and index < len(graph.compiled_dims):
        return [None, *graph.compiled_dims[index][1:]]
    raise ValueError(
        f"[aidge_onnx.export] expected a graph input with declared dims, got {spec.name!r} without; "
        f"pass input_dims"
    )


def _infer(write: Writer, outputs: list[str], *, data_prop: bool) -> ModelProto:
    model = write.skeleton([ValueInfoProto(name=name) for name in outputs])
    try:
        return onnx.shape_inference.infer_shapes(
            model, check_type=True, strict_mode=True, data_prop=data_prop
        )
    except onnx.shape_inference.InferenceError as error:
        raise ValueError(
            f"[aidge_onnx.export] expected shapes that fit, got: {str(error).strip()}"
        ) from error


def _output_infos(
    graph: aidge_core.GraphView, write: Writer, metadata: dict[str, str]
) -> list[ValueInfoProto]:
    names = [output.name for output in graph.output_specs]
    declared = json.loads(metadata.get("onnx.outputs", "{}"))
    inferred = _infer(write, names, data_prop=False)
    if not all(info.type.tensor_type.HasField("shape") for info in inferred.graph.output):
        inferred = _infer(write, names, data_prop=True)
    infos = []
    for info, name in zip(inferred.graph.output, names, strict=True):
        tensor = info.type.tensor_type
        elem = tensor.elem_type or declared.get(name, {}).get("elem_type", TensorProto.FLOAT)
        if tensor.HasField("shape"):
            wanted = declared.get(name, {}).get("dims") or []
            wanted = wanted if len(wanted) == len(tensor.shape.dim) else [""] * len(tensor.shape.dim)
            shape: Any = [
                dim.dim_value if dim.HasField("dim_value") else _free_dim(given, dim.dim_param)
                for dim, given in zip(tensor.shape.dim, wanted, strict=True)
            ]
        else:
            shape = [
                dim if dim != "" else None for dim in _dims_without_inference(graph, write, name, declared)
            ]
        infos.append(helper.make_tensor_value_info(name, elem, shape))
    return infos


def _free_dim(declared: int | str | None, inferred: str) -> str | None:
    """The name of a free dim of an output: the one that the source declares, else the inferred one."""
    return (declared if isinstance(declared, str) else "") or inferred or None


def _dims_without_inference(
    graph: aidge_core.GraphView, write: Writer, name: str, declared: dict[str, Any]
) -> list[Any]:
    dims = declared.get(name, {}).get("dims")
    if dims is not None:
        return list(dims)
    output = next(output for output in graph.output_specs if output.name == name)
    if output.dims is not None:
        return list(output.dims)
    rank = write.known_rank(name)
    if rank is not None:
        return [None] * rank
    raise ValueError(
        f"[aidge_onnx.export] expected a graph output of known rank, got {name!r} behind "
        f"{output.node.name()} ({output.node.type()})"
    )


# --- the nodes ----------------------------------------------------------------------------------------------
def _write_nodes(
    graph: aidge_core.GraphView, opset: int, metadata: dict[str, str], input_dims: InputDims | None
) -> Writer:
    write = Writer(graph, opset)
    write.inputs_of_graph = _input_infos(graph, metadata, input_dims)
    outputs = [(output.name, *_inside(output.node, output.index)) for output in graph.output_specs]
    passed = _passed_through(graph)
    write.passed = {node for node, _ in passed}
    write.reserve([info.name for info in write.inputs_of_graph])
    write.reserve([name for name, node, _ in outputs if (node.id(), name) not in passed])
    aliases = []
    for name, node, index in sorted(outputs, key=lambda entry: (entry[1].id(), entry[0]) not in passed):
        if node.get_operator().is_producer() or write.is_named(node, index):
            aliases.append((name, node, index))
        else:
            write.name_value(node, index, name)
    for spec in graph.input_specs:
        for node, index in spec.targets:
            write.feed(node, index, spec.name)
    _settle_names(graph, write)
    _write_graph(graph, write)
    for name, node, index in aliases:
        write.identity(name, write.output(node, index))
    if "onnx.quantised" in metadata:
        restore_quantised(write, json.loads(metadata["onnx.quantised"]))
    if "onnx.float_types" in metadata:
        write.outputs_of_graph = [name for name, _, _ in outputs]
        restore_float_types(write, json.loads(metadata["onnx.float_types"]))
    return write


def _passed_through(graph: aidge_core.GraphView) -> set[tuple[int, str]]:
    """Identities between a graph input and a graph output of the same name: in ONNX they are one value."""
    outputs = {(output.node.id(), output.name) for output in graph.output_specs}
    return {
        (node.id(), spec.name)
        for spec in graph.input_specs
        for node, _ in spec.targets
        if node.type() in ("Identity", "onnx::Identity") and (node.id(), spec.name) in outputs
    }


def _inside(node: aidge_core.Node, index: int) -> tuple[aidge_core.Node, int]:
    """Where an output of a meta operator really comes from."""
    while node.get_operator().is_meta():
        output = node.get_operator().get_micro_graph().output_specs[index]
        node, index = output.node, output.index
    return node, index


def _settle_names(graph: aidge_core.GraphView, write: Writer) -> None:
    """Names of nodes and producers of the outermost graph first."""
    nodes = graph.get_ordered_nodes()
    for node in nodes:
        if node.get_operator().is_producer():
            write.name_producer(node)
        elif not node.get_operator().is_meta():
            write.name_node(node)
    for node in nodes:
        if node.get_operator().is_meta():
            _settle_names(node.get_operator().get_micro_graph(), write)


def _write_graph(graph: aidge_core.GraphView, write: Writer) -> None:
    for node in graph.get_ordered_nodes():
        operator = node.get_operator()
        if operator.is_producer() or node.id() in write.passed:
            continue
        if operator.is_meta():
            _write_meta(node, operator.get_micro_graph(), write)
        elif operator.is_generic():
            write.generic(node)
        elif node.type() in EXPORTERS:
            EXPORTERS[node.type()](node, write)
        else:
            raise aidge_core.UnsupportedError(
                f"[aidge_onnx.export] expected an operator that ONNX has, got {node.name()} ({node.type()})"
            )


def _write_meta(node: aidge_core.Node, inner: aidge_core.GraphView, write: Writer) -> None:
    """The nodes inside, in the place of the meta operator."""
    names = write.inputs(node)
    for name, spec in zip(names, inner.input_specs, strict=False):
        for target, index in spec.targets:
            write.feed(target, index, name)
    _write_graph(inner, write)
    for index in range(node.get_nb_outputs()):
        write.name_value(node, index, write.output(*_inside(node, index)))
