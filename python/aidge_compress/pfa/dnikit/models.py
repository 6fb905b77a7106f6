"""Networks as pipeline stages: batches in, responses of their layers out."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from aidge_core import GraphView, SequentialScheduler
from aidge_core.data import as_batches

from ...network.layers import kind_name
from .batch import Array, Batch, PipelineStage
from .processors import ImageFormat
from .responses import ResponseInfo

__all__ = ["Model", "ModelDetails", "load_model"]


class ModelDetails(Protocol):
    """A network of some framework."""

    def inputs(self) -> list[ResponseInfo]:
        """Return what must be fed, in order."""

    def responses(self) -> list[ResponseInfo]:
        """Return what can be asked for, in order of computation."""

    def run(self, feeds: Mapping[str, Array], names: list[str]) -> Mapping[str, Array]:
        """Return the responses of these names to one batch."""


@dataclass(frozen=True)
class _ModelStage(PipelineStage):
    details: ModelDetails
    names: tuple[str, ...]

    def _get_batch_processor(self) -> Callable[[Batch], Batch]:
        wanted = [info.name for info in self.details.inputs()]

        def process(batch: Batch) -> Batch:
            feeds = dict(batch.fields)
            if len(wanted) == 1 and len(feeds) == 1:
                feeds = {wanted[0]: next(iter(feeds.values()))}
            missing = [name for name in wanted if name not in feeds]
            if missing:
                raise ValueError(
                    f"[pfa::Model] expected the fields {missing} for the model's inputs, got {list(feeds)}: use a FieldRenamer"
                )
            found = self.details.run({name: feeds[name] for name in wanted}, list(self.names))
            return Batch({name: found[name] for name in self.names})

        return process


class Model:
    """A network whose layers' responses can be asked for: `model(names)` is a pipeline stage."""

    def __init__(self, details: ModelDetails) -> None:
        self._details = details
        self._inputs = {info.name: info for info in details.inputs()}
        self._infos = {**self._inputs, **{info.name: info for info in details.responses()}}

    @property
    def response_infos(self) -> dict[str, ResponseInfo]:
        """Inputs (kind PLACEHOLDER) and responses by name, in order of computation."""
        return dict(self._infos)

    @property
    def model(self) -> Model:
        """Itself: DNIKit's notebook writes `mobilenet.model(names)`."""
        return self

    @property
    def input_layers(self) -> dict[str, ResponseInfo]:
        """The inputs alone."""
        return dict(self._inputs)

    def __call__(self, requested_responses: str | Iterable[str] | None = None) -> PipelineStage:
        """Return a stage that turns the model's inputs into these responses (None: all), in order of computation.

        A batch of one field feeds a model of one input whatever the field's name; otherwise the names must agree.

        Raises:
            ValueError: if a response is unknown or none is asked for; while iterating, if an input's field is missing.
        """
        known = [name for name in self._infos if name not in self._inputs]
        wanted = known if requested_responses is None else requested_responses
        names = [wanted] if isinstance(wanted, str) else list(wanted)
        unknown = [name for name in names if name not in known]
        if unknown or not names:
            raise ValueError(
                f"[pfa::Model] expected responses of the model (see response_infos), got {unknown or 'none'}"
            )
        return _ModelStage(self._details, tuple(name for name in known if name in set(names)))

    def __repr__(self) -> str:
        return f"Model({len(self._infos)} responses, inputs {list(self._inputs)})"


class AidgeDetails:
    """A graph of ours, which must be compiled."""

    def __init__(self, graph: GraphView, pixel_format: ImageFormat) -> None:
        if not graph.backend:
            raise ValueError(
                "[pfa::load_model] expected a graph that has been compiled, got one without a backend"
            )
        self._graph = graph
        self._hwc = pixel_format is ImageFormat.HWC
        self._nodes = {node.name(): node for node in graph.get_ordered_nodes() if node.type() != "Producer"}
        self._schedulers: dict[tuple[str, ...], SequentialScheduler] = {}

    def _shape(self, dims: list[int | None]) -> tuple[int | None, ...]:
        free = [None, *dims[1:]] if dims else []
        return tuple([free[0], *free[2:], free[1]] if self._hwc and len(free) == 4 else free)

    def inputs(self) -> list[ResponseInfo]:
        """Return the graph's inputs."""
        kind = ResponseInfo.LayerKind.PLACEHOLDER
        infos = []
        for spec, (node, index) in zip(
            self._graph.input_specs, self._graph.get_ordered_inputs(), strict=True
        ):
            fed = node.get_operator().get_input(index)
            dims: list[int | None] = list(fed.dims) if fed is not None else list(spec.dims or [])
            layer = ResponseInfo.Layer(spec.name, kind, "Input")
            infos.append(ResponseInfo(spec.name, np.dtype(spec.dtype), self._shape(dims), layer))
        return infos

    def responses(self) -> list[ResponseInfo]:
        """Return every node's first output."""
        infos = []
        for name, node in self._nodes.items():
            tensor = node.get_operator().get_output(0)
            layer = ResponseInfo.Layer(name, ResponseInfo.LayerKind[kind_name(node)], node.type())
            infos.append(ResponseInfo(name, np.dtype(tensor.dtype), self._shape(list(tensor.dims)), layer))
        return infos

    def run(self, feeds: Mapping[str, Array], names: list[str]) -> dict[str, Array]:
        """Return the responses to one batch, as copies."""
        key = tuple(names)
        if key not in self._schedulers:
            self._schedulers[key] = SequentialScheduler(self._graph)
            self._schedulers[key].keep_outputs([self._nodes[name] for name in names])
        ordered = {name: self._turned(array, -1, 1) for name, array in feeds.items()}
        batch = next(iter(as_batches([ordered], self._graph.input_specs)))
        self._schedulers[key].forward(data=batch)
        outputs = {name: np.array(self._nodes[name].get_operator().get_output(0)) for name in names}
        return {name: self._turned(array, 1, -1) for name, array in outputs.items()}

    def _turned(self, array: Array, source: int, target: int) -> Array:
        return np.moveaxis(array, source, target) if self._hwc and array.ndim == 4 else array


def load_model(model: Any, *, engine: str = "aidge", pixel_format: ImageFormat = ImageFormat.CHW) -> Model:
    """Return a network whose layers' responses can be collected.

    Args:
        model: the path of an ONNX file, a compiled GraphView, a torch.nn.Module, or an onnxruntime.InferenceSession (only its
            declared outputs are responses).
        engine: what runs a file: "aidge" or "onnxruntime".
        pixel_format: ImageFormat.HWC has images and four-axed responses in the order (samples, height, width, channels) for files and
            graphs, as TensorFlow has them; pool over (1, 2) then, and over (2, 3) otherwise.

    Raises:
        ValueError: if `model` is none of these, or `engine` is unknown.
        ImportError: if the framework is missing.
    """
    if engine not in ("aidge", "onnxruntime"):
        raise ValueError(f'[pfa::load_model] expected engine "aidge" or "onnxruntime", got {engine!r}')
    torch, runtime = sys.modules.get("torch"), sys.modules.get("onnxruntime")
    if torch is not None and isinstance(model, torch.nn.Module):
        from .torch_models import TorchDetails

        return Model(TorchDetails(model))
    if runtime is not None and isinstance(model, runtime.InferenceSession):
        from .onnxruntime_models import SessionDetails

        return Model(SessionDetails(model))
    if isinstance(model, (str, os.PathLike)):
        if engine == "onnxruntime":
            from .onnxruntime_models import OnnxFileDetails

            return Model(OnnxFileDetails(model))
        from ...network.opening import load_and_compile

        return Model(AidgeDetails(load_and_compile(model), pixel_format))
    if isinstance(model, GraphView):
        return Model(AidgeDetails(model, pixel_format))
    raise ValueError(
        "[pfa::load_model] expected the path of an ONNX file, a GraphView, a torch.nn.Module or an onnxruntime.InferenceSession, "
        f"got {type(model).__name__}"
    )
