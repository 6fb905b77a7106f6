"""Commands of `aidge` with random options on random networks and data: what a case is, and what is wrong with how it ended.

    problems = soak(seed)                           # "" if nothing is wrong

A seed is a case: `python unit_test/soak.py --seed 17` runs it again and shows it."""

from __future__ import annotations

from .cases import Case, make_case
from .checks import run_case, soak

__all__ = ["Case", "make_case", "run_case", "soak"]
