"""Ends whose sizes only a run tells. What they select by comes from the first input, which is the same for every engine, so that rounding cannot
change how much is selected."""

from __future__ import annotations

import onnx

from .net import Net, Value

__all__ = ["tail"]

_THRESHOLD = 0.2
_ROW = (0,)
"""Behind the first axis there is another one."""


def tail(net: Net) -> None:
    """A further output of a size that only a run tells; the network goes on from where it was."""
    start, live = net.current, list(net.live)
    if any(value.loose for value in net.outputs) or net.opset < 12:
        return
    made = net.choices.pick([_samples, _places, _best, _different, _boxes])
    made(net)
    net.current, net.live = start, live


def _keep(net: Net, value: Value) -> None:
    net.outputs.append(Value(value.name, value.dims, value.kind, loose=True))


def _above(net: Net) -> Value:
    source = net.inputs[0]
    return net.add("Greater", [source, net.scalar(_THRESHOLD)], source.dims)


def _reduced(net: Net, op: str, axes: list[int]) -> Value:
    """Without the axes that are reduced."""
    return net.axes(op, axes, (), keepdims=0)


def _samples(net: Net) -> None:
    """The samples of a batch whose largest value is large, by Compress or by NonZero and Gather, and mostly a layer behind."""
    data, choose, source = net.current, net.choices, net.inputs[0]
    net.current = source
    rank = source.spatial + 2
    most = _reduced(net, "ReduceMax", list(range(1, rank)))
    condition = net.add("Greater", [most, net.scalar(_THRESHOLD)], ())
    if choose.one_in(2):
        net.add("Compress", [data, condition], data.dims, axis=0)
    else:
        where = net.add("NonZero", [condition], ())
        row = (
            net.add("Squeeze", [where, net.integers(0)], ())
            if net.opset >= 13
            else net.add("Squeeze", [where], (), axes=[0])
        )
        net.add("Gather", [data, row], data.dims, axis=0)
    if not data.sizes and not choose.one_in(3):
        weight = net.weight(data.channels, 3, fan_in=data.channels)
        net.add("MatMul", [net.current, weight], (3,))
        net.add("Relu", [net.current])
    _keep(net, net.current)


def _places(net: Net) -> None:
    """Values where the first input is large: NonZero, Transpose, GatherND; and the places themselves."""
    data, source = net.current, net.inputs[0]
    from_data = data.dims == source.dims
    net.free &= data is source
    where = net.add("NonZero", [_above(net)], ())
    rows = net.add("Transpose", [where], (), perm=[1, 0])
    if net.choices.one_in(2):
        _keep(net, Value(rows.name, _ROW, onnx.TensorProto.INT64))
    if from_data:
        _keep(net, net.add("GatherND", [data, rows], ()))
    elif not net.outputs or net.outputs[-1].name != rows.name:
        _keep(net, Value(rows.name, _ROW, onnx.TensorProto.INT64))


def _best(net: Net) -> None:
    """The largest channels, as many as there are large values in the first input, at least one."""
    data = net.current
    above = _above(net)
    counts = net.add("Cast", [above], above.dims, to=onnx.TensorProto.INT64)
    total = net.add("ReduceSum", [counts], (), keepdims=0)
    some = net.add("Max", [net.add("Min", [total, net.integers(data.channels)], ()), net.integers(1)], ())
    count = net.add("Reshape", [some, net.integers(1)], ())
    best = Value(f"n{len(net.nodes)}_best", data.dims)
    index = Value(f"n{len(net.nodes)}_index", data.dims)
    net.append("TopK", [data, count], [best, index], axis=1)
    net.current = best
    _keep(net, net.add("Relu", [best]))


def _different(net: Net) -> None:
    """The different whole numbers among the scaled values of the first input."""
    source = net.inputs[0]
    scaled = net.add("Floor", [net.add("Mul", [source, net.scalar(4.0)], source.dims)], source.dims)
    _keep(net, net.add("Unique", [scaled], (), sorted=1))


def _boxes(net: Net) -> None:
    """Boxes and scores of the first input, of which NonMaxSuppression keeps some."""
    source = net.inputs[0]
    if source.elements % 4:
        _different(net)
        return
    places = source.elements // 4
    net.free = False
    boxes = net.add("Reshape", [source, net.integers(0, places, 4)], (places, 4))
    scores = net.add("Slice", [boxes, net.integers(0), net.integers(1), net.integers(2)], (places, 1))
    rows = net.add("Transpose", [scores], (1, places), perm=[0, 2, 1])
    limits = [net.integers(3), net.floats(0.5), net.floats(0.1)]
    kept = net.add("NonMaxSuppression", [boxes, rows, *limits], ())
    index = net.add("Gather", [kept, net.integers(0)], (), axis=1)
    if net.choices.one_in(2):
        _keep(net, net.add("Cast", [index], (), to=onnx.TensorProto.FLOAT))
    else:
        _keep(net, Value(kept.name, _ROW, onnx.TensorProto.INT64))
