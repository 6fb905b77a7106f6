"""The interface of `onnx.backend`: `aidge_onnx.backend.prepare(model).run(inputs)`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import aidge_core
import numpy as np
from onnx import ModelProto, TensorProto, helper, shape_inference
from onnx.backend.base import Backend, BackendRep

from .load import load_onnx
from .running.runtime import session_of
from .tensors import to_proto

__all__ = ["AidgeBackend", "PreparedModel", "is_compatible", "prepare", "run_model", "supports_device"]

Array = np.ndarray[Any, Any]
_ALL = tuple(range(1, 8))
#: Inputs that decide on shapes, or that an operator here keeps as attributes: graph inputs there become constants.
_SETTINGS: dict[str, tuple[int, ...]] = {
    "BatchNormalization": (1, 2, 3, 4),
    "ConstantOfShape": (0,),
    "Conv": (1, 2),
    "ConvTranspose": (1, 2),
    "CumSum": (1,),
    "Dropout": (1, 2),
    "Expand": (1,),
    "OneHot": (1,),
    "Pad": (1, 2, 3),
    "Range": (0, 1, 2),
    "Reshape": (1,),
    "Resize": _ALL,
    "Slice": (1, 2, 3, 4),
    "Split": (1,),
    "Squeeze": (1,),
    "Tile": (1,),
    "TopK": (1,),
    "Trilu": (1,),
    "Unsqueeze": (1,),
    "Upsample": (1,),
    **{
        f"Reduce{name}": (1,)
        for name in ("Sum", "Mean", "Max", "Min", "Prod", "L1", "L2", "LogSum", "LogSumExp", "SumSquare")
    },
}


class PreparedModel(BackendRep):  # type: ignore[misc,unused-ignore]
    """A model that is ready to run on inputs of any fitting shape.

    Plans have fixed shapes, so graph inputs that decide on shapes (axes, sizes, slices, weights …) are built
    in as constants; a run with other values for them loads the model anew. With `fallback`, ONNX Runtime runs
    the operators that have no native form, and as a whole a model that takes or gives strings, sequences or
    optional values, which a graph cannot; without, they are refused.
    """

    def __init__(self, model: ModelProto, *, fallback: bool = True) -> None:
        self._model = model
        self._fallback = fallback
        initialisers = {tensor.name for tensor in model.graph.initializer}
        self._inputs = [value.name for value in model.graph.input if value.name not in initialisers]
        read = {
            node.input[index]
            for node in model.graph.node
            for index in _SETTINGS.get(node.op_type, ())
            if index < len(node.input)
        }
        self._settings = [name for name in self._inputs if name in read]
        self._key: object = None
        self._graph: aidge_core.GraphView | None = None
        self._scheduler: aidge_core.SequentialScheduler | None = None
        self._session = session_of(model) if fallback and not _has_plain_boundary(model) else None
        if not self._settings and self._session is None:
            self._load({})

    @property
    def graph(self) -> aidge_core.GraphView | None:
        """The graph of the last run; None before the first run if its settings come with the inputs."""
        return self._graph

    def run(self, inputs: Sequence[Any] | Mapping[str, Any] | Array, **kwargs: Any) -> tuple[Any, ...]:
        """One pass; `inputs` in the model's order, or by name, or the only one.

        Returns one array per output. Raises ValueError if inputs do not fit, aidge_core.UnsupportedError
        if the CPU backend cannot run the model.
        """
        feeds = self._feeds(inputs)
        if self._session is not None:
            return tuple(self._session.run(None, feeds))
        settings = {name: feeds[name] for name in self._settings if name in feeds}
        shapes = [feeds[name].shape for name in self._inputs if name in feeds]
        key = (shapes, [(name, array.dtype.str, array.tobytes()) for name, array in settings.items()])
        if self._graph is None or (settings and key != self._key):
            self._load(settings)
        assert self._graph is not None
        data = [feeds[spec.name] for spec in self._graph.input_specs]
        if self._scheduler is None or key != self._key:
            self._compile([list(array.shape) for array in data])
        assert self._scheduler is not None
        self._key = key
        return tuple(np.asarray(value) for value in self._scheduler.forward(data=data))

    def _feeds(self, inputs: Sequence[Any] | Mapping[str, Any] | Array) -> dict[str, Array]:
        if isinstance(inputs, Mapping):
            return {name: _array(value) for name, value in inputs.items()}
        values = [inputs] if isinstance(inputs, np.ndarray) else list(inputs)
        if len(values) > len(self._inputs):
            raise ValueError(
                f"[aidge_onnx.backend] expected at most {len(self._inputs)} inputs, got {len(values)}"
            )
        return {name: _array(value) for name, value in zip(self._inputs, values, strict=False)}

    def _load(self, settings: dict[str, Array]) -> None:
        model = self._model
        if settings:
            model = ModelProto()
            model.CopyFrom(self._model)
            model.graph.initializer.extend(to_proto(array, name) for name, array in settings.items())
            kept = [value for value in self._model.graph.input if value.name not in settings]
            del model.graph.input[:]
            model.graph.input.extend(kept)
        self._graph, self._scheduler = load_onnx(model), None
        generic = [f"{node.name()} ({node.type()})" for node in _generic_nodes(self._graph)]
        if generic and not self._fallback:
            raise aidge_core.UnsupportedError(
                f"[aidge_onnx.backend] expected native operators, got {', '.join(generic)}"
            )

    def _compile(self, dims: list[list[int]]) -> None:
        assert self._graph is not None
        self._graph.compile("cpu", dims=dims)
        self._scheduler = aidge_core.SequentialScheduler(self._graph)


class AidgeBackend(Backend):  # type: ignore[misc,unused-ignore]
    """The CPU backend, as the onnx package's tests and tools expect one."""

    @classmethod
    def is_compatible(cls, model: ModelProto, device: str = "CPU", **kwargs: Any) -> bool:
        """Whether every operator is native, as far as that shows before the inputs are there."""
        try:
            graph = load_onnx(model)
        except (ValueError, aidge_core.UnsupportedError):
            return False
        return not _generic_nodes(graph)

    @classmethod
    def prepare(cls, model: ModelProto, device: str = "CPU", **kwargs: Any) -> PreparedModel:
        """The model, checked and loaded; `fallback=False` (a keyword): native operators only.

        Raises InvalidModelError, aidge_core.UnsupportedError, ValueError.
        """
        if not cls.supports_device(device):
            raise ValueError(f'[aidge_onnx.backend] expected device "CPU", got "{device}"')
        return PreparedModel(model, fallback=bool(kwargs.get("fallback", True)))

    @classmethod
    def run_model(cls, model: ModelProto, inputs: Any, device: str = "CPU", **kwargs: Any) -> tuple[Any, ...]:
        """prepare and run in one."""
        return cls.prepare(model, device, **kwargs).run(inputs)

    @classmethod
    def run_node(
        cls, node: Any, inputs: Any, device: str = "CPU", outputs_info: Any = None, **kwargs: Any
    ) -> tuple[Any, ...]:
        """A model of one node, run on arrays."""
        arrays = [np.asarray(value) for value in inputs]
        names = [name for name in node.input if name]
        graph = helper.make_graph(
            [node],
            "node",
            [
                helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
                for name, array in zip(names, arrays, strict=True)
            ],
            [helper.make_empty_tensor_value_info(name) for name in node.output if name],
        )
        model = shape_inference.infer_shapes(helper.make_model(graph, **kwargs))
        return cls.run_model(model, arrays, device)

    @classmethod
    def supports_device(cls, device: str) -> bool:
        """True for "CPU"."""
        return device.split(":")[0].upper() == "CPU"


def _array(value: Any) -> Any:
    return value if value is None or isinstance(value, list) else np.asarray(value)


def _has_plain_boundary(model: ModelProto) -> bool:
    """Whether the model takes and gives tensors of numbers only."""
    types = [value.type for value in (*model.graph.input, *model.graph.output)]
    return all(
        kind.WhichOneof("value") in (None, "tensor_type") and kind.tensor_type.elem_type != TensorProto.STRING
        for kind in types
    )


def _generic_nodes(graph: aidge_core.GraphView) -> list[aidge_core.Node]:
    return [node for node in graph.get_ordered_nodes(deep=True) if node.get_operator().is_generic()]


is_compatible = AidgeBackend.is_compatible
prepare = AidgeBackend.prepare
run_model = AidgeBackend.run_model
supports_device = AidgeBackend.supports_device
