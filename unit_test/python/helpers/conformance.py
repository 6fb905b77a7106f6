"""The onnx package's backend tests: which cases there are, how they are run, and the counts, which `python unit_test/python/helpers/conformance.py` prints.

A case is native where every operator of it (its functions' operators included) has an importer; each of these passes on the CPU backend without any
other engine, except for those that conformance_exceptions.txt lists with a reason. The others run with ONNX Runtime as the fallback.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import aidge_onnx.backend
import numpy as np
import onnx
from aidge_onnx.converters import IMPORTERS
from onnx import ModelProto
from onnx.backend.test.case.test_case import TestCase
from onnx.backend.test.loader import load_model_tests
from onnx.backend.test.runner import Runner

EXCEPTIONS = Path(__file__).with_name("conformance_exceptions.txt")
KINDS = ("node", "simple", "pytorch-converted", "pytorch-operator")
Run = Callable[[ModelProto, Sequence[Any]], Sequence[Any]]


@cache
def cases() -> dict[str, list[TestCase]]:
    """Every case by kind (the light models have tests of their own)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {kind: load_model_tests(kind=kind) for kind in KINDS}


def model_of(case: TestCase) -> ModelProto:
    return case.model if case.model is not None else onnx.load(Path(case.model_dir) / "model.onnx")


def data_of(case: TestCase, model: ModelProto) -> list[tuple[list[Any], list[Any]]]:
    """(inputs, expected outputs) of every data set."""
    if case.data_sets is not None:
        return [
            ([_array(item) for item in given], [_array(item) for item in wanted])
            for given, wanted in case.data_sets
        ]
    sets = []
    for directory in sorted(Path(case.model_dir).glob("test_data_set*")):
        both = []
        for kind in ("input", "output"):
            count = len(list(directory.glob(f"{kind}_*.pb")))
            both.append(
                [
                    onnx.numpy_helper.to_array(onnx.load_tensor(directory / f"{kind}_{i}.pb"))
                    for i in range(count)
                ]
            )
        sets.append((both[0], both[1]))
    return sets


def _array(item: Any) -> Any:
    return onnx.numpy_helper.to_array(item) if isinstance(item, onnx.TensorProto) else item


@cache
def exceptions() -> dict[str, str]:
    """Reason by case: lines `# reason`, then the names that it holds for."""
    reason, found = "", {}
    for line in EXCEPTIONS.read_text().splitlines():
        if line.startswith("#"):
            reason = line[1:].strip()
        elif line.strip():
            found[line.strip()] = reason
    return found


def is_native(model: ModelProto) -> bool:
    """Whether every operator, those inside functions and subgraphs included, has an importer."""
    nodes = [*model.graph.node, *(node for function in model.functions for node in function.node)]
    local = {(function.domain, function.name) for function in model.functions}
    known = {*IMPORTERS, "Constant"}
    return all(
        (node.domain, node.op_type) in local or (node.domain in ("", "ai.onnx") and node.op_type in known)
        for node in nodes
    )


class NativeBackend(aidge_onnx.backend.AidgeBackend):
    """Without ONNX Runtime."""

    @classmethod
    def prepare(
        cls, model: ModelProto, device: str = "CPU", **kwargs: Any
    ) -> aidge_onnx.backend.PreparedModel:
        return super().prepare(model, device, fallback=False)


def run_native(model: ModelProto, inputs: Sequence[Any]) -> Sequence[Any]:
    return NativeBackend.prepare(model).run(inputs)


def run_with_fallback(model: ModelProto, inputs: Sequence[Any]) -> Sequence[Any]:
    return aidge_onnx.backend.prepare(model).run(inputs)


def run_onnxruntime(model: ModelProto, inputs: Sequence[Any]) -> Sequence[Any]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    names = [value.name for value in session.get_inputs()]
    return session.run(None, dict(zip(names, inputs, strict=True)))


def failure(case: TestCase, run: Run) -> str:
    """What goes wrong with a case; "" if it passes."""
    model = model_of(case)
    try:
        for inputs, expected in data_of(case, model):
            Runner.assert_similar_outputs(expected, run(model, inputs), rtol=case.rtol, atol=case.atol)
    except Exception as error:
        lines = str(error).strip().splitlines() or [""]
        return f"{type(error).__name__}: {lines[0][:160]}"
    return ""


def main() -> None:
    """Prints a table of counts, and what fails."""
    np.seterr(all="ignore")
    print(f"onnx {onnx.__version__}; light models: test_onnx_light.py")
    print("native: every operator has an importer; these pass without ONNX Runtime, or are excepted")
    print("with it: cases that ONNX Runtime passes, and those of them that pass here with the fallback")
    print(f"{'kind':<20}{'cases':>8}{'native':>10}{'pass':>8}{'excepted':>10}{'ORT':>10}{'here':>8}")
    reasons: Counter[str] = Counter()
    bad = []
    for kind, entries in cases().items():
        row: Counter[str] = Counter()
        for case in entries:
            row["cases"] += 1
            native = is_native(model_of(case))
            problem = failure(case, run_native)
            reference = not failure(case, run_onnxruntime)
            row["native"] += native
            row["pass"] += native and not problem
            row["ort"] += reference
            row["both"] += reference and not (problem and failure(case, run_with_fallback))
            if native and problem:
                reason = exceptions().get(case.name)
                row["excepted"] += reason is not None
                reasons[reason or "NOT LISTED"] += 1
                if reason is None:
                    bad.append(f"{case.name}: {problem}")
        names = ("cases", "native", "pass", "excepted", "ort", "both")
        print(
            f"{kind:<20}"
            + "".join(
                f"{row[name]:>{width}}" for name, width in zip(names, (8, 10, 8, 10, 10, 8), strict=True)
            )
        )
    for reason, count in reasons.most_common():
        print(f"{count:>5}  {reason}")
    print(*bad, sep="\n")


if __name__ == "__main__":
    main()
