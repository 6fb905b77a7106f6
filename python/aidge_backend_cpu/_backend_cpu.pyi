"""
The native part of aidge_backend_cpu.
"""

from __future__ import annotations
import typing

__all__: list[str] = ["get_num_threads", "set_num_threads"]

def get_num_threads() -> int:
    """
    The number of threads that the next forward pass will use.
    """

def set_num_threads(threads: typing.SupportsInt | typing.SupportsIndex) -> None:
    """
    Threads that the kernels use, for forward passes started from any thread. 0: what OpenMP takes by itself (OMP_NUM_THREADS, else one a core).
    ValueError for a negative number.
    """

__version__: str = "0.1.0"
