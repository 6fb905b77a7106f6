"""Recovery: a smaller network learns what the one that it came from gives, and is never worse than before."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aidge_compress
import aidge_core
import aidge_onnx
import numpy as np
import pytest
from aidge_compress import RecoverOptions, Stopped, recover
from helpers.commands import aidge
from helpers.low_rank import images, residual_network

torch: Any = pytest.importorskip("torch")
pytestmark = [pytest.mark.torch]

COUNT = 96
QUICK = {"epochs": 3, "minutes": None, "batch": 16, "learning_rate": 3e-3}


@pytest.fixture(autouse=True)
def _one_thread() -> Any:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def original() -> Any:
    graph = residual_network()
    aidge_core.fuse_batchnorm(graph)
    return graph


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    return np.asarray(images(COUNT))


@pytest.fixture(scope="module")
def small(original: Any) -> Any:
    graph = original.clone()
    groups = [group for group in aidge_core.channel_groups(graph, dims=[[1, 3, 8, 8]]) if group.can_be_cut()]
    cut = {group.sources[0].node: list(range(group.size // 2)) for group in groups}
    aidge_core.remove_channels(graph, cut, dims=[[1, 3, 8, 8]])
    return graph


def outputs(graph: Any, x: np.ndarray) -> np.ndarray:
    graph = graph.clone()
    graph.compile("cpu", dims=[list(x.shape)])
    return np.array(aidge_core.SequentialScheduler(graph).forward(data=[x])[0])


def proto(graph: Any) -> Any:
    return aidge_onnx.to_model_proto(graph)


def test_without_labels_the_outputs_come_nearer_and_the_arguments_stay(
    small: Any, original: Any, pictures: np.ndarray
) -> None:
    before = (
        proto(small).SerializeToString(deterministic=True),
        proto(original).SerializeToString(deterministic=True),
    )
    result = recover(small, (pictures,), reference=original, **QUICK)
    assert result.improved
    assert result.quality.error < 0.8 * result.start_quality.error
    assert result.reason == "epochs"
    assert result.guides
    assert [entry.kept for entry in result.rounds].count(True) == 1
    assert result.samples + result.held_out == COUNT
    after = (
        proto(small).SerializeToString(deterministic=True),
        proto(original).SerializeToString(deterministic=True),
    )
    assert before == after
    assert result.before == result.after


def test_only_weights_change(small: Any, original: Any, pictures: np.ndarray) -> None:
    result = recover(small, (pictures,), reference=original, **QUICK)
    one, other = proto(small), proto(result.model)
    changed = [a.name for a, b in zip(one.graph.initializer, other.graph.initializer, strict=True) if a != b]
    assert changed
    for model in (one, other):
        del model.graph.initializer[:], model.graph.value_info[:]
    assert one == other


def test_the_same_seed_gives_the_same_network(small: Any, original: Any, pictures: np.ndarray) -> None:
    def trained(seed: int) -> np.ndarray:
        result = recover(small, (pictures,), reference=original, **{**QUICK, "epochs": 1, "seed": seed})
        return outputs(result.model, pictures[:4])

    assert np.array_equal(trained(1), trained(1))
    assert not np.array_equal(trained(1), trained(2))


def test_a_training_that_does_harm_changes_nothing(small: Any, original: Any, pictures: np.ndarray) -> None:
    result = recover(
        small, (pictures,), reference=original, **{**QUICK, "learning_rate": 1e3, "clip": 1e9, "warm_up": 0.0}
    )
    assert not result.improved
    assert result.quality == result.start_quality
    assert result.rounds[0].kept
    assert np.array_equal(outputs(result.model, pictures[:4]), outputs(small, pictures[:4]))


def test_a_network_that_is_the_reference_stays(original: Any, pictures: np.ndarray) -> None:
    result = recover(original, (pictures,), reference=original, **{**QUICK, "epochs": 1})
    assert result.quality.error <= 1e-5
    assert result.quality.agreement == 1.0


def test_labels_alone_and_beside_a_reference(small: Any, original: Any, pictures: np.ndarray) -> None:
    labels = outputs(original, pictures).reshape(COUNT, -1).argmax(1)
    result = recover(small, (pictures, labels), labels=True, **QUICK)
    assert result.quality.accuracy >= result.start_quality.accuracy
    assert result.guides == ()
    both = recover(small, (pictures, labels), reference=original, labels=True, **QUICK)
    assert both.quality.accuracy >= both.start_quality.accuracy
    assert both.quality.original_accuracy == 1.0
    assert next(row[0] for row in both.figures()) == "accuracy"


def test_time_is_a_budget_and_evaluation_data_decides(
    small: Any, original: Any, pictures: np.ndarray
) -> None:
    result = recover(
        small, (pictures[:64],), reference=original, evaluation=(pictures[64:],), minutes=0.01, augment=False, guides=0
    )  # fmt: skip
    assert result.reason == "time"
    assert (result.samples, result.held_out) == (64, 32)
    assert result.guides == ()


def test_statistics_of_batch_normalisation_stay_or_are_estimated(pictures: np.ndarray) -> None:
    graph = residual_network()

    def statistics(mode: str) -> np.ndarray:
        torch.manual_seed(0)
        result = recover(
            graph,
            (pictures, np.arange(COUNT) % 3),
            labels=True,
            **{**QUICK, "batch_norm": mode, "held_out": 0.5, "epochs": 6},
        )
        assert result.improved
        norm = result.model.get_node("norm")
        return np.array(norm.get_parent(3).get_operator().get_output(0))

    before = np.array(graph.get_node("norm").get_parent(3).get_operator().get_output(0))
    assert np.array_equal(statistics("frozen"), before)
    assert not np.array_equal(statistics("estimated"), before)


class _Press:
    """Ctrl-C, or a refusal, at the n-th step of the training."""

    def __init__(self, at: int, interrupt: bool) -> None:
        self.at, self.interrupt, self.seen = at, interrupt, [""]

    def __call__(self, stage: str, done: int, total: int) -> bool:
        self.seen.append(stage)
        count = sum(entry.startswith("training") for entry in self.seen)
        if stage.startswith("training") and count == self.at:
            if self.interrupt:
                raise KeyboardInterrupt
            return False
        return True


def test_an_interrupt_keeps_the_best_and_false_stops(small: Any, original: Any, pictures: np.ndarray) -> None:
    press = _Press(8, interrupt=True)
    result = recover(small, (pictures,), reference=original, progress=press, **QUICK)
    assert result.reason == "interrupted"
    assert result.quality.error <= result.start_quality.error
    assert "loss" in press.seen[-2]
    with pytest.raises(Stopped):
        recover(small, (pictures,), reference=original, progress=_Press(3, interrupt=False), **QUICK)


def test_a_run_goes_on_from_its_state(
    small: Any, original: Any, pictures: np.ndarray, tmp_path: Path
) -> None:
    state = tmp_path / "run.pt"
    first = recover(small, (pictures,), reference=original, state=state, **{**QUICK, "epochs": 1})
    more = recover(small, (pictures,), reference=original, state=state, **QUICK)
    assert len(more.rounds) == 4
    assert more.rounds[1].error == pytest.approx(first.rounds[1].error)
    with pytest.raises(ValueError, match="other options"):
        recover(small, (pictures,), reference=original, state=state, **{**QUICK, "seed": 5})
    state.write_bytes(b"no state")
    with pytest.raises(ValueError, match="state of a run"):
        recover(small, (pictures,), reference=original, state=state, **QUICK)


def test_mistakes_are_named(small: Any, original: Any, pictures: np.ndarray) -> None:
    with pytest.raises(ValueError, match="reference network, or labels"):
        recover(small, (pictures,), **QUICK)
    with pytest.raises(ValueError, match="data with labels"):
        recover(small, (pictures,), labels=True, **QUICK)
    with pytest.raises(ValueError, match="at least 2 samples"):
        recover(small, (pictures[:1],), reference=original, **QUICK)
    with pytest.raises(ValueError, match="finite"):
        recover(small, (np.full_like(pictures, np.nan),), reference=original, **QUICK)
    with pytest.raises(ValueError, match="minutes or epochs"):
        RecoverOptions(minutes=None)
    with pytest.raises(TypeError, match="learning"):
        recover(small, (pictures,), reference=original, learning=1)


def test_without_pytorch_a_sentence_says_what_to_install(
    small: Any, pictures: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    from aidge_onnx.torch import writing

    monkeypatch.setattr(writing, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"aidge-compress\[torch\]"):
        recover(small, (pictures,), reference=small, **QUICK)


def test_the_command_trains_writes_and_reports(
    small: Any, original: Any, pictures: np.ndarray, tmp_path: Path
) -> None:
    for name, graph in (("model.onnx", original), ("small.onnx", small)):
        aidge_onnx.export_onnx(graph, tmp_path / name)
    np.savez(tmp_path / "data.npz", x=pictures, labels=np.arange(COUNT) % 3)
    options = ["--reference", "model.onnx", "--data", "data.npz", "--epochs", 2, "--train-batch", 16]
    done = aidge(
        "recover", "small.onnx", *options, "--out", "better.onnx", "--report", "r.html", folder=tmp_path
    ).stdout
    assert "after training" in done
    assert "wrote better.onnx" in done
    assert (tmp_path / "r.html").read_text().count("after the recipe")
    document = json.loads(
        aidge("recover", "small.onnx", *options, "--json", "--no-augment", folder=tmp_path).stdout
    )
    assert document["quality"]["error"] <= document["start_quality"]["error"]
    assert document["options"]["augment"] is False
    assert aidge_compress.evaluate(tmp_path / "better.onnx", (pictures,)).samples == COUNT


@pytest.mark.parametrize("command", ["compress", "fibnlr", "merge"])
def test_other_commands_train_before_they_write(
    command: str, original: Any, pictures: np.ndarray, tmp_path: Path
) -> None:
    aidge_onnx.export_onnx(original, tmp_path / "model.onnx")
    np.savez(tmp_path / "data.npz", x=pictures)
    options = ["--data", "data.npz", "--recover", 0.01, "--out", "better.onnx", "--report", "r.html"]
    options += {
        "compress": ["--keep-macs", 0.6, "--no-timing"],
        "fibnlr": ["--ablation-threshold", 0.5],
        "merge": [],
    }[command]
    done = aidge(command, "model.onnx", *options, folder=tmp_path).stdout
    assert "after recipe" in done
    assert "wrote better.onnx" in done
    assert "after the recipe and after training" in (tmp_path / "r.html").read_text()
    document = json.loads(aidge(command, "model.onnx", *options, "--json", folder=tmp_path).stdout)
    assert document["recovery"]["quality"]["error"] <= document["recovery"]["start_quality"]["error"]


def test_recover_without_data_is_refused_before_any_work(original: Any, tmp_path: Path) -> None:
    aidge_onnx.export_onnx(original, tmp_path / "model.onnx")
    done = aidge("merge", "model.onnx", "--recover", 1, expect=2, folder=tmp_path)
    assert "--data" in done.stderr
    done = aidge("merge", "model.onnx", "--data", "d.npz", "--recover", -1, expect=2, folder=tmp_path)
    assert "minutes" in done.stderr


def test_activations_go_step_by_step_until_the_loss_is_too_large(original: Any, pictures: np.ndarray) -> None:
    every = aidge_compress.prune_step_by_step(original, (pictures,), until_drop=1.0, **QUICK)
    assert len(every.removed) == 4
    assert all(step.kept for step in every.steps)
    assert every.quality is not None
    none = aidge_compress.prune_step_by_step(
        original, (pictures,), until_drop=0.0, **{**QUICK, "learning_rate": 1e-9}
    )
    assert len(none.removed) < 4
    assert not none.steps[-1].kept
    assert none.steps[-1].drop > 0
    with pytest.raises(ValueError, match="until_drop"):
        aidge_compress.prune_step_by_step(original, (pictures,), until_drop=-1)


def test_the_command_removes_step_by_step(original: Any, pictures: np.ndarray, tmp_path: Path) -> None:
    aidge_onnx.export_onnx(original, tmp_path / "model.onnx")
    np.savez(tmp_path / "data.npz", x=pictures)
    options = ["--data", "data.npz", "--until-drop", 0.5, "--recover", 0.005]
    done = aidge(
        "fibnlr", "model.onnx", *options, "--out", "out.onnx", "--report", "r.html", folder=tmp_path
    ).stdout
    assert "after recipe" in done
    assert "wrote out.onnx" in done
    assert "over removed activations" in (tmp_path / "r.html").read_text()
    assert json.loads(aidge("fibnlr", "model.onnx", *options, "--json", folder=tmp_path).stdout)["steps"]
    aidge("fibnlr", "model.onnx", "--data", "data.npz", "--until-drop", 0.1, expect=2, folder=tmp_path)
