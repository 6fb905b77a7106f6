"""Damaged models: real ones with their bytes or their structure changed at random."""

from __future__ import annotations

import os
import random
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import onnx
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from helpers.networks import build_network
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto

__all__ = ["case", "corpus"]

_LARGEST = 1 << 20
_NUMBERS = (
    0,
    1,
    -1,
    2,
    3,
    7,
    255,
    1 << 15,
    1 << 31,
    (1 << 31) - 1,
    -(1 << 31),
    1 << 62,
    (1 << 63) - 1,
    -(1 << 63),
)
_FLOATS = (0.0, -1.0, 1e38, float("nan"), float("inf"), -float("inf"))


@cache
def corpus() -> tuple[bytes, ...]:
    """The light models and the exported ones of the onnx package, the demo's network and generated ones; ONNX's own node tests where
    AIDGE_FUZZ_NODES names a folder of them."""
    models = [path.read_bytes() for path in sorted((Path(onnx.__file__).parent / "backend").rglob("*.onnx"))]
    if "AIDGE_FUZZ_NODES" in os.environ:
        models += [path.read_bytes() for path in sorted(Path(os.environ["AIDGE_FUZZ_NODES"]).glob("*.onnx"))]
    demo = files("aidge_compress.demo")
    models += [entry.read_bytes() for entry in demo.iterdir() if entry.name.endswith(".onnx")]
    random_ = random.Random(0)
    models += [build_network(random_.randbytes(224)).model.SerializeToString() for _ in range(200)]
    return tuple(data for data in models if len(data) <= _LARGEST)


def case(seed: int, index: int) -> bytes:
    """The same bytes for the same numbers."""
    draw = random.Random(f"{seed}:{index}")
    data = draw.choice(corpus())
    if draw.random() < 0.35:
        return _damage_bytes(data, draw)
    model = ModelProto.FromString(data)
    for _ in range(draw.choice((1, 1, 1, 2, 4))):
        draw.choice(_DAMAGES)(model, draw)
    try:
        return bytes(model.SerializeToString())
    except Exception:  # a message that cannot be written any more
        return _damage_bytes(data, draw)


def _damage_bytes(data: bytes, draw: random.Random) -> bytes:
    part = bytearray(data)
    for _ in range(draw.choice((1, 1, 2, 8, 64))):
        if not part:
            break
        at = draw.randrange(len(part))
        kind = draw.randrange(6)
        if kind == 0:
            part[at] ^= 1 << draw.randrange(8)
        elif kind == 1:
            part[at] = draw.randrange(256)
        elif kind == 2:
            del part[at : at + draw.choice((1, 4, 64))]
        elif kind == 3:
            part[at:at] = draw.randbytes(draw.choice((1, 4, 16)))
        elif kind == 4:
            part[at:at] = part[at : at + draw.choice((4, 64, 512))]
        else:
            other = draw.choice(corpus())
            start = draw.randrange(len(other))
            part[at : at + 32] = other[start : start + draw.choice((8, 64))]
    return bytes(part) if draw.random() < 0.9 else bytes(part[: draw.randrange(len(part) + 1)])


# --- structure ----------------------------------------------------------------------------------------------
def _messages(message: Message, found: list[Message]) -> list[Message]:
    found.append(message)
    for field, value in message.ListFields():
        if field.message_type is None or len(found) > 4000:
            continue
        for inner in value if field.is_repeated else [value]:
            _messages(inner, found)
    return found


def _any_field(model: ModelProto, draw: random.Random) -> None:
    """Another value for a field of any message, or none, or one more."""
    message = draw.choice(_messages(model, []))
    field: FieldDescriptor = draw.choice(message.DESCRIPTOR.fields)
    if draw.random() < 0.2:
        message.ClearField(field.name)
        return
    try:
        if field.message_type is not None:
            inner = getattr(message, field.name)
            inner.add() if field.is_repeated else inner.SetInParent()
        elif field.is_repeated:
            values = getattr(message, field.name)
            if values and draw.random() < 0.7:
                values[draw.randrange(len(values))] = _value(field, draw)
            else:
                values.append(_value(field, draw))
        else:
            setattr(message, field.name, _value(field, draw))
    except (ValueError, TypeError):  # a number that the field does not take
        return


def _value(field: FieldDescriptor, draw: random.Random) -> Any:
    if field.cpp_type in (FieldDescriptor.CPPTYPE_FLOAT, FieldDescriptor.CPPTYPE_DOUBLE):
        return draw.choice(_FLOATS)
    if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        text = draw.choice(("", "x", "n0_out", "Conv", "Loop", "../../etc/passwd", "axis", "\0", "a" * 5000))
        return text.encode() if field.type == FieldDescriptor.TYPE_BYTES else text
    return draw.choice(_NUMBERS)


def _graphs(model: ModelProto) -> list[GraphProto]:
    return [message for message in _messages(model, []) if isinstance(message, GraphProto)]


def _nodes(model: ModelProto) -> list[NodeProto]:
    return [message for message in _messages(model, []) if isinstance(message, NodeProto)] or [NodeProto()]


def _tensor(model: ModelProto, draw: random.Random) -> None:
    tensors = [message for message in _messages(model, []) if isinstance(message, TensorProto)]
    if not tensors:
        return
    tensor = draw.choice(tensors)
    kind = draw.randrange(5)
    if kind == 0:
        tensor.raw_data = tensor.raw_data[: draw.randrange(len(tensor.raw_data) + 1)] + draw.randbytes(3)
    elif kind == 1 and len(tensor.dims):
        tensor.dims[draw.randrange(len(tensor.dims))] = draw.choice(_NUMBERS)
    elif kind == 2:
        tensor.dims.append(draw.choice(_NUMBERS))
    elif kind == 3:
        tensor.data_type = draw.randrange(30)
    else:
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value=draw.choice(("/etc/passwd", "../x", "w.bin", "")))


def _wiring(model: ModelProto, draw: random.Random) -> None:
    """An input of a node is another value: cycles, missing and doubled ones."""
    one, other = draw.choice(_nodes(model)), draw.choice(_nodes(model))
    names = [*one.input, *one.output, *other.output, "", "nowhere"]
    if one.input and draw.random() < 0.6:
        one.input[draw.randrange(len(one.input))] = draw.choice(names)
    elif one.output and draw.random() < 0.5:
        one.output[draw.randrange(len(one.output))] = draw.choice(names)
    else:
        one.input.append(draw.choice(names))


def _operator(model: ModelProto, draw: random.Random) -> None:
    node = draw.choice(_nodes(model))
    node.op_type = draw.choice([*onnx_operators(), node.op_type])
    if draw.random() < 0.2:
        node.domain = draw.choice(("com.microsoft", "my.domain", "ai.onnx.ml"))


@cache
def onnx_operators() -> tuple[str, ...]:
    """Names of all standard operators."""
    return tuple(sorted({schema.name for schema in onnx.defs.get_all_schemas()}))


def _attribute(model: ModelProto, draw: random.Random) -> None:
    node = draw.choice(_nodes(model))
    if not node.attribute or draw.random() < 0.2:
        name = draw.choice(("axis", "pads", "kernel_shape", "group", "perm", "to", "strides", "ceil_mode"))
        node.attribute.append(
            onnx.helper.make_attribute(name, draw.choice((1, -1, [1, 2], [0] * 9, 1 << 40)))
        )
        return
    attribute = draw.choice(node.attribute)
    if attribute.type == AttributeProto.INTS and attribute.ints:
        if draw.random() < 0.5:
            attribute.ints[draw.randrange(len(attribute.ints))] = draw.choice(_NUMBERS)
        else:
            attribute.ints.append(draw.choice(_NUMBERS))
    elif attribute.type == AttributeProto.INT:
        attribute.i = draw.choice(_NUMBERS)
    elif attribute.type == AttributeProto.FLOAT:
        attribute.f = draw.choice(_FLOATS)
    else:
        attribute.type = draw.randrange(14)


def _nodes_moved(model: ModelProto, draw: random.Random) -> None:
    """A node twice, gone, elsewhere, or from another model."""
    graph = draw.choice(_graphs(model) or [model.graph])
    if not graph.node:
        return
    at = draw.randrange(len(graph.node))
    kind = draw.randrange(3)
    if kind == 0:
        graph.node.add().CopyFrom(graph.node[at])
    elif kind == 1:
        del graph.node[at]
    else:
        graph.node.add().CopyFrom(draw.choice(_nodes(ModelProto.FromString(draw.choice(corpus())))))


def _nested(model: ModelProto, draw: random.Random) -> None:
    """The graph within itself, some levels deep."""
    for _ in range(draw.choice((1, 3, 30))):
        inner = GraphProto()
        inner.CopyFrom(model.graph)
        if inner.ByteSize() > 1 << 16:
            return
        node = model.graph.node.add(op_type=draw.choice(("If", "Loop", "Scan", "Foo")))
        node.attribute.append(onnx.helper.make_attribute("body", inner))


def _header(model: ModelProto, draw: random.Random) -> None:
    if draw.random() < 0.3:
        model.ir_version = draw.choice(_NUMBERS)
    elif model.opset_import:
        draw.choice(model.opset_import).version = draw.choice((*range(1, 30), *_NUMBERS))


_DAMAGES = (
    _any_field, _any_field, _any_field, _tensor, _tensor, _wiring, _wiring, _operator, _attribute, _attribute,
    _nodes_moved, _nested, _header,
)  # fmt: skip
