"""Data for measuring networks: databases, batching, and adapters for what users already have."""

from __future__ import annotations

from .adapters import as_batches, as_provider, from_arrays, from_npz
from .database import Database
from .datasets import mnist
from .images import ImageFolder, from_image_folder
from .provider import DataProvider

__all__ = [
    "DataProvider",
    "Database",
    "ImageFolder",
    "as_batches",
    "as_provider",
    "from_arrays",
    "from_image_folder",
    "from_npz",
    "mnist",
]
