"""The engines that the benchmarks compare, as runners for `harness.Worker`.

Each class is built inside the worker process; the heavy imports happen there and nowhere else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from models import NETS, build_module, make_batch, make_images

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["FibnlrJob", "OnnxRuntimeForward", "OurFibnlr", "OurForward", "TorchFibnlr", "ratios_in_order"]

Array = npt.NDArray[np.float32]
FibnlrResult = dict[str, Any]
"""Keys ``iterations`` (int), ``npr`` ({node name: float}) and ``pruned`` (sorted node names)."""


def ort_session(path: str | Path, threads: int) -> Any:
    """An ONNX Runtime session on the CPU with all optimisations and ``threads`` threads."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def our_model(path: str | Path, shape: Sequence[int], threads: int, accuracy: str = "default") -> Any:
    """Our graph of the ONNX file, compiled for batches of ``shape``; ``accuracy`` is that of convolutions."""
    import aidge_backend_cpu
    import aidge_core
    import aidge_onnx

    aidge_backend_cpu.set_num_threads(threads)
    model = aidge_onnx.load_onnx(str(path))
    model.compile("cpu", datatype=aidge_core.dtype.float32, dims=[list(shape)], convolution_accuracy=accuracy)
    return model


def ratios_in_order(model: Any, nodes: Any) -> dict[str, float]:
    """The measured ratio of each of ``nodes``, in order of execution."""
    import aidge_core

    observed = {node.name() for node in nodes}
    return {
        node.name(): aidge_core.fibnlr_get_npr(node).value()
        for node in model.get_ordered_nodes()
        if node.name() in observed
    }


class OnnxRuntimeForward:
    """One forward pass in ONNX Runtime."""

    def __init__(self, *, path: str, shape: tuple[int, ...], threads: int) -> None:
        self._session = ort_session(path, threads)
        self._feed = {self._session.get_inputs()[0].name: make_batch(shape)}
        self._outputs: list[Array] = []

    def prepare(self) -> None:
        """Untimed work before a run."""
        return

    def run(self) -> None:
        """The timed work."""
        self._outputs = self._session.run(None, self._feed)

    def result(self) -> list[Array]:
        """What the last run found."""
        return self._outputs


class OurForward:
    """One forward pass of ours.

    If ``observed``, the FIBNLR observers are on every activation of the default prunable types and of the
    types ``prunable``.
    """

    def __init__(
        self,
        *,
        path: str,
        shape: tuple[int, ...],
        threads: int,
        observed: bool = False,
        prunable: tuple[str, ...] = (),
        accuracy: str = "default",
    ) -> None:
        import aidge_core

        model = our_model(path, shape, threads, accuracy)
        if observed:
            params = aidge_core.fibnlr_Parameters()
            params.prunable_types = sorted({*params.prunable_types, *prunable})
            if not aidge_core.fibnlr_prepare(model, params):
                raise ValueError("[benchmark::OurForward] expected activations to observe, got none")
        self._model = model
        self._scheduler = aidge_core.SequentialScheduler(model)
        self._batch = make_batch(shape)
        self._outputs: list[Any] = []

    def prepare(self) -> None:
        """Untimed work before a run."""
        return

    def run(self) -> None:
        """The timed work."""
        self._outputs = self._scheduler.forward(data=[self._batch])

    def result(self) -> list[Array]:
        """What the last run found."""
        return [np.array(output) for output in self._outputs]


class FibnlrJob:
    """The task of either side: the same batches, convergence rule and limit of iterations."""

    def __init__(self, *, shape: tuple[int, ...], max_iteration: int, threshold: float) -> None:
        self.shape = shape
        self.batches = make_images(max_iteration, shape)
        self.max_iteration = max_iteration
        self.threshold = threshold


class OurFibnlr:
    """`fibnlr_prepare`, `fibnlr_compute` and `fibnlr_prune`; loading and compiling the model is not timed."""

    def __init__(
        self, *, path: str, shape: tuple[int, ...], max_iteration: int, threshold: float, threads: int
    ) -> None:
        self._path, self._threads = path, threads
        self._job = FibnlrJob(shape=shape, max_iteration=max_iteration, threshold=threshold)
        self._model: Any = None
        self._found: FibnlrResult = {}

    def prepare(self) -> None:
        """Untimed work before a run."""
        self._model = our_model(self._path, self._job.shape, self._threads)

    def run(self) -> None:
        """The timed work."""
        import aidge_core

        params = aidge_core.fibnlr_Parameters(
            max_iteration=self._job.max_iteration, convergence_threshold=self._job.threshold
        )
        nodes = aidge_core.fibnlr_prepare(self._model, params)
        convergence = aidge_core.fibnlr_compute(self._model, self._job.batches, params)
        values = ratios_in_order(self._model, nodes)
        pruned = aidge_core.fibnlr_prune(self._model, params)
        self._found = {
            "iterations": convergence.iterations,
            "npr": values,
            "pruned": sorted(node.name() for node in pruned),
        }

    def result(self) -> FibnlrResult:
        """What the last run found."""
        return self._found


class TorchFibnlr:
    """The same job written with PyTorch forward pre-hooks.

    The hook makes three passes over the activation's input: the sum of its positive part, its plain sum (both
    in double, their difference is the negative part), and the maximum per channel for the dead neurons.
    """

    def __init__(
        self,
        *,
        net: str,
        shape: tuple[int, ...],
        max_iteration: int,
        threshold: float,
        threads: int,
        channels_last: bool = False,
    ) -> None:
        import torch

        torch.set_num_threads(threads)
        self._format = torch.channels_last if channels_last else torch.contiguous_format
        self._module = build_module(NETS[net]).to(memory_format=self._format)
        self._job = FibnlrJob(shape=shape, max_iteration=max_iteration, threshold=threshold)
        self._sums: dict[str, list[float]] = {}
        self._groups: dict[str, int] = {}
        self._alive: dict[str, Any] = {}
        self._found: FibnlrResult = {}

    def prepare(self) -> None:
        """Untimed work before a run."""
        self._sums, self._groups, self._alive = {}, {}, {}

    def _hook(self, name: str, x: Any) -> None:
        import torch

        positive = float(x.clamp(min=0).sum(dtype=torch.float64))
        negative = positive - float(x.sum(dtype=torch.float64))
        entry = self._sums.setdefault(name, [0.0, 0.0])
        entry[0] += negative
        entry[1] += positive
        self._groups[name] = x[0, 0].numel()
        fired = x.amax(dim=[axis for axis in range(x.dim()) if axis != 1]) > 0
        self._alive[name] = self._alive[name] | fired if name in self._alive else fired

    def _converge(self) -> tuple[dict[str, float], int]:
        """Passes until the ratios stand still: the ratios and the number of passes."""
        import torch

        epsilon = float(np.finfo(np.float64).eps)
        ratios: dict[str, float] = {}
        iterations = 0
        for batch in self._job.batches:
            iterations += 1
            self._module(torch.from_numpy(batch).contiguous(memory_format=self._format))
            previous = ratios
            ratios = {name: (neg + epsilon) / (pos + epsilon) for name, (neg, pos) in self._sums.items()}
            if (
                previous
                and sum((ratios[name] - previous[name]) ** 2 for name in ratios) < self._job.threshold
            ):
                break
        return ratios, iterations

    def _prune(self, ratios: dict[str, float]) -> list[str]:
        """Replaces the chosen activations, and takes that back so that the next run starts alike."""
        import torch

        totals: dict[int, float] = {}
        for name, value in ratios.items():
            totals[self._groups[name]] = totals.get(self._groups[name], 0.0) + value
        pruned = [name for name, value in ratios.items() if value / totals[self._groups[name]] < 0.1]
        for name in pruned:
            parent, _, leaf = name.rpartition(".")
            owner = self._module.get_submodule(parent)
            original = getattr(owner, leaf)
            setattr(owner, leaf, torch.nn.Identity())
            setattr(owner, leaf, original)
        return sorted(pruned)

    def run(self) -> None:
        """The timed work."""
        import torch

        handles = [
            layer.register_forward_pre_hook(lambda _, inputs, name=name: self._hook(name, inputs[0]))
            for name, layer in self._module.named_modules()
            if isinstance(layer, torch.nn.ReLU)
        ]
        with torch.inference_mode():
            ratios, iterations = self._converge()
        for handle in handles:
            handle.remove()
        self._found = {"iterations": iterations, "npr": ratios, "pruned": self._prune(ratios)}

    def result(self) -> FibnlrResult:
        """What the last run found."""
        return self._found
