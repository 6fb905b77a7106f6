"""Nodes and operators as Python sees them."""

from __future__ import annotations

import gc
from typing import Any

import aidge_backend_cpu  # noqa: F401
import aidge_core
import numpy as np
import pytest
from aidge_core import InputCategory
from helpers.small_graphs import chain, names

# --- nodes -----------------------------------------------------------------------------------------------------


def test_a_node_knows_its_name_type_and_operator() -> None:
    node = aidge_core.ReLU("r")
    assert (node.name(), node.type(), node.get_operator().type()) == ("r", "ReLU", "ReLU")
    assert (node.get_nb_inputs(), node.get_nb_outputs()) == (1, 1)
    assert node.input_category(0) is InputCategory.Data
    node.set_name("other")
    assert node.name() == "other"
    assert "other" in repr(node)
    assert "ReLU" in repr(node)
    assert node.id() < aidge_core.ReLU().id()


def test_a_node_equals_only_itself_and_hashes_the_same_through_every_wrapper() -> None:
    graph = chain()
    node = graph.get_node("relu")
    again = next(iter(graph.get_node("conv").get_children()))
    assert node == again
    assert hash(node) == hash(again)
    assert node != graph.get_node("conv")
    assert node != "relu"
    number, key = node.id(), hash(node)
    del node, again
    gc.collect()
    assert hash(graph.get_node("relu")) == key
    assert graph.get_node("relu").id() == number


def test_edges_are_seen_from_both_sides() -> None:
    graph = chain()
    conv, relu = graph.get_node("conv"), graph.get_node("relu")
    assert conv.inputs() == [(None, 0), (graph.get_node("conv_w"), 0), (graph.get_node("conv_b"), 0)]
    assert conv.get_parent(0) is None
    assert relu.get_parents() == [conv]
    assert relu.input(0) == (conv, 0)
    assert conv.output(0) == [(relu, 0)]
    assert conv.outputs() == [[(relu, 0)]]
    assert conv.get_children() == {relu}
    assert conv.get_ordered_children() == [[relu]]
    with pytest.raises(ValueError, match="expected"):
        conv.get_parent(3)


def test_add_child_connects_nodes_and_graphs() -> None:
    first, second = aidge_core.ReLU("a"), aidge_core.Sigmoid("b")
    first.add_child(second)
    assert second.get_parent(0) == first
    tail = aidge_core.sequential([aidge_core.ReLU("c"), aidge_core.ReLU("d")])
    second.add_child(tail)
    assert tail.get_node("c").get_parent(0) == second
    add = aidge_core.Add("add")
    first.add_child(add, 0, 1)
    assert add.get_parents() == [None, first]
    pair = aidge_core.parallel([aidge_core.ReLU("e"), aidge_core.ReLU("f")])
    with pytest.raises(ValueError, match="2 inputs"):
        second.add_child(pair)
    second.add_child(pair, 0, (pair.get_node("f"), 0))
    assert pair.get_node("f").get_parent(0) == second


def test_a_cycle_is_refused_and_changes_nothing() -> None:
    first, second = aidge_core.ReLU("a"), aidge_core.ReLU("b")
    first.add_child(second)
    with pytest.raises(ValueError, match="cycle"):
        second.add_child(first)
    assert first.get_parents() == [None]


def test_annotations_travel_with_clones_but_are_not_shared() -> None:
    node = aidge_core.ReLU("r")
    notes = node.attributes()
    notes.add_attr("level", 3)
    notes["tags"] = ["a", "b"]
    notes["scale"] = 0.5
    notes["table"] = np.arange(3, dtype=np.float32)
    other = node.clone().attributes()
    assert other.get_attr("level") == 3
    assert other["tags"] == ["a", "b"]
    other.set_attr("level", 4)
    assert node.attributes()["level"] == 3
    assert sorted(notes) == ["level", "scale", "table", "tags"]
    assert notes["table"].tolist() == [0, 1, 2]
    assert ("level" in notes, "nothing" in notes, len(notes)) == (True, False, 4)
    notes.del_attr("level")
    assert not notes.has_attr("level")
    for call in (notes.get_attr, notes.del_attr):
        with pytest.raises(KeyError, match="nothing"):
            call("nothing")
    with pytest.raises(ValueError, match="expected bool, int"):
        notes.add_attr("bad", object())


def test_typed_attributes_are_listed_by_name() -> None:
    node = aidge_core.ReLU("r")
    assert node.attributes().names() == []
    aidge_core.fibnlr_add_npr(node)
    assert any("NPR" in name for name in node.attributes().names())


# --- operators -------------------------------------------------------------------------------------------------


def test_operator_attributes_read_like_members_and_like_a_dict() -> None:
    attr = aidge_core.Conv2D(1, 2, [3, 5], "c", stride_dims=[2, 2]).get_operator().attr
    assert attr.kernel_dims == [3, 5]
    assert attr["stride_dims"] == [2, 2]
    assert attr.get_attr("groups") == 1
    assert attr.has_attr("auto_pad")
    assert "kernel_dims" in attr
    assert "nothing" not in attr
    assert set(attr) == set(attr.dict()) == set(attr.keys())
    assert dict(attr.items()) == attr.dict()
    assert len(attr) == len(attr.values())
    assert "kernel_dims" in dir(attr)
    assert "kernel_dims" in repr(attr)


def test_setting_an_operator_attribute_validates_and_shows() -> None:
    graph = chain()
    operator = graph.get_node("conv").get_operator()
    before = graph.version
    operator.attr.stride_dims = [2, 2]
    assert operator.attr.stride_dims == [2, 2]
    assert graph.version > before
    for name, value in (
        ("stride_dims", "two"),
        ("stride_dims", [0, 1]),
        ("groups", 1.5),
        ("kernel_dims", [3]),
    ):
        with pytest.raises(ValueError, match="Conv2D"):
            setattr(operator.attr, name, value)
    assert operator.attr.stride_dims == [2, 2]
    with pytest.raises(AttributeError, match="expected one of"):
        operator.attr.nothing = 1
    with pytest.raises(AttributeError, match="expected one of"):
        _ = operator.attr.nothing
    with pytest.raises(KeyError, match="nothing"):
        operator.attr.get_attr("nothing")
    with pytest.raises(KeyError, match="nothing"):
        operator.attr.set_attr("nothing", 1)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, True),
        (np.bool_(True), True),
        (3, 3),
        (np.int32(3), 3),
        (2.5, 2.5),
        (np.float32(2.5), 2.5),
        ("text", "text"),
        (b"bytes", "bytes"),
        ([1, 2], [1, 2]),
        ((1, 2.5), [1.0, 2.5]),
        (["a", "b"], ["a", "b"]),
        ([], []),
    ],
)
def test_a_generic_operator_keeps_any_attribute(value: Any, expected: Any) -> None:
    attr = aidge_core.GenericOperator("Foo", 1, attributes={"x": value}, y=value).get_operator().attr
    assert (attr.x, attr.y) == (expected, expected)
    assert type(attr.x) is type(expected)


@pytest.mark.parametrize("value", [None, object(), [1, "a"], [None], {"a": 1}])
def test_an_attribute_of_another_type_is_refused_by_name(value: Any) -> None:
    with pytest.raises(ValueError, match=r"operator::x.* expected bool, int"):
        aidge_core.GenericOperator("Foo", 1, attributes={"x": value})


def test_a_producers_value_is_a_copy_that_only_set_output_changes() -> None:
    array = np.ones((2, 2), np.float32)
    producer = aidge_core.Producer(array, "p")
    operator = producer.get_operator()
    array[:] = 7
    value = operator.get_output(0)
    np.testing.assert_array_equal(value.numpy(), np.ones((2, 2)))
    assert not value.is_writable
    with pytest.raises(ValueError, match="set_output"):
        value[0, 0] = 3
    mine = aidge_core.Tensor.full([2, 2], 5)
    operator.set_output(0, mine)
    mine[0, 0] = 9
    np.testing.assert_array_equal(operator.get_output(0).numpy(), np.full((2, 2), 5))
    np.testing.assert_array_equal(value.numpy(), np.ones((2, 2)))
    zeros = aidge_core.Producer(dims=[3], name="z").get_operator().get_output(0)
    np.testing.assert_array_equal(zeros.numpy(), np.zeros(3))


def test_a_changed_weight_is_seen_by_an_old_scheduler() -> None:
    graph = chain()
    graph.compile("cpu", dims=[[1, 1, 3, 3]])
    scheduler = aidge_core.SequentialScheduler(graph)
    image = np.ones((1, 1, 3, 3), np.float32)
    assert scheduler.forward(data=[image])[0].tolist() == [[[[9]], [[9]]]]
    graph.get_node("conv_w").get_operator().set_output(0, np.full((2, 1, 3, 3), 2, np.float32))
    assert scheduler.forward(data=[image])[0].tolist() == [[[[18]], [[18]]]]


def test_macs_follow_from_dims() -> None:
    graph = chain()
    assert graph.forward_dims([[1, 1, 5, 5]])
    assert graph.get_node("conv").get_operator().macs() == 2 * 9 * 9


def test_make_node_takes_any_registered_type() -> None:
    assert "Conv2D" in aidge_core.operator_types()
    node = aidge_core.make_node("LeakyReLU", {"negative_slope": 1}, "leaky")
    assert (node.name(), node.get_operator().attr.negative_slope) == ("leaky", 1.0)
    assert aidge_core.make_node("Concat", nb_inputs=3).get_nb_inputs() == 3


def test_a_meta_operator_holds_a_graph() -> None:
    inner = aidge_core.sequential([aidge_core.ReLU("inner"), aidge_core.Sigmoid("sig")])
    meta = aidge_core.meta_operator("Block", inner, "block")
    graph = aidge_core.sequential([aidge_core.ReLU("outer"), meta])
    assert meta.get_operator().is_meta()
    assert meta.get_operator().get_micro_graph().in_view("inner")
    with pytest.raises(ValueError, match="expected a meta operator, got ReLU"):
        aidge_core.ReLU().get_operator().get_micro_graph()
    assert names(graph.get_ordered_nodes()) == ["outer", "block"]
    assert names(graph.get_ordered_nodes(deep=True)) == ["outer", "block", "inner", "sig"]
    owner = graph.owner_of(inner.get_node("inner"))
    assert owner is not None
    assert owner.in_view("sig")
    assert graph.owner_of(aidge_core.ReLU()) is None
