"""Typed attributes from Python: every function of every type, relations, references that never dangle."""

from __future__ import annotations

import copy
import gc
import pickle
from typing import Any

import aidge_core
import numpy as np
import pytest

ATTRIBUTES: dict[str, tuple[Any, Any]] = {
    "npr": (aidge_core.NPR(), aidge_core.NPR(1.0, 4.0)),
    "nnpr": (aidge_core.NNPR(), aidge_core.NNPR(0.25)),
    "activity_tracker": (aidge_core.ActivityTracker(), aidge_core.ActivityTracker([True, False])),
    "group": (aidge_core.Group(), aidge_core.Group(49)),
}


def call(verb: str, name: str, *args: Any, **options: Any) -> Any:
    return getattr(aidge_core, f"fibnlr_{verb}_{name}")(*args, **options)


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_an_attribute_is_added_set_and_read(name: str) -> None:
    default, value = ATTRIBUTES[name]
    node = aidge_core.ReLU(name="act")
    assert not call("has", name, node)
    assert call("try_get", name, node) is None
    call("add", name, node)
    assert call("has", name, node)
    assert call("get", name, node) == default
    call("set", name, node, value)
    assert call("get", name, node) == value
    assert call("try_get", name, node) == value
    call("add", name, node)
    assert call("get", name, node) == value
    assert any(name.replace("_", "") in entry.lower() for entry in node.attributes().names())


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_relations_keep_attributes_apart(name: str) -> None:
    default, value = ATTRIBUTES[name]
    node = aidge_core.ReLU(name="act")
    call("set", name, node, value, relation=3)
    call("add", name, node, relation="input")
    assert call("get", name, node, relation=3) == value
    assert call("get", name, node, relation="input") == default
    assert not call("has", name, node)
    assert not call("has", name, node, relation=4)
    assert call("try_get", name, node, relation="output") is None


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_a_missing_attribute_is_a_key_error_that_names_both(name: str) -> None:
    node = aidge_core.ReLU(name="act")
    with pytest.raises(KeyError, match="act"):
        call("get", name, node)
    with pytest.raises(KeyError, match="7"):
        call("get", name, node, relation=7)
    with pytest.raises(ValueError, match="expected a node"):
        call("has", name, None)
    with pytest.raises(TypeError):
        call("set", name, node, object())


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_a_reference_sees_what_is_set_later(name: str) -> None:
    default, value = ATTRIBUTES[name]
    node = aidge_core.ReLU(name="act")
    call("add", name, node)
    held = call("get", name, node)
    assert held == default
    call("set", name, node, value)
    assert held == value
    assert call("get", name, node) is held


def test_what_is_set_is_copied_and_what_is_read_is_shared() -> None:
    node = aidge_core.ReLU(name="act")
    value = aidge_core.NPR(1.0, 2.0)
    aidge_core.fibnlr_set_npr(node, value)
    value.neg = 9.0
    assert aidge_core.fibnlr_get_npr(node).neg == 1.0
    aidge_core.fibnlr_get_npr(node).neg = 5.0
    assert aidge_core.fibnlr_get_npr(node).neg == 5.0
    aidge_core.fibnlr_get_npr(node).add(-1.0)
    assert aidge_core.fibnlr_get_npr(node).neg == 6.0


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_a_reference_outlives_node_and_graph(name: str) -> None:
    _, value = ATTRIBUTES[name]
    node = aidge_core.ReLU(name="act")
    model = aidge_core.sequential([node, aidge_core.ReLU(name="other")])
    call("set", name, node, value)
    held = call("get", name, node)
    del node, model
    gc.collect()
    junk = [bytearray(1 << 12) for _ in range(1000)]
    assert held == value
    assert repr(held)
    del junk


def test_a_clone_has_values_of_its_own() -> None:
    node = aidge_core.ReLU(name="act")
    aidge_core.fibnlr_set_npr(node, aidge_core.NPR(1.0, 2.0))
    twin = node.clone()
    aidge_core.fibnlr_get_npr(twin).neg = 7.0
    assert aidge_core.fibnlr_get_npr(node).neg == 1.0
    assert aidge_core.fibnlr_get_npr(twin).neg == 7.0


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_values_compare_copy_and_pickle(name: str) -> None:
    default, value = ATTRIBUTES[name]
    assert default != value
    for twin in (copy.copy(value), copy.deepcopy(value), pickle.loads(pickle.dumps(value))):
        assert type(twin) is type(value)
        assert twin == value


def test_groups_are_hashable_and_ordered() -> None:
    assert {aidge_core.Group(1), aidge_core.Group(1), aidge_core.Group(2)} == {
        aidge_core.Group(1),
        aidge_core.Group(2),
    }
    assert aidge_core.Group(1) < aidge_core.Group(2)


def test_ratios_and_trackers_accumulate() -> None:
    npr = aidge_core.NPR()
    assert npr.value() == 1.0
    for value in (-1.0, 3.0, 0.0):
        npr.add(value)
    assert (npr.neg, npr.pos) == (1.0, 3.0)
    tracker = aidge_core.ActivityTracker([True, True, True])
    tracker.add(1, 2.0)
    tracker.add(2, -2.0)
    assert tracker.neurons == [True, False, True]
    assert tracker.count_dead_neurons() == 2
    assert tracker.is_dead(0)
    with pytest.raises(ValueError, match="below 3"):
        tracker.is_dead(3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_sign_balance_of_an_array_is_the_sum_of_its_sides(dtype: type) -> None:
    values = np.random.default_rng(0).normal(size=(3, 5, 7)).astype(dtype)
    balance = aidge_core.SignBalance()
    balance.add_array(values[:2])
    other = aidge_core.SignBalance()
    other.add_array(values[2:])
    balance.merge(other)
    wide = values.astype(np.float64)
    assert balance.neg == pytest.approx(-wide[wide < 0].sum(), rel=1e-12)
    assert balance.pos == pytest.approx(wide[wide >= 0].sum(), rel=1e-12)
    clipped = aidge_core.SignBalance()
    clipped.add_array(values, upper=0.5)
    assert clipped.neg == pytest.approx(-wide[wide < 0].sum() + (wide[wide > 0.5] - 0.5).sum(), rel=1e-12)
    assert pickle.loads(pickle.dumps(balance)) == balance
