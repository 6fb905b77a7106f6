"""Puts layers together to whole models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import onnx
from hypothesis import strategies as st

from helpers.toy import model_of

from . import blocks, inputs, layers, linear, quantised, resampling, tails, tied
from .choices import Choices
from .net import Net, Value

__all__ = ["ALL", "LINEAR", "Network", "build_network", "networks"]

Layer: TypeAlias = Callable[[Net], None]

#: What merging and folding know; a layer that stands here twice comes twice as often.
LINEAR: Sequence[Layer] = (
    *(linear.conv,) * 4, linear.pointwise, linear.pointwise, linear.batch_norm, linear.affine,
    linear.average_pool, linear.pad, linear.identity, blocks.residual, blocks.side_output,
    blocks.head, tied.levels, tied.recurrent,
)  # fmt: skip

#: Everything.
ALL: Sequence[Layer] = (
    layers.activation, layers.activation, layers.activation, linear.conv, linear.conv, linear.conv,
    linear.conv_auto_pad, linear.depthwise, linear.pointwise, linear.conv_transpose, linear.batch_norm,
    linear.batch_norm, linear.affine, linear.average_pool, layers.max_pool, linear.global_average,
    lambda net: linear.pad(net, ("constant", "reflect", "edge")), layers.prelu, layers.softmax, layers.lrn,
    layers.reduce_mean, layers.no_op, layers.no_op, layers.written_out, layers.split, layers.slice_part,
    layers.cut_and_concat, layers.flatten, linear.gemm, linear.gemm, linear.matmul, layers.reshape_to_image,
    blocks.residual, blocks.residual, blocks.join, blocks.join, blocks.concat, blocks.concat,
    blocks.squeeze_excite, blocks.transposed, blocks.branch, blocks.branch, blocks.other_input, blocks.other_input, blocks.side_output,
    blocks.side_output, inputs.picture, inputs.mask, inputs.identifiers, tails.tail, tails.tail,
    resampling.resize, resampling.depth_to_space, resampling.space_to_depth, resampling.instance_norm,
    tied.levels, tied.recurrent, tied.there_and_back, tied.there_and_back, quantised.integer_weights,
)  # fmt: skip

_BYTES = 224
_OPSETS = (17, 11, 13, 20)
_SIZES = {1: 20, 2: 10, 3: 5}


@dataclass(frozen=True)
class Network:
    """A model and the dims that its inputs may have."""

    model: onnx.ModelProto
    #: One a graph input, without the batch.
    dims: tuple[tuple[int, ...], ...]
    #: Whether the spatial dims are free too.
    free: bool
    #: First dim of every input where the file fixes it.
    batch: int | None
    seed: int
    inputs: tuple[Value, ...]
    #: Whether some clamps matter for large values only.
    wide: bool = False

    def feeds(
        self, *, batch: int = 2, grow: int = 0, seed: int = 0, scale: float = 1.0
    ) -> dict[str, np.ndarray]:
        """Inputs in the range -scale to scale, or whole numbers; `grow` is added to every spatial dim where they are free."""
        random = np.random.default_rng((self.seed, seed))
        return {
            value.name: inputs.made_up(value, dims, random, scale)
            for value, dims in zip(self.inputs, self.shapes(batch, grow), strict=True)
        }

    def shapes(self, batch: int = 2, grow: int = 0) -> list[list[int]]:
        """Dims of the inputs with the batch, where the file does not fix another one."""
        batch = batch if self.batch is None else self.batch
        grow = grow if self.free else 0
        return [[batch, dims[0], *(size + grow for size in dims[1:])] for dims in self.dims]

    def __repr__(self) -> str:
        return onnx.printer.to_text(self.model)


def networks(layers: Sequence[Layer] = ALL) -> st.SearchStrategy[Network]:
    """Models of these layers. They get smaller as their bytes do."""
    return st.binary(min_size=_BYTES, max_size=_BYTES).map(lambda data: build_network(data, layers))


def build_network(data: bytes, layers: Sequence[Layer] = ALL) -> Network:
    """The model that these bytes describe."""
    choose = Choices(data)
    spatial = choose.pick([2, 2, 1, 3])
    sizes = [choose.integer(1, _SIZES[spatial]) for _ in range(spatial)]
    seed = choose.integer(0, 255)
    net = Net(
        choose,
        choose.pick(_OPSETS),
        np.random.default_rng(seed),
        Value("x", (choose.pick([2, 1, 3, 4, 6]), *sizes)),
    )
    for _ in range(choose.integer(1, 11)):
        choose.pick(layers)(net)
    return _finished(net, seed)


def _finished(net: Net, seed: int) -> Network:
    if net.current in net.inputs:
        net.add("Relu", [net.current])
    outputs = [net.current, *(value for value in net.outputs if value is not net.current)]
    loose = [value for value in net.live if value.name not in net.read and value not in outputs]
    outputs += [value for value in loose if value in net.inputs or net.choices.one_in(2)]
    free = net.free and net.choices.one_in(2)
    batch = 2 if net.choices.one_in(4) else None

    naming = net.choices.pick(["name", "name", None, "?"])

    def declared(value: Value) -> onnx.ValueInfoProto:
        if value.loose:
            return inputs.value_info(value, [None] * (len(value.dims) + 1))
        space: list[str | int | None] = list(value.sizes)
        if free:
            space = [f"{value.name}_s{axis}" if naming == "name" else naming for axis in range(value.spatial)]
        return inputs.value_info(value, [batch or "n", value.channels, *space])

    starts, ends = [declared(value) for value in net.inputs], [declared(value) for value in outputs]
    constants = [onnx.numpy_helper.from_array(array, name) for name, array in net.constants.items()]
    nodes = net.nodes
    if net.choices.one_in(4):
        nodes = [onnx.helper.make_node("Constant", [], [c.name], value=c) for c in constants] + nodes
        constants = []
    model = model_of(nodes, constants, starts, ends, opset=net.opset, ir_version=9)
    dims = tuple(value.dims for value in net.inputs)
    return Network(model, dims, free, batch, seed, tuple(net.inputs), net.wide)
