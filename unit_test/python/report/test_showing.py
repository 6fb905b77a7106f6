"""Networks and results where people look: notebooks, pandas, Mermaid, Netron."""

from __future__ import annotations

from pathlib import Path

import aidge_core
import aidge_onnx
import numpy as np
import onnx
import onnxruntime
import pytest
from aidge_compress.measure.profile import profile_model
from aidge_compress.network.summary import summarize
from aidge_core.data import from_arrays
from helpers.commands import aidge
from helpers.reading import Reader
from helpers.reporting import EVIL, make_network


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_network(tmp_path_factory.mktemp("showing") / "model.onnx")


def test_a_network_draws_itself_in_a_notebook(path: Path) -> None:
    graph = aidge_onnx.load_onnx(path)
    reader = Reader(graph._repr_html_())  # type: ignore[attr-defined]
    for node in graph.get_ordered_nodes():
        assert node.type() == "Producer" or f"{node.type()} {node.name()}" in reader.text
    assert EVIL in reader.text
    assert "script" not in reader.tags
    assert "0 operators" in Reader(aidge_core.GraphView("empty")._repr_html_()).text  # type: ignore[attr-defined]


def test_reports_of_the_core_show_their_text_in_a_notebook(path: Path) -> None:
    graph = aidge_onnx.load_onnx(path)
    removal = aidge_core.remove_channels(graph, {EVIL: [0]}, dims=[[1, 3, 12, 12]])
    fusion = aidge_core.fuse_convolution(graph, dims=[[1, 3, 12, 12]], repeats=0)
    for report in (removal, fusion):
        shown = Reader(report._repr_html_())  # type: ignore[attr-defined]
        assert shown.text == " ".join(str(report).split())
        assert "script" not in shown.tags


def test_summaries_and_profiles_are_tables(path: Path) -> None:
    pytest.importorskip("pandas")
    graph = aidge_onnx.load_onnx(path)
    summary = summarize(graph)
    frame = summary.to_frame()
    assert frame["macs"].sum() == summary.macs
    assert list(frame["name"]) == [layer.name for layer in summary.layers]
    text = Reader(summary._repr_html_()).text
    assert all(layer.name in text for layer in summary.layers)
    graph.compile("cpu", dims=[[1, 3, 12, 12]])
    profile = profile_model(graph, passes=1)
    assert list(profile.to_frame()["node"]) == [step.node for step in profile.steps]


def test_an_annotated_file_has_notes_and_shapes_and_computes_the_same(path: Path, tmp_path: Path) -> None:
    graph = aidge_onnx.load_onnx(path)
    graph.compile("cpu", dims=[[8, 3, 12, 12]])
    images = np.random.default_rng(1).standard_normal((8, 3, 12, 12)).astype(np.float32)
    params = aidge_core.fibnlr_Parameters(
        ablation_threshold=0.2, ablation_method=aidge_core.AblationMethod.NONE
    )
    notes = aidge_core.fibnlr_run(graph, from_arrays(images), params).notes()
    assert notes == {"relu2": "would be removed"}
    aidge_onnx.export_onnx(graph, tmp_path / "noted.onnx", notes=notes)
    model = onnx.load(tmp_path / "noted.onnx")
    assert {node.name: node.doc_string for node in model.graph.node if node.doc_string} == notes
    shapes = {
        info.name: [dim.dim_value or dim.dim_param for dim in info.type.tensor_type.shape.dim]
        for info in model.graph.value_info
    }
    inner = {name for node in model.graph.node for name in node.output} - {"logits"}
    assert set(shapes) == inner
    assert sorted(map(str, shapes.values())).count("['N', 8, 12, 12]") == 6
    outputs = [
        onnxruntime.InferenceSession(str(file)).run(None, {"image": images})[0]
        for file in (path, tmp_path / "noted.onnx")
    ]
    np.testing.assert_allclose(*outputs, rtol=1e-5)
    assert "relu2<br/>8×12×12" not in aidge_core.to_mermaid(graph, notes)
    assert aidge_core.to_mermaid(graph, notes).count("would be removed") == 1
    with pytest.raises(ValueError, match=r"expected notes of the graph's nodes, got \['relu9'\]"):
        aidge_onnx.export_onnx(graph, tmp_path / "none.onnx", notes={"relu9": "?"})
    assert not (tmp_path / "none.onnx").exists()


def test_inspect_writes_a_flow_chart(path: Path, tmp_path: Path) -> None:
    assert "10 layers" in aidge("inspect", path, "--mermaid", tmp_path / "graph.mmd").stdout
    text = (tmp_path / "graph.mmd").read_text("utf-8")
    assert text.startswith("flowchart TD\n")
    assert "Conv2D<br/>conv2<br/>1×8×12×12" in text
