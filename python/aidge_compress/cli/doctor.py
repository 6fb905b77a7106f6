"""`aidge doctor`: whether the installation is complete, the machine it runs on, and optional packages."""

from __future__ import annotations

import ctypes
import os
import platform
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions, version
from importlib.util import find_spec
from pathlib import Path

import typer

from ..demo import NETWORK
from ..measure.processor import int8_instructions, processor_flags, processor_name
from ..numbers import counted
from . import shared_options as shared
from .common import Screen, print_json

__all__ = ["Finding", "doctor", "examine"]

_OURS = "aidge-compress"
_PACKAGES = ("aidge_core", "aidge_backend_cpu", "aidge_onnx", "aidge_compress")
_FLAGS = ("sse4_1", "avx2", "fma", "avx512f", "avx_vnni", "avx512_vnni", "amx_tile", "asimd", "sve")
_SETS = {
    "sse41": "SSE4.1",
    "avx": "AVX",
    "avx2": "AVX2",
    "avx2_vnni": "AVX2 with VNNI",
    "avx2_vnni_2": "AVX2 with VNNI 2",
    "avx512": "AVX-512",
    "avx512_core": "AVX-512",
    "avx512_core_vnni": "AVX-512 with VNNI",
    "avx512_core_bf16": "AVX-512 with VNNI and bfloat16",
    "avx512_core_fp16": "AVX-512 with float16",
    "avx512_core_amx": "AVX-512 with AMX",
}
_EXTRAS = (
    ("ort", "onnxruntime", "written networks are verified, operators without a kernel run, bench compares"),
    ("ort", "ml_dtypes", "aidge quantize"),
    ("report", "pandas", "tables as data frames"),
    ("report", "matplotlib", "charts"),
    ("images", "PIL", "folders of images"),
    ("parquet", "pyarrow", ".parquet files"),
    ("dask", "distributed", "measuring on several processes or machines"),
    ("torch", "torch", "from_torch, retraining"),
    ("torch", "onnxscript", "from_torch"),
)
_DISTRIBUTIONS = {"PIL": "pillow", "ml_dtypes": "ml-dtypes"}


@dataclass(frozen=True)
class Finding:
    """One fact; `cure` says what to do if something is wrong ("problem") or could be better ("note")."""

    topic: str
    value: str
    status: str = "ok"
    cure: str = ""


def _versions() -> Iterator[Finding]:
    yield Finding("python", f"{platform.python_version()} ({sys.executable}), {platform.platform()}")
    try:
        yield Finding(_OURS, version(_OURS))
    except PackageNotFoundError:
        yield Finding(
            _OURS, "not installed, used from its sources", "note", "pip install . in a clone, to have `aidge`"
        )
    for name in ("numpy", "onnx", "onednn-cpu-gomp"):
        try:
            yield Finding(name, version(name))
        except PackageNotFoundError:
            pin = "==2023.2.0" if name.startswith("onednn") else ""
            yield Finding(name, "not installed as a package", "note", f"pip install {name}{pin}")


def _strangers() -> Iterator[Finding]:
    """Eclipse Aidge ships packages of the same names: what was installed last has overwritten the other."""
    owners = packages_distributions()
    foreign = sorted(
        {owner for name in _PACKAGES for owner in owners.get(name, ()) if owner.replace("_", "-") != _OURS}
    )
    if foreign:
        cure = f"pip uninstall {' '.join(foreign)}, then pip install --force-reinstall --no-deps {_OURS}; or use a separate environment"
        yield Finding("packages of the same names", ", ".join(foreign), "problem", cure)
    places = {}
    for name in _PACKAGES:
        spec = find_spec(name)
        if spec is None or spec.origin is None:
            yield Finding(name, "not found", "problem", f"pip install --force-reinstall --no-deps {_OURS}")
        else:
            places[name] = str(Path(spec.origin).parents[1])
    if len(set(places.values())) > 1:
        found = ", ".join(f"{name} in {place}" for name, place in places.items())
        yield Finding(
            "packages in different places", found, "problem", "look at PYTHONPATH, or install again"
        )
    elif places:
        yield Finding("packages", next(iter(places.values())))


def _processor() -> Iterator[Finding]:
    flags = processor_flags()
    listed = ", ".join(flag for flag in _FLAGS if flag in flags)
    yield Finding("processor", f"{processor_name()}, {platform.machine()}, {listed}")
    if platform.machine() == "x86_64" and "avx2" not in flags:
        yield Finding("vector instructions", "no AVX2", "note", "kernels fall back to slower ones")
    if instructions := int8_instructions():
        yield Finding("int8 instructions", instructions)
    else:
        cure = "int8 files may be slower than float32 in ONNX Runtime here: aidge quantize measures it, and --reduce-range avoids saturation"
        yield Finding("int8 instructions", "no VNNI", "note", cure)


def _threads() -> Iterator[Finding]:
    import aidge_backend_cpu

    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    threads = aidge_backend_cpu.get_num_threads()
    setting = os.environ.get("OMP_NUM_THREADS", "not set")
    text = f"{threads} of {usable} usable processors, OMP_NUM_THREADS {setting}"
    if threads > usable:
        yield Finding(
            "threads", text, "note", f"OMP_NUM_THREADS={usable}: more threads than processors are slower"
        )
    else:
        yield Finding("threads", text)


class _DnnlVersion(ctypes.Structure):
    _fields_ = [(name, ctypes.c_int) for name in ("major", "minor", "patch")]


def _instruction_sets() -> Iterator[Finding]:
    import aidge_backend_cpu

    used = aidge_backend_cpu.used_instruction_sets()
    loops, onednn = (_SETS.get(used[key], used[key]) for key in ("loops", "onednn"))
    text = f"{loops} (our loops), {onednn} (oneDNN)"
    if used["cap"]:
        cure = "unset AIDGE_MAX_ISA to use all that the processor has"
        yield Finding("instruction sets", f"{text}, capped by AIDGE_MAX_ISA={used['cap']}", "note", cure)
    else:
        yield Finding("instruction sets", text)


def _onednn() -> Iterator[Finding]:
    import aidge_backend_cpu  # noqa: F401  (loads oneDNN)

    library = ctypes.CDLL("libdnnl.so.3")
    library.dnnl_version.restype = ctypes.POINTER(_DnnlVersion)
    numbers = library.dnnl_version().contents
    yield Finding("oneDNN", f"{numbers.major}.{numbers.minor}.{numbers.patch}")


def _self_test() -> Iterator[Finding]:
    """The network of the demonstration runs, and these are the kernels that it takes."""
    import aidge_onnx

    from ..measure.profile import profile_model

    model = aidge_onnx.load_onnx(NETWORK)
    model.compile("cpu", dims=[[8, 1, 28, 28]])
    profile = profile_model(model, passes=1)
    kernels = sorted({step.kernel for step in profile.steps if step.kernel})
    yield Finding("self-test", f"a ResNet runs, {len(profile.steps)} steps; kernels: {', '.join(kernels)}")


def _extras() -> Iterator[Finding]:
    for extra, module, brings in _EXTRAS:
        if find_spec(module) is None:
            cure = f"for {brings}: pip install '{_OURS}[{extra}]'"
            yield Finding(_DISTRIBUTIONS.get(module, module), "not installed", "note", cure)
        else:
            name = _DISTRIBUTIONS.get(module, module)
            yield Finding(name, f"{distribution(name).version} ({brings})")


_PARTS: tuple[Callable[[], Iterator[Finding]], ...] = (
    _versions,
    _strangers,
    _processor,
    _threads,
    _instruction_sets,
    _onednn,
    _self_test,
    _extras,
)


def examine() -> list[Finding]:
    """All findings; a part of the examination that fails is a finding itself."""
    findings = []
    for part in _PARTS:
        try:
            findings += list(part())
        except Exception as error:
            cure = f"pip install --force-reinstall {_OURS}, in a separate environment"
            topic = part.__name__.strip("_").replace("_", " ")
            findings.append(Finding(topic, f"{type(error).__name__}: {error}", "problem", cure))
    return findings


def doctor(
    as_json: shared.JsonOption = False,
) -> None:
    """Check the installation and suggest fixes.

    Exit code 1 if there is a problem.
    """
    findings = examine()
    problems = sum(finding.status == "problem" for finding in findings)
    if as_json:
        print_json({"problems": problems, "findings": [asdict(finding) for finding in findings]})
    else:
        _print(Screen(), findings, problems)
    if problems:
        raise typer.Exit(1)


def _print(screen: Screen, findings: list[Finding], problems: int) -> None:
    screen.headline(f"{counted(problems, 'problem') if problems else 'No problems'}\n")
    marks = {"ok": " ", "note": "–", "problem": "!"}
    for finding in findings:
        screen.say(f"{marks[finding.status]} {finding.topic}: {finding.value}")
        if finding.cure:
            screen.say(f"    {finding.cure}")
