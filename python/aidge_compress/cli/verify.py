"""Says what was written and who confirmed it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from ..measure.verify import Verification

__all__ = ["print_verification"]


def print_verification(out: Console, path: Path, verification: Verification) -> None:
    """Says what was written and who confirmed it, or why nothing was."""
    if verification.passed:
        kilobytes = path.stat().st_size / 1000
        out.print(
            f"wrote {path} ({kilobytes:.0f} kB), same outputs as {_reference(verification)} by {verification.engine} "
            f"(largest difference {verification.difference:.1e} of the largest output)",
            markup=False,
        )
        if verification.note:
            out.print(f"note: {verification.note}", markup=False)
    else:
        out.print(
            f"{path} was not written: {verification.failure}",
            markup=False,
        )


def _reference(verification: Verification) -> str:
    return verification.reference.replace("the network in memory", "in memory")
