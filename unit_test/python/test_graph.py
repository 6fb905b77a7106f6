"""Nodes, operators and graphs as Python sees them."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import time
import weakref
from typing import Any

import aidge_backend_cpu  # noqa: F401
import aidge_core
import numpy as np
import pytest
from aidge_core import GraphInput, GraphOutput, GraphView, InputCategory, Node, dtype


def chain() -> GraphView:
    """conv (1 → 2 channels, 3x3) → relu, weights 1."""
    graph = aidge_core.sequential([aidge_core.Conv2D(1, 2, [3, 3], "conv"), aidge_core.ReLU("relu")], "chain")
    weight = graph.get_node("conv_w").get_operator()
    weight.set_output(0, np.ones((2, 1, 3, 3), np.float32))
    return graph


def run(graph: GraphView, *data: Any) -> np.ndarray[Any, Any]:
    return aidge_core.SequentialScheduler(graph).forward(data=list(data))[0].numpy()


def names(nodes: Any) -> list[str]:
    return [node.name() for node in nodes]


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


# --- graphs ----------------------------------------------------------------------------------------------------


def test_a_graph_is_a_collection_of_nodes_in_a_fixed_order() -> None:
    graph = chain()
    assert len(graph) == 4
    assert names(graph) == names(graph.get_ordered_nodes()) == ["conv_w", "conv_b", "conv", "relu"]
    assert names(graph.get_ordered_nodes(reversed=True)) == ["relu", "conv", "conv_b", "conv_w"]
    assert graph.get_nodes() == set(graph)
    assert graph.get_node("relu") in graph
    assert "relu" in graph
    assert not graph.in_view("nothing")
    assert graph.find_node("nothing") is None
    assert graph.root_node() == graph.get_node("conv")
    assert GraphView().root_node() is None
    assert graph.get_input_nodes() == {graph.get_node("conv")}
    assert graph.get_output_nodes() == {graph.get_node("relu")}
    assert names(aidge_core.producers(graph)) == ["conv_w", "conv_b"]
    assert graph.name() == "chain"
    assert "chain" in repr(graph)


def test_a_wrong_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(ValueError, match="conv_w"):
        chain().get_node("convw")


def test_inputs_and_outputs_have_names_dims_and_types() -> None:
    graph = chain()
    conv, relu = graph.get_node("conv"), graph.get_node("relu")
    graph.set_inputs([GraphInput("image", [(conv, 0)], [None, 1, 28, 28])])
    graph.set_outputs([GraphOutput("scores", relu), GraphOutput("features", conv)])
    (image,) = graph.input_specs
    assert (image.name, image.dims, image.dtype, image.targets) == (
        "image",
        [None, 1, 28, 28],
        dtype.float32,
        [(conv, 0)],
    )
    assert [(out.name, out.node, out.index, out.dims) for out in graph.output_specs] == [
        ("scores", relu, 0, None),
        ("features", conv, 0, None),
    ]
    graph.forward_dims()
    assert graph.output_specs[0].dims == [1, 2, 26, 26]
    assert graph.get_ordered_inputs() == [(conv, 0)]
    assert graph.get_ordered_outputs() == [(relu, 0), (conv, 0)]
    graph.set_ordered_outputs([(conv, 0)])
    assert graph.get_ordered_outputs() == [(conv, 0), (relu, 0)]
    with pytest.raises(ValueError, match="dims >= 0"):
        GraphInput("x", [(conv, 0)], [-1])
    with pytest.raises(AttributeError):
        image.name = "other"  # type: ignore[misc]


def test_unknown_dims_are_none() -> None:
    assert chain().input_specs[0].dims is None


def test_set_ordered_inputs_puts_the_given_first() -> None:
    graph = aidge_core.parallel([aidge_core.ReLU("a"), aidge_core.ReLU("b"), aidge_core.ReLU("c")])
    assert names(node for node, _ in graph.get_ordered_inputs()) == ["a", "b", "c"]
    graph.set_ordered_inputs([(graph.get_node("c"), 0)])
    assert names(node for node, _ in graph.get_ordered_inputs()) == ["c", "a", "b"]


def test_add_takes_nodes_collections_and_graphs() -> None:
    graph = GraphView("all")
    first, second = aidge_core.ReLU("a"), aidge_core.ReLU("b")
    graph.add(first)
    graph.add([second, first])
    graph.add({aidge_core.ReLU("c"), aidge_core.ReLU("d")})
    graph.add(chain())
    assert names(graph.get_ordered_nodes()) == ["a", "b", "c", "d", "conv_w", "conv_b", "conv", "relu"]
    with pytest.raises(ValueError, match="relu"):
        graph.add(aidge_core.ReLU("relu"))
    with pytest.raises(TypeError):
        graph.add(None)  # type: ignore[call-overload]


def test_sets_of_nodes_enter_in_order_of_creation_whatever_their_hashes() -> None:
    nodes = [aidge_core.ReLU(f"n{i}") for i in range(50)]
    graph = GraphView()
    graph.add(set(nodes))
    assert names(graph) == names(nodes)


def test_add_child_insert_replace_bypass_and_remove_edit_the_graph() -> None:
    graph = chain()
    graph.add_child(aidge_core.Sigmoid("sig"))
    graph.insert_child(graph.get_node("conv"), 0, aidge_core.Tanh("tanh"))
    assert names(graph)[2:] == ["conv", "tanh", "relu", "sig"]
    graph.replace(graph.get_node("tanh"), aidge_core.Identity("same"))
    assert names(graph)[2:] == ["conv", "same", "relu", "sig"]
    graph.replace({graph.get_node("same")}, [aidge_core.Identity("same2")])
    graph.bypass("same2")
    assert graph.get_node("relu").get_parent(0) == graph.get_node("conv")
    graph.remove("sig")
    assert names(graph)[2:] == ["conv", "relu"]
    graph.add_child(aidge_core.ReLU("side"), "conv")
    assert graph.get_node("side").get_parent(0) == graph.get_node("conv")
    with pytest.raises(ValueError, match="one node, got 2 nodes"):
        graph.replace(set(list(graph)[2:4]), aidge_core.ReLU())


def test_every_edit_bumps_the_version_and_reading_does_not() -> None:
    graph = chain()
    version = graph.version
    graph.get_ordered_nodes()
    graph.clone()
    assert graph.version == version
    graph.add_child(aidge_core.ReLU("more"))
    assert graph.version > version


def test_a_transaction_that_raises_leaves_the_graph_as_it_was() -> None:
    graph = chain()
    before = names(graph)

    class Mine(Exception):
        pass

    error = Mine("stop")

    def edit() -> None:
        graph.remove("relu")
        graph.add_child(aidge_core.Tanh("tanh"), "conv")
        raise error

    with pytest.raises(Mine) as caught:
        graph.transaction(edit)
    assert caught.value is error
    assert names(graph) == before
    assert graph.get_node("relu").get_parent(0) == graph.get_node("conv")


def test_a_clone_knows_the_dims_that_its_original_was_compiled_for() -> None:
    conv = aidge_core.Conv2D(3, 4, [3, 3], name="conv")
    for index, dims in ((1, (4, 3, 3, 3)), (2, (4,))):
        conv.input(index)[0].get_operator().set_output(0, np.ones(dims, np.float32))
    with pytest.raises(ValueError, match=r"\[operator::macs\] expected dims of Conv2D"):
        conv.get_operator().macs()
    graph = aidge_core.sequential([conv])
    graph.compile("cpu", dims=[[2, 3, 8, 8]])
    (copied,) = [node for node in graph.clone().get_ordered_nodes() if node.type() == "Conv2D"]
    assert copied.get_operator().macs() == conv.get_operator().macs() == 2 * 4 * 6 * 6 * 27


def test_a_clone_shares_nothing() -> None:
    graph = chain()
    graph.metadata = {"producer": "test"}
    twin = graph.clone()
    assert names(twin) == names(graph)
    assert not (twin.get_nodes() & graph.get_nodes())
    assert dict(twin.metadata) == {"producer": "test"}
    twin.get_node("conv_w").get_operator().set_output(0, np.zeros((2, 1, 3, 3), np.float32))
    assert graph.get_node("conv_w").get_operator().get_output(0)[0, 0, 0, 0] == 1


def test_metadata_is_replaced_as_a_whole() -> None:
    graph = GraphView()
    graph.metadata = {"a": "b"}
    assert dict(graph.metadata) == {"a": "b"}
    with pytest.raises(TypeError):
        graph.metadata["c"] = "d"  # type: ignore[index]


def test_builders_connect_parts() -> None:
    relu = aidge_core.ReLU("first")
    block = aidge_core.residual([relu, aidge_core.Sigmoid("mid"), aidge_core.Add("add")])
    assert block.get_node("add").get_parents() == [block.get_node("mid"), relu]
    nested = aidge_core.sequential([block, aidge_core.Tanh("last")])
    assert nested.get_node("last").get_parent(0) == block.get_node("add")
    assert aidge_core.get_connected_graph_view(relu).get_nodes() == nested.get_nodes()
    with pytest.raises(ValueError, match="at least one part"):
        aidge_core.sequential([])


def test_unique_name_is_free() -> None:
    graph = chain()
    assert graph.unique_name("new") == "new"
    assert graph.unique_name("relu") not in names(graph)


# --- shapes and compilation ------------------------------------------------------------------------------------


def test_shapes_are_inferred_without_touching_the_graph() -> None:
    graph = chain()
    shapes = graph.infer_shapes([[4, 1, 8, 8]])
    assert shapes[graph.get_node("relu")] == [([4, 2, 6, 6], dtype.float32)]
    assert graph.output_specs[0].dims is None


def test_shapes_that_do_not_fit_name_the_node() -> None:
    with pytest.raises(ValueError, match='"conv"'):
        chain().forward_dims([[1, 5, 8, 8]])


@pytest.mark.parametrize("spelling", [dtype.float32, "float32", np.float32, np.dtype("float32")])
def test_compile_takes_the_type_in_every_spelling(spelling: Any) -> None:
    graph = chain()
    graph.compile("cpu", datatype=spelling, dims=[[2, 1, 5, 5]])
    assert graph.is_compiled
    assert (graph.backend, graph.datatype, graph.compiled_dims) == ("cpu", dtype.float32, [[2, 1, 5, 5]])
    assert run(graph, np.ones((2, 1, 5, 5), np.float32)).shape == (2, 2, 3, 3)


def test_an_unknown_backend_or_device_is_refused() -> None:
    with pytest.raises(ValueError, match=r'expected a registered backend \(.*cpu.*\), got "npu"'):
        chain().compile("npu")
    with pytest.raises(ValueError, match="expected device 0, got 1"):
        chain().compile("cpu", device=1)
    with pytest.raises(ValueError, match="expected device 0"):
        chain().set_backend("cpu", 1)


def test_a_backend_that_was_not_imported_is_named_with_its_package() -> None:
    code = "import aidge_core as a; a.sequential([a.ReLU('r')]).compile('cpu', dims=[[1, 2]])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "ValueError" in done.stderr
    assert "import aidge_backend_cpu" in done.stderr


# --- hooks -----------------------------------------------------------------------------------------------------


@pytest.fixture
def compiled() -> GraphView:
    graph = chain()
    graph.compile("cpu", dims=[[1, 1, 3, 3]])
    return graph


IMAGE = np.ones((1, 1, 3, 3), np.float32)


def test_hooks_run_before_and_after_with_the_node_or_without(compiled: GraphView) -> None:
    calls: list[Any] = []
    node = compiled.get_node("relu")
    node.add_before_forward(lambda n: calls.append(("before", n, n.get_operator().get_input(0).tolist())))
    node.add_after_forward(lambda: calls.append("after"))
    node.add_after_forward(lambda n=None: calls.append(n))
    run(compiled, -IMAGE)
    assert calls == [("before", node, [[[[-9]], [[-9]]]]), "after", node]


def test_a_hook_sees_the_output_of_this_run(compiled: GraphView) -> None:
    seen: list[Any] = []
    node = compiled.get_node("relu")
    node.add_after_forward(lambda n: seen.append(n.get_operator().get_output(0).tolist()))
    scheduler = aidge_core.SequentialScheduler(compiled)
    scheduler.forward(data=[IMAGE])
    scheduler.forward(data=[IMAGE * 2])
    assert seen == [[[[[9]], [[9]]]], [[[[18]], [[18]]]]]


def test_a_removed_hook_is_silent_and_removing_twice_is_fine(compiled: GraphView) -> None:
    calls: list[int] = []
    node = compiled.get_node("relu")
    handle = node.add_after_forward(lambda: calls.append(1))
    assert handle.is_active
    assert node.has_hooks()
    run(compiled, IMAGE)
    handle.remove()
    handle.remove()
    assert not handle.is_active
    assert not node.has_hooks()
    run(compiled, IMAGE)
    assert calls == [1]


def test_a_handle_ends_with_its_with_block_and_dropping_it_changes_nothing(compiled: GraphView) -> None:
    calls: list[str] = []
    node = compiled.get_node("relu")
    node.add_after_forward(lambda: calls.append("kept"))
    with node.add_after_forward(lambda: calls.append("block")):
        run(compiled, IMAGE)
    gc.collect()
    run(compiled, IMAGE)
    assert calls == ["kept", "block", "kept"]


@pytest.mark.parametrize("when", ["add_before_forward", "add_after_forward"])
def test_what_a_hook_raises_leaves_forward_as_it_is(compiled: GraphView, when: str) -> None:
    class Mine(Exception):
        pass

    error = Mine("from the hook")

    def hook() -> None:
        raise error

    handle = getattr(compiled.get_node("relu"), when)(hook)
    scheduler = aidge_core.SequentialScheduler(compiled)
    with pytest.raises(Mine) as caught:
        scheduler.forward(data=[IMAGE])
    assert caught.value is error
    assert any(entry.name == "hook" for entry in caught.traceback)
    handle.remove()
    assert scheduler.forward(data=[IMAGE])[0].tolist() == [[[[9]], [[9]]]]


def test_a_callable_that_fits_neither_way_is_refused_at_once(compiled: GraphView) -> None:
    with pytest.raises(TypeError):
        compiled.get_node("relu").add_after_forward(lambda a, b: None)


def test_a_removed_hook_frees_its_callable(compiled: GraphView) -> None:
    class Recorder:
        def __call__(self, node: Node) -> None:
            pass

    recorder = Recorder()
    watch = weakref.ref(recorder)
    handle = compiled.get_node("relu").add_after_forward(recorder)
    del recorder
    gc.collect()
    assert watch() is not None
    handle.remove()
    gc.collect()
    assert watch() is None


def test_a_dropped_graph_frees_its_hooks() -> None:
    class Recorder:
        def __call__(self, node: Node) -> None:
            pass

    recorder = Recorder()
    watch = weakref.ref(recorder)
    graph = chain()
    graph.get_node("relu").add_after_forward(recorder)
    del recorder, graph
    gc.collect()
    assert watch() is None


def test_forward_releases_the_gil(compiled: GraphView) -> None:
    """Another thread gets on while forward runs; with the GIL held it would not move at all."""
    big = aidge_core.sequential([aidge_core.Conv2D(32, 32, [3, 3], "c", no_bias=True)])
    big.compile("cpu", dims=[[8, 32, 64, 64]])
    scheduler = aidge_core.SequentialScheduler(big)
    data = np.ones((8, 32, 64, 64), np.float32)
    scheduler.forward(data=[data])
    ticks = 0
    done = threading.Event()

    def count() -> None:
        nonlocal ticks
        while not done.is_set():
            ticks += 1
            time.sleep(0)

    inside: list[int] = []
    thread = threading.Thread(target=count)
    switch = sys.getswitchinterval()
    sys.setswitchinterval(1000)  # nobody gives the GIL away unless asked
    try:
        thread.start()
        for _ in range(20):
            before = ticks
            scheduler.forward(data=[data])
            inside.append(ticks - before)
    finally:
        sys.setswitchinterval(switch)
        done.set()
        thread.join()
    assert sum(inside) > 0
