"""What a sweep has found so far, in a file, so that it can go on where it was stopped."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..files import write_text
from ..measure.trial import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aidge_core import GraphView

__all__ = ["State", "data_key", "model_key"]

_FORMAT = 3


def model_key(model: GraphView) -> str:
    """SHA-256 of a network: its nodes, attributes, connections and constants."""
    digest = hashlib.sha256()
    nodes = model.get_ordered_nodes(deep=True)
    places = {node: index for index, node in enumerate(nodes)}
    for node in nodes:
        operator = node.get_operator()
        parents = [(places.get(parent, -1) if parent else -1, index) for parent, index in node.inputs()]
        digest.update(repr((node.name(), node.type(), parents)).encode())
        if node.type() == "Producer":
            constant = np.ascontiguousarray(np.asarray(operator.get_output(0)))
            digest.update(repr((constant.dtype.str, constant.shape)).encode() + constant.tobytes())
        else:
            digest.update(repr(sorted((k, str(v)) for k, v in operator.attr.dict().items())).encode())
    return digest.hexdigest()


def data_key(provider: Iterable[Any]) -> str:
    """SHA-256 of all entries of all batches of one pass."""
    digest = hashlib.sha256()
    for batch in provider:
        entries = batch.values() if hasattr(batch, "values") else batch
        for entry in entries if isinstance(entries, (list, tuple)) or hasattr(batch, "values") else [entries]:
            array = np.ascontiguousarray(np.asarray(entry))
            digest.update(repr((array.dtype.str, array.shape)).encode() + array.tobytes())
    return digest.hexdigest()


class State:
    """Statistics, what settings decide, and outcomes by key, written after each change, as a whole; without a path only in memory.

    Raises:
        ValueError: if the file is something else, or of another network, data or other statistics than `keys` say.
    """

    def __init__(self, path: Path | None, keys: Mapping[str, str]) -> None:
        self._path = path
        self._document: dict[str, Any] = {
            "format": _FORMAT,
            "keys": dict(keys),
            "statistics": {},
            "choices": {},
            "outcomes": {},
        }
        if path is not None and path.exists():
            self._document = _read(path, keys)

    def statistics(self, method: str) -> Any:
        """What was stored for a method; None if nothing was."""
        return self._document["statistics"].get(method)

    def keep_statistics(self, method: str, values: Any) -> None:
        """Stores what JSON can hold."""
        self._document["statistics"][method] = values
        self._write()

    def choice(self, setting: str) -> str | None:
        """The key of the decision that a setting leads to; None if that is not known."""
        found: str | None = self._document["choices"].get(setting)
        return found

    def keep_choice(self, setting: str, decision: str) -> None:
        """Stores the key of a setting's decision."""
        self._document["choices"][setting] = decision
        self._write()

    def outcome(self, decision: str) -> Outcome | None:
        """What was found for a decision; None if nothing was."""
        found = self._document["outcomes"].get(decision)
        return Outcome(**found["outcome"]) if found is not None else None

    def details(self, decision: str) -> dict[str, float]:
        """The share of each layer that goes, as stored with the outcome."""
        return dict(self._document["outcomes"][decision]["gone"])

    def keep(self, decision: str, outcome: Outcome, gone: Mapping[str, float]) -> None:
        """Stores an outcome."""
        self._document["outcomes"][decision] = {"outcome": asdict(outcome), "gone": dict(gone)}
        self._write()

    def _write(self) -> None:
        if self._path is None:
            return
        write_text(self._path, json.dumps(self._document))


def _read(path: Path, keys: Mapping[str, str]) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"[sweep::state] expected a file that a sweep wrote, got {path}: {error}") from error
    if not isinstance(document, dict) or document.get("format") != _FORMAT:
        raise ValueError(f"[sweep::state] expected a file that a sweep of this version wrote, got {path}")
    others = [name for name, key in keys.items() if document["keys"].get(name) != key]
    if others:
        raise ValueError(
            f"[sweep::state] expected {path} to be of the same network, data and statistics, got another {', '.join(others)}"
        )
    return document
