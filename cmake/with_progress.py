"""Runs `pip install -v …` and prints of its output only how far the build is, or all of it when the command fails.

Usage: python with_progress.py <command> [<argument> ...]; the exit code is the command's.
"""

import re
import shutil
import subprocess
import sys

NINJA_STEP = re.compile(r"\[(\d+)/(\d+)\]\s+(.*)")
STAGE = re.compile(r"\*\*\* (Configuring CMake|Installing project into wheel|Making wheel)")


def shorten(step: str) -> str:
    """`Building CXX object CMakeFiles/aidge_core.dir/src/graph/Node.cpp.o` -> `aidge_core src/graph/Node.cpp`."""
    found = re.search(r"(?:.*/)?CMakeFiles/([^/]+)\.dir/(\S+?)(?:\.o)?$", step)
    return f"{found[1]} {found[2]}" if found else step


def progress_line(line: str) -> str | None:
    """What to print for a line of the command's output; None for nothing."""
    if step := NINJA_STEP.search(line):
        return f"[{step[1]:>{len(step[2])}}/{step[2]}] {shorten(step[3])}"
    if stage := STAGE.search(line):
        return stage[1]
    return None


def main(command: list[str]) -> int:
    """Runs the command; returns its exit code."""
    lines: list[str] = []
    terminal = sys.stdout.isatty()
    width = shutil.get_terminal_size().columns - 1
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            shown = progress_line(line)
            if shown is not None:
                print(
                    f"\r{shown[:width]:<{width}}" if terminal else shown,
                    end="" if terminal else "\n",
                    flush=True,
                )
    if terminal:
        print()
    if process.returncode != 0:
        sys.stderr.writelines(lines)
    return process.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
