"""From what a network comes as to an ONNX model that can be quantised, and back to the look of the source."""

from __future__ import annotations

import contextlib
import copy
import io
import logging
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aidge_onnx import to_model_proto
from aidge_onnx.protos import subgraphs
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, load

from ..network.files import file_bytes
from ..network.opening import open_network

if TYPE_CHECKING:
    from aidge_core import GraphView

    from ..network.opening import NetworkSource

__all__ = ["FloatNetwork", "check_float", "need_onnxruntime", "prepared", "quiet", "read", "restore"]

_INSTALL = "pip install 'aidge-compress[ort]'"
_PER_CHANNEL_OPSET = 13
_LARGEST = (1 << 31) - (1 << 20)
_QUANTISED = (
    "QuantizeLinear",
    "DequantizeLinear",
    "DynamicQuantizeLinear",
    "QLinearConv",
    "QLinearMatMul",
    "ConvInteger",
    "MatMulInteger",
)
_OTHER_FLOATS = {
    TensorProto.FLOAT16: "float16",
    TensorProto.BFLOAT16: "bfloat16",
    TensorProto.DOUBLE: "float64",
}


@dataclass(frozen=True)
class FloatNetwork:
    """A network before it is quantised.

    Attributes:
        proto: the whole model, weights in memory; each node has a name.
        network: the same for our own engine.
        bytes: of the file, with external data.
    """

    proto: ModelProto
    network: GraphView
    bytes: int


def need_onnxruntime(where: str) -> None:
    """ImportError that says what to install, if ONNX Runtime or what its quantiser imports is missing."""
    missing = [name for name in ("onnxruntime", "ml_dtypes") if find_spec(name) is None]
    if missing:
        raise ImportError(f"[{where}] expected {' and '.join(missing)}, which quantises: {_INSTALL}")


def check_float(network: GraphView) -> None:
    """ValueError if a network that was read is quantised already."""
    if "onnx.quantised" in dict(network.metadata):
        raise ValueError(_already("constants behind DequantizeLinear"))
    for node in network.get_ordered_nodes(deep=True):
        if node.type().rpartition("::")[2] in _QUANTISED:
            raise ValueError(_already(f"{node.type().rpartition('::')[2]} ({node.name()!r})"))


def _already(what: str) -> str:
    return f"[quantize::read] expected a network in float32, got one that is quantised already: it has {what}"


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """ONNX Runtime's quantiser prints, and writes to the root logger."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.disable(before)


def read(source: NetworkSource, data: Any = None) -> FloatNetwork:
    """The network as a model in memory.

    Raises:
        ValueError: if it is not in float32, is quantised already, or larger than 2 GB.
        TypeError, OSError, InvalidModelError: as open_network raises them.
    """
    network = open_network(source, data)
    size = None
    if isinstance(source, (str, os.PathLike)):
        size = file_bytes(source)
        if size < _LARGEST:
            proto = load(os.fspath(source))
    elif isinstance(source, bytes):
        proto = ModelProto.FromString(source)
    elif isinstance(source, ModelProto):
        proto = copy.deepcopy(source)
    else:
        proto = to_model_proto(network)
    if (size or proto.ByteSize()) >= _LARGEST:
        raise ValueError(
            "[quantize::read] expected a network of less than 2 GB, which ONNX Runtime's quantiser can write"
        )
    _check(proto)
    size = size or proto.ByteSize()
    if _opset(proto) < _PER_CHANNEL_OPSET:  # scales per channel came with opset 13
        proto = to_model_proto(network, opset=_PER_CHANNEL_OPSET)
    _drop_default_inputs(proto)
    _name_nodes(proto.graph)
    return FloatNetwork(proto, network, size)


def _opset(proto: ModelProto) -> int:
    return max((entry.version for entry in proto.opset_import if entry.domain in ("", "ai.onnx")), default=1)


def _nodes(graph: GraphProto) -> Iterator[NodeProto]:
    for node in graph.node:
        yield node
        for inner in subgraphs(node):
            yield from _nodes(inner)


def _check(proto: ModelProto) -> None:
    for node in _nodes(proto.graph):
        if node.op_type in _QUANTISED:
            raise ValueError(_already(f"{node.op_type} ({node.name or node.output[0]!r})"))
    for tensor in proto.graph.initializer:
        if tensor.data_type in _OTHER_FLOATS and len(tensor.dims) > 1:
            kind = _OTHER_FLOATS[tensor.data_type]
            raise ValueError(
                f"[quantize::read] expected weights in float32, got {kind} ({tensor.name!r}): quantise the float32 network that it was made from"
            )


def _drop_default_inputs(proto: ModelProto) -> None:
    """Before version 4 of ONNX's format, weights had to be listed as inputs, too."""
    if proto.ir_version < 4:
        weights = {tensor.name for tensor in proto.graph.initializer}
        real = [entry for entry in proto.graph.input if entry.name not in weights]
        del proto.graph.input[:]
        proto.graph.input.extend(real)
        proto.ir_version = 4


def _name_nodes(graph: GraphProto) -> None:
    taken = {node.name for node in graph.node}
    for node in graph.node:
        if not node.name:
            base = f"{node.op_type}_{next((name for name in node.output if name), '')}"
            name, number = base, 1
            while name in taken:
                name, number = f"{base}_{number}", number + 1
            node.name = name
            taken.add(name)


def prepared(proto: ModelProto) -> ModelProto:
    """The model with BatchNorm folded, constants computed and shapes inferred, by ONNX Runtime."""
    from onnxruntime.quantization import quant_pre_process

    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "source.onnx", Path(folder) / "prepared.onnx"
        source.write_bytes(proto.SerializeToString(deterministic=True))
        with quiet():
            quant_pre_process(str(source), str(target), skip_symbolic_shape=True)
        result = load(str(target))
    _name_nodes(result.graph)
    return result


def _sort(graph: GraphProto) -> None:
    """Puts each node behind those that it reads from, as ONNX demands and the quantiser does not; otherwise the order stays."""
    nodes = list(graph.node)
    maker = {name: index for index, node in enumerate(nodes) for name in node.output if name}
    placed: dict[int, None] = {}
    for start in range(len(nodes)):
        waiting = [start]
        while waiting:
            index = waiting[-1]
            sources = [maker[name] for name in _read_by(nodes[index]) if name in maker]
            missing = (
                []
                if index in placed
                else [entry for entry in sources if entry not in placed and entry != index]
            )
            if missing:
                waiting += reversed(missing)
            else:
                placed[waiting.pop()] = None
    copies = [copy.deepcopy(nodes[index]) for index in placed]
    del graph.node[:]
    graph.node.extend(copies)


def _read_by(node: NodeProto) -> Iterator[str]:
    """Names that a node and its subgraphs read."""
    yield from node.input
    for inner in subgraphs(node):
        for entry in _nodes(inner):
            yield from entry.input
        yield from (value.name for value in inner.output)


def restore(made: ModelProto, source: ModelProto) -> ModelProto:
    """Gives a model the header, the inputs and outputs and the notes of the model that it was made from."""
    known = {node.name: node for node in source.graph.node}
    for node in made.graph.node:
        old = known.get(node.name)
        if old is not None and old.op_type == node.op_type and not node.metadata_props:
            node.metadata_props.extend(old.metadata_props)
            node.doc_string = old.doc_string
    used = {"" if node.domain == "ai.onnx" else node.domain for node in _nodes(made.graph)}
    imports = {entry.domain: entry for entry in made.opset_import}
    kept = [entry for domain, entry in imports.items() if domain in used or domain == ""]
    result = ModelProto()
    result.CopyFrom(source)
    result.ir_version = max(source.ir_version, 4)
    result.graph.CopyFrom(made.graph)
    for field in ("input", "output", "metadata_props"):
        target = getattr(result.graph, field)
        del target[:]
        target.extend(getattr(source.graph, field))
    del result.graph.value_info[:]
    _sort(result.graph)
    result.graph.name = source.graph.name
    result.graph.doc_string = source.graph.doc_string
    del result.functions[:]
    result.functions.extend(made.functions)
    del result.opset_import[:]
    result.opset_import.extend(kept)
    return result
