"""Makes trained convolutional networks smaller: graphs, execution, statistics and graph rewriting.

The names follow Eclipse Aidge where it has them. `import aidge_backend_cpu` registers the backend "cpu";
`aidge_onnx` reads and writes ONNX files.
"""

from __future__ import annotations

from . import _core, data
from ._core import *  # noqa: F403
from .compression import CompressionResult, compress
from .data import Database, DataProvider
from .merging import MergeResult, merge_layers
from .notebook import attach as _attach
from .outline import to_mermaid
from .pruning import FibnlrResult, fibnlr_run
from .sweeps import SweepResult, sweep
from .torch_import import from_torch

__version__: str = _core.__version__
_attach()

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
    "fibnlr_run",
    "from_torch",
    "merge_layers",
    "sweep",
    "to_mermaid",
]
__all__ += _core.__all__
