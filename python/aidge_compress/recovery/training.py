"""The training itself. Imports PyTorch: loaded by `recover` only."""

from __future__ import annotations

import copy
import dataclasses
import math
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from aidge_onnx.torch.building import build
from torch import nn
from torch.nn import functional

from ..measure.metrics import Figure, Tally, probabilities
from ..measure.registry import metric_of
from ..numbers import shown
from ..options import as_dict
from ..progress import Progress, report_to
from .guides import Follower, fit, guide_names
from .result import Round
from .samples import Samples

if TYPE_CHECKING:
    from aidge_core import GraphView

    from .options import RecoverOptions

__all__ = ["Trained", "Trainer"]

_LOOKS = 12
"""Times that the held-out samples are looked at in a run, at least; else once an epoch."""
_FITTED_ON = 64
_LOOKED_AT = 64
"""Samples a batch, where nothing is trained."""
_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
_UNITS = 1000


@dataclass
class Trained:
    """What came of it: the best module, the rounds, why it ended."""

    module: Any
    rounds: list[Round]
    reason: str
    seconds: float


@dataclass
class _State:
    """What a run has reached; it is what a state file holds."""

    seconds: float = 0.0
    steps: int = 0
    best: int = 0
    rounds: list[Round] = field(default_factory=list)


class Trainer:
    """Trains a copy of a network.

    Args:
        small: the network; it stays as it is.
        reference: what it should follow; None: only labels count.
        train, held: samples.
        options: how.
        progress: see recover.
        state: a file in which the run is kept, and from which it goes on.
    """

    def __init__(
        self,
        small: GraphView,
        reference: GraphView | None,
        train: Samples,
        held: Samples,
        options: RecoverOptions,
        progress: Progress | None,
        state: Path | None,
    ) -> None:
        self._options, self._progress, self._path = options, progress, state
        self._metric = metric_of(options.metric)
        self._chosen: Figure | None = None
        self._probability = probabilities(small, reference)
        cuda = options.device == "cuda" or (options.device == "auto" and torch.cuda.is_available())
        self.device = torch.device("cuda" if cuda else "cpu")
        self._train, self._held = train, held
        fixed = [spec.dims[0] for spec in small.input_specs if spec.dims and spec.dims[0] is not None]
        self._fixed = bool(fixed)
        self._size = fixed[0] if fixed else min(options.batch, len(train))
        names: list[str] = []
        if reference is not None and options.guides and options.guide_weight:
            dims = [[self._size, *array.shape[1:]] for array in train.inputs]
            names = guide_names(small, reference, dims, options.guides)
        self.module = build(small, names).module.to(self.device)
        self._reference = None if reference is None else build(reference, names).module.to(self.device)
        self._guided = bool(names)
        self._followers: list[Follower | None] = []
        self._scales: list[float] = []
        if self._reference is not None:
            self._fit(names)
        self._expected = self._answers(self._reference)
        self._optimizer = torch.optim.AdamW(self._groups(), lr=options.learning_rate)
        self._random = torch.Generator().manual_seed(options.seed)
        self._state = _State()
        self._began = 0.0
        self._best = self._weights()

    @property
    def guides(self) -> tuple[str, ...]:
        """Names of the nodes that are followed."""
        return tuple(entry.name for entry in self._followers if entry is not None)

    # --- what is compared -----------------------------------------------------------------------------------
    def _run(self, module: Any, inputs: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        """(outputs, followed values)."""
        found = module(*inputs)
        outputs, values = found if self._guided else (found, ())
        return list(outputs) if isinstance(outputs, tuple) else [outputs], list(values)

    def _tensors(self, samples: Samples) -> list[Any]:
        return [torch.from_numpy(array).to(self.device) for array in samples.inputs]

    def _fit(self, names: Sequence[str]) -> None:
        """Maps from the values as they are before training, and the variance of each output."""
        chosen = np.random.default_rng(self._options.seed).permutation(len(self._train))[:_FITTED_ON]
        values: list[list[Any]] = [[], []]
        with torch.no_grad():
            for part in self._batches(self._train.take(np.sort(chosen))):
                inputs = self._tensors(part)
                for kept, module in zip(values, (self.module, self._reference), strict=True):
                    kept.append([[entry.cpu() for entry in group] for group in self._run(module, inputs)])
        columns = [
            [torch.cat(entry).numpy() for entry in zip(*(batch[1] for batch in kept), strict=True)]
            for kept in values
        ]
        outputs = [torch.cat(entry) for entry in zip(*(batch[0] for batch in values[1]), strict=True)]
        self._scales = [max(float(entry.double().var(correction=0)), 1e-12) for entry in outputs]
        for name, small, reference in zip(names, *columns, strict=True):
            found = fit(name, small, reference)
            if found is not None and found.matrix is not None:
                matrix = tuple(torch.from_numpy(entry).to(self.device) for entry in found.matrix)
                found = dataclasses.replace(found, matrix=matrix)
            self._followers.append(found)

    def _batches(self, samples: Samples) -> list[Samples]:
        parts = list(samples.batches(self._size))
        return [part for part in parts if len(part) == self._size] or parts[:1]

    def _answers(self, module: Any) -> list[list[np.ndarray]]:
        """All outputs on the held-out samples, batch by batch."""
        if module is None:
            return []
        found = []
        with torch.no_grad():
            for part in self._looked_at():
                outputs, _ = self._run(module, self._tensors(part))
                found.append([entry.float().cpu().numpy() for entry in outputs])
        return found

    def _looked_at(self) -> list[Samples]:
        return (
            self._batches(self._held) if self._is_fixed() else list(self._held.batches(max(self._size, 64)))
        )

    def _is_fixed(self) -> bool:
        return self._size > len(self._held)

    def _look(self, loss: float | None) -> Round:
        """How the module does now; it is in evaluation mode afterwards."""
        self.module.eval()
        tally = Tally(self._metric, strict=False, probability=self._probability)
        expected: list[Any] = list(self._expected) or [None] * len(self._looked_at())
        for part, outputs, wanted in zip(
            self._looked_at(), self._answers(self.module), expected, strict=True
        ):
            tally.add(outputs, part.labels, wanted, inputs=part.inputs)
        figure = tally.quality.figure
        self._chosen = figure
        epoch = self._state.steps / self._steps_an_epoch
        error = tally.error if self._expected else None
        return Round(self._state.seconds, epoch, loss, None if figure is None else figure.after, error or 0.0)

    # --- training -------------------------------------------------------------------------------------------
    @property
    def _steps_an_epoch(self) -> int:
        return max(1, len(self._train) // self._size)

    def _groups(self) -> list[dict[str, Any]]:
        parameters = [entry for entry in self.module.parameters() if entry.is_floating_point()]
        return [
            {"params": [entry for entry in parameters if entry.ndim > 1], "weight_decay": self._options.weight_decay},
            {"params": [entry for entry in parameters if entry.ndim <= 1], "weight_decay": 0.0},
        ]  # fmt: skip

    def _weights(self) -> dict[str, Any]:
        return copy.deepcopy(self.module.state_dict())

    def _spent(self) -> float:
        """Share of the budget that is used up."""
        options, state = self._options, self._state
        shares = []
        if options.minutes is not None:
            shares.append(state.seconds / (60 * options.minutes))
        if options.epochs is not None:
            shares.append(state.steps / (options.epochs * self._steps_an_epoch))
        return max(shares)

    def _rate(self) -> float:
        """Learning rate: linear warm-up, then a cosine down to 1 % of the largest."""
        spent, warm = min(self._spent(), 1.0), self._options.warm_up
        if spent < warm:
            return self._options.learning_rate * (0.01 + 0.99 * spent / warm)
        rest = (spent - warm) / max(1.0 - warm, 1e-9)
        return self._options.learning_rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * rest)))

    def _loss(self, inputs: Sequence[Any], labels: Any) -> Any:
        outputs, values = self._run(self.module, inputs)
        loss = torch.zeros((), device=self.device)
        if self._reference is not None:
            with torch.no_grad():
                wanted, others = self._run(self._reference, inputs)
            for output, expected, scale in zip(outputs, wanted, self._scales, strict=True):
                if output.is_floating_point():
                    loss = loss + (output - expected).square().mean() / scale
            followed = [
                follower.loss(value, other)
                for follower, value, other in zip(self._followers, values, others, strict=True)
                if follower is not None
            ]
            if followed:
                loss = loss + self._options.guide_weight * torch.stack(followed).mean()
        if labels is not None:
            scores = outputs[0].reshape(len(labels), -1)
            weight = self._options.label_weight if self._reference is not None else 1.0
            loss = loss + weight * functional.cross_entropy(scores, labels)
        return loss

    def _step(self, places: np.ndarray) -> float:
        part = self._train.take(places)
        inputs = self._tensors(part)
        if self._options.augment:
            inputs = augmented(inputs, self._random)
        labels = None
        if self._options.labels and part.classes is not None:
            labels = torch.from_numpy(part.classes.astype(np.int64)).to(self.device)
        for group in self._optimizer.param_groups:
            group["lr"] = self._rate()
        self._optimizer.zero_grad(set_to_none=True)
        loss = self._loss(inputs, labels)
        if not bool(torch.isfinite(loss)):
            return math.inf
        loss.backward()
        nn.utils.clip_grad_norm_(self.module.parameters(), self._options.clip)
        self._optimizer.step()
        return float(loss.detach())

    def _learn(self) -> None:
        """Into the mode of training: Dropout stays out, statistics move only where that is wanted."""
        self.module.eval()
        if self._options.batch_norm == "estimated":
            for part in self.module.modules():
                if isinstance(part, _NORMS):
                    part.train()

    def train(self) -> Trained:
        """Trains until the budget is used up; the best round is kept. Ctrl-C ends it early."""
        reason = ""
        if not self._resume():
            self._state.rounds.append(self._look(None))
        state = self._state
        self._began = time.perf_counter() - state.seconds
        try:
            while self._spent() < 1.0:
                self._round()
        except KeyboardInterrupt:
            reason = "interrupted"
        options = self._options
        if not reason:
            full = options.epochs is not None and state.steps >= options.epochs * self._steps_an_epoch
            reason = "epochs" if full else "time"
        self.module.load_state_dict(self._best)
        rounds = [dataclasses.replace(entry, kept=i == state.best) for i, entry in enumerate(state.rounds)]
        return Trained(self.module.eval(), rounds, reason, state.seconds)

    def _round(self) -> None:
        """Steps until the next look: an epoch, or a part of the time."""
        state, begin, losses = self._state, self._state.seconds, []
        self._learn()
        while self._spent() < 1.0:
            losses.append(self._step(self._order()))
            state.steps += 1
            state.seconds = time.perf_counter() - self._began
            self._tell(losses[-1])
            minutes = self._options.minutes
            slice_is_over = minutes is not None and state.seconds - begin >= 60 * minutes / _LOOKS
            if state.steps % self._steps_an_epoch == 0 or slice_is_over:
                break
        found = self._look(float(np.mean(losses)) if losses else None)
        if self._is_better(found, state.rounds[state.best]):
            state.best, self._best = len(state.rounds), self._weights()
        state.rounds.append(found)
        state.seconds = time.perf_counter() - self._began
        self._save()

    def _order(self) -> np.ndarray:
        """Places of the samples of the next step; each epoch has an order of its own."""
        epoch, step = divmod(self._state.steps, self._steps_an_epoch)
        order = np.random.default_rng((self._options.seed, epoch)).permutation(len(self._train))
        return order[step * self._size : (step + 1) * self._size]

    def _is_better(self, one: Round, other: Round) -> bool:
        """By the metric, then by the error. Without labels, whose outputs are farther from the reference's than before is no candidate."""
        if math.isnan(one.error) or (not self._options.labels and one.error > self._state.rounds[0].error):
            return False
        if one.metric is None or other.metric is None:
            return one.error < other.error
        sign = 1.0 if self._chosen is None or self._chosen.higher_is_better else -1.0
        return (sign * one.metric, -one.error) > (sign * other.metric, -other.error)

    def _tell(self, loss: float) -> None:
        best = self._state.rounds[self._state.best]
        quality = f"held-out error {best.error:.3g}"
        if best.metric is not None and self._chosen is not None:
            quality = f"held-out {self._chosen.metric} {shown(best.metric, self._chosen.unit)}"
        text = f"training: loss {loss:.3g}, {quality}"
        if self._options.minutes is not None:
            left = max(0.0, 60 * self._options.minutes - self._state.seconds)
            text += f", {left:.0f} s left"
        report_to(self._progress, text, min(int(_UNITS * self._spent()), _UNITS), _UNITS)

    # --- state ----------------------------------------------------------------------------------------------
    def _identity(self) -> dict[str, Any]:
        options = {
            name: value for name, value in as_dict(self._options).items() if name not in ("minutes", "epochs", "device")
        }  # fmt: skip
        options["metric"] = None if self._metric is None else self._metric.name
        shapes = {name: list(value.shape) for name, value in self.module.state_dict().items()}
        return {"options": options, "shapes": shapes, "samples": [len(self._train), len(self._held)]}

    def _save(self) -> None:
        if self._path is None:
            return
        draft = self._path.with_name(f".{self._path.name}.new")
        rounds = [dataclasses.astuple(entry) for entry in self._state.rounds]
        torch.save(
            {
                "identity": self._identity(), "module": self.module.state_dict(), "best": self._best, "optimizer": self._optimizer.state_dict(),
                "random": self._random.get_state(), "rounds": rounds, "seconds": self._state.seconds, "steps": self._state.steps,
                "kept": self._state.best,
            },
            draft,
        )  # fmt: skip
        os.replace(draft, self._path)

    def _resume(self) -> bool:
        """Whether the run goes on from its state file.

        Raises:
            ValueError: if the file is of another run.
        """
        if self._path is None or not self._path.exists():
            return False
        try:
            known = torch.load(self._path, map_location=self.device, weights_only=True)
            identity = known["identity"]
        except Exception as error:
            raise ValueError(
                f"[recover::state] expected the state of a run in {self._path}, got another file"
            ) from error
        if identity != self._identity():
            raise ValueError(
                f"[recover::state] expected the state of this run in {self._path}, got that of another network, other data or other options"
            )
        self.module.load_state_dict(known["module"])
        self._best = known["best"]
        self._optimizer.load_state_dict(known["optimizer"])
        self._random.set_state(known["random"].cpu())
        rounds = [Round(*entry) for entry in known["rounds"]]
        self._state = _State(known["seconds"], known["steps"], known["kept"], rounds)
        return True


def augmented(inputs: list[Any], random: Any) -> list[Any]:
    """Pictures (N, 1 or 3, H, W) shifted by up to an eighth of their size, edges repeated; those with three channels mirrored half of the time."""
    x = inputs[0]
    if len(inputs) != 1 or x.dim() != 4 or x.shape[1] not in (1, 3) or not x.is_floating_point():
        return inputs
    height, width = x.shape[2:]
    reach = (height // 8, width // 8)
    wide = functional.pad(x, (reach[1], reach[1], reach[0], reach[0]), mode="replicate")
    down = torch.randint(0, 2 * reach[0] + 1, (len(x),), generator=random).tolist()
    right = torch.randint(0, 2 * reach[1] + 1, (len(x),), generator=random).tolist()
    mirror = (torch.rand(len(x), generator=random) < 0.5).tolist()
    parts = [
        wide[i, :, d : d + height, r : r + width] for i, (d, r) in enumerate(zip(down, right, strict=True))
    ]
    if x.shape[1] == 3:
        parts = [part.flip(-1) if turn else part for part, turn in zip(parts, mirror, strict=True)]
    return [torch.stack(parts)]
