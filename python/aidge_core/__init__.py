"""Graphs, execution, statistics and graph rewriting: the compiled core, and data for it.

Names are those of Eclipse Aidge if it has the function. `model.compile("cpu")` finds aidge_backend_cpu; `aidge_onnx` reads and writes ONNX files;
`aidge_compress` holds the methods, whose names this package gives, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import _above, _aidge, _backends, _core, data
from ._core import *  # noqa: F403
from ._lazy import lazy_names as _lazy_names
from .data import Database, DataProvider
from .recipes import matmul_to_fc, remove_flatten

if TYPE_CHECKING:  # for type checkers alone: at run time these are found when they are used
    from aidge_compress import distributed, pfa
    from aidge_compress.channels import CompressionResult, compress
    from aidge_compress.fibnlr import FibnlrResult, fibnlr_run
    from aidge_compress.merge import MergeResult, merge_layers
    from aidge_compress.network.mermaid import to_mermaid
    from aidge_compress.sweeps import SweepResult, sweep
    from aidge_onnx.torch import from_torch
else:
    __getattr__, __dir__ = _lazy_names(__name__, _above.NAMES | _above.ATTRIBUTES)
    globals().update(_backends.inferring_functions())
    globals().update(_aidge.as_in_aidge())

__version__: str = _core.__version__
_backends.attach()
_above.attach()

__all__ = [
    "CompressionResult",
    "DataProvider",
    "Database",
    "FibnlrResult",
    "MergeResult",
    "SweepResult",
    "__version__",
    "compress",
    "data",
    "distributed",
    "fibnlr_run",
    "from_torch",
    "matmul_to_fc",
    "merge_layers",
    "pfa",
    "remove_flatten",
    "sweep",
    "to_mermaid",
]
__all__ += _core.__all__
