"""The blocks that the networks of `reach.py` are made of, and the table of these networks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

__all__ = [
    "NETWORKS",
    "PICTURE",
    "Concat",
    "Gate",
    "Lambda",
    "Residual",
    "Shapes",
    "basic",
    "bottleneck",
    "classifier",
    "conv",
    "inverted",
    "network",
    "side_of",
    "squeeze",
    "staged",
]

Shapes = tuple[tuple[int, ...], ...]
PICTURE: Shapes = ((1, 3, 32, 32),)
NETWORKS: dict[str, tuple[str, Callable[[], nn.Module], Shapes]] = {}


def network(
    name: str, family: str, shapes: Shapes = PICTURE
) -> Callable[[Callable[[], nn.Module]], Callable[[], nn.Module]]:
    """Adds what follows to NETWORKS."""

    def add(build: Callable[[], nn.Module]) -> Callable[[], nn.Module]:
        NETWORKS[name] = (family, build, shapes)
        return build

    return add


class Lambda(nn.Module):
    """A function as a module."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *inputs: Tensor) -> Any:
        """What the function gives."""
        return self.function(*inputs)


class Residual(nn.Module):
    """x + body(x), with a 1x1 convolution where shapes differ, and an activation behind."""

    def __init__(
        self, body: nn.Module, shortcut: nn.Module | None = None, after: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.body, self.shortcut, self.after = body, shortcut or nn.Identity(), after or nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """The sum."""
        result: Tensor = self.after(self.body(x) + self.shortcut(x))
        return result


class Concat(nn.Module):
    """All branches side by side."""

    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x: Tensor) -> Tensor:
        """Channels of all branches."""
        return torch.cat([branch(x) for branch in self.branches], dim=1)


class Gate(nn.Module):
    """x * gate(x)."""

    def __init__(self, gate: nn.Module) -> None:
        super().__init__()
        self.gate = gate

    def forward(self, x: Tensor) -> Tensor:
        """The product."""
        result: Tensor = x * self.gate(x)
        return result


def conv(inputs: int, outputs: int, kernel: int = 3, stride: int = 1, groups: int = 1, act: Any = nn.ReLU, norm: Any = nn.BatchNorm2d) -> nn.Sequential:  # fmt: skip
    """Convolution, normalisation, activation."""
    layers: list[nn.Module] = [
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=norm is None)
    ]
    layers += [norm(outputs)] if norm is not None else []
    return nn.Sequential(*layers, *([act()] if act is not None else []))


def classifier(body: Sequence[nn.Module], width: int, classes: int = 10) -> nn.Sequential:
    """The body, global pooling, a linear layer."""
    return nn.Sequential(*body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, classes))


def squeeze(width: int, act: Any = nn.ReLU, gate: Any = nn.Sigmoid) -> Gate:
    """Squeeze and excitation."""
    inner = max(width // 4, 4)
    return Gate(
        nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(width, inner, 1), act(), nn.Conv2d(inner, width, 1), gate()
        )
    )


def staged(block: Callable[[int, int, int], nn.Module], widths: Sequence[int] = (16, 32, 64), stem: nn.Module | None = None, depth: int = 2) -> nn.Sequential:  # fmt: skip
    """A stem, stages of blocks (inputs, outputs, stride), a classifier."""
    layers: list[nn.Module] = [stem or conv(3, widths[0])]
    before = widths[0]
    for number, width in enumerate(widths):
        for place in range(depth):
            layers.append(block(before, width, 2 if number and not place else 1))
            before = width
    return classifier(layers, before)


def side_of(i: int, o: int, s: int, norm: Any = nn.BatchNorm2d) -> nn.Module | None:
    """The 1x1 convolution beside a block; None if the identity fits."""
    return None if i == o and s == 1 else conv(i, o, 1, s, act=None, norm=norm)


def basic(
    i: int, o: int, s: int, *, norm: Any = nn.BatchNorm2d, act: Any = nn.ReLU, extra: nn.Module | None = None
) -> nn.Module:
    """The basic block of ResNet."""
    body = nn.Sequential(
        conv(i, o, 3, s, norm=norm, act=act), conv(o, o, norm=norm, act=None), *([extra] if extra else [])
    )
    return Residual(body, side_of(i, o, s, norm), act())


def bottleneck(i: int, o: int, s: int, *, groups: int = 1, extra: Callable[[int], nn.Module] | None = None, middle: nn.Module | None = None) -> nn.Module:  # fmt: skip
    """The bottleneck of ResNet and ResNeXt."""
    inner = o // 2
    body = nn.Sequential(
        conv(i, inner, 1),
        middle or conv(inner, inner, 3, s, groups),
        conv(inner, o, 1, act=None),
        *([extra(o)] if extra else []),
    )
    return Residual(body, side_of(i, o, s), nn.ReLU())


def inverted(
    i: int, o: int, s: int, *, act: Any = nn.ReLU6, se: bool = False, kernel: int = 3, fused: bool = False
) -> nn.Module:
    """The inverted residual of MobileNet and EfficientNet."""
    wide = 4 * i
    expand = (
        [conv(i, wide, 3, s, act=act)]
        if fused
        else [conv(i, wide, 1, act=act), conv(wide, wide, kernel, s, wide, act=act)]
    )
    body = nn.Sequential(*expand, *([squeeze(wide, act)] if se else []), conv(wide, o, 1, act=None))
    return Residual(body) if i == o and s == 1 else body
