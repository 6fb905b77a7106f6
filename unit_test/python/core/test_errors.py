"""Which Python exception each kind of failure is."""

from __future__ import annotations

import aidge_core
import pytest


def test_unsupported_error_is_a_runtime_error_of_its_own() -> None:
    assert issubclass(aidge_core.UnsupportedError, RuntimeError)
    assert not issubclass(aidge_core.UnsupportedError, ValueError)


def test_a_callers_mistake_is_a_value_error_with_expected_and_got() -> None:
    with pytest.raises(ValueError, match=r'^\[.*\] expected .* got "NoSuchType"'):
        aidge_core.make_node("NoSuchType")


def test_a_missing_attribute_is_a_key_error() -> None:
    with pytest.raises(KeyError, match="NPR"):
        aidge_core.fibnlr_get_npr(aidge_core.ReLU("r"))


def test_unknown_operators_are_all_listed_at_compile() -> None:
    import aidge_backend_cpu  # noqa: F401

    graph = aidge_core.sequential(
        [
            aidge_core.GenericOperator("Foo", 1, name="first"),
            aidge_core.ReLU("between"),
            aidge_core.GenericOperator("Bar", 1, name="second"),
        ]
    )
    with pytest.raises(aidge_core.UnsupportedError) as caught:
        graph.compile("cpu", dims=[[1, 2]])
    for part in ("first", "Foo", "second", "Bar"):
        assert part in str(caught.value)
    assert "between" not in str(caught.value)


def test_wrong_argument_types_are_type_errors() -> None:
    with pytest.raises(TypeError):
        aidge_core.ReLU(3)  # type: ignore[arg-type]


def test_no_public_name_is_private_or_missing() -> None:
    for name in aidge_core.__all__:
        assert not name.startswith("_") or name == "__version__"
        assert hasattr(aidge_core, name)
    for name in ("Tensor", "Node", "GraphView", "DataProvider", "Database", "UnsupportedError", "fibnlr"):
        assert name in aidge_core.__all__
