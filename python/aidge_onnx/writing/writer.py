"""Collects the ONNX nodes and initialisers of a graph; what the converters of the export direction write
to."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import aidge_core
import numpy as np
import onnx
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto, helper

from ..generic import REGION, GenericNode, rename_captured, unpack_region
from ..names import Names
from ..protos import subgraphs
from ..tensors import onnx_type_of, to_proto

__all__ = ["NeedsOpset", "Writer"]

Array = np.ndarray[Any, Any]
_SMALL = 4096
_SAME_RANK = frozenset(
    [
        "BatchNormalization",
        "Clip",
        "Conv",
        "Dropout",
        "Gelu",
        "HardSigmoid",
        "HardSwish",
        "Identity",
        "LeakyRelu",
        "LRN",
        "MaxPool",
        "AveragePool",
        "GlobalAveragePool",
        "PRelu",
        "Relu",
        "Sigmoid",
        "Softmax",
        "LogSoftmax",
        "Tanh",
        "Transpose",
        "Erf",
        "Concat",
        "Cast",
        "Elu",
        "Celu",
        "Selu",
        "Mish",
        "Swish",
        "Softplus",
        "InstanceNormalization",
        "GroupNormalization",
        "LayerNormalization",
    ]
)


class NeedsOpset(ValueError):
    """The graph cannot be written for the wished opset; `version` is the first that has the form."""

    def __init__(self, version: int, text: str) -> None:
        super().__init__(text)
        self.version = version


class Writer:
    """Nodes, initialisers and value names of a model in the making."""

    def __init__(self, graph: aidge_core.GraphView, opset: int) -> None:
        self.opset = opset
        self.nodes: list[NodeProto] = []
        self.initialisers: dict[str, Array] = {}
        self.inputs_of_graph: list[ValueInfoProto] = []
        self.outputs_of_graph: list[str] = []
        #: Versions of the other domains that generic nodes brought along.
        self.domains: dict[str, int] = {}
        #: Ids of nodes that are not written, because their output is a graph input.
        self.passed: set[int] = set()
        self._values: dict[tuple[int, int], str] = {}
        self._fed: dict[tuple[int, int], str] = {}
        self._names = Names(_names_inside(graph))
        self._node_names = Names()
        self._chosen: dict[int, str] = {}
        self._ranks: dict[str, int] = {}
        self._types: dict[str, int] = {}
        self._makers: dict[str, NodeProto] = {}

    # --- names ----------------------------------------------------------------------------------------------
    def reserve(self, names: Sequence[str]) -> None:
        """Keeps value names for graph inputs and outputs."""
        for name in names:
            if not self._names.reserve(name):
                raise ValueError(
                    f"[aidge_onnx.export] expected distinct input and output names, got {name!r} twice"
                )

    def unique(self, name: str) -> str:
        """A value name that nothing has yet."""
        return self._names.unique(name)

    def unique_node(self, name: str) -> str:
        """A node name that nothing has yet."""
        return self._node_names.unique(name)

    def feed(self, node: aidge_core.Node, index: int, name: str) -> None:
        """What arrives at a node's input from outside its graph."""
        self._fed[node.id(), index] = name

    def name_value(self, node: aidge_core.Node, index: int, name: str) -> None:
        """Fixes the name of an output."""
        self._values[node.id(), index] = name

    def is_named(self, node: aidge_core.Node, index: int) -> bool:
        """True if the output has its name already."""
        return (node.id(), index) in self._values

    def name_node(self, node: aidge_core.Node) -> None:
        """Settles the node's name in the model: its own, unless another node of the model has it."""
        self._chosen[node.id()] = self._node_names.unique(node.name())

    def name_producer(self, node: aidge_core.Node) -> None:
        """Settles the name of a producer's value."""
        if not self.is_named(node, 0):
            self._values[node.id(), 0] = self._names.unique(node.name())

    def output(self, node: aidge_core.Node, index: int = 0) -> str:
        """The value's name; a producer's becomes an initialiser here."""
        key = node.id(), index
        if key not in self._values:
            self._values[key] = self._names.unique(
                f"{self._chosen.get(node.id(), node.name())}_output_{index}"
            )
        name = self._values[key]
        if node.get_operator().is_producer() and name not in self.initialisers:
            self.initialisers[name] = np.asarray(node.get_operator().get_output(0))
        return name

    # --- what the converters read ---------------------------------------------------------------------------
    def inputs(self, node: aidge_core.Node) -> list[str]:
        """Names of all inputs, "" for an absent one; absent ones at the end are left out."""
        names = []
        for index, (parent, output) in enumerate(node.inputs()):
            fed = self._fed.get((node.id(), index))
            names.append(fed if fed is not None else "" if parent is None else self.output(parent, output))
        while names and not names[-1]:
            names.pop()
        return names

    def attributes(self, node: aidge_core.Node) -> dict[str, Any]:
        """The operator's attributes."""
        return dict(node.get_operator().attr.dict())

    def kernel(self, node: aidge_core.Node) -> list[int]:
        """Spatial extents of a convolution's weight."""
        kernel = self.attributes(node)["kernel_dims"]
        parent = node.get_parent(1)
        if not kernel and parent is not None:
            kernel = parent.get_operator().get_output(0).dims[2:]
        return list(kernel)

    def known_rank(self, value: str) -> int | None:
        """Number of dims of a value; None where shape inference cannot tell."""
        while value not in self._ranks:
            node = self._makers.get(value)
            if node is None or node.domain or node.op_type not in _SAME_RANK:
                break
            value = node.input[0]
        if value not in self._ranks:
            self._infer(value)
        return self._ranks.get(value)

    def _infer(self, value: str) -> None:
        inferred = onnx.shape_inference.infer_shapes(self.skeleton([ValueInfoProto(name=value)]))
        for info in [*inferred.graph.input, *inferred.graph.value_info, *inferred.graph.output]:
            if info.type.tensor_type.elem_type:
                self._types[info.name] = info.type.tensor_type.elem_type
            if info.type.tensor_type.HasField("shape"):
                self._ranks[info.name] = len(info.type.tensor_type.shape.dim)

    def dtype(self, value: str) -> np.dtype[Any]:
        """Element type of a value; float32 where shape inference cannot tell."""
        if value in self.initialisers:
            return np.dtype(self.initialisers[value].dtype)
        if value not in self._types:
            self._infer(value)
        return helper.tensor_dtype_to_np_dtype(self._types.get(value, 0) or TensorProto.FLOAT)

    def _append(self, proto: NodeProto) -> None:
        self.nodes.append(proto)
        self._makers.update((name, proto) for name in proto.output)
        if proto.op_type in ("Gemm", "Flatten") and not proto.domain:
            self._ranks[proto.output[0]] = 2

    def rank(self, value: str, node: aidge_core.Node) -> int:
        """Number of dims of a value; ValueError where shape inference cannot tell."""
        rank = self.known_rank(value)
        if rank is None:
            raise ValueError(
                f"[aidge_onnx.export] expected data of known rank for {node.name()} ({node.type()}), "
                f"got {value!r} of unknown shape"
            )
        return rank

    def argument(
        self, node: aidge_core.Node, names: Sequence[str], index: int, key: str, absent: str | None = None
    ) -> str:
        """The value of an extra input: the connected one, else the attribute's list as an initialiser.

        If `absent` is given, it is returned for an empty list.
        """
        if index < len(names) and names[index]:
            return names[index]
        values = list(self.attributes(node)[key])
        if absent is not None and not values:
            return absent
        return self.constant(node, key, np.asarray(values, np.int64))

    def axis(self, axis: int, value: str, node: aidge_core.Node, extra: int = 0) -> int:
        """The axis, not negative where the opset does not know that (before 11)."""
        return axis if axis >= 0 or self.opset >= 11 else axis + self.rank(value, node) + extra

    def axes(self, axes: Sequence[int], value: str, node: aidge_core.Node, extra: int = 0) -> list[int]:
        """Several axes; `extra` axes are new."""
        return [self.axis(axis, value, node, extra) for axis in axes]

    def need(self, version: int, node: aidge_core.Node, what: str) -> None:
        """NeedsOpset where the model's opset is older than `version`."""
        if self.opset < version:
            raise NeedsOpset(
                version,
                f"[aidge_onnx.export] expected opset {version} or newer for {what} of {node.name()} "
                f"({node.type()}), got {self.opset}",
            )

    def need_version(self, op: str, node: aidge_core.Node) -> None:
        """NeedsOpset where the model's opset is older than the operator."""
        first = _first_versions().get(op, 1)
        if self.opset < first:
            self.need(first, node, op)

    # --- what they write ------------------------------------------------------------------------------------
    def emit(
        self,
        node: aidge_core.Node,
        op: str,
        inputs: Sequence[str],
        attributes: Mapping[str, Any] | None = None,
    ) -> None:
        """The ONNX node that gives the node's outputs, under the node's name. NeedsOpset where the model's
        opset has no such operator yet."""
        self.need_version(op, node)
        outputs = [self.output(node, index) for index in range(node.get_nb_outputs())]
        self._append(
            helper.make_node(
                op, list(inputs), outputs, name=self._chosen[node.id()], **dict(attributes or {})
            )
        )

    def emit_all(
        self, node: aidge_core.Node, op: str, inputs: Sequence[str], attributes: Mapping[str, Any]
    ) -> None:
        """The same for a node with several outputs; those that nobody reads are left out."""
        self.need_version(op, node)
        outputs = [
            self.output(node, index) if self.is_named(node, index) or node.output(index) else ""
            for index in range(node.get_nb_outputs())
        ]
        while outputs and not outputs[-1]:
            outputs.pop()
        self._append(
            helper.make_node(op, list(inputs), outputs, name=self._chosen[node.id()], **dict(attributes))
        )

    def step(
        self,
        node: aidge_core.Node,
        op: str,
        inputs: Sequence[str],
        attributes: Mapping[str, Any],
        suffix: str,
    ) -> str:
        """One of several ONNX nodes that stand for a node; returns the name of its value."""
        name = self._node_names.unique(f"{self._chosen[node.id()]}_{suffix}")
        value = self._names.unique(f"{name}_output_0")
        self._append(helper.make_node(op, list(inputs), [value], name=name, **dict(attributes)))
        return value

    def constant(self, node: aidge_core.Node, suffix: str, array: Array) -> str:
        """An initialiser that belongs to the node."""
        name = self._names.unique(f"{self._chosen[node.id()]}_{suffix}")
        self.initialisers[name] = array
        return name

    def identity(self, name: str, source: str) -> None:
        """A second name for a value."""
        self._append(
            helper.make_node("Identity", [source], [name], name=self._node_names.unique(f"{name}_identity"))
        )

    def generic(self, node: aidge_core.Node) -> None:
        """The ONNX node that a generic operator keeps, wired as the graph says."""
        entry = GenericNode.of(node)
        if entry.domain == REGION:
            self._region(node, entry)
            return
        if not entry.domain:
            _check_version(entry.proto, entry.opset, self.opset, node)
        elif self.domains.setdefault(entry.domain, entry.opset) != entry.opset:
            raise ValueError(
                f"[aidge_onnx.export] expected one version of domain {entry.domain!r}, got {entry.opset} for "
                f"{node.name()} ({node.type()}) and {self.domains[entry.domain]}"
            )
        names = self.inputs(node)
        names += [""] * (node.get_nb_inputs() - len(names))
        own = node.get_nb_inputs() - len(entry.captured)
        proto = entry.proto
        outputs = list(proto.output)
        del proto.input[:], proto.output[:]
        proto.name = self._chosen[node.id()]
        proto.input.extend(names[:own])
        proto.output.extend(self.output(node, index) if name else "" for index, name in enumerate(outputs))
        rename_captured(proto, dict(zip(entry.captured, names[own:], strict=True)))
        self._append(proto)

    def _region(self, node: aidge_core.Node, entry: GenericNode) -> None:
        """The nodes that the region stands for, under their own names where these are free."""
        source = entry.inner_opsets.get("", self.opset)
        for domain, version in entry.inner_opsets.items():
            if domain and self.domains.setdefault(domain, version) != version:
                raise ValueError(f"[aidge_onnx.export] expected one version of domain {domain!r}, got two")
        outputs = [self.output(node, index) for index in range(node.get_nb_outputs())]
        for proto in unpack_region(entry.proto, self.inputs(node), outputs, self._names.unique):
            _check_version(proto, source, self.opset, node)
            proto.name = self._node_names.unique(proto.name) if proto.name else ""
            self._append(proto)

    # --- the model ------------------------------------------------------------------------------------------
    def skeleton(self, outputs: Sequence[ValueInfoProto]) -> ModelProto:
        """The model so far, without big initialisers (they are declared as inputs)."""
        model = ModelProto(ir_version=8)
        model.opset_import.append(helper.make_opsetid("", self.opset))
        model.opset_import.extend(
            helper.make_opsetid(domain, version) for domain, version in sorted(self.domains.items())
        )
        graph = model.graph
        graph.name = "graph"
        graph.input.extend(self.inputs_of_graph)
        graph.output.extend(outputs)
        graph.node.extend(self.nodes)
        for name, array in self.initialisers.items():
            if array.size <= _SMALL:
                graph.initializer.append(to_proto(array, name))
            else:
                graph.input.append(
                    helper.make_tensor_value_info(name, onnx_type_of(array.dtype), list(array.shape))
                )
        return model


@functools.cache
def _first_versions() -> dict[str, int]:
    """Opset in which each standard operator appeared."""
    first: dict[str, int] = {}
    for schema in onnx.defs.get_all_schemas_with_history():
        if schema.domain == "":
            first[schema.name] = min(first.get(schema.name, schema.since_version), schema.since_version)
    return first


def _check_version(proto: NodeProto, source: int, target: int, node: aidge_core.Node) -> None:
    """ValueError unless the operator (and all in its subgraphs) means the same in both opsets."""
    if source != target and proto.domain in ("", "ai.onnx"):
        try:
            versions = {
                onnx.defs.get_schema(proto.op_type, max_inclusive_version=opset).since_version
                for opset in (source, target)
            }
        except onnx.defs.SchemaError:
            versions = {source, target}
        if len(versions) > 1:
            raise ValueError(
                f"[aidge_onnx.export] expected opset {source}, in which {node.name()} "
                f"({proto.op_type}) was written, got {target}"
            )
    for graph in subgraphs(proto):
        for inner in graph.node:
            _check_version(inner, source, target, node)


def _names_inside(graph: aidge_core.GraphView) -> set[str]:
    """Names that graphs inside generic nodes define; no value outside may have them."""
    found: set[str] = set()

    def collect(inner: GraphProto) -> None:
        found.update(value.name for value in inner.input)
        found.update(tensor.name for tensor in inner.initializer)
        for node in inner.node:
            found.update(node.output)
            for deeper in subgraphs(node):
                collect(deeper)

    for node in graph.get_ordered_nodes(deep=True):
        if node.get_operator().is_generic() and node.get_operator().attr.has_attr("onnx_node"):
            for inner in subgraphs(GenericNode.of(node).proto):
                collect(inner)
    return found
