"""The statistics of a PFA in one .npz file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from aidge_core import Covariance

from ..files import write_npz

__all__ = ["load", "save"]

_FORMAT = "aidge-pfa-1"


def save(path: Path, accumulators: Mapping[str, Covariance], epsilon: float, strict: bool) -> None:
    """Write one file, under a temporary name until it is complete."""
    arrays = {
        "format": np.array(_FORMAT),
        "layers": np.array(list(accumulators), dtype=np.str_),
        "samples": np.array([entry.samples for entry in accumulators.values()], dtype=np.int64),
        "epsilon_inactive": np.array(epsilon),
        "strict_samples": np.array(strict),
    }
    for i, accumulator in enumerate(accumulators.values()):
        arrays[f"mean_{i}"] = accumulator.mean
        arrays[f"scatter_{i}"] = accumulator.scatter
    write_npz(path, arrays)


def load(path: Path) -> tuple[dict[str, Covariance], float, bool]:
    """Return accumulators, epsilon_inactive and strict_samples. ValueError if the file is something else."""
    try:
        # Opened here: NumPy leaves a broken file open.
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            if str(file["format"]) != _FORMAT:
                raise ValueError(f"its format is {file['format']}")
            samples = file["samples"]
            accumulators = {
                str(name): Covariance(int(samples[i]), file[f"mean_{i}"], file[f"scatter_{i}"])
                for i, name in enumerate(file["layers"])
            }
            return accumulators, float(file["epsilon_inactive"]), bool(file["strict_samples"])
    except (FileNotFoundError, IsADirectoryError, PermissionError):
        raise
    except Exception as error:  # see aidge_core.data.array_files
        raise ValueError(
            f"[pfa::load] expected statistics that PFA.save wrote in {path}, got: {error}"
        ) from error
