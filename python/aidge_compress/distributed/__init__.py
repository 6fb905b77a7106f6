"""FIBNLR and PFA on several processes or machines, by dask.distributed (extra "dask").

Data is cut into partitions; workers measure them, the statistics are merged, and the decision is made as ever:

    from aidge_core import distributed

    with distributed.connect(workers=2) as client:
        parts = distributed.split("calibration.npz", batch_size=64)
        history = distributed.fibnlr_compute(model, parts, params, client=client)
"""

from __future__ import annotations

try:
    import distributed as _engine  # noqa: F401
except ImportError as _error:
    raise ImportError(
        "[distributed::import] expected dask.distributed, got none: pip install 'aidge-compress[dask]'"
    ) from _error

from .cluster import PartitionError, connect
from .fibnlr import fibnlr, fibnlr_compute
from .partitions import Chain, Partition, split
from .pfa import introspect_model

__all__ = [
    "Chain",
    "Partition",
    "PartitionError",
    "connect",
    "fibnlr",
    "fibnlr_compute",
    "introspect_model",
    "split",
]
