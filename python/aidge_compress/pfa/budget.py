"""PFA within a budget of the whole network's parameters or multiplications."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from aidge_core import GraphView, Node, pfa_energy_count

from ..network.summary import macs_of
from .layer import PFACovariancesResult
from .recipe import PFABudgetDiagnostics, PFARecipe

__all__ = ["Budget", "network_cost"]

_BISECTIONS = 50


def _constant(node: Node, index: int) -> Node | None:
    """The producer at an input; None if there is none."""
    parent = node.get_parent(index) if index < node.get_nb_inputs() else None
    return parent if parent is not None and parent.type() == "Producer" else None


def _elements(constant: Node) -> int:
    return math.prod(constant.get_operator().get_output(0).dims)


def _is_layer(node: Node) -> bool:
    return _constant(node, 1) is not None and (
        node.type().startswith("Conv") or node.type() in ("FC", "Gemm", "MatMul")
    )


def _tied(graph: GraphView, kept: Mapping[str, float]) -> dict[str, float]:
    """What layers keep of their units, where layers that share a weight keep as much as the one of them that keeps the most."""
    most: dict[int, float] = {}
    layers = [(node.name(), _constant(node, 1)) for node in graph.get_ordered_nodes() if _is_layer(node)]
    for name, weight in layers:
        assert weight is not None
        most[weight.id()] = max(most.get(weight.id(), 0.0), kept.get(name, 1.0))
    return {name: most[weight.id()] for name, weight in layers if weight is not None}


def _channels(node: Node, output: int = 0) -> int:
    dims = node.get_operator().get_output(output).dims
    return int(dims[1]) if len(dims) > 1 else 1


def _joined(node: Node, parents: list[tuple[Node, float]]) -> float:
    """Share of a node's channels that is kept, given its inputs' shares: the largest, or for a Concat their mean, weighted by channels."""
    if not parents:
        return 1.0
    if node.type() == "Concat":
        widths = [_channels(parent) for parent, _ in parents]
        kept = sum(width * share for width, (_, share) in zip(widths, parents, strict=True))
        return kept / sum(widths)
    return max(share for _, share in parents)


def network_cost(graph: GraphView, kept: Mapping[str, float]) -> tuple[float, float]:
    """Return parameters and multiply-accumulates of a network in which some layers keep only a share of their units.

    Layers that follow lose the same share of their inputs; a depthwise convolution and the nodes between layers keep the share of their input; a sum keeps
    the largest share of its operands. Constants that several layers share count once, and such layers keep the same share. The result is the cost that
    removing channels can reach, up to rounding. The graph must have shapes (compile it).

    Args:
        graph: the network.
        kept: node name → share of its units; other layers with weights keep all. Layers within meta operators count whole.
    """
    shares: dict[Node, float] = {}
    stays: dict[int, float] = {}  # of each constant: elements
    kept = _tied(graph, kept)
    macs = 0.0

    def keep(node: Node, index: int, share: float) -> None:
        constant = _constant(node, index)
        if constant is not None:
            stays[constant.id()] = max(stays.get(constant.id(), 0.0), share * _elements(constant))

    for node in graph.get_ordered_nodes():
        if node.type() == "Producer":
            continue
        operator = node.get_operator()
        fed = [(p, shares[p]) for p in node.get_parents() if p is not None and p in shares]
        before = after = scale = _joined(node, fed)
        if _is_layer(node):
            groups = operator.attr.groups if operator.attr.has_attr("groups") else 1
            depthwise = groups > 1 and groups == _channels(node)
            after = min(before, kept[node.name()]) if depthwise else kept[node.name()]
            scale = after if depthwise else before * after
        keep(node, 1, scale)
        for index in range(2, node.get_nb_inputs()):
            keep(node, index, after)
        macs += (macs_of(operator) or 0) * scale
        shares[node] = after
    return sum(stays.values()), macs


@dataclass(frozen=True)
class Budget:
    """Keeps as much energy as a budget allows, by one energy threshold for all layers.

    Unlike Size it counts what the whole network costs, as `network_cost` has it.

    Args:
        graph: the network whose layers were analysed, with shapes (compiled).
        parameters: largest share of the parameters to keep, in (0, 1]; None: no limit.
        macs: largest share of the multiply-accumulates to keep, in (0, 1]; None: no limit.
        min_kept_count: units that each layer keeps at least; a layer with fewer keeps all.

    Raises:
        ValueError: if neither or a wrong share is given; when called, if a layer is not in the graph, or not even the smallest recipe
            keeps within the budget (naming what it costs).
    """

    graph: GraphView
    parameters: float | None = None
    macs: float | None = None
    min_kept_count: int = 0

    def __post_init__(self) -> None:
        given = [share for share in (self.parameters, self.macs) if share is not None]
        if not given or not all(0.0 < share <= 1.0 for share in given):
            raise ValueError(
                f"[pfa::Budget] expected a share of parameters or macs in (0, 1], got {self.parameters} and {self.macs}"
            )
        if self.min_kept_count < 0:
            raise ValueError(
                f"[pfa::Budget] expected min_kept_count as an int >= 0, got {self.min_kept_count}"
            )

    def __call__(self, covariances: Mapping[str, PFACovariancesResult], /) -> dict[str, PFARecipe]:
        """Return one recipe per layer."""
        names = {node.name() for node in self.graph.get_ordered_nodes()}
        if missing := [name for name in covariances if name not in names]:
            raise ValueError(f"[pfa::Budget] expected layers of the graph, got {missing}")
        whole = network_cost(self.graph, {})
        low, high = 0.0, 1.0
        smallest = self._cost(covariances, low, whole)
        if not self._fits(smallest):
            raise ValueError(
                f"[pfa::Budget] expected a budget that the smallest recipe keeps ({smallest[0]:.3f} of the parameters, "
                f"{smallest[1]:.3f} of the MACs), got {self.parameters} and {self.macs}"
            )
        if self._fits(self._cost(covariances, high, whole)):
            low = high
        for _ in range(_BISECTIONS):
            middle = (low + high) / 2
            low, high = (
                (middle, high) if self._fits(self._cost(covariances, middle, whole)) else (low, middle)
            )
        parameters, macs = self._cost(covariances, low, whole)
        recipes = {}
        for name, layer in covariances.items():
            count, kept, total = pfa_energy_count(layer.eigenvalues, low, self.min_kept_count)
            diagnostics = PFABudgetDiagnostics(total, kept, low, parameters, macs)
            inactive = len(layer.inactive_units)
            recipes[name] = PFARecipe(layer.original_output_count, count, [], inactive, diagnostics)
        return recipes

    def _fits(self, cost: tuple[float, float]) -> bool:
        limits = (self.parameters, self.macs)
        return all(limit is None or share <= limit for share, limit in zip(cost, limits, strict=True))

    def _cost(
        self, covariances: Mapping[str, PFACovariancesResult], threshold: float, whole: tuple[float, float]
    ) -> tuple[float, float]:
        """Shares of parameters and MACs that recipes of this threshold leave, with inactive units removed."""
        kept = {}
        for name, layer in covariances.items():
            count = pfa_energy_count(layer.eigenvalues, threshold, self.min_kept_count)[0]
            total = layer.original_output_count
            kept[name] = min(count, total - len(layer.inactive_units)) / total
        parameters, macs = network_cost(self.graph, kept)
        return parameters / whole[0], macs / whole[1]
