"""The command line `aidge`: inspect, fibnlr, merge, pfa, compress, sweep, eval, bench, demo.

Exit codes: 0 done; 1 a check failed (the written network does not compute what it should); 2 bad input, in words.
"""

from __future__ import annotations

from .app import main

__all__ = ["main"]
