"""Graphs as Python sees them, their shapes and compilation."""

from __future__ import annotations

from typing import Any

import aidge_backend_cpu  # noqa: F401
import aidge_core
import numpy as np
import pytest
from aidge_core import GraphInput, GraphOutput, GraphView, dtype
from helpers.small_graphs import chain, names, run

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
    with pytest.raises(ValueError, match="a region that gives one tensor, got one with several"):
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
