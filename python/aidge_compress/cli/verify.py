"""Says what was written, and by whom it was verified."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..network.files import file_text

if TYPE_CHECKING:
    from pathlib import Path

    from ..measure.verify import Verification
    from .common import Screen

__all__ = ["print_verification"]


def print_verification(screen: Screen, path: Path, verification: Verification) -> None:
    """Says what was written and who confirmed it, or why nothing was written."""
    if not verification.passed:
        screen.say(f"{path} was not written: {verification.failure}")
        return
    reference = verification.reference.replace("the network in memory", "in memory")
    screen.say(
        f"wrote {path} ({file_text(path)}), same outputs as {reference} by {verification.engine} "
        f"(largest difference {verification.difference:.1e} of the largest output)"
    )
    if verification.note:
        screen.say(f"note: {verification.note}")
