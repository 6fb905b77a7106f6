"""From an ONNX file, bytes or a ModelProto to a graph."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeAlias

import aidge_core
from google.protobuf.message import DecodeError  # type: ignore[import-untyped,unused-ignore]
from onnx import ModelProto, TensorProto, ValueInfoProto

from .converters import IMPORTERS
from .errors import InvalidModelError
from .reading.batch import fix_batch, free_batch
from .reading.builder import Builder, NotNative
from .reading.checks import check_header, tensors_of, use_one_domain
from .reading.external_data import internalize
from .reading.float_types import read_in_float32
from .reading.folding import drop_dead_nodes, fold
from .reading.quantised import dequantise_constants, records_by_producer
from .reading.source import Source, pairs_of
from .rewrites.cleaning import clean
from .rewrites.patterns import find_activations
from .rewrites.regions import join_regions
from .running.runtime import without_runtime
from .tensors import DTYPE_NAMES, dtype_name

__all__ = ["load_onnx"]

ModelSource: TypeAlias = str | os.PathLike[str] | bytes | bytearray | memoryview | ModelProto
_MAX_FILE = (1 << 31) - 1


def load_onnx(
    source: ModelSource | None = None,
    *,
    filename: ModelSource | None = None,
    base_dir: str | os.PathLike[str] | None = None,
    dynamic_batch: bool = False,
    max_constant_bytes: int = 1 << 30,
    cleaning: bool = True,
    in_float32: bool = False,
) -> aidge_core.GraphView:
    """Reads an ONNX model into a graph (opset 7 and newer as they are, older ones converted to 7 first).

    source: path of a file, the file's bytes, or a ModelProto (left as it is). filename: the same, as Aidge calls it.
    base_dir: where external data may be; by default the file's own directory, and nowhere for bytes and
        protos.
    dynamic_batch: leave the first dim of every graph input free, even if the file fixes it; Reshape
        targets that start with it follow.
    max_constant_bytes: bound of the memory for constants that the file computes (ConstantOfShape, Expand …).
    cleaning: remove nodes that do nothing (Identity, Dropout …) and join operators that exporters have split
        (GeLU, HardSwish, ReLU6, padding, BatchNorm); False keeps the file's nodes one by one.
    in_float32: read networks whose layers are in float16, bfloat16 or float64 as networks of float32, on which every method works;
        export_onnx writes the types of the file again, those of inputs and outputs too. Files in which such values are inside control
        flow, sequences or operators of other domains are read as they are.
    Raises InvalidModelError for anything that is not a valid model, FileNotFoundError, and
    aidge_core.UnsupportedError if a graph input or output is not a tensor of numbers.
    """
    if (source is None) == (filename is None):
        given = "none" if source is None else "source and filename"
        raise TypeError(f"[aidge_onnx.load_onnx] expected one source of a model, got {given}")
    source = filename if source is None else source
    assert source is not None
    state = _file_state(source)
    with _as_invalid_model():
        model, base = _read(source, None if base_dir is None else Path(base_dir))
        opsets = check_header(model)
        use_one_domain(model)
        _bring_in_data(model, base)
        prepared = Source.from_model(model, opsets)
        del model
        if dynamic_batch:
            free_batch(prepared)
        fold(prepared, max_constant_bytes)
        records = dequantise_constants(prepared, max_constant_bytes)
        if records:
            fold(prepared, max_constant_bytes)
        float_types = read_in_float32(prepared) if in_float32 else None
        if float_types is not None:
            fold(prepared, max_constant_bytes)
        if cleaning:
            clean(prepared)
            find_activations(prepared)
        drop_dead_nodes(prepared)
        join_regions(prepared)
        graph = _build(prepared, float_types, records)
    if state is not None:
        graph.metadata = {**graph.metadata, "onnx.source": state}
    return graph


@contextmanager
def _as_invalid_model() -> Iterator[None]:
    """Whatever a malformed model provokes further down comes out as InvalidModelError."""
    try:
        yield
    except (InvalidModelError, aidge_core.UnsupportedError, OSError):
        raise
    except (
        DecodeError,
        ValueError,
        TypeError,
        LookupError,
        ArithmeticError,
        AttributeError,
        RecursionError,
        RuntimeError,
    ) as error:
        raise InvalidModelError(f"{type(error).__name__}: {error}") from error


def _file_state(source: ModelSource) -> str | None:
    """Path, bytes and time of the file, by which a comparison with it can be made later."""
    if not isinstance(source, str | os.PathLike) or not Path(source).is_file():
        return None
    path = Path(source).absolute()
    state = path.stat()
    return json.dumps([str(path), state.st_size, state.st_mtime_ns])


def _read(source: ModelSource, base: Path | None) -> tuple[ModelProto, Path | None]:
    model = ModelProto()
    if isinstance(source, ModelProto):
        model.CopyFrom(source)
        return model, base
    if isinstance(source, bytes | bytearray | memoryview):
        data = bytes(source)
    elif isinstance(source, str | os.PathLike):
        path = Path(source)
        size = path.stat().st_size
        if size > _MAX_FILE:
            raise InvalidModelError(f"{path.name}: {size} bytes, but a model file has less than 2 GiB")
        data = path.read_bytes()
        base = path.absolute().parent if base is None else base
    else:
        raise TypeError(
            f"[aidge_onnx.load_onnx] expected a path, bytes or a ModelProto, got {type(source).__name__}"
        )
    if not data:
        raise InvalidModelError("not an ONNX model: no bytes")
    model.ParseFromString(data)
    return model, base


def _bring_in_data(model: ModelProto, base: Path | None) -> None:
    for part in [model.graph, *model.functions]:
        for tensor, where in tensors_of(part):
            if tensor.data_location == TensorProto.EXTERNAL:
                internalize(tensor, base, where)


def _build(
    source: Source, float_types: dict[str, Any] | None, records: dict[str, dict[str, Any]]
) -> aidge_core.GraphView:
    _check_boundary(source)
    builder = Builder(source)
    for node in source.nodes:
        importer = IMPORTERS.get(node.op) if not node.domain else None
        if importer is None:
            builder.generic(node, "no native operator")
            continue
        mark = len(builder.nodes)
        try:
            importer(node, builder)
        except NotNative as reason:
            builder.undo(mark)
            builder.generic(node, str(reason))
    outputs = [(value.name, builder.output(value.name)) for value in source.outputs]
    graph = aidge_core.GraphView(source.model.graph.name)
    graph.add(builder.nodes)
    graph.set_outputs([aidge_core.GraphOutput(name, value.node, value.index) for name, value in outputs])
    graph.set_inputs(
        [
            _graph_input(value, builder.targets[value.name])
            for value in source.inputs
            if builder.targets[value.name]
        ]
    )
    graph.metadata = {
        **_metadata(source, [value for value in source.inputs if not builder.targets[value.name]]),
        "onnx.doc_strings": json.dumps(_doc_strings(source, builder)),
        "onnx.properties": json.dumps(_properties(source, builder)),
    }
    if records:
        held = records_by_producer(records, builder)
        graph.metadata = {**graph.metadata, "onnx.quantised": json.dumps(held)}
    if float_types is not None:
        kinds = {
            builder.name_of(node): node.float_type for node in source.nodes if node.float_type is not None
        }
        nodes = {name: kind for name, kind in kinds.items() if kind != float_types["default"]}
        graph.metadata = {**graph.metadata, "onnx.float_types": json.dumps({**float_types, "nodes": nodes})}
    with without_runtime():
        fix_batch(graph, source, builder.name_of)
    _check_shapes(graph)
    return graph


def _check_shapes(graph: aidge_core.GraphView) -> None:
    """Shapes that cannot fit are an invalid model; what depends on free dims is seen at compile."""
    if any(spec.dims is None or None in spec.dims for spec in graph.input_specs):
        return
    with suppress(aidge_core.UnsupportedError), without_runtime():
        graph.infer_shapes()


def _check_boundary(source: Source) -> None:
    if not source.outputs:
        raise InvalidModelError("the graph has no outputs")
    for value in [*source.inputs, *source.outputs]:
        if not value.type.HasField("tensor_type"):
            raise aidge_core.UnsupportedError(
                f"[aidge_onnx.load_onnx] expected tensors as graph inputs and outputs, got {value.name!r} "
                f"({value.type.WhichOneof('value')})"
            )
    for value in source.inputs:
        if value.type.tensor_type.elem_type not in DTYPE_NAMES:
            name = TensorProto.DataType.Name(value.type.tensor_type.elem_type)
            raise aidge_core.UnsupportedError(
                f"[aidge_onnx.load_onnx] expected numbers at graph input {value.name!r}, got {name}"
            )


def _graph_input(value: ValueInfoProto, targets: list[tuple[aidge_core.Node, int]]) -> aidge_core.GraphInput:
    tensor = value.type.tensor_type
    dims = (
        [dim.dim_value if dim.HasField("dim_value") else None for dim in tensor.shape.dim]
        if tensor.HasField("shape")
        else None
    )
    return aidge_core.GraphInput(value.name, targets, dims, dtype_name(tensor.elem_type))


def _dim_names(value: ValueInfoProto) -> list[str]:
    return [
        dim.dim_param if not dim.HasField("dim_value") else "" for dim in value.type.tensor_type.shape.dim
    ]


def _doc_strings(source: Source, builder: Builder) -> dict[str, dict[str, str]]:
    """Texts of nodes by the name that they have in the graph, and of graph inputs and outputs by theirs."""
    nodes = {builder.name_of(node): node.proto.doc_string for node in source.nodes}
    values = {value.name: value.doc_string for value in [*source.inputs, *source.outputs]}
    texts = {"nodes": nodes, "values": values}
    return {kind: {name: text for name, text in found.items() if text} for kind, found in texts.items()}


def _declaration(value: ValueInfoProto) -> dict[str, object]:
    tensor = value.type.tensor_type
    dims = (
        [dim.dim_value if dim.HasField("dim_value") else dim.dim_param for dim in tensor.shape.dim]
        if tensor.HasField("shape")
        else None
    )
    return {"elem_type": tensor.elem_type, "dims": dims}


def _properties(source: Source, builder: Builder) -> dict[str, dict[str, list[list[str]]]]:
    """metadata_props of nodes by the name that they have in the graph, and of graph inputs and outputs by theirs."""
    nodes = {builder.name_of(node): pairs_of(node.proto) for node in source.nodes}
    values = {value.name: pairs_of(value) for value in [*source.inputs, *source.outputs]}
    found = {"nodes": nodes, "values": values}
    return {kind: {name: pairs for name, pairs in of.items() if pairs} for kind, of in found.items()}


def _metadata(source: Source, unused: list[ValueInfoProto]) -> dict[str, str]:
    """The parts of the file's header that a graph has no fields for, for the export."""
    model = source.model
    names = [value.name for value in source.inputs]
    return {
        "onnx.ir_version": str(model.ir_version),
        "onnx.opset_imports": json.dumps(source.opsets, sort_keys=True),
        "onnx.producer_name": model.producer_name,
        "onnx.producer_version": model.producer_version,
        "onnx.domain": model.domain,
        "onnx.model_version": str(model.model_version),
        "onnx.doc_string": model.doc_string,
        "onnx.graph_doc_string": model.graph.doc_string,
        "onnx.metadata_props": json.dumps(pairs_of(model)),
        "onnx.graph_metadata_props": json.dumps(pairs_of(model.graph)),
        "onnx.dim_params": json.dumps(
            {value.name: _dim_names(value) for value in source.inputs if any(_dim_names(value))}
        ),
        "onnx.outputs": json.dumps({value.name: _declaration(value) for value in source.outputs}),
        "onnx.unused_inputs": json.dumps(
            [[names.index(value.name), value.name, _declaration(value)] for value in unused]
        ),
    }
