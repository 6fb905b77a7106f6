"""Transformers, maps, pictures, sequences, volumes, and several inputs and outputs, for `reach.py`."""

from __future__ import annotations

import math
from typing import Any

import torch
from reach_blocks import Lambda, Residual, basic, classifier, conv, inverted, network, staged
from torch import Tensor, nn
from torch.nn import functional


class Attention(nn.Module):
    """Attention of several heads over (N, T, C), from one linear layer for q, k and v or from three."""

    def __init__(self, width: int, heads: int, fused: bool = True, reduce: int = 1) -> None:
        super().__init__()
        self.heads, self.size, self.fused, self.reduce = heads, width // heads, fused, reduce
        self.qkv = (
            nn.Linear(width, 3 * width)
            if fused
            else nn.ModuleList([nn.Linear(width, width) for _ in range(3)])
        )
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """(N, T, C)."""
        t, width = x.shape[1], self.heads * self.size
        if self.fused:
            q, k, v = self.qkv(x).reshape(-1, t, 3, self.heads, self.size).permute(2, 0, 3, 1, 4).unbind(0)
        else:
            q, k, v = (layer(x).reshape(-1, t, self.heads, self.size).transpose(1, 2) for layer in self.qkv)  # type: ignore[union-attr]
        if self.reduce > 1:
            k, v = k[:, :, :: self.reduce], v[:, :, :: self.reduce]
        y = (q @ k.transpose(-2, -1) / math.sqrt(self.size)).softmax(-1) @ v
        result: Tensor = self.out(y.transpose(1, 2).reshape(-1, t, width))
        return result


def mlp(width: int, factor: int = 4, act: Any = nn.GELU) -> nn.Sequential:
    """Two linear layers."""
    return nn.Sequential(nn.Linear(width, factor * width), act(), nn.Linear(factor * width, width))


def layer(width: int, heads: int = 4, **options: Any) -> nn.Sequential:
    """A pre-norm transformer layer."""
    attention = Residual(nn.Sequential(nn.LayerNorm(width), Attention(width, heads, **options)))
    return nn.Sequential(attention, Residual(nn.Sequential(nn.LayerNorm(width), mlp(width))))


class Tokens(nn.Module):
    """Patches as tokens, with positions and perhaps a class token; the first token or the mean is classified."""

    def __init__(self, body: nn.Module, width: int = 32, patch: int = 8, token: bool = True) -> None:
        super().__init__()
        self.patches, self.body, self.head = nn.Conv2d(3, width, patch, patch), body, nn.Linear(width, 10)
        self.token = nn.Parameter(torch.randn(1, 1, width)) if token else None
        self.positions = nn.Parameter(0.1 * torch.randn(1, (32 // patch) ** 2 + token, width))

    def forward(self, x: Tensor) -> Tensor:
        """Scores."""
        x = self.patches(x).flatten(2).transpose(1, 2)
        if self.token is not None:
            x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1)
        x = self.body(x + self.positions)
        result: Tensor = self.head(x[:, 0] if self.token is not None else x.mean(1))
        return result


network("vit", "transformers")(lambda: Tokens(nn.Sequential(layer(32), layer(32), nn.LayerNorm(32))))
network("vit_separate_qkv", "transformers")(
    lambda: Tokens(nn.Sequential(layer(32, fused=False), layer(32, fused=False)))
)
network("vit_mean", "transformers")(lambda: Tokens(nn.Sequential(layer(32), layer(32)), token=False))
network("pvt", "transformers")(
    lambda: Tokens(nn.Sequential(layer(32, reduce=4), layer(32, reduce=4)), token=False)
)


@network("mlp_mixer", "transformers")
def _() -> nn.Module:
    def block() -> nn.Module:
        turn = Lambda(lambda x: x.transpose(1, 2))
        tokens = nn.Sequential(nn.LayerNorm(32), turn, nn.Linear(16, 32), nn.GELU(), nn.Linear(32, 16), turn)
        return nn.Sequential(Residual(tokens), Residual(nn.Sequential(nn.LayerNorm(32), mlp(32))))

    return Tokens(nn.Sequential(block(), block()), token=False)


@network("gated_mlp", "transformers")
def _() -> nn.Module:
    class Glu(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two, self.out = nn.Linear(32, 64), nn.Linear(32, 64), nn.Linear(64, 32)

        def forward(self, x: Tensor) -> Tensor:
            result: Tensor = self.out(functional.silu(self.one(x)) * self.two(x))
            return result

    blocks = [Residual(nn.Sequential(nn.LayerNorm(32), Glu())) for _ in range(3)]
    return Tokens(nn.Sequential(*blocks), token=False)


@network("swin_windows", "transformers")
def _() -> nn.Module:
    class Windows(nn.Module):
        def __init__(self, shift: int) -> None:
            super().__init__()
            self.norm, self.attention, self.shift = nn.LayerNorm(32), Attention(32, 4), shift
            self.mlp = nn.Sequential(nn.LayerNorm(32), mlp(32))

        def forward(self, x: Tensor) -> Tensor:
            y = self.norm(x).reshape(-1, 8, 8, 32)
            y = torch.roll(y, (-self.shift, -self.shift), (1, 2)) if self.shift else y
            y = y.reshape(-1, 2, 4, 2, 4, 32).transpose(2, 3).reshape(-1, 16, 32)
            y = self.attention(y).reshape(-1, 2, 2, 4, 4, 32).transpose(2, 3).reshape(-1, 8, 8, 32)
            y = torch.roll(y, (self.shift, self.shift), (1, 2)) if self.shift else y
            x = x + y.reshape(-1, 64, 32)
            result: Tensor = x + self.mlp(x)
            return result

    return Tokens(nn.Sequential(Windows(0), Windows(2)), patch=4, token=False)


@network("mobilevit", "hybrids")
def _() -> nn.Module:
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.local, self.body, self.last = conv(32, 32), layer(32), conv(64, 32)

        def forward(self, x: Tensor) -> Tensor:
            _, c, h, w = x.shape
            y = self.body(self.local(x).flatten(2).transpose(1, 2)).transpose(1, 2).reshape(-1, c, h, w)
            result: Tensor = self.last(torch.cat([x, y], 1))
            return result

    return classifier([conv(3, 16, 3, 2), inverted(16, 32, 2), Block(), inverted(32, 32, 1)], 32)


@network("cross_covariance", "hybrids")
def _() -> nn.Module:
    class Xca(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.qkv, self.out = nn.Linear(32, 96), nn.Linear(32, 32)

        def forward(self, x: Tensor) -> Tensor:
            q, k, v = self.qkv(x).chunk(3, -1)
            q, k = functional.normalize(q, dim=1), functional.normalize(k, dim=1)
            y = v @ (q.transpose(1, 2) @ k).softmax(-1)
            result: Tensor = self.out(y)
            return result

    return Tokens(
        nn.Sequential(
            Residual(nn.Sequential(nn.LayerNorm(32), Xca())),
            Residual(nn.Sequential(nn.LayerNorm(32), mlp(32))),
        ),
        token=False,
    )


class Unet(nn.Module):
    """Down, up, with connections across."""

    def __init__(self, classes: int = 5, transposed: bool = False) -> None:
        super().__init__()
        self.one, self.two, self.three = (
            nn.Sequential(conv(i, o), conv(o, o)) for i, o in ((3, 16), (16, 32), (32, 64))
        )
        self.up = nn.ModuleList([nn.ConvTranspose2d(64, 32, 2, 2), nn.ConvTranspose2d(32, 16, 2, 2)] if transposed else [conv(64, 32, 1), conv(32, 16, 1)])  # fmt: skip
        self.transposed = transposed
        self.four, self.five, self.head = conv(64, 32), conv(32, 16), nn.Conv2d(16, classes, 1)

    def _larger(self, x: Tensor, number: int) -> Tensor:
        x = x if self.transposed else functional.interpolate(x, scale_factor=2.0, mode="nearest")
        result: Tensor = self.up[number](x)
        return result

    def forward(self, x: Tensor) -> Tensor:
        """A map of scores."""
        one = self.one(x)
        two = self.two(functional.max_pool2d(one, 2))
        three = self.three(functional.max_pool2d(two, 2))
        y = self.four(torch.cat([two, self._larger(three, 0)], 1))
        result: Tensor = self.head(self.five(torch.cat([one, self._larger(y, 1)], 1)))
        return result


network("unet", "maps")(Unet)
network("unet_transposed", "maps")(lambda: Unet(transposed=True))
network("unet_sigmoid", "maps")(lambda: nn.Sequential(Unet(1), nn.Sigmoid()))


@network("deeplab", "maps")
def _() -> nn.Module:
    class Aspp(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.branches = nn.ModuleList(
                [
                    nn.Sequential(nn.Conv2d(32, 16, 3, padding=r, dilation=r), nn.BatchNorm2d(16), nn.ReLU())
                    for r in (1, 2, 4)
                ]
            )
            self.pool, self.last = conv(32, 16, 1, norm=None), nn.Conv2d(64, 6, 1)

        def forward(self, x: Tensor) -> Tensor:
            pooled = functional.interpolate(
                self.pool(x.mean((2, 3), keepdim=True)), size=(8, 8), mode="bilinear"
            )
            y = self.last(torch.cat([*(branch(x) for branch in self.branches), pooled], 1))
            return functional.interpolate(y, scale_factor=4.0, mode="bilinear")

    return nn.Sequential(conv(3, 16, 3, 2), basic(16, 32, 2), Aspp())


@network("lraspp", "maps")
def _() -> nn.Module:
    class Head(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.low, self.high, self.scale = (
                nn.Conv2d(16, 6, 1),
                conv(32, 16, 1),
                nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(32, 16, 1), nn.Sigmoid()),
            )
            self.first, self.second, self.last = inverted(16, 16, 1), inverted(16, 32, 2), nn.Conv2d(16, 6, 1)

        def forward(self, x: Tensor) -> Tensor:
            low = self.first(x)
            high = self.second(low)
            y = functional.interpolate(self.high(high) * self.scale(high), scale_factor=2.0, mode="bilinear")
            return functional.interpolate(self.last(y) + self.low(low), scale_factor=2.0, mode="bilinear")

    return nn.Sequential(conv(3, 16, 3, 2, act=nn.Hardswish), Head())


@network("fpn_detector", "several outputs")
def _() -> nn.Module:
    class Fpn(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stages = nn.ModuleList([basic(16, 32, 2), basic(32, 48, 2), basic(48, 64, 2)])
            self.sides = nn.ModuleList([nn.Conv2d(width, 32, 1) for width in (32, 48, 64)])
            self.stem, self.head = conv(3, 16), nn.Sequential(conv(32, 32), nn.Conv2d(32, 12, 1))

        def forward(self, x: Tensor) -> tuple[Tensor, ...]:
            x = self.stem(x)
            found = []
            for stage in self.stages:
                x = stage(x)
                found.append(x)
            top = None
            outputs = []
            for side, value in zip(reversed(self.sides), reversed(found), strict=True):
                y = side(value)
                top = y if top is None else y + functional.interpolate(top, scale_factor=2.0)
                outputs.append(self.head(top))
            return tuple(outputs)

    return Fpn()


@network("two_heads", "several outputs")
def _() -> nn.Module:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Sequential(
                conv(3, 16), basic(16, 32, 2), basic(32, 48, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten()
            )
            self.one, self.two = nn.Linear(48, 7), nn.Linear(48, 1)

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            x = self.body(x)
            return self.one(x), self.two(x)

    return Two()


@network("embedding", "several outputs")
def _() -> nn.Module:
    body = staged(lambda i, o, s: basic(i, o, s, act=nn.PReLU))
    body[-1] = nn.Linear(64, 24)
    return nn.Sequential(body, Lambda(lambda x: functional.normalize(x, dim=1)))


@network("super_resolution", "pictures")
def _() -> nn.Module:
    blocks = [
        Residual(nn.Sequential(nn.Conv2d(24, 24, 3, padding=1), nn.ReLU(), nn.Conv2d(24, 24, 3, padding=1)))
        for _ in range(3)
    ]
    return nn.Sequential(
        nn.Conv2d(3, 24, 3, padding=1), *blocks, nn.Conv2d(24, 12, 3, padding=1), nn.PixelShuffle(2)
    )


@network("srcnn", "pictures")
def _() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 32, 9, padding=4),
        nn.ReLU(),
        nn.Conv2d(32, 16, 1),
        nn.ReLU(),
        nn.Conv2d(16, 3, 5, padding=2),
    )


@network("autoencoder", "pictures")
def _() -> nn.Module:
    down = [conv(3, 16, 3, 2), conv(16, 32, 3, 2)]
    up = [
        nn.ConvTranspose2d(32, 16, 4, 2, 1),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.ConvTranspose2d(16, 3, 4, 2, 1),
        nn.Sigmoid(),
    ]
    return nn.Sequential(*down, *up)


@network("style_transfer", "pictures")
def _() -> nn.Module:
    blocks = [basic(32, 32, 1, norm=lambda c: nn.InstanceNorm2d(c, affine=True)) for _ in range(2)]
    return nn.Sequential(
        nn.ReflectionPad2d(1),
        nn.Conv2d(3, 32, 3),
        nn.ReLU(),
        *blocks,
        nn.ReflectionPad2d(1),
        nn.Conv2d(32, 3, 3),
        nn.Tanh(),
    )


@network("mlp", "vectors", ((1, 64),))
def _() -> nn.Module:
    return nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 96), nn.ReLU(), nn.Linear(96, 10))


@network("mlp_batchnorm", "vectors", ((1, 64),))
def _() -> nn.Module:
    return nn.Sequential(
        nn.Linear(64, 128),
        nn.BatchNorm1d(128),
        nn.Tanh(),
        nn.Linear(128, 64),
        nn.BatchNorm1d(64),
        nn.GELU(),
        nn.Linear(64, 1),
    )


@network("keyword_conv1d", "sequences", ((1, 16, 64),))
def _() -> nn.Module:
    layers: list[nn.Module] = []
    for i, o in ((16, 32), (32, 48), (48, 64)):
        layers += [nn.Conv1d(i, o, 5, 2, 2), nn.BatchNorm1d(o), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(64, 12))


@network("temporal_convolutions", "sequences", ((1, 16, 64),))
def _() -> nn.Module:
    def block(i: int, o: int, d: int) -> nn.Module:
        pad = nn.ConstantPad1d((2 * d, 0), 0.0)
        return Residual(nn.Sequential(pad, nn.Conv1d(i, o, 3, dilation=d), nn.ReLU()), nn.Conv1d(i, o, 1))

    return nn.Sequential(
        block(16, 32, 1), block(32, 32, 2), block(32, 32, 4), Lambda(lambda x: x[:, :, -1]), nn.Linear(32, 5)
    )


@network("transformer_encoder", "sequences", ((1, 20, 32),))
def _() -> nn.Module:
    return nn.Sequential(layer(32), layer(32), Lambda(lambda x: x.mean(1)), nn.Linear(32, 6))


@network("lstm", "sequences", ((1, 20, 16),))
def _() -> nn.Module:
    class Recurrent(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm, self.head = (
                nn.LSTM(16, 32, batch_first=True),
                nn.Sequential(nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 5)),
            )

        def forward(self, x: Tensor) -> Tensor:
            result: Tensor = self.head(self.lstm(x)[0][:, -1])
            return result

    return Recurrent()


@network("resnet_3d", "volumes", ((1, 3, 8, 16, 16),))
def _() -> nn.Module:
    def block(i: int, o: int, s: int) -> nn.Module:
        body = nn.Sequential(
            nn.Conv3d(i, o, 3, s, 1),
            nn.BatchNorm3d(o),
            nn.ReLU(),
            nn.Conv3d(o, o, 3, 1, 1),
            nn.BatchNorm3d(o),
        )
        return Residual(body, nn.Conv3d(i, o, 1, s), nn.ReLU())

    return nn.Sequential(
        nn.Conv3d(3, 16, 3, padding=1),
        nn.ReLU(),
        block(16, 24, 2),
        block(24, 32, 2),
        nn.AdaptiveAvgPool3d(1),
        nn.Flatten(),
        nn.Linear(32, 8),
    )


@network("r2plus1d", "volumes", ((1, 3, 8, 16, 16),))
def _() -> nn.Module:
    layers: list[nn.Module] = []
    for i, o in ((3, 16), (16, 32)):
        layers += [
            nn.Conv3d(i, o, (1, 3, 3), (1, 2, 2), (0, 1, 1)),
            nn.BatchNorm3d(o),
            nn.ReLU(),
            nn.Conv3d(o, o, (3, 1, 1), padding=(1, 0, 0)),
            nn.ReLU(),
        ]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(32, 8))


@network("two_inputs", "several inputs", ((1, 3, 32, 32), (1, 3, 32, 32)))
def _() -> nn.Module:
    class Siamese(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Sequential(
                conv(3, 16, 3, 2), basic(16, 32, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten()
            )
            self.head = nn.Linear(64, 4)

        def forward(self, one: Tensor, two: Tensor) -> Tensor:
            result: Tensor = self.head(torch.cat([self.body(one), self.body(two)], 1))
            return result

    return Siamese()


@network("picture_and_numbers", "several inputs", ((1, 3, 32, 32), (1, 8)))
def _() -> nn.Module:
    class Mixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.numbers = (
                nn.Sequential(conv(3, 16, 3, 2), basic(16, 32, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
                nn.Linear(8, 16),
            )
            self.head = nn.Sequential(nn.Linear(48, 32), nn.ReLU(), nn.Linear(32, 3))

        def forward(self, picture: Tensor, numbers: Tensor) -> Tensor:
            result: Tensor = self.head(
                torch.cat([self.body(picture), functional.relu(self.numbers(numbers))], 1)
            )
            return result

    return Mixed()
