"""One call from a float32 network to an int8 file."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import ModelProto, numpy_helper

from ..measure.feeds import session_feeds
from ..measure.held_out import Part, replayable, split
from ..measure.latency import random_inputs
from ..measure.metrics import Quality
from ..measure.processor import int8_instructions
from ..network.costs import Costs, costs_of
from ..network.opening import compile_for
from ..network.sources import batches_of
from ..options import changed
from ..progress import Progress, report_to
from .calibrate import METHODS, Ranges, activation_ranges
from .float16 import with_float16_weights
from .judge import Judge, feeds_of, is_slower, one_sample_feeds, session_of, timed
from .options import QuantizeOptions
from .qdq import computing_nodes, end_layers, quantisable_types, quantised
from .result import Column, QuantizeResult
from .source import FloatNetwork, need_onnxruntime, prepared, read

if TYPE_CHECKING:
    from ..network.opening import NetworkSource

__all__ = ["quantize", "quantize_cut"]


def quantize(
    model: NetworkSource,
    data: Any = None,
    options: QuantizeOptions | None = None,
    *,
    reference: NetworkSource | None = None,
    evaluation: Any = None,
    progress: Progress | None = None,
    **changes: Any,
) -> QuantizeResult:
    """Quantise a network: 8-bit weights and activations behind QuantizeLinear and DequantizeLinear, or weights in float16.

    ONNX Runtime's static quantiser does the work; here the ranges and the layers are chosen, and the result is judged in ONNX Runtime. The names
    of inputs and outputs, the opset (at least 13), free dims and metadata stay.

    Args:
        model: the path or the bytes of an ONNX file, an onnx.ModelProto, a GraphView or a torch.nn.Module, in float32; it stays as it is.
        data: what to calibrate on: a path as --data takes it, arrays, or any source of batches. Labels only count for evaluation. None: only with
            weights="float16", which is then checked on random numbers.
        options: what becomes 8 bits wide; None: the defaults.
        reference: the network to compare with, if it is not `model`: the one that it was cut from.
        evaluation: samples to choose and evaluate on, with labels or without; None: a share `held_out` of `data`, which does not calibrate.
        progress: called with (stage, done, total); total 0: not known.
        changes: fields of QuantizeOptions that differ from `options`, e.g. max_drop=0.005 or calibration="mse".

    Raises:
        ImportError: if ONNX Runtime or what its quantiser imports is missing.
        ValueError: for an option out of range; a network that is not in float32 or is quantised already; data that is empty, not finite or
            does not fit; a max_drop that does not hold even with one node in int8.
        UnsupportedError: if ONNX Runtime cannot run the network.
        TypeError: for an unknown option, or a model that is none of these.
        Stopped: if `progress` returns False.
    """
    need_onnxruntime("quantize::quantize")
    asked = changed(options or QuantizeOptions(), changes, "quantize::quantize")
    if data is None and asked.weights == "int8":
        raise ValueError("[quantize::quantize] expected data to calibrate on, got none")
    report_to(progress, "reading the network", 0, 0)
    source = read(model, data)
    job = _Job(source, source if reference is None else read(reference, data), asked, progress)
    job.open(data, evaluation)
    made = job.float16() if asked.weights == "float16" else job.int8()
    return job.judged(made)


def quantize_cut(
    original: NetworkSource,
    cut: NetworkSource,
    data: Any,
    options: QuantizeOptions | None = None,
    *,
    evaluation: Any = None,
    progress: Progress | None = None,
) -> QuantizeResult:
    """Quantise a network that was cut, and the one that it came from; arguments and errors as for `quantize`.

    The result is that of the cut network. Its columns are the original, the cut one, and both of them in int8, timed in turn.
    """
    asked = options or QuantizeOptions()
    quiet = replace(asked, latency=False)
    whole = read(original, data)
    one = quantize(whole.proto, data, quiet, evaluation=evaluation, progress=progress)
    both = quantize(cut, data, quiet, reference=whole.proto, evaluation=evaluation, progress=progress)
    columns = [both.columns[0], both.columns[1], one.columns[1], both.columns[2]]
    columns[0] = replace(columns[0], bytes=whole.bytes)
    if not asked.latency:
        return replace(both, columns=tuple(columns), options=asked)
    report_to(progress, "latency", 0, 0)
    small = read(cut, data)
    sessions = [session_of(proto) for proto in (whole.proto, small.proto, one.model, both.model)]
    rounds = timed(sessions, one_sample_feeds(small.network, both.check[0]))
    times = [median(entry) for entry in rounds]
    slower = is_slower(rounds[1], rounds[3])
    return replace(
        both,
        columns=tuple(replace(column, latency=time) for column, time in zip(columns, times, strict=True)),
        before=replace(both.before, latency=times[1]),
        after=replace(both.after, latency=times[3]),
        slower=slower,
        options=asked,
        warnings=tuple(_warnings(asked, slower, [times[1], times[3]])),
    )


@dataclass(frozen=True)
class _Made:
    """A quantised network, and how it came about."""

    proto: ModelProto
    calibration: str = ""
    errors: dict[str, float | None] | None = None
    in_float: tuple[str, ...] = ()


class _Job:
    def __init__(
        self,
        source: FloatNetwork,
        reference: FloatNetwork,
        options: QuantizeOptions,
        progress: Progress | None,
    ) -> None:
        self._source, self._reference = source, reference
        self._options, self._progress = options, progress
        self._fit: Any = None
        self._judge: Judge | None = None
        self._samples = 0
        self._session = session_of(source.proto)
        self._reference_session = self._session if reference is source else session_of(reference.proto)

    def open(self, data: Any, evaluation: Any) -> None:
        """Divides the data into samples that calibrate, and samples that decide."""
        network = self._source.network
        if data is None:
            compile_for(network, [])
            dims = network.compiled_dims
            arrays = random_inputs(network, dims)
            self._feeds = {spec.name: array for spec, array in zip(network.input_specs, arrays, strict=True)}
            self._judge = Judge(network, self._session, [arrays], strict=False)
            return
        provider = replayable(batches_of(data, network))
        judge: Any
        if evaluation is None:
            self._fit, judge = split(provider, network, self._options.held_out)
            if judge is None:
                judge = self._fit
        else:
            self._fit, judge = provider, replayable(batches_of(evaluation, network))
        self._judge = Judge(
            network,
            self._reference_session,
            judge,
            metric=self._options.metric,
            strict=not isinstance(judge, Part),
        )
        feeds = next(feeds_of(network, self._fit, 1), None)
        if feeds is None:
            raise ValueError("[quantize::data] expected data with at least one batch, got none")
        self._feeds = feeds

    def float16(self) -> _Made:
        """The network with weights in float16."""
        return _Made(with_float16_weights(self._source.proto))

    def int8(self) -> _Made:
        """The network with int8 layers: calibration chosen, and layers in float until max_drop holds."""
        options = self._options
        ready = prepared(self._source.proto)
        nodes = computing_nodes(ready)
        if not nodes:
            raise ValueError(
                "[quantize::quantize] expected a network with nodes that can be quantised, such as Conv, Gemm or MatMul, got none"
            )
        in_float = _asked_float(ready, options)
        methods = METHODS if options.calibration == "auto" else (options.calibration,)
        report_to(self._progress, "calibrating", 0, 0)
        found = activation_ranges(ready, self._calibration(), methods, quantisable_types(), options)

        def make(ranges: Ranges, floats: Collection[str]) -> ModelProto:
            return quantised(ready, self._source.proto, ranges, floats, options)

        errors: dict[str, float | None] = {}
        for number, method in enumerate(methods):
            report_to(self._progress, f"trying {method}", number, len(methods))
            errors[method] = self._trial(make(found[method], in_float)).error if len(methods) > 1 else None
        best = min(methods, key=lambda method: _error(errors[method]))
        proto = make(found[best], in_float)
        if options.max_drop is not None and self._quality(proto).drop > options.max_drop:
            left = [name for name in nodes if name not in in_float]
            in_float |= self._relaxed(lambda floats: make(found[best], in_float | set(floats)), left)
            proto = make(found[best], in_float)
        order = [node.name for node in ready.graph.node if node.name in in_float]
        return _Made(proto, best, errors if len(methods) > 1 else {}, tuple(order))

    def _calibration(self) -> Any:
        """Batches of inputs by name; counts the samples."""
        limit = self._options.samples
        for feeds in feeds_of(self._source.network, self._fit, limit):
            first = next(iter(feeds.values()))
            self._samples += len(first) if first.ndim else 1
            report_to(self._progress, "calibrating", self._samples, 0)
            yield session_feeds(self._session, feeds)

    def _trial(self, proto: ModelProto) -> Quality:
        """On the samples that are enough to choose by."""
        assert self._judge is not None
        return self._judge.quality(session_of(proto), self._options.samples)

    def _quality(self, proto: ModelProto) -> Quality:
        assert self._judge is not None
        return self._judge.quality(session_of(proto))

    def _relaxed(self, make: Callable[[Collection[str]], ModelProto], nodes: list[str]) -> set[str]:
        """The nodes that go back to float until max_drop holds: first those that cost most when they alone are quantised.

        A node is measured with its inputs and its output in 8 bits, so that both nodes beside a tensor that 8 bits cannot hold are found.
        """
        errors = {}
        for number, name in enumerate(nodes):
            report_to(self._progress, "which layers cost most", number, len(nodes))
            errors[name] = _error(self._trial(make(set(nodes) - {name})).error)
        order = sorted(nodes, key=lambda name: -errors[name])
        limit = self._options.max_drop
        assert limit is not None
        few, many = (
            0,
            len(order),
        )  # with `few` in float the loss is too large; with all of them nothing is quantised
        while many - few > 1:
            report_to(self._progress, "layers back to float", few, len(order))
            middle = (few + many) // 2
            if self._quality(make(set(order[:middle]))).drop <= limit:
                many = middle
            else:
                few = middle
        if many == len(order):
            least = self._quality(make(set(order[:few]))).drop
            raise ValueError(
                f"[quantize::quantize] expected a loss of at most {limit:g} (max_drop), got {least:.4g} with all nodes but {order[-1]!r} in float"
            )
        return set(order[:many])

    def judged(self, made: _Made) -> QuantizeResult:
        """The result with its quality, size and latency."""
        options = self._options
        report_to(self._progress, "evaluating", 0, 0)
        session = session_of(made.proto)
        assert self._judge is not None
        quality = self._judge.quality(session)
        names = ["float32", "int8" if options.weights == "int8" else "float16 weights"]
        sessions, sizes = [self._session, session], [self._source.bytes, made.proto.ByteSize()]
        qualities = [quality.original, quality]
        if self._reference is not self._source:
            names = ["float32", "cut", f"cut and {names[1]}"]
            sessions.insert(0, self._reference_session)
            sizes.insert(0, self._reference.bytes)
            qualities.insert(1, self._judge.quality(self._session))
        times: Sequence[float | None] = [None] * len(sessions)
        slower = None
        if options.latency:
            report_to(self._progress, "latency", 0, 0)
            rounds = timed(sessions, one_sample_feeds(self._source.network, self._feeds))
            times, slower = [median(entry) for entry in rounds], is_slower(*rounds[-2:])
        before, after = self._costs(made.proto, times[-2], times[-1])
        feeds = session_feeds(session, self._feeds)
        columns = zip(names, qualities, sizes, times, strict=True)
        return QuantizeResult(
            model=made.proto,
            before=before,
            after=after,
            quality=quality,
            options=options,
            columns=tuple(Column(*entry) for entry in columns),
            calibration=made.calibration,
            errors=made.errors or {},
            in_float=made.in_float,
            samples=self._samples,
            held_out=quality.samples,
            slower=slower,
            warnings=tuple(_warnings(options, slower, times[-2:])),
            check=(feeds, tuple(np.array(out) for out in session.run(None, feeds))),
        )

    def _costs(self, proto: ModelProto, old: float | None, new: float | None) -> tuple[Costs, Costs]:
        network = self._source.network
        dims = [list(self._feeds[spec.name].shape) for spec in network.input_specs]
        if all(not spec.dims or spec.dims[0] is None for spec in network.input_specs):
            dims = [[1, *entry[1:]] for entry in dims]
        costs = costs_of(network, dims)
        stored = [_weight_bytes(entry) for entry in (self._source.proto, proto)]
        return (
            replace(costs, bytes=stored[0], latency=old),
            replace(costs, bytes=stored[1], latency=new),
        )


def _error(value: float | None) -> float:
    return float("inf") if value is None or value != value else value


def _asked_float(ready: ModelProto, options: QuantizeOptions) -> set[str]:
    """Names of the nodes that the options leave in float.

    Raises:
        ValueError: if there is no such node.
    """
    names = [node.name for node in ready.graph.node]
    unknown = [name for name in options.keep_float if name not in names]
    if unknown:
        known = ", ".join(computing_nodes(ready)[:20])
        raise ValueError(
            f"[quantize::options] expected keep_float as names of nodes, such as {known}, got {', '.join(unknown)}"
        )
    first, last = end_layers(ready.graph)
    chosen = set(options.keep_float)
    chosen |= first if options.first_layer == "float" else set()
    return chosen | (last if options.last_layer == "float" else set())


def _weight_bytes(proto: ModelProto) -> int:
    return sum(numpy_helper.to_array(tensor).nbytes for tensor in proto.graph.initializer)


def _warnings(options: QuantizeOptions, slower: bool | None, times: Sequence[float | None]) -> list[str]:
    found = []
    instructions = int8_instructions()
    if slower and options.weights == "int8":
        ratio = (times[1] or 0.0) / (times[0] or 1.0)
        has = f"it has {instructions}" if instructions else "it has no VNNI"
        found.append(
            f"int8 is slower than float32 in ONNX Runtime on this processor, by a factor of {ratio:.2f} ({has})"
        )
    if options.weights == "int8" and not instructions and not options.reduce_range:
        found.append(
            "this processor has no VNNI: sums of 8-bit products may saturate here, which reduce_range avoids"
        )
    return found
