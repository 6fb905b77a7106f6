"""Reports: what they say, that nothing in them comes from outside, and that files appear as a whole."""

from __future__ import annotations

import hashlib
import os
import random
import re
import subprocess
import sys
from pathlib import Path

import aidge_core
import aidge_onnx
import numpy as np
import onnx
import pytest
from aidge_compress.network.outline import Outline, OutlineNode, outline
from aidge_compress.network.summary import summarize
from aidge_compress.numbers import shown
from aidge_compress.pfa import PFA
from aidge_compress.report import Measured, drawing
from aidge_compress.report.charts import Bar, BarRow, Curve, bar_chart, heat_map, line_chart, spectrum
from aidge_compress.report.html import Markup, tag
from aidge_core.data import from_arrays
from helpers.commands import run
from helpers.reading import Reader
from helpers.reporting import EVIL, Reports, make_network, make_reports
from hypothesis import given
from hypothesis import strategies as st


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Reports:
    return make_reports(tmp_path_factory.mktemp("reports"))


KINDS = ("fibnlr", "pfa", "merge", "compress")


@pytest.mark.parametrize("kind", KINDS)
def test_a_report_is_well_formed_and_refers_to_nothing_outside(reports: Reports, kind: str) -> None:
    document = reports.paths[kind].read_text("utf-8")
    reader = Reader(document)
    assert "script" not in reader.tags
    assert reader.tags.isdisjoint(("img", "iframe", "object", "embed", "base", "form"))
    assert set(reader.addresses) - {"data:,"} <= {f"#{name}" for name in reader.identities}
    assert len(set(reader.identities)) == len(reader.identities)
    assert re.search(r"url\(|@import|https?:", document.replace("http-equiv", "")) is None
    assert "default-src &#x27;none&#x27;" in document


@pytest.mark.parametrize("kind", KINDS)
def test_names_from_files_are_shown_as_they_are(reports: Reports, kind: str) -> None:
    reader = Reader(reports.paths[kind].read_text("utf-8"))
    assert EVIL in reader.text
    assert EVIL not in reports.paths[kind].read_text("utf-8")


@pytest.mark.parametrize("kind", KINDS)
def test_a_report_tells_what_it_takes_to_repeat_the_run(reports: Reports, kind: str) -> None:
    text = Reader(reports.paths[kind].read_text("utf-8")).text
    assert hashlib.sha256(reports.model.read_bytes()).hexdigest() in text
    assert hashlib.sha256(reports.data.read_bytes()).hexdigest() in text
    assert "image float32 [48, 3, 12, 12]" in text
    assert f"aidge-compress {aidge_core.__version__}" in text
    assert f"numpy {np.__version__}" in text
    assert "aidge --some command" in text
    assert "accuracy of mine 50.00 % 25.00 % -25.00 points" in text
    for name, value in reports.parameters[kind].items():
        assert f"{name} {value}" in text


def test_the_fibnlr_report_has_each_activations_figures(reports: Reports) -> None:
    text = Reader(reports.paths["fibnlr"].read_text("utf-8")).text
    result = reports.fibnlr
    assert {row.removed for row in result.rows} == {True, False}
    for row in result.rows:
        verdict = " removed" if row.removed else ""
        label = f"{row.name} {row.type} G:{row.group} N:{row.channels}"
        assert f"{label}{verdict} {row.npr:.4g} {row.nnpr:.4g}" in text, label
    assert f"{result.iterations} iterations over {result.samples} samples" in text
    assert "ReLU removed relu2" in text
    assert "ReLU removed relu1" not in text


def test_the_pfa_report_has_units_and_cuts(reports: Reports) -> None:
    document = reports.paths["pfa"].read_text("utf-8")
    text = Reader(document).text
    for name, recipe in reports.pfa.recipes.items():
        before, after = recipe.original_output_count, recipe.recommended_output_count
        assert f"{name} {after / before:.0%} kept" in text
        assert f"{before} → {after}" in text
        energy = reports.pfa.layers[name].eigenvalues
        assert f"{after} of {before}, {energy[:after].sum() / energy.sum():.1%} of the energy" in text
    assert document.count('class="kept"') == len(reports.pfa.recipes)


def test_the_merge_report_has_merges_and_refusals(reports: Reports) -> None:
    text = Reader(reports.paths["merge"].read_text("utf-8")).text
    fusion = reports.merge.fusion
    assert len(fusion.merged) == 1
    for entry in fusion.merged:
        assert f"{entry.type} of {', '.join(entry.nodes)} ({entry.border})" in text
    for pair in fusion.refused:
        assert f"{pair.first} {pair.second} {pair.reason}" in text
    assert f"MACs {shown(fusion.macs_before, 'count')} {shown(fusion.macs_after, 'count')}" in text


def test_the_compress_report_has_layers_costs_and_quality(reports: Reports) -> None:
    text = Reader(reports.paths["compress"].read_text("utf-8")).text
    result = reports.compress
    assert any(layer.channels[0] > layer.channels[1] > 0 for layer in result.layers)
    for layer in result.layers:
        assert f"{layer.channels[0]} → {layer.channels[1]}" in text
    for old, new in (
        (result.before.macs, result.after.macs),
        (result.before.parameters, result.after.parameters),
    ):
        assert f"{shown(old, 'count')} {shown(new, 'count')} × {new / old:.3f}" in text
    assert shown(result.quality.agreement, "share") in text


def test_results_are_frames_with_one_row_each(reports: Reports) -> None:
    pytest.importorskip("pandas")
    frame = reports.fibnlr.to_frame()
    assert list(frame["name"]) == [row.name for row in reports.fibnlr.rows]
    assert frame["npr"].tolist() == [row.npr for row in reports.fibnlr.rows]
    assert list(reports.pfa.to_frame()["layer name"]) == list(reports.pfa.recipes)
    assert list(reports.merge.to_frame()["name"]) == [entry.name for entry in reports.merge.fusion.merged]
    assert list(reports.compress.to_frame()["name"]) == [layer.name for layer in reports.compress.layers]


@pytest.mark.parametrize("kind", KINDS)
def test_a_notebook_shows_the_beginning_of_the_report(reports: Reports, kind: str) -> None:
    reader = Reader(getattr(reports, kind)._repr_html_())
    assert "script" not in reader.tags
    assert "body" not in reader.tags


def test_a_report_that_fails_leaves_what_was_there(
    reports: Reports, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "out.html"
    target.write_text("before")
    with pytest.raises(FileNotFoundError, match="gone"):
        reports.fibnlr.report(target, model=tmp_path / "gone.onnx")
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError("disk")))
    with pytest.raises(OSError, match="disk"):
        reports.fibnlr.report(target)
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.html"]
    assert target.read_text() == "before"
    with pytest.raises(FileNotFoundError):
        reports.fibnlr.report(tmp_path / "nowhere" / "out.html")


def test_fibnlr_run_does_what_fibnlr_does(tmp_path: Path) -> None:
    path = make_network(tmp_path / "model.onnx")
    images = np.random.default_rng(1).standard_normal((16, 3, 12, 12)).astype(np.float32)
    networks = [aidge_onnx.load_onnx(path) for _ in range(2)]
    for graph in networks:
        graph.compile("cpu", dims=[[8, 3, 12, 12]])
    params = aidge_core.fibnlr_Parameters(ablation_threshold=0.2)
    result = aidge_core.fibnlr_run(networks[0], from_arrays(images, batch_size=8), params)
    removed = aidge_core.fibnlr(networks[1], from_arrays(images, batch_size=8), params)
    assert set(result.removed) == {node.name() for node in removed}
    assert result.parameters["ablation_threshold"] == 0.2
    before = summarize(aidge_onnx.load_onnx(path), [[8, 3, 12, 12]])
    assert (result.macs[0], result.parameter_counts[0]) == (before.macs, before.parameters)
    kinds = [node.type() for node in networks[0].get_ordered_nodes()]
    assert kinds.count("ReLU") == len(result.rows) - len(result.removed)
    assert len(result.network.nodes) == len(before.layers)


def test_commands_write_reports(reports: Reports, tmp_path: Path) -> None:
    model, data = str(reports.model), str(reports.data)
    commands = {
        "fibnlr": [model, "--data", data, "--eval", data, "--merge", "--out", str(tmp_path / "pruned.onnx")],
        "pfa": [model, "--data", data, "--strategy", "energy"],
        "merge": [model, "--repeats", "1"],
        "compress": [
            model,
            "--data",
            data,
            "--macs",
            "0.7",
            "--min-channels",
            "1",
            "--out",
            str(tmp_path / "c.onnx"),
        ],
    }
    for name, arguments in commands.items():
        out = tmp_path / f"{name}.html"
        done = run(name, *arguments, "--report", out)
        assert done.returncode in (0, 4), done.stderr  # 4: slower, which small networks may be
        text = Reader(out.read_text("utf-8")).text
        assert f"aidge {name} {model}" in text
        assert hashlib.sha256(reports.model.read_bytes()).hexdigest() in text
    assert "accuracy, without retraining" in Reader((tmp_path / "fibnlr.html").read_text("utf-8")).text
    refused = run("merge", model, "--report", tmp_path / "no" / "r.html")
    assert refused.returncode == 2
    assert "no such folder" in refused.stderr


def test_nothing_of_reports_is_imported_before_it_is_used() -> None:
    code = "import sys, aidge_core; print([m for m in sys.modules if 'report.' in m or m in ('pandas', 'matplotlib')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# --- the parts -------------------------------------------------------------------------------------------------


def test_markup_escapes_texts_and_attributes_and_keeps_markup() -> None:
    assert tag("p", '<a & "b">', class_='x"><i', title=None, hidden=True) == (
        '<p class="x&quot;&gt;&lt;i" hidden>&lt;a &amp; &quot;b&quot;&gt;</p>'
    )
    assert tag("p", Markup("<b>x</b>"), ["y", None, 3]) == "<p><b>x</b>y3</p>"
    assert tag("p", "\x00\x1b") == "<p>\\x00\\x1b</p>"
    assert tag("br") == "<br>"


@pytest.mark.parametrize("values", [[0.0], [1e-9], [0.0, 0.0], [3.0] * 5, [1e-300, 1e300], list(range(2000))])
def test_charts_take_any_finite_values(values: list[float]) -> None:
    for log in (False, True):
        chart = line_chart([Curve(range(len(values)), values)], title="t", x="x", y="y", log=log, limit=1e-6)
        Reader(chart)
        assert "nan" not in chart
    Reader(spectrum(sorted(values, reverse=True), 1, "caption", "name"))
    rows = [BarRow("a", "b", [Bar(value, "text")]) for value in values]
    shares = [float(share) for share in re.findall(r'<i style="width:([\d.]+)%"', bar_chart(["c"], rows))]
    assert len(shares) == len(values)
    assert all(0 <= share <= 100 for share in shares)


def test_bars_share_one_scale_a_column() -> None:
    rows = [BarRow("a", "", [Bar(1.0, "1", 4.0)]), BarRow("b", "", [Bar(2.0, "2", 2.0)])]
    chart = bar_chart(["units"], rows)
    assert re.findall(r'style="width:([\d.]+)%"', chart) == ["100.00", "25.00", "50.00", "50.00"]
    assert "left:80.00%" in bar_chart(["x"], [BarRow("a", "", [Bar(0.5, "")])], [1.0])


def test_a_heat_map_has_a_cell_for_each_pair() -> None:
    table = heat_map(["r1", "r2"], ["c1"], [[(1.0, "yes")], [(0.0, "no")]], "corner")
    assert re.findall(r'--v:(\d+)">(\w+)<', table) == [("70", "yes"), ("0", "no")]


def _random_outline(seed: int, size: int) -> Outline:
    rng = random.Random(seed)
    nodes = []
    for index in range(size):
        parents = sorted(rng.sample(range(index), min(index, rng.choice([0, 1, 1, 1, 2, 3]))))
        nodes.append(OutlineNode(f"n{index}", "T", (), tuple(parents), rng.choice([0, 9])))
    return Outline("g", tuple(nodes))


@given(st.integers(0, 10_000), st.integers(0, 25))
def test_lanes_lead_each_tensor_from_where_it_is_made_to_where_it_is_read(seed: int, size: int) -> None:
    sketch = _random_outline(seed, size)
    rows, feeds = drawing._rows(sketch)
    assert sorted(index for row in rows for index in row) == list(range(size))
    lanes = drawing._Lanes(feeds)
    carried: dict[float, int] = {}
    for row, parents in enumerate(feeds):
        below: dict[float, int] = {}
        arrived = set()
        for kind, above, under in lanes.step(row, parents):
            if kind == "in":
                arrived.add(carried[above])
            elif kind == "through":
                below[under] = carried[above]
            elif kind == "out":
                assert under not in below
                below[under] = row
        assert arrived == set(parents)
        carried = below
    assert carried == {}


def test_a_chain_is_one_row_and_layers_begin_rows() -> None:
    nodes = (
        OutlineNode("conv", "Conv2D", (), (), 9),
        OutlineNode("norm", "BatchNorm2D", (), (0,), 4),
        OutlineNode("relu", "ReLU", (), (1,)),
        OutlineNode("next", "Conv2D", (), (2,), 9),
        OutlineNode("sum", "Add", (), (2, 3)),
    )
    assert drawing._rows(Outline("g", nodes)) == ([[0, 1, 2], [3], [4]], [[], [0], [0, 1]])


def test_mermaid_has_every_node_and_edge_and_escapes_names(tmp_path: Path) -> None:
    graph = aidge_onnx.load_onnx(make_network(tmp_path / "model.onnx"))
    sketch = outline(graph)
    text = aidge_core.to_mermaid(graph, {"relu1": "removed"})
    assert text.startswith("flowchart TD\n")
    assert text.count(" --> ") == sum(len(node.parents) for node in sketch.nodes)
    assert len(re.findall(r'^  n\d+\["[^"<>]*(<br/>[^"<>]*)*"\]', text, re.M)) == len(sketch.nodes)
    assert "<script>" not in text
    assert text.count(":::marked") == 1


def test_figures_are_printed_as_people_read_them() -> None:
    assert [shown(v, "count") for v in (None, 7, 1234, 2.5e6, 3e9)] == [
        "–",
        "7",
        "1.23 k",
        "2.50 M",
        "3.00 G",
    ]
    assert shown(0.98765, "share") == "98.77 %"
    assert shown(0.0123, "seconds") == "12.300 ms"
    assert shown(2_831_693, "bytes") == "2.83 MB"
    assert Measured("x", 1, 2).kind == "number"


def test_pfa_of_responses_alone_reports_without_a_network(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    pfa = PFA.introspect(lambda size: [{"a": rng.standard_normal((20, 4))}])
    pfa.recommend(strategy=PFA.Strategy.Energy(0.5)).report(tmp_path / "out.html")
    text = Reader((tmp_path / "out.html").read_text("utf-8")).text
    assert "Energy(energy_threshold=0.5, min_kept_count=0)" in text
    assert "samples 20" in text


def test_the_network_of_a_report_can_be_checked_by_onnx(reports: Reports) -> None:
    onnx.checker.check_model(str(reports.model))
