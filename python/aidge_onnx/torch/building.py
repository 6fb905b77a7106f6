"""Builds a torch.fx.GraphModule of a graph, node by node."""

from __future__ import annotations

import keyword
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import aidge_core
import numpy as np
import torch

from .functions.sizes import as_tensor
from .operators import ARITHMETIC, MAKERS, CannotBe, role_of
from .places import Places
from .tensors import tensor_of

__all__ = ["Built", "build"]

_SHORT = 8
_STORED_ONLY = ("uint16", "uint32", "uint64")
_FLOATS = ("float32", "float16", "float64", "bfloat16")


@dataclass
class Built:
    """A module, and where the values of the graph's producers are in its state.

    Attributes:
        module: a torch.fx.GraphModule in evaluation mode.
        places: for each producer, the name in state_dict().
    """

    module: Any
    places: list[tuple[aidge_core.Node, str]]


def build(model: aidge_core.GraphView, also: Sequence[str] = ()) -> Built:
    """The graph as a module. Nodes named in `also` give further outputs: the module then returns (outputs, these values).

    Raises:
        UnsupportedError: lists all nodes that cannot be, with the reasons.
    """
    building = Building(model)
    building.add_graph(model)
    if building.refused:
        listed = "; ".join(building.refused)
        raise aidge_core.UnsupportedError(
            f"[torch::to_torch] expected operators that a PyTorch module can have, got {len(building.refused)} that cannot be: {listed}"
        )
    return building.finish(model, also)


@dataclass
class Building:
    """A module as it grows. The makers of `operators` call its methods."""

    model: aidge_core.GraphView
    refused: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.root = torch.nn.Module()
        self.graph = torch.fx.Graph()
        self._places = Places(_reserved())
        self._values: dict[tuple[int, int], Any] = {}
        self._fed: dict[tuple[int, int], Any] = {}
        self._tensors: dict[int, Any] = {}
        self._paths: dict[int, str] = {}
        self._producers: dict[int, aidge_core.Node] = {}
        self._reads: dict[str, Any] = {}
        self._layers: dict[Any, str] = {}
        self._shapes = _shapes(self.model)
        self.own = _own_type(self.model)
        self._input_values = [(spec, self._placeholder(spec.name)) for spec in self.model.input_specs]
        for spec, value in self._input_values:
            for node, index in spec.targets:
                self._fed[node.id(), index] = value
        #: A tensor of the module's floating-point type, on its device; `finish` says which one it is.
        self.like = self.graph.create_node("get_attr", "like")

    def _placeholder(self, name: str) -> Any:
        text = _identifier(name)
        return self.graph.placeholder(f"{text}_" if keyword.iskeyword(text) else text)

    # --- what the makers ask --------------------------------------------------------------------------------
    def producer(self, node: aidge_core.Node, index: int) -> aidge_core.Node | None:
        """The producer at an input, None if the value is computed or absent."""
        if index >= node.get_nb_inputs() or (node.id(), index) in self._fed:
            return None
        parent = node.get_parent(index)
        return parent if parent is not None and parent.get_operator().is_producer() else None

    def has_input(self, node: aidge_core.Node, index: int) -> bool:
        """Whether something arrives there."""
        return index < node.get_nb_inputs() and (
            (node.id(), index) in self._fed or node.get_parent(index) is not None
        )

    def input(self, node: aidge_core.Node, index: int) -> Any:
        """What arrives at an input: a value of the module, a literal, or None."""
        if not self.has_input(node, index):
            return None
        if (node.id(), index) in self._fed:
            return self._fed[node.id(), index]
        parent, output = node.input(index)
        assert parent is not None
        if parent.get_operator().is_producer():
            return self._constant(parent, node, index)
        return self._values[parent.id(), output]

    def inputs(self, node: aidge_core.Node) -> list[Any]:
        """What arrives at all inputs."""
        return [self.input(node, index) for index in range(node.get_nb_inputs())]

    def dims(self, node: aidge_core.Node, index: int) -> list[int] | None:
        """Dims of an input for the declared sizes (free ones are 1), None if they are not known."""
        if (node.id(), index) in self._fed:
            specs = (spec for spec in self.model.input_specs if (node, index) in spec.targets)
            known = next((spec.dims for spec in specs), None)
            return None if known is None else [dim or 1 for dim in known]
        parent, output = node.input(index)
        if parent is None:
            return None
        if parent.get_operator().is_producer():
            return list(parent.get_operator().get_output(0).dims)
        shapes = self._shapes.get(parent)
        return None if shapes is None else list(shapes[output][0])

    # --- what they make -------------------------------------------------------------------------------------
    def call(self, node: aidge_core.Node, function: Any, *args: Any) -> Any:
        """A call of a function."""
        made = self.graph.create_node("call_function", function, args, {}, name=_identifier(node.name()))
        # A pickled module is traced again when it is read: not into our own functions.
        made.meta["is_wrapped"] = function.__module__.startswith(__package__)
        return made

    def call_layer(self, node: aidge_core.Node, path: str, data: Any) -> Any:
        """A call of a layer."""
        return self.graph.create_node("call_module", path, (data,), {}, name=_identifier(node.name()))

    def layer(
        self, node: aidge_core.Node, make: Any, tensors: dict[str, aidge_core.Node | None], key: Any = ()
    ) -> str:
        """The name of a layer for a node, made by make() on the device "meta", with the values of these producers. Nodes of the same producers
        and `key` share one."""
        whole = (node.type(), tuple(entry and entry.id() for entry in tensors.values()), key)
        if tensors and whole in self._layers:
            return self._layers[whole]
        leaves = [name for name, entry in tensors.items() if entry is not None]
        path = self._places.layer(node.name(), [*leaves, "num_batches_tracked"])
        made = make()
        for name in leaves:
            entry = tensors[name]
            assert entry is not None
            _set(
                made, name, self._tensor(entry, trainable=isinstance(getattr(made, name), torch.nn.Parameter))
            )
            self._paths.setdefault(entry.id(), f"{path}.{name}")
        if isinstance(getattr(made, "num_batches_tracked", None), torch.Tensor):
            made.num_batches_tracked = torch.zeros((), dtype=torch.int64)
        self._attach(path, made)
        self._layers[whole] = path
        return path

    def _attach(self, path: str, made: Any) -> None:
        *parts, last = path.split(".")
        holder = self._holder(parts)
        for name, child in getattr(holder, last, torch.nn.Module()).named_children():
            made.add_module(name, child)
        holder.add_module(last, made)

    def _holder(self, parts: Sequence[str]) -> Any:
        holder = self.root
        for part in parts:
            if not hasattr(holder, part):
                holder.add_module(part, torch.nn.Module())
            holder = getattr(holder, part)
        return holder

    def _tensor(self, producer: aidge_core.Node, *, trainable: bool) -> Any:
        """The Parameter or buffer of a producer; one, however often it is asked for."""
        if producer.id() not in self._tensors:
            value = tensor_of(producer.get_operator().get_output(0))
            self._tensors[producer.id()] = torch.nn.Parameter(value) if trainable else value
            self._producers[producer.id()] = producer
        return self._tensors[producer.id()]

    def _constant(self, producer: aidge_core.Node, node: aidge_core.Node, index: int) -> Any:
        """A parameter, a buffer, or a literal for a constant that dims are computed with."""
        value = producer.get_operator().get_output(0)
        if value.dtype.name in ("int64", "boolean", "bool") and value.ndim <= 1 and value.size <= _SHORT:
            return np.asarray(value).tolist()
        if producer.id() not in self._paths:
            path = self._places.value(node.name(), role_of(node, index))
            tensor = self._tensor(producer, trainable=_is_trainable(producer))
            *parts, last = path.split(".")
            _set(self._holder(parts), last, tensor)
            self._paths[producer.id()] = path
        path = self._paths[producer.id()]
        if path not in self._reads:
            self._reads[path] = self.graph.get_attr(path)
        return self._reads[path]

    # --- the graph ------------------------------------------------------------------------------------------
    def add_graph(self, graph: aidge_core.GraphView) -> None:
        """All nodes of a graph, those inside meta operators in their place."""
        for node in graph.get_ordered_nodes():
            operator = node.get_operator()
            if operator.is_producer():
                continue
            if operator.is_meta():
                self._add_meta(node, operator.get_micro_graph())
                continue
            self._add_node(node)

    def _add_node(self, node: aidge_core.Node) -> None:
        maker = MAKERS.get(node.type())
        result: Any = None
        try:
            if maker is None:
                raise CannotBe("no such function in PyTorch")
            self._check_types(node)
            if not self.refused:
                result = maker(self, node)
        except CannotBe as reason:
            self.refused.append(f"{node.name()} ({node.type()}): {reason}")
        for index in range(node.get_nb_outputs()):
            self._values[node.id(), index] = result[index] if isinstance(result, tuple) else result

    def _check_types(self, node: aidge_core.Node) -> None:
        """PyTorch has these types, but does not compute with them."""
        if node.type() in ARITHMETIC:
            for index in range(node.get_nb_inputs()):
                if (kind := self._type(node, index)) in _STORED_ONLY:
                    raise CannotBe(f"PyTorch does not compute with {kind}")

    def _type(self, node: aidge_core.Node, index: int) -> str | None:
        if (node.id(), index) in self._fed:
            return next((s.dtype.name for s in self.model.input_specs if (node, index) in s.targets), None)
        parent, output = node.input(index)
        if parent is None:
            return None
        if parent.get_operator().is_producer():
            return str(parent.get_operator().get_output(0).dtype.name)
        known = self._shapes.get(parent)
        return None if known is None else str(known[output][1].name)

    def _add_meta(self, node: aidge_core.Node, inner: aidge_core.GraphView) -> None:
        for index, spec in enumerate(inner.input_specs):
            if self.has_input(node, index):
                value = self.input(node, index)
                for target, place in spec.targets:
                    self._fed[target.id(), place] = value
        self.add_graph(inner)
        for index, end in enumerate(inner.output_specs):
            self._values[node.id(), index] = self._values[end.node.id(), end.index]

    def finish(self, model: aidge_core.GraphView, also: Sequence[str]) -> Built:
        """The module."""
        outputs = [self._output(spec) for spec in model.output_specs]
        result: Any = outputs[0] if len(outputs) == 1 else tuple(outputs)
        if also:
            result = (result, tuple(self._values[model.get_node(name).id(), 0] for name in also))
        self.graph.output(result)
        self._settle_like()
        module = torch.fx.GraphModule(self.root, self.graph, "Network")
        places = [(self._producers[key], path) for key, path in self._paths.items()]
        return Built(module.eval(), places)

    def _output(self, spec: aidge_core.GraphOutput) -> Any:
        if spec.node.get_operator().is_producer():
            value = self._constant(spec.node, spec.node, 0)
        else:
            value = self._values[spec.node.id(), spec.index]
        known = self._shapes.get(spec.node)
        kind = (known[spec.index][1] if known is not None else spec.dtype).name
        if kind in _FLOATS:
            return value
        dtype = getattr(torch, {"boolean": "bool"}.get(kind, kind))
        made = self.graph.call_function(as_tensor, (value, self.like, dtype))
        made.meta["is_wrapped"] = True
        return made

    def _settle_like(self) -> None:
        """`like` is a parameter, if there is one: it follows module.to(dtype), the inputs need not."""
        state = [*self.root.named_parameters(), *self.root.named_buffers()]
        path = next((name for name, entry in state if entry.is_floating_point()), None)
        if path is not None and self.like.users:
            self.like.target = path
            return
        floats = [value for spec, value in self._input_values if spec.dtype.name in _FLOATS]
        inputs = floats or [value for _, value in self._input_values]
        self.like.replace_all_uses_with(inputs[0] if inputs else None)
        self.graph.erase_node(self.like)


def _reserved() -> set[str]:
    """Attributes that modules and the layers here have."""
    layers = [
        torch.nn.Conv2d(1, 1, 1, device="meta"), torch.nn.ConvTranspose2d(1, 1, 1, device="meta"), torch.nn.Linear(1, 1, device="meta"),
        torch.nn.BatchNorm2d(1, device="meta"), torch.nn.LayerNorm(1, device="meta"), torch.nn.Dropout(),
    ]  # fmt: skip
    return {
        "graph",
        "code",
        "meta",
        *dir(torch.fx.GraphModule),
        *(name for layer in layers for name in dir(layer)),
    }


def _set(holder: Any, name: str, tensor: Any) -> None:
    if isinstance(tensor, torch.nn.Parameter):
        if name in holder._buffers:
            del holder._buffers[name]
        holder.register_parameter(name, tensor)
    else:
        holder._parameters.pop(name, None)
        holder.register_buffer(name, tensor)


def _identifier(name: str) -> str:
    text = "".join(letter if letter.isalnum() and letter.isascii() else "_" for letter in name).strip("_")
    return text if text and not text[0].isdigit() else f"n_{text}"


def _shapes(model: aidge_core.GraphView) -> dict[Any, Any]:
    """Dims and types by node, as far as they can be told without data."""
    try:
        return model.infer_shapes()
    except (ValueError, RuntimeError):
        return {}


def _own_type(model: aidge_core.GraphView) -> str:
    """The floating-point type that the graph computes in: float32 if it is among those of inputs and parameters."""
    found = [spec.dtype.name for spec in model.input_specs]
    found += [
        node.get_operator().get_output(0).dtype.name
        for node in model.get_ordered_nodes(deep=True)
        if node.get_operator().is_producer()
    ]
    return next((name for name in _FLOATS if name in found), "float32")


def _is_trainable(producer: aidge_core.Node) -> bool:
    """A floating-point value that is not declared a constant, has several elements or is an operator's own parameter, and is finite."""
    operator = producer.get_operator()
    value = operator.get_output(0)
    if value.dtype.name not in _FLOATS or operator.attr.constant:
        return False
    own = any(child.input_category(index).name.endswith("Param") for child, index in producer.output(0))
    return (own or value.size > 1) and bool(torch.isfinite(tensor_of(value)).all())
