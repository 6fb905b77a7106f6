"""The command line as users meet it: by exit code, output and the files that it writes."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import onnx
import pytest
from helpers.commands import aidge, document, process
from helpers.toy import classifier, model_of, save
from onnx import helper


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network of two ReLUs, of which the second sees almost only positive values, and data with labels."""
    path = tmp_path_factory.mktemp("cli")
    rng = np.random.default_rng(0)
    weights = {
        "w1": rng.standard_normal((6, 3, 3, 3)) / 5,
        "b1": np.zeros(6),
        "w2": np.abs(rng.standard_normal((6, 6, 3, 3))) / 7,
        "b2": np.full(6, 0.5),
        "w3": rng.standard_normal((4, 6)),
        "b3": np.zeros(4),
    }
    save(classifier(weights), path / "model.onnx")
    images = rng.standard_normal((40, 3, 8, 8)).astype(np.float32)
    np.savez(path / "data.npz", image=images, label=rng.integers(0, 4, 40))
    return path


def test_inspect_counts_what_can_be_counted_by_hand(folder: Path) -> None:
    summary = document("inspect", folder / "model.onnx")
    assert summary["parameters"] == 6 * 3 * 9 + 6 + 6 * 6 * 9 + 6 + 4 * 6 + 4
    assert summary["macs"] == 64 * 6 * 27 + 64 * 6 * 54 + 24
    assert summary["activations"] == 2
    assert summary["inputs"] == [["image", [1, 3, 8, 8]]]
    assert document("inspect", folder / "model.onnx", "--dims", "2,3,8,8")["macs"] == 2 * summary["macs"]
    assert "2 activations (2 ReLU)" in aidge("inspect", folder / "model.onnx").stdout


def test_bench_times_every_step_and_the_other_engine(folder: Path) -> None:
    options = ("--batch", "4", "--threads", "1", "--passes", "3", "--pairs", "2", "--against", "ort")
    report = document("bench", folder / "model.onnx", *options)
    assert report["dims"] == [[4, 3, 8, 8]]
    assert report["macs"] == 4 * (64 * 6 * 27 + 64 * 6 * 54 + 24)
    by_node = {step["node"]: step for step in report["steps"]}
    assert by_node["conv2"]["macs"] == 4 * 64 * 6 * 54
    assert by_node["conv2"]["fused"] == ["relu2"]
    assert all(step["seconds"] > 0 and step["kernel"] for step in report["steps"])
    assert report["seconds"] > 0
    assert report["against"]["engines"][1].startswith("ONNX Runtime")
    assert report["against"]["difference"] < 1e-5
    text = aidge("bench", folder / "model.onnx", "--passes", "1", "--convolution-accuracy", "fast").stdout
    assert "1×3×8×8" in text
    assert "GFLOP/s" in text
    assert (
        "expected --dims as positive integers"
        in aidge("bench", folder / "model.onnx", "--dims", "1,x", expect=2).stderr
    )


def test_fibnlr_writes_a_network_without_the_activation_that_hardly_matters(folder: Path) -> None:
    out = folder / "pruned.onnx"
    report = document(
        "fibnlr", folder / "model.onnx", "--data", folder / "data.npz", "--out", out, "--batch-size", "8"
    )
    decisions = {row["name"]: row["removed"] for row in report["rows"]}
    assert decisions == {"relu1": False, "relu2": True}
    assert report["out"]["verified"] is True
    kinds = [node.op_type for node in onnx.load(out).graph.node]
    assert kinds.count("Relu") == 1
    onnx.checker.check_model(str(out), full_check=True)


def test_a_dry_run_reports_and_writes_the_network_unchanged(folder: Path) -> None:
    arguments = ("fibnlr", folder / "model.onnx", "--data", folder / "data.npz", "--ablation-method", "none")
    assert "would be removed" in aidge(*arguments).stdout


def test_every_parameter_reaches_the_recipe(folder: Path) -> None:
    arguments = [
        *("fibnlr", folder / "model.onnx", "--data", folder / "data.npz", "--batch-size", "4"),
        *(
            "--method",
            "loose",
            "--normalization",
            "none",
            "--group",
            "manual",
            "--group-assignments",
            "relu1=1,relu2=2",
        ),
        *(
            "--ablation-criteria",
            "x_least_per_group",
            "--ablation-x-least",
            "1",
            "--ablation-threshold",
            "100",
        ),
        *("--ablation-min-kept", "1", "--max-iteration", "3", "--convergence-threshold", "0"),
        *("--ablation-method", "remove", "--prunable-types", "ReLU"),
    ]
    report = document(*arguments)
    assert report["iterations"] == 3
    assert {row["name"]: row["group"] for row in report["rows"]} == {"relu1": 1, "relu2": 2}
    assert not any(row["removed"] for row in report["rows"])


def test_eval_measures_accuracy_and_agreement(folder: Path) -> None:
    import onnxruntime

    with np.load(folder / "data.npz") as data:
        images, labels = data["image"], data["label"]
    session = onnxruntime.InferenceSession(str(folder / "model.onnx"), providers=["CPUExecutionProvider"])
    scores = session.run(None, {"image": images})[0]
    result = document(
        "eval",
        folder / "model.onnx",
        "--data",
        folder / "data.npz",
        "--reference",
        folder / "model.onnx",
        "--topk",
        "2",
    )
    assert result["accuracy"] == pytest.approx(float((scores.argmax(axis=1) == labels).mean()))
    best_two = np.argsort(-scores, axis=1)[:, :2]
    assert result["topk_accuracy"] == pytest.approx(float((best_two == labels[:, None]).any(axis=1).mean()))
    assert result["agreement"] == 1.0
    assert (
        "accuracy"
        in aidge("eval", folder / "model.onnx", "--data", folder / "data.npz", "--limit", "16").stdout
    )


def test_a_folder_of_pictures_is_read_as_training_did_and_no_further_than_the_limit(
    folder: Path, tmp_path: Path
) -> None:
    image = pytest.importorskip("PIL.Image")
    random = np.random.default_rng(2)
    for number in range(12):
        place = tmp_path / f"class{number % 6}"
        place.mkdir(exist_ok=True)
        image.fromarray(random.integers(0, 256, (9, 11, 3), np.uint8)).save(place / f"{number}.png")
    reading = ["--data", tmp_path, "--batch-size", "8", "--ablation-threshold", "0"]
    several = ["--mean", "0.4", "--mean", "0.5", "--mean", "0.6", "--std", "0.2"]
    one = document(
        "fibnlr", folder / "model.onnx", *reading, "--mean", "0.4,0.5,0.6", "--std", "0.2", "--limit", "5"
    )
    assert one["samples"] == 5
    again = document("fibnlr", folder / "model.onnx", *reading, *several, "--limit", "5")
    assert one["rows"] == again["rows"]
    done = aidge("eval", folder / "model.onnx", "--data", tmp_path, expect=2)
    assert "labels below 4" in done.stderr
    assert "sub-folder" in done.stderr


def test_nothing_below_the_threshold_is_said_with_the_lowest_value(folder: Path) -> None:
    arguments = ["fibnlr", folder / "model.onnx", "--data", folder / "data.npz", "--ablation-threshold"]
    rows = document(*arguments, "0")["rows"]
    lowest = min(row["nnpr"] for row in rows)
    assert (
        f"no NNPR is below --ablation-threshold 0; the lowest is {lowest:.4f}"
        in aidge(*arguments, "0").stdout
    )
    assert "no NNPR" not in aidge(*arguments, "0.9").stdout


def test_free_sizes_are_named_where_a_network_does_not_run_without_them(folder: Path, tmp_path: Path) -> None:
    model = onnx.load(folder / "model.onnx")
    for axis in (2, 3):
        model.graph.input[0].type.tensor_type.shape.dim[axis].dim_param = f"d{axis}"
    model.graph.node[0].attribute[0].ints[:] = [0] * 4
    onnx.save(model, tmp_path / "free.onnx")
    done = aidge("inspect", tmp_path / "free.onnx", expect=2)
    assert "leaves dims of image free, which were taken as 1: say which by --dims" in done.stderr
    aidge("inspect", tmp_path / "free.onnx", "--dims", "1,3,8,8")
    aidge("fibnlr", tmp_path / "free.onnx", "--data", folder / "data.npz")  # the data says the size


def test_pfa_finds_out_about_the_chart_before_it_writes_anything(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "recipes.json"
    done = aidge(
        "pfa", folder / "model.onnx", "--data", folder / "data.npz", "--out", out, "--chart", "chart.foo", expect=2
    )  # fmt: skip
    assert "chart" in done.stderr
    assert not out.exists()


def test_warnings_are_lines_of_their_own(folder: Path) -> None:
    done = aidge("pfa", folder / "model.onnx", "--data", folder / "data.npz", "--limit", "3")
    assert "\nwarning: layer 'conv" in "\n" + done.stderr
    assert ".py:" not in done.stderr


def linear_network(path: Path) -> Path:
    """Expand, depthwise with padding, project, and a bias that padding meets; then a ReLU."""
    rng = np.random.default_rng(1)
    weights = {
        "w1": rng.standard_normal((2, 4, 1, 1)),
        "b1": rng.standard_normal(2),
        "w2": rng.standard_normal((2, 1, 3, 3)),
        "w3": rng.standard_normal((1, 2, 1, 1)),
    }
    nodes = [
        helper.make_node("Conv", ["image", "w1", "b1"], ["c1"], "squeeze"),
        helper.make_node("Conv", ["c1", "w2"], ["c2"], "depthwise", pads=[1, 1, 1, 1], group=2),
        helper.make_node("Conv", ["c2", "w3"], ["c3"], "project"),
        helper.make_node("Relu", ["c3"], ["y"], "relu"),
    ]
    return save(model_of(nodes, weights, {"image": ["n", 4, 9, 9]}, {"y": None}), path)


def layer_names(path: Path) -> list[str]:
    return [node.name for node in onnx.load(path).graph.node]


def test_merge_writes_a_verified_network_and_says_what_it_saved(tmp_path: Path) -> None:
    model = linear_network(tmp_path / "model.onnx")
    out = tmp_path / "merged.onnx"
    result = document("merge", model, "--out", out, "--repeats", "2")
    assert [merge["nodes"] for merge in result["merged"]] == [["depthwise", "project"]]
    assert "bias" in result["refused"][0]["reason"]
    assert result["out"]["verified"]
    assert result["difference"] <= 1e-5
    assert layer_names(out) == ["squeeze", "project", "relu"]
    text = aidge("merge", model, "--policy", "always", "--border", "shift", "--repeats", "2").stdout
    assert "squeeze + depthwise + project" in text
    assert "exact, by a shifted input" in text


def test_merge_measures_the_error_of_an_approximation(tmp_path: Path) -> None:
    model = linear_network(tmp_path / "model.onnx")
    np.savez(tmp_path / "data.npz", image=np.random.default_rng(2).random((6, 4, 9, 9), dtype=np.float32))
    options = ["--policy", "always", "--border", "approximate", "--repeats", "0"]
    result = document("merge", model, *options, "--data", tmp_path / "data.npz")
    assert result["error"] > 0.0
    assert result["merged"][0]["border"] == "approximate"
    assert result["seconds_before"] is None
    assert "data on which" in aidge("merge", model, *options, expect=2).stderr


def test_fibnlr_merges_what_pruning_left_side_by_side(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "merged.onnx"
    result = document(
        "fibnlr",
        folder / "model.onnx",
        "--data",
        folder / "data.npz",
        "--ablation-threshold",
        "1000",
        "--merge",
        "--out",
        out,
    )
    assert result["out"]["verified"]
    assert any("edge" in pair["reason"] for pair in result["merge"]["refused"])
    options = ["--merge", "--merge-policy", "always", "--merge-border", "approximate"]
    result = document(
        "fibnlr",
        folder / "model.onnx",
        "--data",
        folder / "data.npz",
        "--ablation-threshold",
        "1000",
        *options,
    )
    assert result["merge"]["merged"][0]["nodes"] == ["conv1", "relu1", "conv2"]
    assert result["merge"]["error"] > 0.0


def test_pfa_recommends_writes_and_draws(folder: Path, tmp_path: Path) -> None:
    out, chart, kept = tmp_path / "recipes.json", tmp_path / "chart.png", tmp_path / "statistics.npz"
    command = (
        "pfa",
        folder / "model.onnx",
        "--data",
        folder / "data.npz",
        "--strategy",
        "energy",
        "--threshold",
        "0.8",
    )
    done = aidge(
        *command, "--unit-strategy", "absmax", "--out", out, "--statistics", kept, "--pooling", "average"
    )
    assert "2 layers" in done.stdout
    assert f"wrote {out}" in done.stderr
    assert f"wrote {kept}" in done.stderr
    written = json.loads(out.read_text("utf-8"))
    assert list(written["recipes"]) == ["conv1", "conv2"]
    recipe = written["recipes"]["conv1"]
    assert (
        len(recipe["units_to_keep"])
        == recipe["recommended_output_count"]
        <= recipe["original_output_count"]
        == 6
    )
    assert recipe["diagnostics"]["kept_energy"] >= 0.8
    assert "AbsMax" in written["unit_strategy"]

    from aidge_compress.pfa import PFA

    again = PFA.load(kept).get_recipe(
        strategy=PFA.Strategy.Energy(0.8), unit_strategy=PFA.UnitSelectionStrategy.AbsMax()
    )
    assert {name: entry.to_dict() for name, entry in again.items()} == written["recipes"]
    assert {path.name for path in tmp_path.iterdir()} == {"recipes.json", "statistics.npz"}
    pytest.importorskip("matplotlib")
    report = document(
        *command[:4], "--chart", chart, "--layers", "conv2", "--strategy", "size", "--size", "0.5"
    )
    assert list(report["recipes"]) == ["conv2"]
    assert chart.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["inspect", "missing.onnx"], "missing.onnx"),
        (["fibnlr", "{folder}/model.onnx", "--data", "missing.npz"], "missing.npz"),
        (["fibnlr", "{folder}/model.onnx", "--data", "{folder}/model.onnx"], "expected a .npz"),
        (["inspect", "{folder}/data.npz"], "ONNX"),
        (["inspect", "{folder}/model.onnx", "--dims", "a,b"], "positive integers"),
        (["inspect", "{folder}/model.onnx", "--dims", "1,5,8,8"], "image"),
        (
            ["fibnlr", "{folder}/model.onnx", "--data", "{folder}/data.npz", "--ablation-threshold", "-1"],
            "threshold",
        ),
        (["fibnlr", "{folder}/model.onnx", "--data", "{folder}/data.npz", "--group", "manual"], "relu1"),
        (
            ["pfa", "{folder}/model.onnx", "--data", "{folder}/data.npz", "--threshold", "0.5"],
            "no --energy with",
        ),
        (["pfa", "{folder}/model.onnx", "--data", "{folder}/data.npz", "--layers", "conv9"], "conv9"),
        (
            ["pfa", "{folder}/model.onnx", "--data", "{folder}/data.npz", "--chart", "{folder}/no/a.png"],
            "no such folder",
        ),
        (
            ["fibnlr", "{folder}/model.onnx", "--data", "{folder}/data.npz", "--out", "{folder}/no/out.onnx"],
            "no such folder",
        ),
        (
            ["fibnlr", "{folder}/model.onnx", "--data", "{folder}/data.npz", "--out", "{folder}"],
            "expected the name of a file to write, got a folder",
        ),
        (
            ["fibnlr", "{folder}/model.onnx", "--data", "{folder}/data.npz", "--out", os.devnull],
            "expected the name of a file to write",
        ),
        (
            ["eval", "{folder}/model.onnx", "--data", "{folder}/data.npz", "--mean", "0.4,x"],
            "expected a number per channel, such as 0.485,0.456,0.406, got 0.4,x",
        ),
    ],
)
def test_bad_input_ends_in_one_message_and_exit_code_2(
    folder: Path, arguments: list[str], message: str
) -> None:
    done = aidge(*(argument.format(folder=folder) for argument in arguments), expect=2)
    assert message in done.stderr
    assert "error" in done.stderr.lower()


def test_help_names_every_command() -> None:
    text = aidge("--help").stdout
    assert all(command in text for command in ("inspect", "fibnlr", "merge", "pfa", "eval", "demo"))
    assert "aidge-compress" in aidge("--version").stdout


def test_a_process_ends_with_the_exit_code_and_without_a_traceback(folder: Path) -> None:
    done = process("inspect", folder / "model.onnx")
    assert done.returncode == 0, done.stderr
    assert "2 ReLU" in done.stdout
    done = process("inspect", "missing.onnx")
    assert done.returncode == 2
    assert "missing.onnx" in done.stderr
    assert "Traceback" not in done.stderr
