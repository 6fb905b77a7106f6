"""Runs generic operators by ONNX Runtime, each in a separate session."""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, lru_cache
from typing import Any, TypeAlias

import aidge_core
import numpy as np
from onnx import ModelProto

from ..generic import GenericNode
from .single_node import Inferred, Input, infer_outputs, input_name, output_name, single_node_model

__all__ = ["OnnxRuntime", "session_of", "without_runtime"]

Array: TypeAlias = np.ndarray[Any, Any]
_Info: TypeAlias = tuple[Sequence[int], str, Array | None]

_INSTALL = "pip install 'aidge-compress[ort]'"
_STATE = threading.local()
_TYPES = {"float": "float32", "double": "float64"}


@contextmanager
def without_runtime() -> Iterator[None]:
    """In this thread, shapes are inferred from the files' declarations only: no operator of a file runs while it is read."""
    _STATE.paused = True
    try:
        yield
    finally:
        _STATE.paused = False


class OnnxRuntime:
    """The provider of generic kernels (see aidge_core.set_generic_provider)."""

    def refusal(self, kind: str, attributes: Mapping[str, Any]) -> str:
        """Why the operator cannot run; "" if it can."""
        if "onnx_node" not in attributes:
            return "a generic operator that did not come from ONNX: nothing can run it"
        entry = GenericNode.read(attributes, kind)
        if importlib.util.find_spec("onnxruntime") is None:
            return f"{entry.reason}; ONNX Runtime would run it: {_INSTALL}"
        for node in entry.nodes():
            domain = "" if node.domain == "ai.onnx" else node.domain
            if (domain, node.op_type) not in _known_operators():
                where = f"the domain {domain!r}" if domain else "ONNX"
                return f"{entry.reason}, and ONNX Runtime knows no {node.op_type} of {where}"
        return ""

    def infer(
        self, kind: str, attributes: Mapping[str, Any], inputs: Sequence[_Info]
    ) -> list[Inferred] | None:
        """Dims and types of the outputs; None for an operator that did not come from ONNX."""
        if "onnx_node" not in attributes or getattr(_STATE, "paused", False):
            return None
        entry = GenericNode.read(attributes, kind)
        known = _inputs(inputs)
        outputs = infer_outputs(entry, known)
        if outputs is None and importlib.util.find_spec("onnxruntime") is not None:
            model = single_node_model(entry, known)
            outputs = _session_outputs(model.SerializeToString(deterministic=True), len(entry.proto.output))
        return outputs

    def create(
        self, kind: str, attributes: Mapping[str, Any], inputs: Sequence[_Info]
    ) -> Callable[[Sequence[Array | None]], list[Array]]:
        """The operator's session as a function of its computed inputs."""
        entry = GenericNode.read(attributes, kind)
        session = _node_session(entry, _inputs(inputs))
        feeds = {value.name for value in session.get_inputs()}
        places = [(index, input_name(index)) for index in range(len(inputs)) if input_name(index) in feeds]
        wanted = [output_name(index) for index, name in enumerate(entry.proto.output) if name]
        where = f"{entry.proto.name or kind!r} ({kind})"

        def run(arrays: Sequence[Array | None]) -> list[Array]:
            try:
                results = session.run(wanted, {name: arrays[index] for index, name in places})
            except Exception as error:  # ONNX Runtime's own types, which have no common ancestor
                raise RuntimeError(
                    f"[scheduler::forward] expected inputs that ONNX Runtime takes for {where}, got: {error}"
                ) from error
            made = dict(zip(wanted, results, strict=True))
            missing = np.empty(0, np.float32)
            return [made.get(output_name(index), missing) for index in range(len(entry.proto.output))]

        return run


def _node_session(entry: GenericNode, inputs: Sequence[Input]) -> Any:
    try:
        return _session(single_node_model(entry, inputs).SerializeToString())
    except aidge_core.UnsupportedError:  # a branch that is not taken may not fit the dims
        return _session(single_node_model(entry, inputs, free_dims=True).SerializeToString())


def _inputs(infos: Sequence[_Info]) -> list[Input]:
    return [Input(tuple(dims), dtype, value) for dims, dtype, value in infos]


def session_of(model: ModelProto) -> Any:
    """A model as one session of ONNX Runtime; aidge_core.UnsupportedError if it is missing or refuses."""
    if importlib.util.find_spec("onnxruntime") is None:
        raise aidge_core.UnsupportedError(f"ONNX Runtime would run this model: {_INSTALL}")
    return _session(model.SerializeToString())


def _session(model: bytes) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's own types, which have no common ancestor
        raise aidge_core.UnsupportedError(f"ONNX Runtime cannot run it: {error}") from error


@lru_cache(maxsize=128)
def _session_outputs(model: bytes, count: int) -> list[Inferred]:
    """What ONNX Runtime says of operators that only it knows."""
    outputs: list[Inferred] = [([0], "float32")] * count
    for value in _session(model).get_outputs():
        kind = value.type.removeprefix("tensor(").removesuffix(")")
        known = value.shape and all(isinstance(dim, int) for dim in value.shape)
        index = int(value.name.rsplit(".", 1)[1])
        # No dims may also mean an unknown rank: the run will tell.
        outputs[index] = (list(value.shape) if known else None, _TYPES.get(kind, kind))
    return outputs


@cache
def _known_operators() -> frozenset[tuple[str, str]]:
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    return frozenset((schema.domain, schema.name) for schema in state.get_all_operator_schema())
