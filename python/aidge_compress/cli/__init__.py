"""The command line `aidge`: inspect, fibnlr, merge, pfa, compress, sweep, eval, bench, demo.

Exit codes: 0 done; 1 a check failed (the written network does not compute what it should); 2 bad input, in words; 130 interrupted.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

__all__ = ["main"]

_EXIT_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line. Ctrl-C ends it with one line and exit code 130, also while its modules are imported.

    Args:
        arguments: the words after `aidge`; None: those of the process.

    Raises:
        SystemExit: always, with the exit code.
    """
    try:
        from .app import run

        code = run(sys.argv[1:] if arguments is None else arguments)
    except KeyboardInterrupt:
        code = _EXIT_INTERRUPTED
    if code == _EXIT_INTERRUPTED:
        sys.stderr.write("aidge: interrupted; nothing was written\n")
    sys.exit(code)
