"""Data for measuring networks: databases, batching, and adapters for common forms of data."""

from __future__ import annotations

from .adapters import as_batches, as_provider, from_arrays, from_npz
from .database import Database
from .datasets import mnist
from .images import ImageFolder, ImageTransform, from_image_folder
from .provider import DataProvider
from .tables import DictDataset, from_dataset, from_parquet

__all__ = [
    "DataProvider",
    "Database",
    "DictDataset",
    "ImageFolder",
    "ImageTransform",
    "as_batches",
    "as_provider",
    "from_arrays",
    "from_dataset",
    "from_image_folder",
    "from_npz",
    "from_parquet",
    "mnist",
]
