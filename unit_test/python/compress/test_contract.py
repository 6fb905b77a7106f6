"""One contract: a verb per task that takes a network in any form, leaves it as it is, and returns a result of one shape."""

from __future__ import annotations

import importlib.util
import json
import re
from dataclasses import FrozenInstanceError, asdict, fields
from pathlib import Path
from typing import Any, get_type_hints

import aidge_compress as ac
import aidge_core
import numpy as np
import onnx
import pytest
from aidge_compress.channels.allocate import ALLOCATIONS, SELECTIONS
from aidge_compress.options import changed, choice, choices_of, describe
from aidge_compress.sweeps.state import model_key
from helpers.paths import ROOT
from helpers.reporting import make_data, make_network

DOCS = ROOT / "docs"
OPTIONS = (ac.FibnlrOptions, ac.MergeOptions, ac.PfaOptions, ac.CompressOptions, ac.RecoverOptions)
VERBS: dict[str, Any] = {
    "prune_activations": lambda model, data: ac.prune_activations(
        model, data, ablation_threshold=0.2, ablation_method="remove", evaluation=data
    ),
    "merge_layers": lambda model, data: ac.merge_layers(
        model, policy="always", repeats=0, dims=[[8, 3, 12, 12]], data=data, evaluation=data
    ),
    "recommend_channels": lambda model, data: ac.recommend_channels(
        model, data, strategy="energy", energy=0.8
    ),
    "compress": lambda model, data: ac.compress(
        model, data, keep_macs=0.7, min_channels=2, latency=False, evaluation=data
    ),
    "sweep": lambda model, data: ac.sweep(
        model, data, data, compress=ac.CompressGrid(keep_macs=(0.8,)), latency=False
    ),
}


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_network(tmp_path_factory.mktemp("contract") / "model.onnx")


@pytest.fixture(scope="module")
def data(path: Path) -> str:
    return str(make_data(path.with_name("data.npz")))


@pytest.fixture(scope="module")
def results(path: Path, data: str) -> dict[str, Any]:
    return {name: verb(path, data) for name, verb in VERBS.items()}


def forms(path: Path) -> dict[str, Any]:
    """The same network in every form."""
    compiled = ac.load_onnx(path)
    compiled.compile("cpu", dims=[[8, 3, 12, 12]])
    return {
        "path": path,
        "text": str(path),
        "bytes": path.read_bytes(),
        "proto": onnx.load(path),
        "graph": ac.load_onnx(path),
        "compiled": compiled,
    }


def state(model: Any) -> Any:
    if isinstance(model, aidge_core.GraphView):
        return model_key(model), model.is_compiled, model.is_compiled and model.compiled_dims
    if isinstance(model, onnx.ModelProto):
        return model.SerializeToString(deterministic=True)
    return model.read_bytes() if isinstance(model, Path) else model


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_takes_a_network_in_any_form_and_leaves_it_as_it_is(
    path: Path, data: str, results: dict[str, Any], verb: str
) -> None:
    with np.load(data) as archive:
        batches = [
            list(pair)
            for pair in zip(
                archive["image"].reshape(6, 8, 3, 12, 12), archive["label"].reshape(6, 8), strict=True
            )
        ]
    for form, model in forms(path).items():
        before = state(model)
        result = VERBS[verb](model, batches)
        assert state(model) == before, form
        macs = result.after.macs / result.before.macs if result.after is not None else 0.0
        expected = results[verb].after
        assert macs == (expected.macs / results[verb].before.macs if expected is not None else 0.0), form


@pytest.mark.parametrize("verb", VERBS)
def test_every_result_has_the_same_shape(results: dict[str, Any], verb: str, tmp_path: Path) -> None:
    result = results[verb]
    assert isinstance(result, ac.Result)
    assert isinstance(result.before, ac.Costs)
    assert isinstance(result.model, aidge_core.GraphView)
    assert result.options is not None
    assert dict(result.parameters)
    document = result.to_dict()
    json.dumps(document, default=str)
    if verb != "sweep":
        assert {"before", "after", "options"} <= set(document)
    lines = str(result).splitlines()
    assert lines[0].startswith(f"{type(result).__name__}: ")
    assert max(map(len, lines)) < 200
    assert len(lines) <= 6
    assert repr(result) == f"<{lines[0]}>"
    assert isinstance(result.notes(), dict)
    result.report(tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text("utf-8").startswith("<!DOCTYPE html>")


@pytest.mark.parametrize("verb", ["prune_activations", "merge_layers", "compress"])
def test_a_result_says_how_good_it_is_and_saves_a_verified_file(
    results: dict[str, Any], verb: str, tmp_path: Path
) -> None:
    result = results[verb]
    assert result.quality.samples == 48
    assert result.quality.metric == "top1"
    assert result.quality.figure.before == result.quality.original_accuracy
    assert result.quality.figure.after == result.quality.accuracy
    assert 0.0 <= result.quality.agreement <= 1.0
    assert "accuracy" in str(result)
    verification = result.save(tmp_path / "out.onnx")
    assert verification.passed
    written = onnx.load(tmp_path / "out.onnx")
    told = {node.doc_string for node in written.graph.node}
    assert (told - {""}) <= set(result.notes().values())
    assert ac.inspect(tmp_path / "out.onnx", result.model.compiled_dims).macs == (
        result.after.macs * (1 if verb != "compress" else result.model.compiled_dims[0][0])
    )


def test_a_file_that_computes_something_else_is_not_left_behind(
    results: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = [np.full((1, 5), 7.0, np.float32)]
    monkeypatch.setattr("aidge_compress.measure.verify._run_file", lambda *_: ("another engine", wrong))
    with pytest.raises(
        ac.VerificationError, match="other outputs than the network in memory by another engine"
    ):
        results["compress"].save(tmp_path / "out.onnx")
    assert list(tmp_path.iterdir()) == []


def test_recommendations_and_sweeps_save_what_they_found(results: dict[str, Any], tmp_path: Path) -> None:
    for verb in ("recommend_channels", "sweep"):
        results[verb].save(tmp_path / f"{verb}.json")
        json.loads((tmp_path / f"{verb}.json").read_text("utf-8"))
    recommended = results["recommend_channels"]
    assert recommended.after.macs < recommended.before.macs
    assert recommended.options.energy == 0.8


def test_arrays_with_labels_are_data(path: Path, data: str) -> None:
    with np.load(data) as archive:
        images, labels = archive["image"], archive["label"]
    expected = ac.evaluate(path, data)
    assert ac.evaluate(path, (images, labels)) == expected
    assert ac.evaluate(path, (images, labels.astype(np.uint8))) == expected
    assert ac.prune_activations(path, (images, labels)).rows == ac.prune_activations(path, images).rows
    halves = (images[:24], images[24:])  # two batches, not images and labels
    assert ac.evaluate(path, halves) == ac.evaluate(path, images)


def test_the_verbs_that_look_take_the_same_forms(path: Path, data: str) -> None:
    for form, model in forms(path).items():
        before = state(model)
        assert ac.inspect(model, [[8, 3, 12, 12]]).macs > 0, form
        found = ac.evaluate(model, data, reference=path)
        assert (found.samples, found.labelled, found.agreement) == (48, 48, 1.0), form
        profile = ac.profile(model, dims=[[2, 3, 12, 12]], passes=1)
        assert profile.dims == ((2, 3, 12, 12),)
        assert state(model) == before, form
    assert str(found).startswith("accuracy ")
    assert found.to_frame()["accuracy"].tolist() == [found.accuracy]
    assert "MACs" in str(profile)
    assert "parameters" in str(ac.inspect(path))


def test_costs_count_bytes_and_keep_the_shapes_of_a_compiled_network(path: Path) -> None:
    model = forms(path)["compiled"]
    costs = ac.Costs(0, 0)
    from aidge_compress.network.costs import costs_of

    costs = costs_of(model, [[1, 3, 12, 12]])
    assert costs.bytes == 4 * costs.parameters
    assert model.get_node("relu1").get_operator().get_output(0).dims[0] == 8


def test_what_is_no_network_is_refused(data: str) -> None:
    for verb in VERBS.values():
        with pytest.raises(TypeError, match=r"expected the path or the bytes of an ONNX file, .*got int"):
            verb(3, data)
    with pytest.raises(TypeError, match="got int"):
        ac.inspect(3)


@pytest.mark.slow
@pytest.mark.torch
def test_a_torch_module_is_taken_with_its_data() -> None:
    import torch

    module = torch.nn.Sequential(
        torch.nn.Conv2d(1, 8, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(288, 3)
    )
    images = np.random.default_rng(0).standard_normal((32, 1, 8, 8)).astype(np.float32)
    batches = [[images[:16]], [images[16:]]]
    result = ac.compress(module, batches, keep_macs=0.6, min_channels=2, latency=False)
    assert result.after.macs <= 0.6 * result.before.macs
    assert ac.prune_activations(module, batches).rows
    with pytest.raises(ValueError, match=r"expected dims or data from which to take example inputs"):
        ac.inspect(module)
    by_dims = ac.inspect(module, [[1, 1, 8, 8]])
    assert by_dims == ac.inspect(module, [[1, 1, 8, 8]], data=images)
    assert ac.profile(module, dims=[[2, 1, 8, 8]], passes=1).dims == ((2, 1, 8, 8),)
    assert ac.profile(module, images[:4], passes=1).macs == 4 * by_dims.macs


# --- options ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", OPTIONS)
def test_options_say_everything_about_themselves(kind: Any) -> None:
    options = kind()
    with pytest.raises(FrozenInstanceError):
        setattr(options, fields(kind)[0].name, None)
    infos = describe(kind)
    assert [info.name for info in infos] == [entry.name for entry in fields(kind)]
    for info in infos:
        assert info.help
        assert not info.help.endswith(".")
        assert info.kind in (bool, int, float, str, tuple) or info.name == "group_assignments"
        assert not info.choices or info.default in info.choices
        if info.choices:
            name = f"{info.name} as one of"
            with pytest.raises(
                ValueError, match=f"expected {name} {', '.join(info.choices)}, got 'nonsense'"
            ):
                changed(options, {info.name: "nonsense"}, "test")
        if info.kind is float:
            for value in (float("inf"), -float("inf"), float("nan")):
                with pytest.raises(ValueError, match=f"expected {info.name} as a finite number, got {value}"):
                    changed(options, {info.name: value}, "test")
        if info.least is not None:
            with pytest.raises(ValueError, match=f"expected {info.name} "):
                changed(options, {info.name: info.least - 1}, "test")
            with pytest.raises(TypeError, match=f"expected {info.name} to be a number"):
                changed(options, {info.name: "3"}, "test")
    with pytest.raises(TypeError, match=rf"\[test\] expected options among {infos[0].name}, .*got polcy"):
        changed(options, {"polcy": 1}, "test")


@pytest.mark.parametrize("said", ["abs_max", "abs-max", "AbsMax", "ABSMAX", "pfa_abs_max"])
def test_a_choice_has_one_spelling_and_is_understood_in_others(said: str) -> None:
    assert ac.PfaOptions(unit_strategy=said).unit_strategy == "abs_max"
    assert ac.CompressOptions(selection=said).selection == "abs_max"
    assert choice(said, ("l1_max", "abs_max"), "here", "x") == "abs_max"


def test_no_default_is_said_twice() -> None:
    assert ac.FibnlrOptions().parameters() == aidge_core.fibnlr_Parameters()
    assert ac.FibnlrOptions.preset("paper").parameters() == aidge_core.fibnlr_Parameters.paper()
    assert ac.FibnlrOptions.of(aidge_core.fibnlr_Parameters.none()) == ac.FibnlrOptions.preset("none")
    signature = (aidge_core.fuse_convolution.__doc__ or "").splitlines()[0]
    for name, value in asdict(ac.MergeOptions()).items():
        assert re.search(rf"\b{name}: .*? = {value!r}", signature), name
    assert choices_of(ac.CompressOptions, "allocation") == ALLOCATIONS
    assert choices_of(ac.CompressOptions, "selection") == SELECTIONS
    assert get_type_hints(ac.CompressOptions)["latency"] is bool


def test_the_former_words_for_the_budget_still_work(path: Path, data: str) -> None:
    options = {"min_channels": 2, "latency": False}
    old = ac.compress(path, data, target=0.7, **options)
    new = ac.compress(path, data, keep_macs=0.7, **options)
    assert model_key(old.model) == model_key(new.model)
    assert old.options == new.options == ac.CompressOptions(keep_macs=0.7, min_channels=2, latency=False)
    both = ac.compress(path, data, target={"macs": 0.8, "parameters": 0.8}, **options)
    assert (both.options.keep_macs, both.options.keep_parameters) == (0.8, 0.8)
    assert tuple(ac.CompressGrid(targets=(0.5,)).keep_macs) == (0.5,)
    given = ac.compress(path, data, ac.CompressOptions(keep_macs=0.7, latency=False), min_channels=2)
    assert model_key(given.model) == model_key(new.model)


def test_wrong_settings_of_a_sweep_are_found_before_any_pass(path: Path) -> None:
    class Unread:
        def __iter__(self) -> Any:
            raise AssertionError("read")

    model = forms(path)["compiled"]
    for grids in (
        {"pfa": ac.PfaGrid(unit_strategies=("best",))},
        {"compress": ac.CompressGrid(keep_macs=(1.5,))},
        {"compress": ac.CompressGrid(allocations=("best",))},
        {"fibnlr": ac.FibnlrGrid(normalizations=("best",))},
    ):
        with pytest.raises(ValueError, match=r"\[sweep::grid\]|options\]"):
            ac.sweep(model, Unread(), Unread(), **grids)


def test_the_tables_of_options_in_the_documentation_are_fresh() -> None:
    found = importlib.util.spec_from_file_location("option_tables", DOCS / "site" / "options.py")
    assert found is not None
    assert found.loader is not None
    tables = importlib.util.module_from_spec(found)
    found.loader.exec_module(tables)
    pages = {page.name: page.read_text("utf-8") for page in DOCS.glob("*.md")}
    assert {name for name, text in pages.items() if tables.fresh(text) != text} == set()
    told = {
        kind.__name__
        for kind in OPTIONS
        if any(f"<!-- options: {kind.__name__} -->" in text for text in pages.values())
    }
    assert told == {kind.__name__ for kind in OPTIONS}
    assert tables.fresh("<!-- options: MergeOptions -->\nold\n<!-- end -->").count("|") > 20


def test_nothing_to_merge_and_a_single_decision_are_said_in_words(
    path: Path, data: str, results: dict[str, Any]
) -> None:
    again = ac.merge_layers(results["merge_layers"].model, repeats=0)
    assert str(again).splitlines()[0] == "MergeResult: no layers to merge"
    assert "1 setting, 1 different decision," in str(results["sweep"])
