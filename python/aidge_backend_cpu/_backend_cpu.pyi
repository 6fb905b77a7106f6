"""
The native part of aidge_backend_cpu.
"""

from __future__ import annotations
import typing

__all__: list[str] = [
    "get_convolution_accuracy",
    "get_num_threads",
    "set_convolution_accuracy",
    "set_num_threads",
    "used_instruction_sets",
]

def get_convolution_accuracy() -> str:
    """
    "direct", "default" or "fast".
    """

def get_num_threads() -> int:
    """
    The number of threads that the next forward pass will use.
    """

def set_convolution_accuracy(accuracy: str) -> None:
    """
    How 3x3 convolutions of stride 1 are computed from now on, in all threads. "direct": by their definition. "default": also by Winograd's F(2x2, 3x3) where that is faster; its rounding errors are no larger. "fast": also by F(4x4, 3x3), whose errors are up to ten times as large, about 1e-5 of a layer's maximum.
    ValueError for another word.
    """

def set_num_threads(threads: typing.SupportsInt | typing.SupportsIndex) -> None:
    """
    Threads that the kernels use, for forward passes started from any thread. 0: what OpenMP takes by itself (OMP_NUM_THREADS, else one a core).
    ValueError for a negative number.
    """

def used_instruction_sets() -> dict:
    """
    The instruction sets that this process computes with, as a dict: "loops" (our own: "avx512", "avx2" or "sse41"), "onednn" (the name of oneDNN's level) and "cap" (the value of AIDGE_MAX_ISA; "" if it is not set).
    ValueError if AIDGE_MAX_ISA is not avx512, avx2 or sse41.
    """

__version__: str = "0.1.0"
