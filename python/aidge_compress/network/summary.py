"""What a network consists of: layers, shapes, parameters, multiply-accumulates, activations."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ..numbers import counted, shown
from ..tables import data_frame

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aidge_core import GraphView, Node, Operator

__all__ = ["LayerSummary", "ModelSummary", "known_dims", "macs_of", "summarize", "uncounted_note"]

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
    """One node: its output's dims, its parameters (elements) and its multiply-accumulates for the given input dims.

    Dims and multiply-accumulates are None if they are known only in a run (NonMaxSuppression, NonZero and the nodes behind them).
    """

    name: str
    type: str
    output_dims: tuple[int, ...] | None
    parameters: int
    macs: int | None


@dataclass(frozen=True)
class ModelSummary:
    """A network's layers in execution order, with totals; shared parameters are counted once."""

    inputs: tuple[tuple[str, tuple[int, ...]], ...]
    outputs: tuple[tuple[str, tuple[int, ...] | None], ...]
    layers: tuple[LayerSummary, ...]

    @property
    def parameters(self) -> int:
        """Parameters of the whole network, in elements."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one forward pass over the given dims; without those of `uncounted` layers."""
        return sum(layer.macs or 0 for layer in self.layers)

    @property
    def uncounted(self) -> int:
        """Layers whose multiply-accumulates are known only in a run."""
        return sum(layer.macs is None for layer in self.layers)

    @property
    def activations(self) -> tuple[LayerSummary, ...]:
        """The layers that are activation functions."""
        return tuple(layer for layer in self.layers if layer.type in _ACTIVATIONS)

    def __str__(self) -> str:
        parts = [counted(len(self.layers), "operator"), f"{shown(self.parameters, 'count')} parameters"]
        parts += [f"{shown(self.macs, 'count')} MACs", counted(len(self.activations), "activation")]
        note = uncounted_note(self.uncounted)
        return ", ".join(parts) + (f"; {note}" if note else "")

    def to_frame(self) -> Any:
        """A pandas DataFrame, one row per layer. ImportError if pandas is missing."""
        return data_frame([asdict(layer) for layer in self.layers], list(LayerSummary.__dataclass_fields__))

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            **asdict(self),
            "parameters": self.parameters,
            "macs": self.macs,
            "uncounted": self.uncounted,
            "activations": len(self.activations),
        }


def uncounted_note(layers: int) -> str:
    """Says how many layers the multiply-accumulates leave out; "" if there are none."""
    if not layers:
        return ""
    return f"the MACs leave out {counted(layers, 'layer')}, whose sizes are known only in a run"


def known_dims(operator: Operator, index: int = 0) -> tuple[int, ...] | None:
    """Dims of an operator's output as shape inference found them; None if they are known only in a run."""
    tensor = operator.get_output(index)
    return None if tensor.is_undefined() else tuple(tensor.dims)


def macs_of(operator: Operator) -> int | None:
    """Multiply-accumulates for the dims that shape inference found; None if the dims are known only in a run."""
    try:
        return int(operator.macs())
    except ValueError:
        return None


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
        dims = known_dims(operator) if operator.nb_outputs() else ()
        layers.append(
            LayerSummary(
                prefix + node.name(), node.type(), dims, _parameters(node, counted), macs_of(operator)
            )
        )
    return layers


def summarize(graph: GraphView, dims: Sequence[Sequence[int]] = ()) -> ModelSummary:
    """Infers shapes for `dims` (one list a graph input; none: the declared ones, free dims taken as 1) and summarises.

    Raises ValueError if the dims do not fit, UnsupportedError for an operator that nothing here can run.
    """
    import aidge_backend_cpu  # noqa: F401  (its kernels compute sizes that a graph computes from sizes)

    graph.forward_dims([list(entry) for entry in dims])
    inputs = []
    for entry, (node, index) in zip(graph.input_specs, graph.get_ordered_inputs(), strict=True):
        fed = node.get_operator().get_input(index)
        inputs.append((entry.name, tuple(fed.dims) if fed is not None else ()))
    outputs = []
    for leaving, (node, index) in zip(graph.output_specs, graph.get_ordered_outputs(), strict=True):
        outputs.append((leaving.name, known_dims(node.get_operator(), index)))
    return ModelSummary(tuple(inputs), tuple(outputs), tuple(_layers(graph, "", set())))
