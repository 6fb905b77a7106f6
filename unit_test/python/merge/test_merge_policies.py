"""fuse_convolution: which layers must not become one, and the policies that choose."""

from __future__ import annotations

from typing import Any

import aidge_backend_cpu  # noqa: F401
import aidge_core
import aidge_onnx
import numpy as np
import onnx
import pytest
from helpers.merge_nets import TOLERANCE, Net, difference, layers, merged, padded_pair, pair, refused

# --- what must not merge ----------------------------------------------------------------------------------------------


def test_the_pair_of_the_twins_merges() -> None:
    merged(pair(), ["Conv2D"], policy="exact_and_cheaper")


def test_a_side_consumer_keeps_both() -> None:
    net = pair()
    net.add("Relu", ["h"], "z")
    net.outputs.append("z")
    report = refused(net, "uses the tensor between them too")
    assert 'relu_z" (ReLU)' in report.refused[0].reason


def test_a_graph_output_between_keeps_both() -> None:
    net = pair()
    net.outputs.append("h")
    refused(net, 'the graph output "h"')


def test_hooked_and_observed_nodes_stay() -> None:
    for name in ("a", "b"):
        graph = pair().graph()
        handle = graph.get_node(name).add_after_forward(lambda node: None)
        report = aidge_core.fuse_convolution(graph, policy="always", repeats=0)
        assert len(report) == 0
        assert "hooked or observed" in report.refused[0].reason
        handle.remove()
        assert len(aidge_core.fuse_convolution(graph, policy="always", repeats=0)) == 1


def test_what_fibnlr_observes_stays() -> None:
    net = pair()
    net.nodes[1].output[0] = "g"
    net.add("Relu", ["g"], "y")
    graph = net.graph()
    graph.compile("cpu", dims=[[1, 3, 8, 8]])
    prepared = aidge_core.fibnlr_prepare(graph)
    assert len(aidge_core.fuse_convolution(graph, repeats=0)) == 1
    aidge_core.fibnlr_compute(graph, [net.feed()["x"]], aidge_core.fibnlr_Parameters(max_iteration=1))
    assert all(np.isfinite(aidge_core.fibnlr_get_npr(node).value()) for node in prepared)


def test_fed_and_computed_weights_stay() -> None:
    net = pair()
    del net.constants["b_w"]
    net.inputs["b_w"] = [2, 4, 3, 3]
    graph = net.graph()
    report = aidge_core.fuse_convolution(graph, policy="always", repeats=0, dims=[[1, 3, 8, 8], [2, 4, 3, 3]])
    assert len(report) == 0
    graph = pair().graph()
    graph.remove(graph.get_node("b_w"))
    report = aidge_core.fuse_convolution(graph, policy="always", repeats=0, dims=[[1, 3, 8, 8], [2, 4, 3, 3]])
    assert len(report) == 0
    assert "not a constant" in report.refused[0].reason


def test_shared_weights_are_left_to_the_others() -> None:
    net = Net("n", 3, 8, 8)
    net.conv("a", "x", "h", (3, 3, 1, 1))
    net.nodes.append(onnx.helper.make_node("Conv", ["h", "a_w", "a_b"], ["g"], "b"))
    net.add("Relu", ["g"], "r")
    net.nodes.append(onnx.helper.make_node("Conv", ["r", "a_w", "a_b"], ["y"], "c"))
    report = merged(net, ["Conv2D", "ReLU", "Conv2D"], policy="always")
    graph = net.graph()
    aidge_core.fuse_convolution(graph, policy="always", repeats=0)
    kept = np.asarray(graph.get_node("c").get_parent(1).get_operator().get_output(0))
    assert (kept == net.constants["a_w"]).all()
    assert report.parameters_after > report.parameters_before


def test_a_weight_that_is_a_graph_output_stays() -> None:
    graph = pair().graph()
    outputs = list(graph.output_specs)
    graph.set_outputs([*outputs, aidge_core.GraphOutput("w", graph.get_node("a_w"))])
    report = aidge_core.fuse_convolution(graph, policy="always", repeats=0)
    assert len(report) == 0
    assert "a graph output" in report.refused[0].reason


def test_infinite_weights_stay() -> None:
    net = pair()
    net.constants["a_w"][0, 0, 0, 0] = np.inf
    refused(net, "not finite")


def test_layers_inside_meta_operators_merge_there() -> None:
    inner = pair().graph()
    meta = aidge_core.meta_operator("Block", inner, "block")
    outer = aidge_core.sequential([aidge_core.ReLU(name="r"), meta])
    report = aidge_core.fuse_convolution(outer, policy="always", repeats=0, dims=[[1, 3, 8, 8]])
    assert report.merged[0].nodes == ["a", "b"]
    assert layers(inner) == ["Conv2D"]


# --- policies ---------------------------------------------------------------------------------------------------------


def test_only_what_gets_cheaper_is_merged_by_default() -> None:
    net = Net(1, 3, 9, 9)
    net.conv("a", "x", "h", (16, 3, 3, 3))
    net.conv("b", "h", "y", (16, 16, 3, 3))
    graph = net.graph()
    report = aidge_core.fuse_convolution(graph, repeats=0)
    chain = 49 * 16 * 3 * 9 + 25 * 16 * 16 * 9
    assert (len(report), report.macs_before, report.macs_after) == (1, chain, 25 * 16 * 3 * 25)
    net = Net(1, 16, 9, 9)
    net.conv("a", "x", "h", (4, 16, 1, 1))
    net.conv("b", "h", "y", (16, 4, 1, 1))
    assert "not be cheaper" in refused(net, "not be cheaper", policy="exact_and_cheaper").refused[0].reason


def test_a_chain_is_cut_where_the_whole_is_cheapest() -> None:
    """Greedy pairs from the left would merge a and b (a gain), and could then only lose with c."""
    net = Net(1, 8, 12, 12)
    net.conv("a", "x", "h", (8, 8, 1, 1))
    net.conv("b", "h", "g", (2, 8, 3, 3))
    net.conv("c", "g", "y", (32, 2, 1, 1))
    graph = net.graph()
    report = aidge_core.fuse_convolution(graph, repeats=0)
    costs = {
        "abc": 100 * 32 * 8 * 9,
        "ab c": 100 * 2 * 8 * 9 + 100 * 32 * 2,
        "a bc": 144 * 64 + 100 * 32 * 8 * 9,
    }
    assert report.macs_after == min(costs.values())
    assert [merge.nodes for merge in report.merged] == [["a", "b"]]


def test_a_callable_decides_on_every_candidate() -> None:
    net = Net(1, 3, 12, 12)
    for name, source, target in (("a", "x", "h"), ("b", "h", "g"), ("c", "g", "y")):
        net.conv(name, source, target, (3, 3, 3, 3))
    seen: list[list[str]] = []

    def short(merge: Any) -> bool:
        seen.append(merge.nodes)
        return len(merge.nodes) == 2 and "a" not in merge.nodes

    graph = net.graph()
    report = aidge_core.fuse_convolution(graph, policy=short, repeats=0)
    assert [merge.nodes for merge in report.merged] == [["b", "c"]]
    assert ["a", "b", "c"] in seen
    assert any("declines" in pair.reason for pair in report.refused)
    assert difference(net, graph) <= TOLERANCE


def test_a_policy_that_raises_leaves_the_graph_as_it_was() -> None:
    calls = []

    def fail(merge: Any) -> bool:
        calls.append(merge)
        if len(calls) == 2:
            raise RuntimeError("enough")
        return True

    net = pair()
    net.nodes[1].output[0] = "g"
    net.conv("c", "g", "y", (2, 2, 2, 2))
    graph = net.graph()
    before = aidge_onnx.to_model_proto(graph).SerializeToString()
    with pytest.raises(RuntimeError, match="enough"):
        aidge_core.fuse_convolution(graph, policy=fail, repeats=0)
    assert aidge_onnx.to_model_proto(graph).SerializeToString() == before


def test_data_that_raises_leaves_the_graph_as_it_was() -> None:
    def data() -> Any:
        yield np.zeros((1, 3, 7, 7), np.float32)
        raise RuntimeError("no more")

    graph = padded_pair(7, bias=True).graph()
    before = aidge_onnx.to_model_proto(graph).SerializeToString()
    with pytest.raises(RuntimeError, match="no more"):
        aidge_core.fuse_convolution(graph, policy="always", border="approximate", data=data())
    assert aidge_onnx.to_model_proto(graph).SerializeToString() == before


def test_latency_is_measured_and_can_be_the_cost() -> None:
    net = Net(1, 32, 24, 24)
    net.conv("a", "x", "h", (128, 32, 1, 1))
    net.conv("b", "h", "y", (8, 128, 1, 1))
    graph = net.graph()
    report = aidge_core.fuse_convolution(graph, cost="latency", repeats=5)
    assert report.seconds_before > 0.0
    assert report.seconds_after > 0.0
    for merge in report.merged:
        assert merge.seconds_after > 0.0
        assert merge.seconds_before > 0.0
    assert difference(net, graph) <= TOLERANCE


def test_a_compiled_model_stays_compiled_and_its_scheduler_right() -> None:
    net = pair()
    graph = net.graph()
    x = net.feed()["x"]
    graph.compile("cpu", dims=[list(x.shape)])
    scheduler = aidge_core.SequentialScheduler(graph)
    before = np.asarray(scheduler.forward(data=[x])[0]).copy()
    aidge_core.fuse_convolution(graph, repeats=0)
    after = np.asarray(scheduler.forward(data=[x])[0])
    assert np.abs(after - before).max() <= TOLERANCE * np.abs(before).max()
    assert graph.get_node("b").get_operator().get_output(0).dims == [1, 2, 6, 6]


def test_the_report_reads_as_a_table_and_as_a_dict() -> None:
    net = pair()
    net.outputs.append("r")
    net.add("Relu", ["y"], "r")
    report = aidge_core.fuse_convolution(net.graph(), repeats=3)
    text = str(report)
    assert "a + b" in text
    assert "exact" in text
    assert "MACs" in text
    document = report.to_dict()
    assert document["merged"][0]["nodes"] == ["a", "b"]
    assert document["merged"][0]["parameters_before"] == 4 * 3 + 4 + 2 * 4 * 9 + 2
    assert document["merged"][0]["parameters_after"] == 2 * 3 * 9 + 2
    assert document["seconds_before"] > 0.0
    assert repr(report) == "FusionReport(1 merged, 0 refused)"


def test_mistakes_are_named() -> None:
    graph = pair().graph()
    for options, text in (
        ({"policy": "sometimes"}, "policy as one of"),
        ({"border": "bend"}, "border as one of"),
        ({"cost": "watts"}, "cost as one of"),
        ({"border": "approximate"}, "data on which"),
        ({"repeats": -1}, "repeats >= 0"),
        ({"dims": [[1, 3, 8, 8], [1]]}, "dims for 1 graph inputs"),
        ({"cost": "latency", "repeats": 0}, "repeats > 0"),
    ):
        with pytest.raises(ValueError, match=text):
            aidge_core.fuse_convolution(graph, **options)
    with pytest.raises(ValueError, match="expected a GraphView"):
        aidge_core.fuse_convolution(None)
    with pytest.raises(ValueError, match='dims for the graph input "x"'):
        aidge_core.fuse_convolution(padded_pair("s", bias=True).graph())


def test_a_sum_of_a_tensor_with_itself_behind_a_flatten_merges_into_the_layers_around_it() -> None:
    net = Net(2, 3, 2, 2, 2)
    net.conv("c", "x", "h", (3, 3, 1, 1, 1))
    net.add("Flatten", ["h"], "f")
    net.gemm("a", "f", "p", (4, 24))
    net.add("Add", ["p", "p"], "s")
    net.gemm("b", "s", "y", (2, 4))
    graph = net.graph()
    aidge_core.fuse_convolution(graph, dims=[[2, 3, 2, 2, 2]], policy="always", repeats=0)
    assert len(layers(graph)) <= 2
    assert difference(net, graph) <= TOLERANCE
