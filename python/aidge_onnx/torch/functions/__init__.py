"""What the operators compute, as functions of PyTorch that the generated modules call.

A value is a tensor, or a *size*: an int, a bool or a list of these, computed from dims. Sizes are kept out of tensors, so that torch.compile
can trace them with free dims; each function that sizes go through takes both. These modules import PyTorch and are loaded by `to_torch` only.
"""

from __future__ import annotations
