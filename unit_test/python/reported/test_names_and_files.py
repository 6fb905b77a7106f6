"""Files that are read stay as they are, external data belongs to its network, and names of any kind go through every command.

Reports: ggml-org/llama.cpp#12753 (the output is the input), microsoft/onnxruntime#6014 (the output's external data is the input's),
painebenjamin/hey-buddy#29 and onnxsim/onnxsim#482 (the size without the external data), huggingface/sentence-transformers#3913 (data under
another name), docarray/docarray#733 and evalstate/fast-agent#299 (brackets in names), VainF/Torch-Pruning#341 (protected layers),
onnxsim/onnxsim#428 and inisis/OnnxSlim#38 (doc strings and metadata), onnxsim/onnxsim#101 (dims of outputs). The right values are those of the
file that went in, and ONNX Runtime's.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import aidge_compress
import aidge_onnx
import aidge_onnx.export
import numpy as np
import onnx
import onnxruntime
import pytest
from helpers import onnx_models as om
from helpers.outcomes import ok, refused, run
from onnx import helper

STEM, RELU, HEAD = "[bold]stem[/]", "[/relu] 1", "head[red"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with brackets and spaces in its name; in it a network whose names have brackets, and data for it."""
    place = tmp_path / "[red] ä b"
    place.mkdir()
    nodes = [
        helper.make_node("Conv", ["x", "k"], ["c"], STEM, pads=[1] * 4),
        helper.make_node("Relu", ["c"], ["r"], RELU),
        helper.make_node("Conv", ["r", "l"], ["d"], "[body]", pads=[1] * 4),
        helper.make_node("Relu", ["d"], ["s"], "relu2"),
        helper.make_node("Conv", ["s", "m"], ["y"], HEAD),
    ]
    weights = [om.weights("k", 16, 3, 3, 3), om.weights("l", 16, 16, 3, 3), om.weights("m", 4, 16, 1, 1)]
    ends = {
        "inputs": [om.info("x", ("batch", 3, "height", "width"))],
        "outputs": [om.info("y", ("n", 4, "rows", "columns"))],
    }
    onnx.save(om.model(nodes, weights, **ends), place / "net [a].onnx")
    np.save(place / "data.npy", om.values(24, 3, 8, 8))
    return place


def with_external_data(path: Path) -> Path:
    onnx.save(
        onnx.load(path),
        path,
        save_as_external_data=True,
        all_tensors_to_one_file=True,
        location=f"{path.name}.data",
        size_threshold=0,
    )
    return path


def outputs_of(path: Path) -> np.ndarray[Any, Any]:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"x": om.values(2, 3, 8, 8)})[0])


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


# --- where results are written ---------------------------------------------------------------------------------------
COMMANDS = {
    "fibnlr": ("fibnlr", "--data"),
    "compress": ("compress", "--keep-macs", "0.6", "--no-timing", "--data"),
    "merge": ("merge", "--data"),
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", ["same", "dot", "absolute", "symbolic", "hard"])
def test_the_network_that_is_read_is_never_the_output(folder: Path, command: str, name: str) -> None:
    model = folder / "net [a].onnx"
    out = {
        "same": model,
        "dot": folder / "." / ".." / folder.name / model.name,
        "absolute": model.absolute(),
        "symbolic": folder / "link.onnx",
        "hard": folder / "hard.onnx",
    }[name]
    if name == "symbolic":
        out.symlink_to(model)
    if name == "hard":
        os.link(model, out)
    before = contents(folder)
    done = run(COMMANDS[command][0], model, *COMMANDS[command][1:], folder / "data.npy", "--out", out)
    assert done.code == 2
    assert "expected another file than" in done.err
    assert "--out" in done.err
    assert len(done.err.strip().splitlines()) == 1
    assert contents(folder) == before


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--out", "data.npy"), "which is read"),
        (("--report", "net [a].onnx"), "which is read"),
        (("--out", "a.html", "--report", "./a.html"), "different files"),
        (("--out", "."), "got a folder"),
        (("--out", "none/a.onnx"), "no such folder"),
        (("--out", "/dev/null"), "got a folder or a device"),
        (("--out", "/proc/a.onnx"), "can be written"),
        (("--out", "a" * 250 + ".onnx"), "can be written"),
    ],
)
def test_what_cannot_be_written_is_said_before_any_work(
    folder: Path, options: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(folder)
    monkeypatch.setattr("aidge_onnx.load_onnx", lambda *_: pytest.fail("work was begun"))
    monkeypatch.chdir(folder)
    done = run("fibnlr", "net [a].onnx", "--data", "data.npy", *options)
    assert done.code == 2
    assert said in done.err
    assert len(done.err.strip().splitlines()) == 1
    assert contents(folder) == before


def test_external_data_that_is_read_is_not_overwritten(folder: Path) -> None:
    model = with_external_data(folder / "net [a].onnx")
    proto = onnx.load(model, load_external_data=False)
    (folder / "net [a].onnx.data").rename(folder / "small.onnx.data")
    for tensor in proto.graph.initializer:
        tensor.external_data[0].value = "small.onnx.data"
    onnx.save(proto, model)
    before = contents(folder)
    done = run("fibnlr", model, "--data", folder / "data.npy", "--out", folder / "small.onnx")
    assert done.code == 2
    assert "small.onnx.data, which is read" in done.err
    assert contents(folder) == before


def test_a_symbolic_link_stays_and_its_file_is_written(folder: Path) -> None:
    (folder / "deep").mkdir()
    link, target = folder / "link.onnx", folder / "deep" / "real.onnx"
    target.write_bytes(b"old")
    link.symlink_to(target)
    ok("fibnlr", folder / "net [a].onnx", "--data", folder / "data.npy", "--out", link)
    assert link.is_symlink()
    assert outputs_of(target).shape == (2, 4, 8, 8)
    assert sorted(path.name for path in (folder / "deep").iterdir()) == ["real.onnx"]
    report = folder / "report.html"
    report.symlink_to(folder / "deep" / "page.html")
    ok("fibnlr", folder / "net [a].onnx", "--data", folder / "data.npy", "--report", report)
    assert report.is_symlink()
    assert (folder / "deep" / "page.html").read_text().startswith("<!DOCTYPE html>")


# --- external data ---------------------------------------------------------------------------------------------------
def test_sizes_count_the_external_data(folder: Path) -> None:
    model = with_external_data(folder / "net [a].onnx")
    both = model.stat().st_size + (folder / "net [a].onnx.data").stat().st_size
    assert [file.name for file in aidge_onnx.model_files(model)] == ["net [a].onnx", "net [a].onnx.data"]
    assert ok("inspect", model, "--json").document["bytes"] == both
    assert "with net [a].onnx.data" in ok("inspect", model).out
    report = folder / "r.html"
    data = ("--data", folder / "data.npy", "--keep-macs", "0.6", "--no-timing")
    done = ok("compress", model, *data, "--out", folder / "small.onnx", "--report", report, "--json")
    assert done.document["bytes_before"] == both
    assert done.document["bytes_after"] == (folder / "small.onnx").stat().st_size
    assert "net [a].onnx.data" in report.read_text()


@pytest.mark.parametrize("command", COMMANDS)
def test_a_network_above_the_limit_of_a_proto_moves_with_its_data(
    folder: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aidge_onnx.export, "_MAX_PROTO", 4000)
    out = folder / "small.onnx"
    name, *options = COMMANDS[command]
    ok(name, folder / "net [a].onnx", *options, folder / "data.npy", "--out", out)
    assert [file.name for file in aidge_onnx.model_files(out)] == ["small.onnx", "small.onnx.data"]
    here = outputs_of(out)
    moved = folder / "elsewhere"
    moved.mkdir()
    for file in (out, folder / "small.onnx.data"):
        shutil.move(file, moved / file.name)
    np.testing.assert_array_equal(outputs_of(moved / "small.onnx"), here)
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]
    again = ok(name, moved / "small.onnx", *options, folder / "data.npy", "--out", folder / "third.onnx")
    assert "small.onnx" in again.out


def test_a_result_is_saved_with_its_external_data(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = aidge_compress.compress(
        folder / "net [a].onnx", folder / "data.npy", keep_macs=0.6, latency=False
    )
    monkeypatch.setattr(aidge_onnx.export, "_MAX_PROTO", 4000)
    verification = result.save(folder / "small.onnx")
    assert verification is not None
    assert verification.passed
    assert (folder / "small.onnx.data").is_file()
    result.save(folder / "small.onnx")  # again, over both files
    assert outputs_of(folder / "small.onnx").shape == (2, 4, 8, 8)


# --- names -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "arguments",
    [
        ("inspect",),
        ("fibnlr", "--data", "data.npy", "--report", "[r].html", "--ablation-threshold", "9"),
        ("compress", "--data", "data.npy", "--keep-macs", "0.6", "--report", "[r].html", "--layers"),
        ("merge", "--data", "data.npy", "--report", "[r].html", "--policy", "always"),
        ("pfa", "--data", "data.npy", "--report", "[r].html"),
        ("sweep", "--data", "data.npy", "--eval", "data.npy", "--report", "[r].html", "--no-timing"),
        ("eval", "--data", "data.npy", "--reference", "net [a].onnx"),
        ("bench", "--dims", "1,3,8,8", "--passes", "1"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_brackets_in_names_are_printed_as_they_are(
    folder: Path, arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    done = ok(arguments[0], "net [a].onnx", *arguments[1:])
    assert "net [a].onnx" in done.out
    if arguments[0] not in ("eval", "merge", "sweep"):
        assert STEM in done.out or RELU in done.out
    if "--report" in arguments:
        page = (folder / "[r].html").read_text()
        assert "net [a].onnx" in page


@pytest.mark.parametrize(
    "arguments",
    [
        ("compress", "--keep-macs", "0.6", "--protect", "[bold]stm[/]"),
        ("fibnlr", "--group", "manual", "--group-assignments", "[bold]stm[/]=1"),
        ("pfa", "--layers", "[bold]stm[/]"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_node_that_is_not_there_is_named_with_the_nearest(folder: Path, arguments: tuple[str, ...]) -> None:
    done = run(arguments[0], folder / "net [a].onnx", "--data", folder / "data.npy", *arguments[1:])
    assert done.code == 2
    assert '"[bold]stm[/]"' in done.err
    assert STEM in done.err or arguments[0] == "fibnlr"
    assert len(done.err.strip().splitlines()) == 1


# --- what files say beside the computation ---------------------------------------------------------------------------
def test_names_and_texts_of_a_file_stay(folder: Path) -> None:
    path = folder / "net [a].onnx"
    source = onnx.load(path)
    source.producer_name, source.producer_version, source.domain = "trainer", "3.1", "org.example"
    source.model_version, source.doc_string = 7, "the model"
    source.graph.doc_string, source.graph.name = "the graph", "net [x]"
    source.metadata_props.add(key="classes", value='["a", "b"]')
    source.graph.node[0].doc_string = "looks at pixels"
    source.graph.input[0].doc_string, source.graph.output[0].doc_string = "a picture", "four maps"
    del source.opset_import[:]
    source.opset_import.append(helper.make_opsetid("ai.onnx", 17))
    source.graph.node[1].domain = "ai.onnx"
    onnx.save(source, path)
    ok("fibnlr", path, "--data", folder / "data.npy", "--out", folder / "small.onnx")
    aidge_compress.prune_activations(path, folder / "data.npy").save(folder / "saved.onnx")
    for written in (onnx.load(folder / "small.onnx"), onnx.load(folder / "saved.onnx")):
        for field in ("producer_name", "producer_version", "domain", "model_version", "doc_string"):
            assert getattr(written, field) == getattr(source, field)
        assert written.graph.name == "net [x]"
        assert written.graph.doc_string == "the graph"
        assert [(entry.key, entry.value) for entry in written.metadata_props] == [("classes", '["a", "b"]')]
        assert om.dims_of(written.graph.input[0]) == ["batch", 3, "height", "width"]
        assert om.dims_of(written.graph.output[0]) == ["n", 4, "rows", "columns"]
        assert written.graph.input[0].doc_string == "a picture"
        assert written.graph.output[0].doc_string == "four maps"
        assert [entry.version for entry in written.opset_import] == [17]
        (stem,) = (node for node in written.graph.node if node.name == STEM)
        assert "looks at pixels" in stem.doc_string


@pytest.mark.parametrize("opset", [11, 17])
def test_properties_of_nodes_graph_and_values_stay(folder: Path, opset: int) -> None:
    path = folder / "net [a].onnx"
    source = onnx.load(path)
    del source.opset_import[:]
    source.opset_import.append(helper.make_opsetid("", opset))
    source.graph.metadata_props.add(key="location", value="graph.py")
    source.graph.input[0].metadata_props.add(key="range", value="0..1")
    source.graph.output[0].metadata_props.add(key="meaning", value="maps")
    for node in source.graph.node:
        node.metadata_props.add(key="scope", value=f"of {node.name}")
        node.metadata_props.add(key="place", value="ünit.py:3")
    onnx.save(source, path)
    told = {
        node.name: [(entry.key, entry.value) for entry in node.metadata_props] for node in source.graph.node
    }
    ok("fibnlr", path, "--data", folder / "data.npy", "--out", folder / "small.onnx")
    ok("merge", path, "--data", folder / "data.npy", "--out", folder / "merged.onnx")
    for written in (
        onnx.load(folder / "small.onnx"),
        onnx.load(folder / "merged.onnx"),
        aidge_onnx.to_model_proto(aidge_onnx.load_onnx(path)),
    ):
        assert [(entry.key, entry.value) for entry in written.graph.metadata_props] == [
            ("location", "graph.py")
        ]
        assert [(entry.key, entry.value) for entry in written.graph.input[0].metadata_props] == [
            ("range", "0..1")
        ]
        assert [(entry.key, entry.value) for entry in written.graph.output[0].metadata_props] == [
            ("meaning", "maps")
        ]
        kept = [node for node in written.graph.node if node.name in told]
        assert STEM in [node.name for node in kept]
        for node in kept:
            assert [(entry.key, entry.value) for entry in node.metadata_props] == told[node.name]


def test_both_names_of_the_standard_domain_may_be_imported(folder: Path) -> None:
    source = onnx.load(folder / "net [a].onnx")
    source.opset_import.append(helper.make_opsetid("ai.onnx", 17))
    assert aidge_onnx.load_onnx(source).output_specs[0].name == "y"
    source.opset_import[1].version = 16
    with pytest.raises(aidge_onnx.InvalidModelError, match="opset import"):
        aidge_onnx.load_onnx(source)


# --- dims ------------------------------------------------------------------------------------------------------------
ALL = {
    "inspect": (),
    "bench": ("--passes", "1"),
    "fibnlr": ("--data", "data.npy", "--ablation-method", "none"),
    "compress": ("--data", "data.npy", "--keep-macs", "0.6", "--no-timing"),
    "merge": ("--data", "data.npy"),
    "pfa": ("--data", "data.npy"),
    "sweep": ("--data", "data.npy", "--eval", "data.npy", "--no-timing"),
    "eval": ("--data", "data.npy"),
}


@pytest.mark.parametrize("command", ALL)
def test_every_command_takes_dims(folder: Path, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    ok(command, "net [a].onnx", *ALL[command], "--dims", "1,3,8,8")
    for wrong, said in (
        ("1,4,8,8", "expected dims of input x that fit N,3,N,N, got 1,4,8,8"),
        ("1,3,8", "expected dims of input x that fit N,3,N,N, got 1,3,8"),
        ("1,3,8,0", "expected --dims as positive integers such as 1,3,224,224, got 1,3,8,0"),
    ):
        done = run(command, "net [a].onnx", *ALL[command], "--dims", wrong)
        assert done.code == 2
        assert said in done.err
    done = run(command, "net [a].onnx", *ALL[command], "--dims", "1,3,8,8", "--dims", "1")
    assert done.code == 2
    assert "expected dims of each input (x), got 2 of 1" in done.err


def test_dims_say_the_size_of_pictures_and_the_file_keeps_its_own(folder: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    for name in ("a", "b"):
        (folder / "pictures" / name).mkdir(parents=True)
        for index, side in enumerate((9, 12)):
            picture = om.values(side, side, 3, seed=index) * 40 + 120
            image.fromarray(picture.astype(np.uint8)).save(folder / "pictures" / name / f"{index}.png")
    out = folder / "small.onnx"
    arguments = ("fibnlr", folder / "net [a].onnx", "--data", folder / "pictures", "--dims", "1,3,16,12")
    done = ok(*arguments, "--ablation-method", "none", "--out", out, "--json")
    assert json.loads(done.out)["samples"] == 4
    assert om.dims_of(onnx.load(out).graph.input[0]) == ["batch", 3, "height", "width"]
    assert "sizes" not in done.err
    wrong = run(*arguments[:-1], "5,3,16,12")
    assert wrong.code == 2
    assert "expected 1 or the batch size 64 as the first of the dims of input x, got 5" in wrong.err


def test_nodes_of_one_name_get_names_of_their_own_and_bench_says_that_onnx_runtime_refuses_them(
    folder: Path,
) -> None:
    model = onnx.load(folder / "net [a].onnx")
    for node in model.graph.node:
        node.name = "same"
    onnx.save(model, folder / "same.onnx")
    with pytest.raises(Exception, match="same node name"):
        onnxruntime.InferenceSession(folder / "same.onnx")
    data, out = folder / "data.npy", folder / "out.onnx"
    done = ok("fibnlr", folder / "same.onnx", "--data", data, "--out", out)
    assert "cannot run same.onnx" in done.out
    names = [node.name for node in onnx.load(out).graph.node]
    assert len(set(names)) == len(names) > 0
    onnxruntime.InferenceSession(out)
    ok("bench", folder / "same.onnx", "--passes", 1, "--dims", "1,3,8,8")
    line = refused("bench", folder / "same.onnx", "--against", "ort", "--dims", "1,3,8,8")
    assert "cannot run same.onnx" in line
    assert "same node name" in line
