"""The model as the importer works on it: plain nodes, constants as arrays, what is known of every value."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
import onnx.version_converter
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto

from ..errors import InvalidModelError
from ..registry import IMPORTERS
from ..tensors import DTYPE_NAMES, to_numpy, to_proto
from .checks import check_graph, outer_names
from .functions import inline_functions
from .rank_guard import hide_shape_operands
from .symbolic import Dim, Sym

__all__ = ["OnnxNode", "Source", "ValueType"]

#: Constants of up to this many elements are kept in the model that shape inference sees; shapes, axes and
#: the like are among them.
_SMALL = 4096
_FIRST_OPSET = 7
#: What exporters write for an unknown dim.
_PLACEHOLDER = re.compile(r"\W*|-\d+|none|null|any|unk|unknown|dyn|dynamic|free", re.IGNORECASE)
_CULPRIT = re.compile(r"op_type:\s*(\w+)")


@dataclass(frozen=True)
class ValueType:
    """Element type and dims of a value; None if they are not known."""

    elem: int | None = None
    dims: tuple[Dim, ...] | None = None

    @property
    def rank(self) -> int | None:
        """Number of dims, None where unknown."""
        return None if self.dims is None else len(self.dims)


@dataclass(eq=False)
class OnnxNode:
    """One node, with its attributes as Python values; `proto` is what it was read from."""

    proto: NodeProto
    op: str
    domain: str
    name: str
    inputs: list[str]
    outputs: list[str]
    attributes: dict[str, Any]
    captured: tuple[str, ...]
    #: Floating-point type of the outputs in a file that is read in float32; None for nodes that were not in the file.
    float_type: int | None = None

    @classmethod
    def read(cls, proto: NodeProto) -> OnnxNode:
        """Reads the proto, which loses pads that auto_pad makes void. Text attributes are decoded."""
        _drop_void_pads(proto)
        attributes = {
            attribute.name: _plain(onnx.helper.get_attribute_value(attribute))
            for attribute in proto.attribute
        }
        domain = "" if proto.domain == "ai.onnx" else proto.domain
        return cls(
            proto,
            proto.op_type,
            domain,
            proto.name,
            list(proto.input),
            list(proto.output),
            attributes,
            tuple(outer_names(proto)),
        )

    def uses(self) -> Iterable[str]:
        """Every value that the node or a graph inside it reads."""
        return (name for name in [*self.inputs, *self.captured] if name)

    def where(self) -> str:
        """For messages."""
        return f"node {self.name!r} ({self.op})"

    def rewrite(self, op: str, inputs: list[str], attributes: dict[str, Any]) -> None:
        """Makes another operator of it; only for nodes without graphs inside."""
        self.op, self.inputs, self.attributes, self.captured = op, inputs, attributes, ()
        before = self.proto
        text = before.doc_string or None
        self.proto = onnx.helper.make_node(op, inputs, self.outputs, self.name, text, **attributes)
        self.proto.metadata_props.extend(before.metadata_props)

    def to_proto(self) -> NodeProto:
        """The proto with the inputs and outputs as they are now."""
        proto = NodeProto()
        proto.CopyFrom(self.proto)
        del proto.input[:], proto.output[:]
        proto.input.extend(self.inputs)
        proto.output.extend(self.outputs)
        return proto


def pairs_of(proto: ModelProto | GraphProto | NodeProto | ValueInfoProto) -> list[list[str]]:
    """Keys and values of metadata_props, in the order of the file."""
    return [[entry.key, entry.value] for entry in proto.metadata_props]


def _drop_void_pads(proto: NodeProto) -> None:
    """Removes pads beside another auto_pad than NOTSET: they say nothing, and ONNX Runtime refuses both together."""
    automatic = any(entry.name == "auto_pad" and entry.s not in (b"NOTSET", b"") for entry in proto.attribute)
    pads = [entry for entry in proto.attribute if entry.name == "pads"]
    if automatic and pads and proto.domain in ("", "ai.onnx"):
        proto.attribute.remove(pads[0])


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8")
    if isinstance(value, list | tuple) or type(value).__name__.startswith("Repeated"):
        return [_plain(item) for item in value]
    return value


@dataclass
class Source:
    """A checked model: its header, nodes in topological order, constants and value types."""

    model: ModelProto
    opsets: dict[str, int]
    nodes: list[OnnxNode] = field(default_factory=list)
    constants: dict[str, np.ndarray[Any, Any]] = field(default_factory=dict)
    #: Constants whose type a graph cannot hold (bfloat16, strings, 4 bits …).
    opaque: dict[str, TensorProto] = field(default_factory=dict)
    symbolic: dict[str, np.ndarray[Any, Any]] = field(default_factory=dict)
    #: Constants and their transpositions, by the constant's id and the order of its axes.
    transposed: dict[tuple[int, str], tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]] = field(
        default_factory=dict
    )
    values: dict[str, ValueType] = field(default_factory=dict)
    inputs: list[ValueInfoProto] = field(default_factory=list)
    outputs: list[ValueInfoProto] = field(default_factory=list)
    #: Names of constants that were initialisers, in their order.
    initialisers: list[str] = field(default_factory=list)
    #: Dims of values that shape inference cannot find, and the symbols in them by their text.
    hints: dict[str, tuple[Dim, ...]] = field(default_factory=dict)
    symbols: dict[str, Sym] = field(default_factory=dict)
    #: Shape operands of unknown length, which the last inference did not see.
    hidden: set[str] = field(default_factory=set)
    #: Values that are not tensors, or whose element type a graph cannot hold.
    foreign: set[str] = field(default_factory=set)
    #: True for a model from before opset 7.
    is_upgraded: bool = False
    #: Name and former size of the inputs' first dim, if it was fixed and has been made free.
    freed_batch: tuple[str, int] | None = None

    @property
    def opset(self) -> int:
        """Version of the standard operators (1 if the model imports none)."""
        return self.opsets.get("", 1)

    @classmethod
    def from_model(cls, model: ModelProto, opsets: dict[str, int]) -> Source:
        """Takes the model apart (drop it afterwards). Its tensors must be internal already."""
        source = cls(model, opsets)
        graph = model.graph
        check_graph(graph, set())
        for tensor in graph.initializer:
            source._take(tensor)
            source.initialisers.append(tensor.name)
        known = set(source.initialisers)
        source.inputs = [_copy(value) for value in graph.input if value.name not in known]
        source.outputs = [_copy(value) for value in graph.output]
        _remove_constants(model, source)
        del graph.initializer[:]
        # A proto gives memory back only as a whole: go on with a copy, without the weights.
        source.model = ModelProto()
        source.model.CopyFrom(model)
        if len(source.model.functions):
            source._inline()
        source._check_proto()
        if source.opset < _FIRST_OPSET and "" in opsets:
            source._upgrade()
            source._check_proto()
        source.nodes = [OnnxNode.read(node) for node in source.model.graph.node]
        return source

    def _take(self, tensor: TensorProto) -> None:
        if tensor.data_type in DTYPE_NAMES:
            self.constants[tensor.name] = to_numpy(tensor, f"constant {tensor.name!r}")
        else:
            kept = TensorProto()
            kept.CopyFrom(tensor)
            self.opaque[tensor.name] = kept

    def _inline(self) -> None:
        self._adopt(inline_functions(self.skeleton(self.model.graph.node)))
        del self.model.functions[:]

    def _upgrade(self) -> None:
        """Brings opsets before 7 up to 7, the first that the converters read."""
        self.nodes = [OnnxNode.read(node) for node in self.model.graph.node]
        if (self.infer() and self.infer()) or self.hidden:  # refuses what would not be safe to convert
            raise InvalidModelError(
                f"opset {self.opset} with computed shapes cannot be converted to {_FIRST_OPSET}"
            )
        try:
            upgraded = onnx.version_converter.convert_version(
                self.skeleton(self.model.graph.node), _FIRST_OPSET
            )
        except Exception as error:  # the converter does not define an exception type
            raise InvalidModelError(
                f"opset {self.opset} cannot be converted to {_FIRST_OPSET}: {error}"
            ) from error
        for tensor in upgraded.graph.initializer:
            if tensor.name not in self.constants:
                self._take(tensor)
        self._adopt(upgraded)
        self.opsets[""] = _FIRST_OPSET
        self.is_upgraded = True

    def _adopt(self, other: ModelProto) -> None:
        """Takes over the nodes of a model that was made from our skeleton; header, inputs and outputs are kept."""
        known = set(self.constants) | set(self.opaque)
        del other.graph.initializer[:]
        check_graph(other.graph, known - {value.name for value in other.graph.input})
        _remove_constants(other, self)
        for part in ("node", "value_info"):
            ours = getattr(self.model.graph, part)
            del ours[:]
            ours.extend(getattr(other.graph, part))
        del self.model.opset_import[:]
        self.model.opset_import.extend(other.opset_import)
        for entry in other.opset_import:
            self.opsets.setdefault("" if entry.domain == "ai.onnx" else entry.domain, entry.version)

    def _check_proto(self) -> None:
        skeleton = self.skeleton(self.model.graph.node)
        for value in [*skeleton.graph.input, *skeleton.graph.output]:
            if value.type.HasField("tensor_type"):
                value.type.tensor_type.shape.SetInParent()
        try:
            onnx.checker.check_model(skeleton)
        except onnx.checker.ValidationError as error:
            raise InvalidModelError(f"onnx.checker: {str(error).strip()}") from error

    def skeleton(self, nodes: Iterable[NodeProto]) -> ModelProto:
        """A small model of these nodes: big constants are only declared, as inputs."""
        model = ModelProto(ir_version=max(self.model.ir_version, 4))
        model.opset_import.extend(self.model.opset_import)
        model.functions.extend(self.model.functions)
        graph = model.graph
        graph.name = self.model.graph.name or "graph"
        graph.input.extend(self.inputs)
        graph.output.extend(self.outputs)
        graph.node.extend(nodes)
        used = {name for node in graph.node for name in [*node.input, *outer_names(node)]} | {
            value.name for value in graph.output
        }
        for name, array in self.constants.items():
            if name not in used:
                continue
            if array.size <= _SMALL:
                graph.initializer.append(to_proto(array, name))
            else:
                kind = onnx.helper.np_dtype_to_tensor_dtype(array.dtype)
                graph.input.append(onnx.helper.make_tensor_value_info(name, kind, list(array.shape)))
        for name, tensor in self.opaque.items():
            if name in used:
                graph.input.append(
                    onnx.helper.make_tensor_value_info(name, tensor.data_type, list(tensor.dims))
                )
        return model

    def infer(self) -> bool:
        """Fills `values` by ONNX shape inference; True where another round would find more.

        InvalidModelError where types or shapes contradict each other.
        """
        model = self.skeleton(node.to_proto() for node in self.nodes)
        custom = {name for node in self.nodes if node.domain for name in node.outputs}
        model.graph.value_info.extend(value for value in self.model.graph.value_info if value.name in custom)
        for name, dims in self.hints.items():
            model.graph.value_info.append(self._hint(name, dims))
        taken = {dim.dim_param for value in model.graph.input for dim in value.type.tensor_type.shape.dim}
        for value in [*model.graph.input, *model.graph.value_info]:
            _name_dims(value, taken)
        del model.graph.output[:]
        model.graph.output.extend(ValueInfoProto(name=value.name) for value in self.outputs)
        stand_in = _unused("shape_operand", set(self.values) | taken)
        model.graph.input.append(onnx.helper.make_tensor_value_info(stand_in, TensorProto.INT64, [None]))
        self.hidden = hide_shape_operands(model.graph, self._length, stand_in)
        inferred = _infer(model)
        self.values = {}
        for value in [*inferred.graph.input, *inferred.graph.value_info, *inferred.graph.output]:
            kind = value.type.WhichOneof("value")
            if kind == "tensor_type":
                self.values[value.name] = _value_type(value, self.symbols)
            elem = self.values[value.name].elem if kind == "tensor_type" else None
            if (kind is not None and kind != "tensor_type") or (elem is not None and elem not in DTYPE_NAMES):
                self.foreign.add(value.name)
        for name, array in self.constants.items():
            self.values[name] = ValueType(
                int(onnx.helper.np_dtype_to_tensor_dtype(array.dtype)), tuple(array.shape)
            )
        for name, tensor in self.opaque.items():
            self.values[name] = ValueType(tensor.data_type, tuple(tensor.dims))
        return any(self._length(name) is not None for name in self.hidden)

    def _length(self, name: str) -> int | None:
        """Number of elements of a value, if it is known to be a list."""
        if name in self.constants:
            return self.constants[name].size
        dims = self.type_of(name).dims
        return dims[0] if dims is not None and len(dims) == 1 and not isinstance(dims[0], Sym) else None

    def _hint(self, name: str, dims: tuple[Dim, ...]) -> ValueInfoProto:
        self.symbols.update({str(dim): dim for dim in dims if isinstance(dim, Sym)})
        elem = self.type_of(name).elem or TensorProto.FLOAT
        shape = [str(dim) if isinstance(dim, Sym) else dim for dim in dims]
        return onnx.helper.make_tensor_value_info(name, elem, shape)

    def type_of(self, name: str) -> ValueType:
        """What is known of a value."""
        return self.values.get(name, ValueType())


def _infer(model: ModelProto) -> ModelProto:
    """Strict shape inference; an error at an operator that is not native may be a fault of the inference itself
    and is ignored."""

    try:
        return onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True)
    except Exception as error:  # InferenceError, and whatever else the native code throws
        culprit = _CULPRIT.search(str(error))
        if culprit is None or culprit.group(1) in IMPORTERS:
            raise InvalidModelError(f"shape inference: {str(error).strip()}") from error
    try:
        return onnx.shape_inference.infer_shapes(model)
    except Exception as error:
        raise InvalidModelError(f"shape inference: {str(error).strip()}") from error


def _copy(value: ValueInfoProto) -> ValueInfoProto:
    copy = ValueInfoProto()
    copy.CopyFrom(value)
    return copy


def _name_dims(value: ValueInfoProto, taken: set[str]) -> None:
    """Gives each free dim a name. One that stands for any dim, or for several dims of this value, does not say that they are equal."""
    seen: set[str] = set()
    for axis, dim in enumerate(value.type.tensor_type.shape.dim):
        if dim.HasField("dim_value"):
            continue
        name = dim.dim_param
        if name in seen or not name or _PLACEHOLDER.fullmatch(name):
            dim.dim_param = _unused(f"{value.name}_dim{axis}", taken)
        seen.add(name)


def _unused(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    taken.add(name)
    return name


def _value_type(value: ValueInfoProto, symbols: Mapping[str, Sym]) -> ValueType:
    tensor = value.type.tensor_type
    elem = tensor.elem_type or None
    if not tensor.HasField("shape"):
        return ValueType(elem)
    dims: list[Dim] = []
    for axis, dim in enumerate(tensor.shape.dim):
        if dim.HasField("dim_value"):
            dims.append(dim.dim_value)
        else:
            text = dim.dim_param or f"{value.name}:{axis}"
            dims.append(symbols.get(text, Sym((text,))))
    return ValueType(elem, tuple(dims))


def _constant_tensor(node: NodeProto) -> TensorProto | None:
    """The tensor that a Constant node stands for; None for a sparse one."""
    if len(node.attribute) != 1 or len(node.output) != 1:
        raise InvalidModelError(f"node {node.name!r} (Constant): expected one attribute and one output")
    attribute = node.attribute[0]
    value = onnx.helper.get_attribute_value(attribute)
    if attribute.name == "value":
        tensor = TensorProto()
        tensor.CopyFrom(value)
        return tensor
    if attribute.name in ("value_float", "value_floats"):
        return to_proto(np.asarray(value, np.float32), "")
    if attribute.name in ("value_int", "value_ints"):
        return to_proto(np.asarray(value, np.int64), "")
    if attribute.name in ("value_string", "value_strings"):
        texts = [value] if isinstance(value, bytes) else list(value)
        return TensorProto(
            data_type=TensorProto.STRING,
            string_data=texts,
            dims=() if isinstance(value, bytes) else (len(texts),),
        )
    return None


def _remove_constants(model: ModelProto, source: Source) -> None:
    """Moves the values of Constant nodes to the source's constants."""
    kept: list[NodeProto] = []
    found = False
    for node in model.graph.node:
        if node.op_type == "Constant" and node.domain in ("", "ai.onnx"):
            tensor = _constant_tensor(node)
            if tensor is not None:
                tensor.name = node.output[0]
                source._take(tensor)
                found = True
                continue
        copy = NodeProto()
        copy.CopyFrom(node)
        kept.append(copy)
    if found:
        del model.graph.node[:]
        model.graph.node.extend(kept)
