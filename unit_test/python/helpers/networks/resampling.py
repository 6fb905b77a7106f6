"""Layers that change the resolution or normalise each image by itself."""

from __future__ import annotations

import numpy as np

from .layers import is_small
from .net import Net

__all__ = ["depth_to_space", "instance_norm", "resize", "space_to_depth"]

_SINCE_AXES = 18
"""Of Resize: axes as an attribute."""


def resize(net: Net) -> None:
    """Twice or three times the size along some axes, or another one; nearest or linear."""
    data, choose = net.current, net.choices
    if not data.sizes:
        return
    factors = [choose.integer(1, 3) for _ in data.sizes]
    sizes = tuple(size * factor for size, factor in zip(data.sizes, factors, strict=True))
    mode = choose.pick(["nearest", "linear"])
    modes = (
        ["asymmetric", "half_pixel"] if mode == "nearest" else ["half_pixel", "align_corners", "asymmetric"]
    )
    options: dict[str, str] = {"mode": mode, "coordinate_transformation_mode": choose.pick(modes)}
    if mode == "nearest":
        options["nearest_mode"] = choose.pick(["floor", "round_prefer_floor"])
    if not is_small((data.channels, *sizes)):
        return
    if net.opset >= _SINCE_AXES and choose.one_in(2):
        net.free = False
        axes = list(range(2, data.spatial + 2))
        net.add("Resize", [data, "", "", net.integers(*sizes)], (data.channels, *sizes), axes=axes, **options)
        return
    scales = net.floats(1.0, 1.0, *(float(factor) for factor in factors))
    roi = net.floats() if net.opset < 13 else ""
    net.add("Resize", [data, roi, scales], (data.channels, *sizes), **options)


def _block(net: Net) -> bool:
    return net.current.spatial == 2


def depth_to_space(net: Net) -> None:
    """Channels become pixels, in both orders."""
    data, choose = net.current, net.choices
    if not _block(net) or data.channels % 4:
        return
    height, width = data.sizes
    dims = (data.channels // 4, 2 * height, 2 * width)
    net.add("DepthToSpace", [data], dims, blocksize=2, mode=choose.pick(["DCR", "CRD"]))


def space_to_depth(net: Net) -> None:
    """Pixels become channels."""
    data = net.current
    if not _block(net) or any(size % 2 for size in data.sizes):
        return
    height, width = data.sizes
    net.free = False
    net.add("SpaceToDepth", [data], (4 * data.channels, height // 2, width // 2), blocksize=2)


def instance_norm(net: Net) -> None:
    """Each channel of each image by its own mean and variance. Epsilon is large, so that rounding does not grow where nothing varies."""
    data = net.current
    if not data.sizes or int(np.prod(data.sizes)) < 2:
        return
    parameters = [net.constant(data.channels), net.constant(data.channels)]
    net.add("InstanceNormalization", [data, *parameters], epsilon=0.1)
