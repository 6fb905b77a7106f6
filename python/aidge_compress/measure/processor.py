"""What the processor of this machine offers."""

from __future__ import annotations

import platform
from pathlib import Path

__all__ = ["int8_instructions", "processor_flags", "processor_name"]

_INT8 = {
    "avx512_vnni": "AVX-512 VNNI",
    "avx_vnni": "AVX-VNNI",
    "avxvnni": "AVX-VNNI",
    "amx_int8": "AMX",
    "asimddp": "dot products",
    "i8mm": "int8 matrix products",
}


def _facts() -> dict[str, str]:
    path = Path("/proc/cpuinfo")
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    fields = dict(line.split(":", 1) for line in text.split("\n\n")[0].splitlines() if ":" in line)
    return {key.strip(): value.strip() for key, value in fields.items()}


def processor_name() -> str:
    """The processor's model."""
    return _facts().get("model name", platform.processor() or "unknown")


def processor_flags() -> frozenset[str]:
    """Names of the instruction sets as the operating system lists them; empty if it does not."""
    known = _facts()
    return frozenset(known.get("flags", known.get("Features", "")).split())


def int8_instructions() -> str:
    """The instructions for sums of 8-bit products, such as "AVX-512 VNNI"; "" if there are none, or they are not known."""
    flags = processor_flags()
    return ", ".join(dict.fromkeys(name for flag, name in _INT8.items() if flag in flags))
