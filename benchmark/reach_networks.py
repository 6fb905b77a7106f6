"""Small networks of many architectures in plain PyTorch, for `reach.py`: at a few channels and mostly 32 x 32 pixels.

`NETWORKS` maps a name to (family, what builds it, the shapes of its inputs with a batch of one). timm and torchvision are not needed.
"""

from __future__ import annotations

import reach_convolutions  # noqa: F401  (adds its networks)
import reach_others  # noqa: F401  (adds its networks)
from reach_blocks import NETWORKS

__all__ = ["NETWORKS"]
