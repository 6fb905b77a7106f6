"""One call that trains a smaller network until it does better."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aidge_onnx.torch import take_weights
from aidge_onnx.torch.writing import need_torch

from ..measure.metrics import Quality, compare
from ..network.costs import costs_of
from ..network.opening import open_network
from ..options import changed
from ..progress import Progress, report_to
from .options import RecoverOptions
from .result import RecoverResult, Round
from .samples import Samples, read, split

if TYPE_CHECKING:
    from aidge_core import GraphView

    from ..network.opening import NetworkSource

__all__ = ["recover"]


def recover(
    model: NetworkSource,
    data: Any,
    options: RecoverOptions | None = None,
    *,
    reference: NetworkSource | None = None,
    evaluation: Any = None,
    state: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
    **changes: Any,
) -> RecoverResult:
    """Train a network that a method has made smaller until it gives what the network that it came from gives.

    No labels are needed: its outputs, and the outputs of its blocks, follow those of the reference, matched by the names of the nodes, and
    by a fitted linear map where channels were removed. Samples that are not trained on decide which weights are kept, and those from before
    the training are among them: the result is never worse on them. The weights go back into the graph; names, opset, free dims and metadata stay.

    Args:
        model: the path or the bytes of an ONNX file, an onnx.ModelProto, a GraphView or a torch.nn.Module; it stays as it is.
        data: what to train on: a path as --data takes it, arrays, or any source of batches, which is read into memory.
        options: how long and how; None: the defaults.
        reference: the original network, in any of these forms; None: only the labels count (labels=True).
        evaluation: samples that decide; None: a share `held_out` of `data`.
        state: a file in which the run is kept after each round, and from which it goes on if it is there.
        progress: called with (stage, done, total); the stage says the loss, the best figure on the held-out samples and the time left.
        changes: fields of RecoverOptions that differ from `options`, e.g. minutes=2 or labels=True.

    Raises:
        ImportError: if PyTorch is missing.
        ValueError: if an option is out of range, the data is empty, not finite or of several sizes, there is neither a reference nor labels, or
            the networks have other inputs or outputs.
        UnsupportedError: lists the operators that PyTorch cannot have.
        TypeError: for an unknown option, or a model that is none of these.
        Stopped: if `progress` returns False. Ctrl-C ends the training, and the best weights so far are kept.
    """
    need_torch("recover::recover")
    asked = changed(options or RecoverOptions(), changes, "recover::recover")
    network = open_network(model, data)
    original = None if reference is None else open_network(reference, data)
    report_to(progress, "reading the data", 0, 0)
    train, held = _samples(data, evaluation, network, asked)
    _check(network, original, train, asked)
    from .training import Trainer

    trainer = Trainer(network, original, train, held, asked, progress, None if state is None else Path(state))
    trained = trainer.train()
    report_to(progress, "evaluating", 0, 0)
    start, end, better = _judged(network, original, held, trained, asked)
    rounds = tuple(trained.rounds) if better is not network else _nothing_kept(trained.rounds)
    dims = better.compiled_dims
    costs = costs_of(better, [[1, *entry[1:]] for entry in dims])
    better.forward_dims(dims)
    return RecoverResult(
        model=better,
        before=costs,
        after=costs,
        start_quality=start,
        quality=end,
        options=asked,
        rounds=rounds,
        guides=trainer.guides,
        samples=len(train),
        held_out=len(held),
        seconds=trained.seconds,
        reason=trained.reason,
        device=str(trainer.device),
    )


def _samples(
    data: Any, evaluation: Any, network: GraphView, options: RecoverOptions
) -> tuple[Samples, Samples]:
    everything = read(data, network)
    if evaluation is None:
        return split(everything, options.held_out, options.seed)
    return everything, read(evaluation, network)


def _check(network: GraphView, original: GraphView | None, train: Samples, options: RecoverOptions) -> None:
    if options.labels and train.classes is None:
        raise ValueError("[recover::recover] expected data with labels, got none")
    if original is None and not options.labels:
        raise ValueError("[recover::recover] expected a reference network, or labels=True, got neither")
    if original is not None:
        ends = [[len(entry.input_specs), len(entry.output_specs)] for entry in (network, original)]
        if ends[0] != ends[1]:
            raise ValueError(
                f"[recover::recover] expected a reference with as many inputs and outputs as the network, {ends[0]}, got {ends[1]}"
            )


def _judged(
    network: GraphView, original: GraphView | None, held: Samples, trained: Any, options: RecoverOptions
) -> tuple[Quality, Quality, GraphView]:
    """Quality before and after by our own engine, and the better network: the old one if the new one is not better there, too."""
    trainable = network.clone()
    better = network.clone()
    if not trained.rounds[0].kept:
        take_weights(better, _without_guides(trainable, trained.module))
    size = held.inputs[0].shape
    fixed = [spec.dims[0] for spec in network.input_specs if spec.dims and spec.dims[0] is not None]
    count = fixed[0] if fixed else min(64, size[0])
    dims = [[count, *array.shape[1:]] for array in held.inputs]
    batches = [part.batch for part in held.batches(count) if not fixed or len(part) == count]
    judge = original if original is not None else network.clone()
    for graph in (network, better, judge):
        graph.compile("cpu", dims=dims)
    start, end = (
        compare(graph, judge, batches, metric=options.metric, strict=False) for graph in (network, better)
    )
    farther = not options.labels and (end.error or 0.0) > (start.error or 0.0)
    return (start, start, network) if farther or _key(end) < _key(start) else (start, end, better)


def _key(quality: Quality) -> tuple[float, float]:
    return (0.0 if quality.figure is None else quality.figure.points, -(quality.error or 0.0))


def _without_guides(model: GraphView, module: Any) -> Any:
    """The module with the outputs of the graph alone, and the trained weights."""
    from aidge_onnx.torch import to_torch

    plain = to_torch(model)
    plain.load_state_dict(module.state_dict())
    return plain


def _nothing_kept(rounds: list[Round]) -> tuple[Round, ...]:
    from dataclasses import replace

    return tuple(replace(entry, kept=index == 0) for index, entry in enumerate(rounds))
