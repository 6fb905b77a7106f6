"""Products with a constant matrix, as transformers and mixers have them, in the form of layers whose channels are on axis 1, and back.

What compress measures, cuts and fits are convolutions and fully connected layers. A MatMul of tokens (batch, tokens, channels) is a convolution of one tap
between two transpositions; as such all of compress applies to it. The network that comes out has MatMul again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import aidge_core
import numpy as np
from aidge_core.recipes import bias_behind, is_alone

from ..measure.latency import dims_at
from .statistics import weight_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aidge_core import GraphView, Node

__all__ = ["Product", "to_layers", "to_products"]

_CONVOLUTIONS = {3: aidge_core.Conv1D, 4: aidge_core.Conv2D, 5: aidge_core.Conv3D}


@dataclass(frozen=True)
class Product:
    """A MatMul that has become a layer: its name, and that of the Add of a bias behind it, or ""."""

    name: str
    bias: str


def _is_float32(node: Node) -> bool:
    parent = node.get_parent(1)
    return parent is not None and np.asarray(parent.get_operator().get_output(0)).dtype == np.float32


def _put(layer: Node, weight: np.ndarray, bias: np.ndarray) -> None:
    for index, values in ((1, weight), (2, bias)):
        producer = layer.get_parent(index)
        assert producer is not None
        producer.get_operator().set_output(0, np.ascontiguousarray(values, np.float32))


def _layer(name: str, rank: int, weight: np.ndarray, bias: np.ndarray) -> list[Node]:
    """The nodes, in a chain, that multiply data of `rank` axes with `weight`, (inputs, outputs), and add `bias`."""
    inputs, outputs = weight.shape
    axes = list(range(1, rank - 1))
    layer = _CONVOLUTIONS[rank](inputs, outputs, [1] * len(axes), name)
    _put(layer, weight.T.reshape(outputs, inputs, *[1] * len(axes)), bias)
    before = aidge_core.Transpose([0, rank - 1, *axes], f"{name}_to_channels")
    after = aidge_core.Transpose([0, *[axis + 1 for axis in axes], 1], f"{name}_to_tokens")
    before.add_child(layer)
    layer.add_child(after)
    return [before, layer, after]


def _weight_name(node: Node) -> str:
    """The name of a layer's weight."""
    producer = node.get_parent(1)
    assert producer is not None
    return producer.name()


def _name_weight(layer: Node, name: str) -> None:
    """Gives a layer's weight the name that it has in the file."""
    producer = layer.get_parent(1)
    assert producer is not None
    producer.set_name(name)


def to_layers(model: GraphView) -> list[Product]:
    """Puts layers in the place of the products; the model is compiled. Returns those that `to_products` can put back."""
    aidge_core.matmul_to_fc(model)
    products = []
    for node in model.get_ordered_nodes():
        weight = weight_of(node) if node.type() == "MatMul" and is_alone(node, 1) else None
        rank = len(dims_at(node, 0)) if weight is not None else 0
        if weight is None or weight.ndim != 2 or not 3 <= rank <= 5 or weight_of(node, 0) is not None:
            continue
        if not _is_float32(node):
            continue
        found = bias_behind(model, node, weight.shape[1])
        bias = np.zeros(weight.shape[1]) if found is None else found[1]
        add = None if found is None else found[0]
        chain = _layer(node.name(), rank, weight, bias)
        _name_weight(chain[1], _weight_name(node))
        model.replace([node] if add is None else [node, add], chain)
        products.append(Product(node.name(), "" if add is None else add.name()))
    return products


def to_products(model: GraphView, products: Sequence[Product]) -> None:
    """Puts the products back in the place of the layers, with the weights and biases that those have now."""
    for product in products:
        parts = [
            model.find_node(name)
            for name in (f"{product.name}_to_channels", product.name, f"{product.name}_to_tokens")
        ]
        before, layer, after = parts
        if before is None or layer is None or after is None:
            continue  # merged into another layer
        weight, bias = weight_of(layer), weight_of(layer, 2)
        assert weight is not None
        chain = [aidge_core.MatMul(product.name)]
        values = np.ascontiguousarray(weight.reshape(weight.shape[:2]).T, np.float32)
        matrix = aidge_core.Producer(values, _weight_name(layer))
        matrix.add_child(chain[0], 0, 1)
        if bias is not None and (product.bias or bias.any()):
            add = aidge_core.Add(product.bias or f"{product.name}_bias")
            chain[0].add_child(add, 0, 0)
            aidge_core.Producer(bias.astype(np.float32), f"{add.name()}_b").add_child(add, 0, 1)
            chain.append(add)
        model.replace([before, layer, after], chain)
