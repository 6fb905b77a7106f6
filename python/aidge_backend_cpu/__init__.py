"""The backend "cpu": importing this package registers its kernels, which run on oneDNN."""

from __future__ import annotations

import ctypes
from importlib.metadata import distributions
from pathlib import Path

import aidge_core  # noqa: F401  (loads libaidge_core, which the kernels link to)

__all__ = [
    "__version__",
    "get_convolution_accuracy",
    "get_num_threads",
    "set_convolution_accuracy",
    "set_num_threads",
    "used_instruction_sets",
]

_DISTRIBUTION = "onednn-cpu-gomp"
_LIBRARY = "libdnnl.so.3"


def _dnnl_candidates() -> list[Path]:
    """Where oneDNN may lie: as its metadata says, or in the `lib` of a `--target` directory."""
    candidates = [
        Path(str(entry.locate()))
        for distribution in distributions(name=_DISTRIBUTION)
        for entry in distribution.files or []
        if entry.name == _LIBRARY
    ]
    candidates.append(Path(__file__).parents[1] / "lib" / _LIBRARY)
    return [path for path in candidates if path.is_file()]


def _load_dnnl() -> None:
    """Load oneDNN by its path, so that the loader then finds it by its name.

    Raises:
        ImportError: if no installed oneDNN can be loaded.
    """
    reason = f"no file {_LIBRARY} of {_DISTRIBUTION}"
    for path in _dnnl_candidates():
        try:
            ctypes.CDLL(str(path))
        except OSError as error:
            reason = str(error)
        else:
            return
    raise ImportError(
        f"[backend_cpu::import] expected oneDNN ({_LIBRARY}), got {reason}; "
        f"install it with `pip install {_DISTRIBUTION}==2023.2.0` in this environment "
        "(`pip install --target` leaves it out: build with -C cmake.define.AIDGE_BUNDLE_ONEDNN=ON there)"
    )


try:
    from ._backend_cpu import (
        __version__,
        get_convolution_accuracy,
        get_num_threads,
        set_convolution_accuracy,
        set_num_threads,
        used_instruction_sets,
    )
except ImportError as _error:
    if "libdnnl" not in str(_error):
        raise
    _load_dnnl()
    from ._backend_cpu import (
        __version__,
        get_convolution_accuracy,
        get_num_threads,
        set_convolution_accuracy,
        set_num_threads,
        used_instruction_sets,
    )
