"""Standard convolutional topologies in plain PyTorch, with an ONNX exporter.

Torchvision is not needed: every network is written out here with the published layer sizes, so that its
parameter count for 1,000 classes equals the reference one (see ``REFERENCE_PARAMETERS``). Each activation is
a module of its own, which gives each of them its own node name in the exported file.

Run ``python examples/torch_topologies.py resnet18 --out resnet18.onnx --shape 8 3 224 224`` to write one of
them.
"""

from __future__ import annotations

import argparse
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = [
    "REFERENCE_PARAMETERS",
    "TOPOLOGIES",
    "DenseNet",
    "MobileNetV2",
    "ResNet",
    "SqueezeNet",
    "Vgg",
    "count_parameters",
    "densenet121",
    "export_onnx",
    "mobilenet_v2",
    "randomize_batchnorm",
    "resnet18",
    "resnet50",
    "squeezenet1_1",
    "vgg16",
    "vgg16_bn",
]

REFERENCE_PARAMETERS = {
    "resnet18": 11_689_512,
    "resnet50": 25_557_032,
    "mobilenet_v2": 3_504_872,
    "vgg16": 138_357_544,
    "vgg16_bn": 138_365_992,
    "densenet121": 7_978_856,
    "squeezenet1_1": 1_235_496,
}
"""Trainable parameters of each topology with 3 input channels and 1,000 classes."""


def _projection(inputs: int, outputs: int, stride: int) -> nn.Sequential | None:
    """The 1x1 convolution of a residual shortcut, or None where the identity fits."""
    if stride == 1 and inputs == outputs:
        return None
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut (He et al. 2015, figure 5 left)."""

    expansion = 1

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = _projection(inputs, width, stride)
        self.relu2 = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Class scores or features of ``x`` (N, C, H, W)."""
        y = self.relu1(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        shortcut = x if self.downsample is None else self.downsample(x)
        return self.relu2(y + shortcut)


class Bottleneck(nn.Module):
    """1x1, 3x3 (which carries the stride), 1x1 with four times the width, and a shortcut."""

    expansion = 4

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        outputs = width * self.expansion
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.relu2 = nn.ReLU()
        self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.downsample = _projection(inputs, outputs, stride)
        self.relu3 = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Class scores or features of ``x`` (N, C, H, W)."""
        y = self.relu1(self.bn1(self.conv1(x)))
        y = self.relu2(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        shortcut = x if self.downsample is None else self.downsample(x)
        return self.relu3(y + shortcut)


class ResNet(nn.Module):
    """Residual network of four stages.

    ``small_input`` replaces the 7x7 stride-2 stem and its max-pooling by a 3x3 stride-1 convolution, the
    usual stem for images of about 32x32. ``width`` is the number of channels of the first stage.
    """

    def __init__(
        self,
        block: type[BasicBlock] | type[Bottleneck],
        depths: Sequence[int],
        *,
        width: int = 64,
        num_classes: int = 1000,
        in_channels: int = 3,
        small_input: bool = False,
    ) -> None:
        super().__init__()
        if small_input:
            self.conv1 = nn.Conv2d(in_channels, width, 3, 1, 1, bias=False)
        else:
            self.conv1 = nn.Conv2d(in_channels, width, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU()
        self.maxpool = None if small_input else nn.MaxPool2d(3, 2, 1)
        channels = width
        stages = []
        for index, depth in enumerate(depths):
            stage_width = width << index
            blocks = []
            for position in range(depth):
                blocks.append(block(channels, stage_width, 2 if index > 0 and position == 0 else 1))
                channels = stage_width * block.expansion
            stages.append(nn.Sequential(*blocks))
        self.layer1, self.layer2, self.layer3, self.layer4 = stages
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(channels, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        """Class scores or features of ``x`` (N, C, H, W)."""
        x = self.relu(self.bn1(self.conv1(x)))
        if self.maxpool is not None:
            x = self.maxpool(x)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(torch.flatten(self.avgpool(x), 1))


def resnet18(
    *, width: int = 64, num_classes: int = 1000, in_channels: int = 3, small_input: bool = False
) -> ResNet:
    """ResNet-18."""
    return ResNet(
        BasicBlock,
        (2, 2, 2, 2),
        width=width,
        num_classes=num_classes,
        in_channels=in_channels,
        small_input=small_input,
    )


def resnet50(
    *, width: int = 64, num_classes: int = 1000, in_channels: int = 3, small_input: bool = False
) -> ResNet:
    """ResNet-50, with the stride on the 3x3 convolutions."""
    return ResNet(
        Bottleneck,
        (3, 4, 6, 3),
        width=width,
        num_classes=num_classes,
        in_channels=in_channels,
        small_input=small_input,
    )


def _conv_bn_relu6(inputs: int, outputs: int, kernel: int, stride: int, groups: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU6(),
    )


class InvertedResidual(nn.Module):
    """Expand, depthwise 3x3, project; a shortcut where the shapes agree (Sandler et al. 2018)."""

    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        layers: list[nn.Module] = []
        if expansion != 1:
            layers.append(_conv_bn_relu6(inputs, hidden, 1, 1))
        layers.append(_conv_bn_relu6(hidden, hidden, 3, stride, groups=hidden))
        layers += [nn.Conv2d(hidden, outputs, 1, bias=False), nn.BatchNorm2d(outputs)]
        self.conv = nn.Sequential(*layers)
        self.has_shortcut = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """Class scores or features of ``x`` (N, C, H, W)."""
        return x + self.conv(x) if self.has_shortcut else self.conv(x)


def _round_to_eight(channels: float) -> int:
    """The nearest multiple of 8 that is at least 8 and not more than 10 % below the wish."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded


class MobileNetV2(nn.Module):
    """MobileNetV2; ``width`` is the multiplier of all channel counts."""

    SETTINGS = (
        (1, 16, 1, 1),
        (6, 24, 2, 2),
        (6, 32, 3, 2),
        (6, 64, 4, 2),
        (6, 96, 3, 1),
        (6, 160, 3, 2),
        (6, 320, 1, 1),
    )
    """Rows of (expansion, channels, repeats, stride of the first)."""

    def __init__(self, *, width: float = 1.0, num_classes: int = 1000, in_channels: int = 3) -> None:
        super().__init__()
        channels = _round_to_eight(32 * width)
        last = _round_to_eight(1280 * max(1.0, width))
        layers: list[nn.Module] = [_conv_bn_relu6(in_channels, channels, 3, 2)]
        for expansion, outputs, repeats, stride in self.SETTINGS:
            outputs = _round_to_eight(outputs * width)
            for position in range(repeats):
                layers.append(InvertedResidual(channels, outputs, stride if position == 0 else 1, expansion))
                channels = outputs
        layers.append(_conv_bn_relu6(channels, last, 1, 1))
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(last, num_classes))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out")

    def forward(self, x: Tensor) -> Tensor:
        """Class scores or features of ``x`` (N, C, H, W)."""
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


def mobilenet_v2(*, width: float = 1.0, num_classes: int = 1000, in_channels: int = 3) -> MobileNetV2:
    """MobileNetV2 with ReLU6."""
    return MobileNetV2(width=width, num_classes=num_classes, in_channels=in_channels)


class Vgg(nn.Module):
    """VGG-16 (configuration D of Simonyan and Zisserman 2014), with or without BatchNorm.

    ``width`` is the number of channels of the first stage; the classifier expects 7x7 maps, that is 224x224
    images.
    """

    def __init__(
        self, *, batch_norm: bool, width: int = 64, num_classes: int = 1000, in_channels: int = 3
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = in_channels
        for factor, repeats in ((1, 2), (2, 2), (4, 3), (8, 3), (8, 3)):
            for _ in range(repeats):
                layers.append(nn.Conv2d(channels, width * factor, 3, padding=1))
                if batch_norm:
                    layers.append(nn.BatchNorm2d(width * factor))
                layers.append(nn.ReLU())
                channels = width * factor
            layers.append(nn.MaxPool2d(2, 2))
        self.features = nn.Sequential(*layers)
        hidden = 64 * width
        self.classifier = nn.Sequential(
            nn.Linear(channels * 7 * 7, hidden),
            nn.ReLU(),
            nn.Dropout(),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Dropout(),
            nn.Linear(hidden, num_classes),
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        """Class scores or features of ``x`` (N, C, H, W)."""
        return self.classifier(torch.flatten(self.features(x), 1))


def vgg16(*, width: int = 64, num_classes: int = 1000, in_channels: int = 3) -> Vgg:
    """VGG-16 without BatchNorm."""
    return Vgg(batch_norm=False, width=width, num_classes=num_classes, in_channels=in_channels)


def vgg16_bn(*, width: int = 64, num_classes: int = 1000, in_channels: int = 3) -> Vgg:
    """VGG-16 with BatchNorm after each convolution."""
    return Vgg(batch_norm=True, width=width, num_classes=num_classes, in_channels=in_channels)


class DenseLayer(nn.Module):
    """BN, ReLU, 1x1, BN, ReLU, 3x3; its output is appended to its input (Huang et al. 2016)."""

    def __init__(self, inputs: int, growth: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(inputs)
        self.relu1 = nn.ReLU()
        self.conv1 = nn.Conv2d(inputs, 4 * growth, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(4 * growth)
        self.relu2 = nn.ReLU()
        self.conv2 = nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Class scores or features of ``x`` (N, C, H, W)."""
        y = self.conv1(self.relu1(self.norm1(x)))
        y = self.conv2(self.relu2(self.norm2(y)))
        return torch.cat((x, y), 1)


class DenseNet(nn.Module):
    """DenseNet of four blocks; ``width`` is the growth rate, the stem has twice as many channels."""

    def __init__(
        self, depths: Sequence[int], *, width: int = 32, num_classes: int = 1000, in_channels: int = 3
    ) -> None:
        super().__init__()
        channels = 2 * width
        layers: OrderedDict[str, nn.Module] = OrderedDict(
            conv0=nn.Conv2d(in_channels, channels, 7, 2, 3, bias=False),
            norm0=nn.BatchNorm2d(channels),
            relu0=nn.ReLU(),
            pool0=nn.MaxPool2d(3, 2, 1),
        )
        for index, depth in enumerate(depths, start=1):
            block = [DenseLayer(channels + position * width, width) for position in range(depth)]
            layers[f"denseblock{index}"] = nn.Sequential(*block)
            channels += depth * width
            if index < len(depths):
                layers[f"transition{index}"] = nn.Sequential(
                    nn.BatchNorm2d(channels),
                    nn.ReLU(),
                    nn.Conv2d(channels, channels // 2, 1, bias=False),
                    nn.AvgPool2d(2, 2),
                )
                channels //= 2
        layers["norm5"] = nn.BatchNorm2d(channels)
        layers["relu5"] = nn.ReLU()
        self.features = nn.Sequential(layers)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(channels, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Class scores or features of ``x`` (N, C, H, W)."""
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


def densenet121(*, width: int = 32, num_classes: int = 1000, in_channels: int = 3) -> DenseNet:
    """DenseNet-121."""
    return DenseNet((6, 12, 24, 16), width=width, num_classes=num_classes, in_channels=in_channels)


class Fire(nn.Module):
    """A 1x1 squeeze, then 1x1 and 3x3 expansions side by side (Iandola et al. 2016)."""

    def __init__(self, inputs: int, squeeze: int, expand: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(inputs, squeeze, 1)
        self.squeeze_relu = nn.ReLU()
        self.expand1x1 = nn.Conv2d(squeeze, expand, 1)
        self.expand1x1_relu = nn.ReLU()
        self.expand3x3 = nn.Conv2d(squeeze, expand, 3, padding=1)
        self.expand3x3_relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Class scores or features of ``x`` (N, C, H, W)."""
        x = self.squeeze_relu(self.squeeze(x))
        return torch.cat((self.expand1x1_relu(self.expand1x1(x)), self.expand3x3_relu(self.expand3x3(x))), 1)


class SqueezeNet(nn.Module):
    """SqueezeNet 1.1."""

    def __init__(self, *, num_classes: int = 1000, in_channels: int = 3) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(in_channels, 64, 3, 2),
            nn.ReLU(),
            nn.MaxPool2d(3, 2, ceil_mode=True),
            Fire(64, 16, 64),
            Fire(128, 16, 64),
            nn.MaxPool2d(3, 2, ceil_mode=True),
            Fire(128, 32, 128),
            Fire(256, 32, 128),
            nn.MaxPool2d(3, 2, ceil_mode=True),
            Fire(256, 48, 192),
            Fire(384, 48, 192),
            Fire(384, 64, 256),
            Fire(512, 64, 256),
        )
        self.classifier = nn.Sequential(
            nn.Dropout(), nn.Conv2d(512, num_classes, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1)
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_uniform_(module.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Class scores or features of ``x`` (N, C, H, W)."""
        return torch.flatten(self.classifier(self.features(x)), 1)


def squeezenet1_1(*, num_classes: int = 1000, in_channels: int = 3) -> SqueezeNet:
    """SqueezeNet 1.1."""
    return SqueezeNet(num_classes=num_classes, in_channels=in_channels)


TOPOLOGIES: dict[str, Callable[..., nn.Module]] = {
    "resnet18": resnet18,
    "resnet50": resnet50,
    "mobilenet_v2": mobilenet_v2,
    "vgg16": vgg16,
    "vgg16_bn": vgg16_bn,
    "densenet121": densenet121,
    "squeezenet1_1": squeezenet1_1,
}
"""Every topology by name."""


def count_parameters(module: nn.Module) -> int:
    """Number of trainable scalars of ``module``."""
    return sum(parameter.numel() for parameter in module.parameters())


def randomize_batchnorm(module: nn.Module, seed: int) -> nn.Module:
    """Gives every BatchNorm of ``module`` non-trivial statistics and affine parameters; returns ``module``.

    Scale in [0.8, 1.2], shift and mean in N(0, 0.1^2), variance in [0.5, 1.5]: far enough from the identity
    that a wrong fold shows, near enough that activations keep a sane size through the depth of the network.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for layer in module.modules():
            if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d):
                if layer.running_mean is None or layer.running_var is None:
                    raise ValueError("[examples::randomize_batchnorm] expected running statistics, got none")
                layer.weight.uniform_(0.8, 1.2, generator=generator)
                layer.bias.normal_(0.0, 0.1, generator=generator)
                layer.running_mean.normal_(0.0, 0.1, generator=generator)
                layer.running_var.uniform_(0.5, 1.5, generator=generator)
    return module


def export_onnx(
    module: nn.Module,
    path: str | Path,
    example_shape: Sequence[int],
    *,
    opset: int = 17,
    dynamic_batch: bool = True,
    fold: bool = False,
    input_name: str = "input",
    output_name: str = "output",
) -> Path:
    """Writes ``module`` in evaluation mode as ONNX and returns the path.

    ``example_shape`` is NCHW; with ``dynamic_batch`` its first entry becomes the symbol ``N``. With ``fold``
    the exporter merges BatchNorm into the convolutions, without it both nodes are kept.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    mode = torch.onnx.TrainingMode.EVAL if fold else torch.onnx.TrainingMode.PRESERVE
    torch.onnx.export(
        module.eval(),
        (torch.zeros(*example_shape),),
        str(path),
        input_names=[input_name],
        output_names=[output_name],
        dynamic_axes={input_name: {0: "N"}, output_name: {0: "N"}} if dynamic_batch else None,
        opset_version=opset,
        do_constant_folding=fold,
        training=mode,
        dynamo=False,
    )
    return path


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Writes one topology with random weights as ONNX.")
    parser.add_argument("name", choices=sorted(TOPOLOGIES))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--shape", type=int, nargs=4, default=(1, 3, 224, 224), metavar=("N", "C", "H", "W"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--fold", action="store_true", help="let the exporter fold BatchNorm")
    arguments = parser.parse_args()
    torch.manual_seed(arguments.seed)
    module = randomize_batchnorm(TOPOLOGIES[arguments.name](in_channels=arguments.shape[1]), arguments.seed)
    export_onnx(module, arguments.out, arguments.shape, fold=arguments.fold)
    print(f"{arguments.out}: {count_parameters(module):,} parameters, {arguments.out.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
