"""Convolutional classifiers for `reach.py`: each has the blocks of its namesake."""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from reach_blocks import (
    Concat,
    Residual,
    basic,
    bottleneck,
    classifier,
    conv,
    inverted,
    network,
    side_of,
    squeeze,
    staged,
)
from torch import Tensor, nn
from torch.nn import functional

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "examples"))
from torch_topologies import densenet121, mobilenet_v2, resnet18, squeezenet1_1

for _name, _family, _block in (
    ("resnet", "residual", basic),
    ("resnet_bottleneck", "residual", bottleneck),
    ("resnext", "residual", lambda i, o, s: bottleneck(i, o, s, groups=4)),
    ("se_resnet", "residual", lambda i, o, s: basic(i, o, s, extra=squeeze(o))),
    ("resnet_prelu", "residual", lambda i, o, s: basic(i, o, s, act=nn.PReLU)),
    ("resnet_silu", "residual", lambda i, o, s: basic(i, o, s, act=nn.SiLU)),
    ("resnet_leaky", "residual", lambda i, o, s: basic(i, o, s, act=lambda: nn.LeakyReLU(0.1))),
    ("resnet_elu", "residual", lambda i, o, s: basic(i, o, s, act=nn.ELU)),
    ("resnet_groupnorm", "other norms", lambda i, o, s: basic(i, o, s, norm=lambda c: nn.GroupNorm(4, c))),
    ("resnet_instancenorm", "other norms", lambda i, o, s: basic(i, o, s, norm=lambda c: nn.InstanceNorm2d(c, affine=True))),
    ("resnet_no_norm", "other norms", lambda i, o, s: basic(i, o, s, norm=None)),
    ("mobilenet_v1", "mobile", lambda i, o, s: nn.Sequential(conv(i, i, 3, s, i), conv(i, o, 1))),
    ("mobilenet_v2_small", "mobile", inverted),
    ("mobilenet_v3", "mobile", lambda i, o, s: inverted(i, o, s, act=nn.Hardswish, se=True, kernel=5)),
    ("efficientnet", "mobile", lambda i, o, s: inverted(i, o, s, act=nn.SiLU, se=True)),
    ("efficientnet_v2", "mobile", lambda i, o, s: inverted(i, o, s, act=nn.SiLU, fused=True)),
    ("mnasnet", "mobile", lambda i, o, s: inverted(i, o, s, act=nn.ReLU, kernel=5)),
    ("xception", "mobile", lambda i, o, s: Residual(nn.Sequential(
        conv(i, i, 3, 1, i, act=None), conv(i, o, 1), conv(o, o, 3, s, o, act=None), conv(o, o, 1, act=None)), side_of(i, o, s))),
    ("regnet", "residual", lambda i, o, s: bottleneck(i, o, s, groups=2, extra=squeeze)),
    ("vgg", "plain", lambda i, o, s: nn.Sequential(conv(i, o), *([nn.MaxPool2d(2)] if s == 2 else []))),
    ("all_convolutional", "plain", lambda i, o, s: conv(i, o, 3, s)),
    ("conv_no_batchnorm", "plain", lambda i, o, s: conv(i, o, 3, s, norm=None)),
):  # fmt: skip
    network(_name, _family)(lambda block=_block: staged(block))  # type: ignore[misc]


for _name, _build in (
    ("resnet18", resnet18),
    ("mobilenet_v2", mobilenet_v2),
    ("densenet121", densenet121),
    ("squeezenet1_1", squeezenet1_1),
):
    network(_name, "published sizes", ((1, 3, 64, 64),))(lambda build=_build: build())  # type: ignore[misc]


@network("preact_resnet", "residual")
def _() -> nn.Module:
    def block(i: int, o: int, s: int) -> nn.Module:
        body = nn.Sequential(
            nn.BatchNorm2d(i),
            nn.ReLU(),
            nn.Conv2d(i, o, 3, s, 1),
            nn.BatchNorm2d(o),
            nn.ReLU(),
            nn.Conv2d(o, o, 3, 1, 1),
        )
        return Residual(body, None if i == o and s == 1 else nn.Conv2d(i, o, 1, s))

    return staged(block)


@network("densenet", "concatenation")
def _() -> nn.Module:
    layers: list[nn.Module] = [nn.Conv2d(3, 16, 3, padding=1)]
    width = 16
    for stage in range(3):
        for _ in range(3):
            layers.append(
                Concat(
                    nn.Identity(),
                    nn.Sequential(nn.BatchNorm2d(width), nn.ReLU(), nn.Conv2d(width, 12, 3, padding=1)),
                )
            )
            width += 12
        if stage < 2:
            layers += [nn.BatchNorm2d(width), nn.ReLU(), nn.Conv2d(width, width // 2, 1), nn.AvgPool2d(2)]
            width //= 2
    return classifier(layers, width)


@network("inception", "concatenation")
def _() -> nn.Module:
    def block(i: int, o: int, s: int) -> nn.Module:
        part = o // 4
        pool = nn.Sequential(nn.MaxPool2d(3, 1, 1), conv(i, part, 1))
        body = Concat(
            conv(i, part, 1),
            nn.Sequential(conv(i, part, 1), conv(part, part)),
            nn.Sequential(conv(i, part, 1), conv(part, part, 5)),
            pool,
        )
        return nn.Sequential(body, *([nn.MaxPool2d(2)] if s == 2 else []))

    return staged(block)


@network("fire", "concatenation")
def _() -> nn.Module:
    def block(i: int, o: int, s: int) -> nn.Module:
        fire = nn.Sequential(conv(i, o // 4, 1), Concat(conv(o // 4, o // 2, 1), conv(o // 4, o // 2)))
        return nn.Sequential(fire, *([nn.MaxPool2d(2)] if s == 2 else []))

    return staged(block)


@network("vovnet", "concatenation")
def _() -> nn.Module:
    class Osa(nn.Module):
        def __init__(self, i: int, o: int, s: int) -> None:
            super().__init__()
            self.layers = nn.ModuleList(
                [conv(i if n == 0 else 16, 16, 3, s if n == 0 else 1) for n in range(3)]
            )
            self.last = conv(48, o, 1)

        def forward(self, x: Tensor) -> Tensor:
            found = []
            for layer in self.layers:
                x = layer(x)
                found.append(x)
            result: Tensor = self.last(torch.cat(found, 1))
            return result

    return staged(Osa, depth=1)


class Split(nn.Module):
    """Half of the channels pass unchanged, the other half through a body; then channels are shuffled."""

    def __init__(self, body: nn.Module, shuffle: int = 0) -> None:
        super().__init__()
        self.body, self.shuffle = body, shuffle

    def forward(self, x: Tensor) -> Tensor:
        """All channels again."""
        one, two = x.chunk(2, dim=1)
        y = torch.cat([one, self.body(two)], 1)
        if self.shuffle:
            _, c, h, w = y.shape
            y = y.reshape(-1, self.shuffle, c // self.shuffle, h, w).transpose(1, 2).reshape(-1, c, h, w)
        return y


@network("shufflenet_v2", "split and shuffle")
def _() -> nn.Module:
    def block(i: int, o: int, s: int) -> nn.Module:
        if s == 2 or i != o:
            left = nn.Sequential(conv(i, i, 3, s, i, act=None), conv(i, o // 2, 1))
            right = nn.Sequential(
                conv(i, o // 2, 1), conv(o // 2, o // 2, 3, s, o // 2, act=None), conv(o // 2, o // 2, 1)
            )
            return Concat(left, right)
        half = o // 2
        return Split(
            nn.Sequential(conv(half, half, 1), conv(half, half, 3, 1, half, act=None), conv(half, half, 1)), 2
        )

    return staged(block)


@network("csp_c2f", "split and shuffle")
def _() -> nn.Module:
    def block(i: int, o: int, s: int) -> nn.Module:
        half = o // 2
        body = Split(Residual(nn.Sequential(conv(half, half, act=nn.SiLU), conv(half, half, act=nn.SiLU))))
        return nn.Sequential(conv(i, o, 3, s, act=nn.SiLU), body, conv(o, o, 1, act=nn.SiLU))

    return staged(block, depth=1)


@network("ghostnet", "concatenation")
def _() -> nn.Module:
    class Ghost(nn.Module):
        def __init__(self, i: int, o: int, s: int) -> None:
            super().__init__()
            self.first, self.cheap = conv(i, o // 2, 1, s), conv(o // 2, o // 2, 3, 1, o // 2)

        def forward(self, x: Tensor) -> Tensor:
            x = self.first(x)
            return torch.cat([x, self.cheap(x)], 1)

    return staged(Ghost)


@network("res2net", "split and shuffle")
def _() -> nn.Module:
    class Scales(nn.Module):
        def __init__(self, width: int) -> None:
            super().__init__()
            self.layers = nn.ModuleList([conv(width // 4, width // 4) for _ in range(3)])

        def forward(self, x: Tensor) -> Tensor:
            parts = list(x.chunk(4, 1))
            found, last = [parts[0]], None
            for part, layer in zip(parts[1:], self.layers, strict=True):
                last = layer(part if last is None else part + last)
                found.append(last)
            return torch.cat(found, 1)

    def block(i: int, o: int, s: int) -> nn.Module:
        return bottleneck(i, o, s, middle=Scales(o // 2)) if s == 1 else conv(i, o, 3, s)

    return staged(block)


@network("dual_path", "concatenation")
def _() -> nn.Module:
    class Dual(nn.Module):
        def __init__(self, i: int, o: int, s: int) -> None:
            super().__init__()
            self.start, self.body = conv(i, o, 1, s), conv(o, o)

        def forward(self, x: Tensor) -> Tensor:
            x = self.start(x)
            y = self.body(x)
            half = x.shape[1] // 2
            return torch.cat([x[:, :half] + y[:, :half], x[:, half:]], 1)

    return staged(Dual)


@network("sk_net", "attention over channels")
def _() -> nn.Module:
    class Selective(nn.Module):
        def __init__(self, width: int) -> None:
            super().__init__()
            self.one, self.two = conv(width, width), conv(width, width, 5)
            self.squeeze, self.choose, self.width = nn.Conv2d(width, 8, 1), nn.Conv2d(8, 2 * width, 1), width

        def forward(self, x: Tensor) -> Tensor:
            both = torch.stack([self.one(x), self.two(x)], 1)
            scores = self.choose(functional.relu(self.squeeze(both.sum(1).mean((2, 3), keepdim=True))))
            weights = scores.reshape(-1, 2, self.width, 1, 1).softmax(1)
            return (both * weights).sum(1)

    return staged(lambda i, o, s: nn.Sequential(conv(i, o, 1, s), Selective(o)), depth=1)


@network("eca_net", "attention over channels")
def _() -> nn.Module:
    class Eca(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv1d(1, 1, 3, padding=1, bias=False)

        def forward(self, x: Tensor) -> Tensor:
            y = self.conv(x.mean((2, 3)).unsqueeze(1)).squeeze(1)
            return x * y.sigmoid()[..., None, None]

    return staged(lambda i, o, s: basic(i, o, s, extra=Eca()))


@network("cbam", "attention over channels")
def _() -> nn.Module:
    class Spatial(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(2, 1, 7, padding=3)

        def forward(self, x: Tensor) -> Tensor:
            both = torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], 1)
            return x * self.conv(both).sigmoid()

    return staged(lambda i, o, s: basic(i, o, s, extra=nn.Sequential(squeeze(o), Spatial())))


@network("repvgg", "plain")
def _() -> nn.Module:
    class Rep(nn.Module):
        def __init__(self, i: int, o: int, s: int) -> None:
            super().__init__()
            self.three, self.one = conv(i, o, 3, s, act=None), conv(i, o, 1, s, act=None)
            self.same = nn.BatchNorm2d(i) if i == o and s == 1 else None

        def forward(self, x: Tensor) -> Tensor:
            y = self.three(x) + self.one(x)
            return functional.relu(y if self.same is None else y + self.same(x))

    return staged(Rep)


class ChannelsLastNorm(nn.LayerNorm):
    """LayerNorm over the channels of maps."""

    def forward(self, x: Tensor) -> Tensor:
        """As LayerNorm, channels on axis 1."""
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


@network("convnext", "ConvNeXt-like")
def _() -> nn.Module:
    class Block(nn.Module):
        def __init__(self, i: int, o: int, s: int) -> None:
            super().__init__()
            self.down = (
                None if i == o and s == 1 else nn.Sequential(ChannelsLastNorm(i), nn.Conv2d(i, o, s, s))
            )
            self.depthwise, self.norm = nn.Conv2d(o, o, 7, padding=3, groups=o), nn.LayerNorm(o)
            self.mlp, self.scale = (
                nn.Sequential(nn.Linear(o, 4 * o), nn.GELU(), nn.Linear(4 * o, o)),
                nn.Parameter(torch.full((o,), 0.5)),
            )

        def forward(self, x: Tensor) -> Tensor:
            x = x if self.down is None else self.down(x)
            y = self.mlp(self.norm(self.depthwise(x).permute(0, 2, 3, 1))) * self.scale
            return x + y.permute(0, 3, 1, 2)

    return staged(Block, stem=nn.Conv2d(3, 16, 2, 2), depth=1)


@network("convmixer", "ConvNeXt-like")
def _() -> nn.Module:
    blocks = [
        nn.Sequential(Residual(conv(32, 32, 5, groups=32, act=nn.GELU)), conv(32, 32, 1, act=nn.GELU))
        for _ in range(3)
    ]
    return classifier([nn.Conv2d(3, 32, 4, 4), *blocks], 32)


@network("poolformer", "ConvNeXt-like")
def _() -> nn.Module:
    def block(i: int, o: int, s: int) -> nn.Module:
        down: list[nn.Module] = [] if i == o and s == 1 else [nn.Conv2d(i, o, 3, s, 1)]
        mix = Residual(nn.Sequential(nn.GroupNorm(1, o), nn.AvgPool2d(3, 1, 1, count_include_pad=False)))
        mlp = Residual(
            nn.Sequential(nn.GroupNorm(1, o), nn.Conv2d(o, 4 * o, 1), nn.GELU(), nn.Conv2d(4 * o, o, 1))
        )
        return nn.Sequential(*down, mix, mlp)

    return staged(block)


@network("replknet", "ConvNeXt-like")
def _() -> nn.Module:
    return staged(
        lambda i, o, s: nn.Sequential(
            conv(i, o, 1, s), Residual(conv(o, o, 13, groups=o, act=None)), conv(o, o, 1)
        )
    )
