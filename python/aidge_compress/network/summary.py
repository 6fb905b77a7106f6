"""What a network consists of: layers, shapes, parameters, multiply-accumulates, activations."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ..numbers import counted, shown
from ..tables import data_frame

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aidge_core import GraphView, Node

__all__ = ["LayerSummary", "ModelSummary", "summarize"]

_ACTIVATIONS = frozenset(
    [
        "ReLU",
        "LeakyReLU",
        "PReLU",
        "GeLU",
        "Clip",
        "Sigmoid",
        "Tanh",
        "HardSigmoid",
        "HardSwish",
        "Softmax",
        "LogSoftmax",
        "Elu",
        "Selu",
        "Celu",
        "Softplus",
        "Softsign",
        "ThresholdedRelu",
        "Mish",
        "Swish",
    ]
)


@dataclass(frozen=True)
class LayerSummary:
    """One node: its output's dims, its parameters (elements) and its multiply-accumulates for the given input dims."""

    name: str
    type: str
    output_dims: tuple[int, ...]
    parameters: int
    macs: int


@dataclass(frozen=True)
class ModelSummary:
    """A network's layers in execution order, with totals; shared parameters are counted once."""

    inputs: tuple[tuple[str, tuple[int, ...]], ...]
    outputs: tuple[tuple[str, tuple[int, ...]], ...]
    layers: tuple[LayerSummary, ...]

    @property
    def parameters(self) -> int:
        """Parameters of the whole network, in elements."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one forward pass over the given dims."""
        return sum(layer.macs for layer in self.layers)

    @property
    def activations(self) -> tuple[LayerSummary, ...]:
        """The layers that are activation functions."""
        return tuple(layer for layer in self.layers if layer.type in _ACTIVATIONS)

    def __str__(self) -> str:
        parts = [counted(len(self.layers), "operator"), f"{shown(self.parameters, 'count')} parameters"]
        parts += [f"{shown(self.macs, 'count')} MACs", counted(len(self.activations), "activation")]
        return ", ".join(parts)

    def to_frame(self) -> Any:
        """A pandas DataFrame, one row a layer. ImportError where pandas is missing."""
        return data_frame([asdict(layer) for layer in self.layers], list(LayerSummary.__dataclass_fields__))

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            **asdict(self),
            "parameters": self.parameters,
            "macs": self.macs,
            "activations": len(self.activations),
        }


def _parameters(node: Node, counted: set[int]) -> int:
    total = 0
    for parent in node.get_parents():
        if parent is None or parent.id() in counted:
            continue
        counted.add(parent.id())
        total += parent.get_operator().parameters()
    return total


def _layers(graph: GraphView, prefix: str, counted: set[int]) -> list[LayerSummary]:
    layers = []
    for node in graph.get_ordered_nodes():
        operator = node.get_operator()
        if node.type() == "Producer":
            continue
        if operator.is_meta():
            layers += _layers(operator.get_micro_graph(), f"{prefix}{node.name()}/", counted)
            continue
        dims = tuple(operator.get_output(0).dims) if operator.nb_outputs() else ()
        layers.append(
            LayerSummary(
                prefix + node.name(), node.type(), dims, _parameters(node, counted), int(operator.macs())
            )
        )
    return layers


def summarize(graph: GraphView, dims: Sequence[Sequence[int]] = ()) -> ModelSummary:
    """Infers shapes for `dims` (one list a graph input; none: the declared ones, free dims taken as 1) and summarises.

    Raises ValueError where the dims do not fit, UnsupportedError where an operator's output dims are unknown.
    """
    graph.forward_dims([list(entry) for entry in dims])
    inputs = []
    for entry, (node, index) in zip(graph.input_specs, graph.get_ordered_inputs(), strict=True):
        fed = node.get_operator().get_input(index)
        inputs.append((entry.name, tuple(fed.dims) if fed is not None else ()))
    outputs = []
    for leaving, (node, index) in zip(graph.output_specs, graph.get_ordered_outputs(), strict=True):
        outputs.append((leaving.name, tuple(node.get_operator().get_output(index).dims)))
    return ModelSummary(tuple(inputs), tuple(outputs), tuple(_layers(graph, "", set())))
