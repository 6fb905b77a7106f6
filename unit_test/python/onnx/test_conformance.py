"""The onnx package's own backend tests; which of them must pass is said in conformance.py."""

from __future__ import annotations

import re
import warnings
from typing import Any
from unittest import mock

import aidge_onnx.backend
import numpy as np
import onnx
import pytest
from helpers.conformance import (
    NativeBackend,
    cases,
    exceptions,
    failure,
    is_native,
    model_of,
    run_onnxruntime,
    run_with_fallback,
)
from onnx import TensorProto, helper
from onnx.backend.test import BackendTest

pytestmark = pytest.mark.slow

warnings.filterwarnings("ignore", category=RuntimeWarning, module="onnx")
warnings.filterwarnings("ignore", category=DeprecationWarning, module="onnx")

_NATIVE = {case.name for entries in cases().values() for case in entries if is_native(model_of(case))}


def _exactly(names: set[str]) -> str:
    return f"^({'|'.join(map(re.escape, sorted(names)))})_cpu$"


# The cases are collected once; the light models have tests of their own, and the real ones would be downloaded.
with mock.patch("onnx.backend.test.runner.load_model_tests", lambda kind: cases().get(kind, [])):
    backend_test = BackendTest(NativeBackend, __name__)
backend_test.exclude("_cuda$")
backend_test.exclude(f"^(?!(?:{'|'.join(map(re.escape, sorted(_NATIVE)))})_cpu$)")
backend_test.xfail(_exactly(set(exceptions())))  # one that passes is a failure: the list cannot rot
globals().update(backend_test.enable_report().test_cases)


def test_the_exceptions_are_cases_of_native_operators_with_a_reason() -> None:
    assert set(exceptions()) <= _NATIVE
    assert all(exceptions().values())


def test_with_the_fallback_what_onnxruntime_passes_passes_here() -> None:
    pytest.importorskip("onnxruntime")
    others = [case for entries in cases().values() for case in entries if case.name not in _NATIVE]
    with np.errstate(all="ignore"):
        reference = [case for case in others if not failure(case, run_onnxruntime)]
        failed = [case.name for case in reference if failure(case, run_with_fallback)]
    assert len(reference) > 200
    # Newer versions write functions out that they have no kernel for, which a session of one node does not.
    assert len(failed) <= 0.03 * len(reference), failed


def _relu(**attributes: Any) -> onnx.ModelProto:
    graph = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["y"])], "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 3])],
    )  # fmt: skip
    return helper.make_model(graph, **attributes)


def test_a_prepared_model_takes_inputs_in_order_by_name_and_alone_of_any_batch() -> None:
    prepared = aidge_onnx.backend.prepare(_relu())
    for count in (2, 1, 5):
        data = np.random.default_rng(1).standard_normal((count, 3)).astype(np.float32)
        for given in ([data], {"x": data}, data):
            (result,) = prepared.run(given)
            np.testing.assert_array_equal(result, np.maximum(data, 0))


def test_inputs_that_decide_on_shapes_may_change_from_run_to_run() -> None:
    graph = helper.make_graph(
        [helper.make_node("ReduceSum", ["x", "axes"], ["y"])], "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 3]), helper.make_tensor_value_info("axes", TensorProto.INT64, [1])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
    )  # fmt: skip
    prepared = aidge_onnx.backend.prepare(helper.make_model(graph))
    data = np.arange(6, dtype=np.float32).reshape(2, 3)
    for axis in (0, 1, 0):
        (result,) = prepared.run([data, np.asarray([axis])])
        np.testing.assert_array_equal(result, data.sum(axis=axis, keepdims=True))


def test_other_devices_and_too_many_inputs_are_refused() -> None:
    with pytest.raises(ValueError, match="expected device"):
        aidge_onnx.backend.prepare(_relu(), "CUDA")
    with pytest.raises(ValueError, match="at most 1 inputs, got 2"):
        aidge_onnx.backend.prepare(_relu()).run([np.zeros((1, 3), np.float32)] * 2)
