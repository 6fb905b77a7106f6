"""Tables of results as data frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["data_frame"]


def data_frame(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> Any:
    """A pandas DataFrame of the rows. ImportError with the remedy where pandas is missing."""
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError(
            '[core::to_frame] tables need pandas: pip install "aidge-compress[report]"'
        ) from error
    return pd.DataFrame(list(rows), columns=list(columns))
