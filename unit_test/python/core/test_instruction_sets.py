"""AIDGE_MAX_ISA caps our loops and oneDNN alike, in new processes, because it is read once."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import aidge_backend_cpu
import numpy as np
import pytest

pytestmark = pytest.mark.slow  # each test starts processes

CAPS = ("sse41", "avx2", "avx512")
SETS_OF_ONEDNN = {"sse41": {"sse41"}, "avx2": {"avx2", "sse41"}, "avx512": {"avx512_core", "avx2", "sse41"}}

PROGRAM = """
import json, numpy as np, aidge_compress, aidge_core, aidge_backend_cpu, aidge_onnx
from pathlib import Path
model = aidge_onnx.load_onnx(Path(aidge_compress.__file__).parent / "demo" / "mnist_resnet18.onnx")
model.compile("cpu", dims=[[4, 1, 28, 28]])
data = np.random.default_rng(0).random((4, 1, 28, 28), dtype=np.float32)
(result,) = aidge_core.SequentialScheduler(model).forward(data=[data])
print(json.dumps([aidge_backend_cpu.used_instruction_sets(), np.asarray(result).tolist()]))
"""


def run(program: str, cap: str | None) -> subprocess.CompletedProcess[str]:
    variables = {name: value for name, value in os.environ.items() if name != "AIDGE_MAX_ISA"}
    if cap is not None:
        variables["AIDGE_MAX_ISA"] = cap
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=variables, check=False
    )


@pytest.fixture(scope="module")
def plain() -> tuple[dict[str, str], np.ndarray]:
    used, result = json.loads(run(PROGRAM, None).stdout)
    return used, np.array(result)


@pytest.mark.parametrize("cap", CAPS)
def test_a_cap_holds_for_our_loops_and_for_onednn_and_the_results_agree(
    cap: str, plain: tuple[dict[str, str], np.ndarray]
) -> None:
    done = run(PROGRAM, cap)
    assert done.returncode == 0, done.stderr
    used, result = json.loads(done.stdout)
    best = CAPS.index(plain[0]["loops"])
    assert used["loops"] == CAPS[min(CAPS.index(cap), best)]
    assert used["onednn"] in SETS_OF_ONEDNN[cap]
    assert used["cap"] == cap
    assert np.abs(np.array(result) - plain[1]).max() / np.abs(plain[1]).max() < 2e-5


def test_without_a_cap_none_is_reported(plain: tuple[dict[str, str], np.ndarray]) -> None:
    assert plain[0]["cap"] == ""
    assert run(PROGRAM, "").returncode == 0  # empty means not set


@pytest.mark.parametrize("word", ["AVX2", "avx1024", "0"])
def test_an_unknown_cap_is_refused_when_it_would_matter_first(word: str) -> None:
    done = run(PROGRAM, word)
    assert done.returncode == 1
    expected = f'expected AIDGE_MAX_ISA as avx512, avx2 or sse41, got "{word}"'
    assert done.stderr.rstrip().endswith(expected), done.stderr


def test_the_doctor_shows_the_sets_and_the_cap() -> None:
    program = (
        "import sys; sys.argv = ['aidge', 'doctor', '--json']; from aidge_compress.cli import main; main()"
    )
    found = {entry["topic"]: entry for entry in json.loads(run(program, "sse41").stdout)["findings"]}
    assert (
        found["instruction sets"]["value"]
        == "SSE4.1 (our loops), SSE4.1 (oneDNN), capped by AIDGE_MAX_ISA=sse41"
    )
    assert "unset AIDGE_MAX_ISA" in found["instruction sets"]["cure"]


def test_this_process_reports_its_own_sets() -> None:
    assert set(aidge_backend_cpu.used_instruction_sets()) == {"loops", "onednn", "cap"}


def test_without_a_cap_the_best_set_of_the_processor_is_used(
    plain: tuple[dict[str, str], np.ndarray],
) -> None:
    """Asked of the operating system, so that a build which forgets the kernels is noticed."""
    cpu = Path("/proc/cpuinfo")
    if platform.machine() != "x86_64" or not cpu.exists():
        pytest.skip("needs Linux on x86-64")
    flags = set(next(line for line in cpu.read_text().splitlines() if line.startswith("flags")).split())
    if {"avx512f", "avx512bw", "avx512vl", "avx512dq", "fma"} <= flags:
        assert plain[0]["loops"] == "avx512"
    elif {"avx2", "fma"} <= flags:
        assert plain[0]["loops"] == "avx2"
    else:
        assert plain[0]["loops"] == "sse41"
