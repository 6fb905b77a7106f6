"""Gemm, FC and MatMul."""

from __future__ import annotations

import aidge_core
import numpy as np

from ..reading.builder import Array, Builder, Fresh, NotNative, refuse
from ..reading.source import OnnxNode
from ..registry import exports, imports
from ..writing.writer import Writer


def _bias(node: OnnxNode, build: Builder, outputs: int) -> Array | None:
    """C as (outputs,), or None if it is no such thing."""
    array = build.constant(node, 2)
    if array is None or array.dtype != np.float32:
        return None
    if (
        array.ndim > 2
        or (array.ndim == 2 and array.shape[0] != 1)
        or (array.ndim and array.shape[-1] not in (1, outputs))
    ):
        return None
    return np.broadcast_to(array.reshape(-1), (outputs,))


@imports("Gemm")
def import_gemm(node: OnnxNode, build: Builder) -> None:
    alpha, beta = (float(node.attributes.get(name, 1.0)) for name in ("alpha", "beta"))
    trans_a, trans_b = (bool(node.attributes.get(name, 0)) for name in ("transA", "transB"))
    weight = build.constant(node, 1)
    if weight is not None and weight.ndim != 2:
        refuse(node, f"B has dims {list(weight.shape)}, expected two")
    with_c = build.has_input(node, 2) and beta != 0.0
    if weight is not None and weight.dtype == np.float32 and not trans_a and _keeps_weight(node, build):
        bias = _bias(node, build, weight.shape[0 if trans_b else 1]) if with_c else None
        if bias is not None or not with_c:
            _emit_fc(node, build, weight, bias, (alpha, beta, trans_b))
            return
    inputs = [*node.inputs[:2], node.inputs[2] if with_c else ""]
    build.emit(node, "Gemm", inputs, {"alpha": alpha, "beta": beta, "trans_a": trans_a, "trans_b": trans_b})


def _form(node: OnnxNode, name: str) -> tuple[float, bool]:
    """How a node reads a weight: (factor, as it is or transposed) compared with an FC's weight."""
    as_it_is = (1.0, True)
    if (
        node.op != "Gemm"
        or node.domain
        or node.inputs[1] != name
        or name in (node.inputs[0], *node.inputs[2:])
    ):
        return as_it_is
    return float(node.attributes.get("alpha", 1.0)), bool(node.attributes.get("transB", 0))


def _keeps_weight(node: OnnxNode, build: Builder) -> bool:
    """Whether an FC can hold the weight without a second copy of it: all nodes that read the weight do so in one form."""
    form = _form(node, node.inputs[1])
    if form == (1.0, True):
        return True
    array = build.source.constants[node.inputs[1]]
    names = {name for name, held in build.source.constants.items() if held is array}
    forms = {
        _form(reader, name)
        for reader in build.readers_of(node.inputs[1])
        for name in names & {*reader.uses()}
    }
    return forms == {form} and names.isdisjoint(value.name for value in build.source.outputs)


def _emit_fc(
    node: OnnxNode, build: Builder, weight: Array, bias: Array | None, form: tuple[float, float, bool]
) -> None:
    alpha, beta, trans_b = form
    inputs: list[str | Fresh] = [node.inputs[0]]
    if trans_b and alpha == 1.0:
        inputs.append(node.inputs[1])
    else:
        turned = weight if trans_b else weight.T
        inputs.append(Fresh(turned if alpha == 1.0 else turned * np.float32(alpha), node.inputs[1]))
    if bias is not None:
        same = beta == 1.0 and build.source.constants[node.inputs[2]].shape == bias.shape
        inputs.append(node.inputs[2] if same else Fresh(bias * np.float32(beta), node.inputs[2]))
    build.emit(node, "FC", inputs)


@imports("MatMul")
def import_matmul(node: OnnxNode, build: Builder) -> None:
    for index in (0, 1):
        array = build.constant(node, index)
        if array is not None and array.dtype != np.float32:
            raise NotNative(f"works on {array.dtype}")
    build.emit(node, "MatMul", node.inputs)


@exports("FC")
def export_fc(node: aidge_core.Node, write: Writer) -> None:
    inputs = write.inputs(node)
    if write.known_rank(inputs[0]) != 2:
        inputs[0] = write.step(node, "Flatten", inputs[:1], {"axis": 1}, "flatten")
    if len(inputs) == 2 and write.opset < 11:
        inputs.append(write.constant(node, "bias", np.zeros(1, np.float32)))
    write.emit(node, "Gemm", inputs, {"transB": 1})


@exports("Gemm")
def export_gemm(node: aidge_core.Node, write: Writer) -> None:
    inputs, attributes = write.inputs(node), write.attributes(node)
    if len(inputs) == 2 and write.opset < 11:
        inputs.append(write.constant(node, "c", np.zeros(1, np.float32)))
    write.emit(
        node,
        "Gemm",
        inputs,
        {
            "alpha": attributes["alpha"],
            "beta": attributes["beta"],
            "transA": int(attributes["trans_a"]),
            "transB": int(attributes["trans_b"]),
        },
    )


@exports("MatMul")
def export_matmul(node: aidge_core.Node, write: Writer) -> None:
    write.emit(node, "MatMul", write.inputs(node))
