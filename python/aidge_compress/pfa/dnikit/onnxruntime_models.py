"""ONNX Runtime as an engine for models."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from .batch import Array
from .responses import ResponseInfo

__all__ = ["OnnxFileDetails", "SessionDetails"]

_LINEAR = {"Gemm": "LINEAR", "MatMul": "LINEAR"}
_BY_RANK = {
    "Conv": "CONV",
    "ConvTranspose": "CONV_TRANSPOSE",
    "MaxPool": "MAX_POOLING",
    "AveragePool": "AVERAGE_POOLING",
}
_KINDS = {
    **_LINEAR,
    "BatchNormalization": "BATCH_NORM",
    "LayerNormalization": "LAYER_NORM",
    "Dropout": "DROPOUT",
    "Sigmoid": "SIGMOID",
    "Tanh": "TANH",
    "Relu": "RELU",
    "LeakyRelu": "LEAKY_RELU",
    "PRelu": "PRELU",
    "Softmax": "SOFTMAX",
}


def _runtime() -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise ImportError(
            '[pfa::load_model] ONNX Runtime is missing: pip install "aidge-compress[ort]"'
        ) from error
    return onnxruntime


def _free(shape: Any) -> tuple[int | None, ...]:
    """Fixed extents as ints, named or unknown ones and the samples as None."""
    extents = [extent if isinstance(extent, int) and extent > 0 else None for extent in shape or ()]
    return tuple([None, *extents[1:]] if extents else [])


def _dtype(text: str) -> np.dtype[Any]:
    """ "tensor(float)" → float32."""
    name = text[text.find("(") + 1 : -1]
    return np.dtype({"float": "float32", "double": "float64"}.get(name, name))


def _session_inputs(session: Any) -> list[ResponseInfo]:
    kind = ResponseInfo.LayerKind.PLACEHOLDER
    return [
        ResponseInfo(
            entry.name, _dtype(entry.type), _free(entry.shape), ResponseInfo.Layer(entry.name, kind, "Input")
        )
        for entry in session.get_inputs()
    ]


def _run(session: Any, feeds: Mapping[str, Array], tensors: list[str]) -> list[Array]:
    types = {entry.name: _dtype(entry.type) for entry in session.get_inputs()}
    cast = {
        name: array.astype(types[name], copy=False) if array.dtype == np.float64 else array
        for name, array in feeds.items()
    }
    return list(session.run(tensors, cast))


class SessionDetails:
    """An onnxruntime.InferenceSession: its responses are its outputs."""

    def __init__(self, session: Any) -> None:
        self._session = session

    def inputs(self) -> list[ResponseInfo]:
        """Return the session's inputs."""
        return _session_inputs(self._session)

    def responses(self) -> list[ResponseInfo]:
        """Return the session's outputs; of their layers nothing is known."""
        kind = ResponseInfo.LayerKind.UNKNOWN
        return [
            ResponseInfo(
                entry.name, _dtype(entry.type), _free(entry.shape), ResponseInfo.Layer(entry.name, kind, "")
            )
            for entry in self._session.get_outputs()
        ]

    def run(self, feeds: Mapping[str, Array], names: list[str]) -> dict[str, Array]:
        """Return the outputs for one batch."""
        return dict(zip(names, _run(self._session, feeds, names), strict=True))


class OnnxFileDetails:
    """An ONNX file: every node's first output is a response, by the node's name (by the tensor's, if it has none)."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        import onnx
        from onnx.shape_inference import infer_shapes

        self._runtime = _runtime()
        self._model = infer_shapes(onnx.load(path))
        self._tensors: dict[str, tuple[str, str]] = {}
        for node in self._model.graph.node:
            if node.output and node.op_type != "Constant":
                name = node.name if node.name and node.name not in self._tensors else node.output[0]
                self._tensors[name] = (node.output[0], node.op_type)
        self._sessions: dict[tuple[str, ...], Any] = {}

    def _session(self, names: tuple[str, ...]) -> Any:
        if names not in self._sessions:
            import onnx

            model = onnx.ModelProto()
            model.CopyFrom(self._model)
            declared = {entry.name for entry in model.graph.output}
            for tensor in dict.fromkeys(self._tensors[name][0] for name in names):
                if tensor not in declared:
                    model.graph.output.append(onnx.ValueInfoProto(name=tensor))
            self._sessions[names] = self._runtime.InferenceSession(
                model.SerializeToString(), providers=["CPUExecutionProvider"]
            )
        return self._sessions[names]

    def inputs(self) -> list[ResponseInfo]:
        """Return the inputs that no initializer fills."""
        return _session_inputs(self._session(()))

    def responses(self) -> list[ResponseInfo]:
        """Return every node's first output, with its shape where inference knows it."""
        from onnx.helper import tensor_dtype_to_np_dtype

        graph = self._model.graph
        types = {entry.name: entry.type.tensor_type for entry in [*graph.value_info, *graph.output]}
        infos = []
        for name, (tensor, op_type) in self._tensors.items():
            known = types.get(tensor)
            dims = [dim.dim_value for dim in known.shape.dim] if known is not None else []
            kind = (
                f"{_BY_RANK[op_type]}_{len(dims) - 2}D"
                if op_type in _BY_RANK
                else _KINDS.get(op_type, "UNKNOWN")
            )
            layer_kind = getattr(ResponseInfo.LayerKind, kind, ResponseInfo.LayerKind.UNKNOWN)
            dtype = (
                tensor_dtype_to_np_dtype(known.elem_type)
                if known is not None and known.elem_type
                else np.float32
            )
            layer = ResponseInfo.Layer(name, layer_kind, op_type)
            infos.append(ResponseInfo(name, np.dtype(dtype), _free(dims), layer))
        return infos

    def run(self, feeds: Mapping[str, Array], names: list[str]) -> dict[str, Array]:
        """Return the responses to one batch."""
        tensors = [self._tensors[name][0] for name in names]
        return dict(zip(names, _run(self._session(tuple(names)), feeds, tensors), strict=True))
