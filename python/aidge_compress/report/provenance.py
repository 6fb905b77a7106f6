"""What it takes to repeat a run: the files and their hashes, the data, the command, the versions."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal

import numpy as np
from aidge_core import __version__
from aidge_core.data import mnist

from .html import Child, Markup, Section, join, table, tag

__all__ = ["Context", "data_facts", "file_sha256", "how_to_repeat"]

_PACKAGES = ("numpy", "onnx", "onnxruntime", "onednn-cpu-gomp", "torch")
_MNIST: dict[str, Literal["train", "validation", "test"]] = {
    "mnist": "test", "mnist:train": "train", "mnist:validation": "validation", "mnist:test": "test",
}  # fmt: skip
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Context:
    """Where a result comes from, as far as the result does not know it; see Reportable.report."""

    model: str | os.PathLike[str] | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    measured: tuple[Any, ...] = ()
    command: str | None = None


def file_sha256(path: str | os.PathLike[str]) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    digest = hashlib.sha256()
    with Path(path).open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _file_facts(path: Path) -> list[str]:
    facts = [f"{path.stat().st_size:,} bytes", f"sha256 {file_sha256(path)}"]
    if path.suffix.lower() == ".npz":
        with np.load(path, allow_pickle=False) as archive:
            shapes = [f"{name} {archive[name].dtype} {list(archive[name].shape)}" for name in archive.files]
        return [", ".join(shapes), *facts]
    if path.suffix.lower() == ".npy":
        array = np.load(path, mmap_mode="r", allow_pickle=False)
        return [f"{array.dtype} {list(array.shape)}", *facts]
    return facts


def _mnist_facts(split: Literal["train", "validation", "test"]) -> list[str]:
    arrays = mnist(split)
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).data)
    shapes = [f"{array.dtype} {list(array.shape)}" for array in arrays]
    return [f"images {shapes[0]}, labels {shapes[1]}", f"sha256 {digest.hexdigest()}"]


def _folder_facts(path: Path) -> list[str]:
    digest, count, size = hashlib.sha256(), 0, 0
    for entry in sorted(path.rglob("*")):
        if entry.is_file():
            length = entry.stat().st_size
            digest.update(f"{entry.relative_to(path).as_posix()}\0{length}\0".encode())
            count, size = count + 1, size + length
    return [f"{count:,} files, {size:,} bytes", f"sha256 of names and sizes {digest.hexdigest()}"]


def data_facts(value: Any) -> list[str]:
    """What is known of a data source without a pass over it: a path, a data set of ours by name, or a provider."""
    if isinstance(value, (str, os.PathLike)):
        path = Path(value)
        if str(value) in _MNIST and not path.exists():
            return [str(value), *_mnist_facts(_MNIST[str(value)])]
        if path.is_dir():
            return [str(value), *_folder_facts(path)]
        return [str(value), *(_file_facts(path) if path.is_file() else [])]
    printed = repr(value)
    return [type(value).__name__ if " object at 0x" in printed else printed]


def _versions() -> dict[str, str]:
    found = {"aidge-compress": __version__, "Python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    found["system"] = f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors"
    return found


def _lines(facts: list[str]) -> list[Child]:
    return [tag("div", tag("code", fact) if fact.startswith("sha256") else fact) for fact in facts]


def how_to_repeat(context: Context, parameters: Mapping[str, Any]) -> Section:
    """The section with the command, the network's and the data's hashes, every parameter, and the versions."""
    parts: list[Markup] = []
    if context.command:
        parts.append(join(tag("h3", "Command"), tag("pre", context.command)))
    sources: list[tuple[Child, Child]] = []
    if context.model is not None:
        path = Path(context.model)
        from aidge_onnx import model_files  # which needs onnx

        facts = [line for file in model_files(path) for line in (str(file), *_file_facts(file))]
        sources.append(("network", _lines(facts)))
    sources += [(name, _lines(data_facts(value))) for name, value in context.data.items()]
    if sources:
        parts.append(join(tag("h3", "Network and data"), table(("", ""), sources, left=2)))
    values = [(name, _value(value)) for name, value in parameters.items()]
    parts.append(join(tag("h3", "Parameters"), table(("", ""), values, left=2)))
    parts.append(join(tag("h3", "Versions"), table(("", ""), list(_versions().items()), left=2)))
    written = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    return Section("To repeat it", join(parts, tag("p", f"Written {written}.", class_="note")))


def _value(value: Any) -> Child:
    """A mapping as a line an entry."""
    if isinstance(value, Mapping) and value:
        return [tag("div", f"{name}: ", tag("code", _plain(entry))) for name, entry in value.items()]
    return tag("code", _plain(value))


def _plain(value: Any) -> str:
    """Enumerations by name, lists without brackets, all else as it is printed."""
    if (
        isinstance(value, (list, tuple))
        and value
        and not any(isinstance(entry, (list, tuple)) for entry in value)
    ):
        return ", ".join(map(_plain, value))
    return str(value.name) if hasattr(value, "name") and hasattr(value, "value") else str(value)
