"""Measuring on several processes: the numbers of one process, whatever the partitioning and whatever fails."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import aidge_backend_cpu
import aidge_core
import aidge_onnx
import numpy as np
import pytest
from aidge_compress.demo import NETWORK
from aidge_compress.pfa import PFA
from aidge_core.data import DataProvider, from_arrays, from_image_folder, from_npz

pytest.importorskip("distributed")
import cloudpickle
from aidge_compress import Stopped, distributed

pytestmark = pytest.mark.slow

cloudpickle.register_pickle_by_value(sys.modules[__name__])

RTOL = 1e-12
MODEL = NETWORK
BATCH = 20
IMAGES = np.random.default_rng(0).random((260, 1, 28, 28), dtype=np.float32)
PROVIDER = from_arrays(IMAGES, batch_size=BATCH)
EXACT = aidge_core.fibnlr_Parameters(convergence_threshold=0.0)


def network() -> aidge_core.GraphView:
    model = aidge_onnx.load_onnx(MODEL)
    model.compile("cpu", dims=[[BATCH, 1, 28, 28]])
    return model


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    before = aidge_backend_cpu.get_num_threads()
    aidge_backend_cpu.set_num_threads(1)
    with distributed.connect(workers=2) as connected:
        yield connected
    aidge_backend_cpu.set_num_threads(before)


def attributes(model: aidge_core.GraphView) -> list[tuple[str, float, float, list[bool], float]]:
    return [
        (
            node.name(),
            aidge_core.fibnlr_get_npr(node).neg,
            aidge_core.fibnlr_get_npr(node).pos,
            aidge_core.fibnlr_get_activity_tracker(node).neurons,
            aidge_core.fibnlr_get_nnpr(node).value,
        )
        for node in model.get_ordered_nodes(deep=True)
        if aidge_core.fibnlr_has_npr(node)
    ]


def assert_same_fibnlr(
    parts: Any, client: Any, params: aidge_core.fibnlr_Parameters | None = None, passes: int = 1
) -> aidge_core.fibnlr_Convergence:
    """One process over the chained partitions and the cluster agree."""
    here, there = network(), network()
    for model in (here, there):
        aidge_core.fibnlr_prepare(model, params)
    for _ in range(passes):
        expected = aidge_core.fibnlr_compute(here, distributed.Chain(parts), params)
        found = distributed.fibnlr_compute(there, parts, params, client=client)
    assert (found.iterations, found.samples, found.reason, found.converged) == (
        expected.iterations,
        expected.samples,
        expected.reason,
        expected.converged,
    )
    np.testing.assert_allclose(found.values, expected.values, rtol=1e-8, atol=1e-24)  # squares of differences
    for mine, theirs in zip(attributes(there), attributes(here), strict=True):
        assert (mine[0], mine[3]) == (theirs[0], theirs[3])
        np.testing.assert_allclose([*mine[1:3], mine[4]], [*theirs[1:3], theirs[4]], rtol=RTOL)
    return found


def assert_same_pfa(found: PFA, expected: PFA) -> None:
    assert list(found.layers) == list(expected.layers)
    for name, layer in expected.layers.items():
        matrix = layer.covariances
        np.testing.assert_allclose(found.layers[name].covariances, matrix, rtol=0, atol=RTOL * matrix.max())
    assert [recipe.units_to_keep for recipe in found.get_recipe().values()] == [
        recipe.units_to_keep for recipe in expected.get_recipe().values()
    ]


# --- the same numbers ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batches", [1, 3, 100])
def test_fibnlr_over_partitions_is_fibnlr_in_one_process(client: Any, batches: int) -> None:
    parts = distributed.split(PROVIDER, batches=batches)
    assert len(parts) == -(-13 // batches)

    assert assert_same_fibnlr(parts, client, EXACT).reason == "out_of_data"


@pytest.mark.parametrize("batches", [1, 4, 100])
@pytest.mark.parametrize(
    ("settings", "reason"),
    [({"max_iteration": 6}, "max_iteration"), ({"convergence_threshold": 2e-5}, "converged")],
)
def test_the_early_stop_does_not_depend_on_the_partitions(
    client: Any, batches: int, settings: dict[str, Any], reason: str
) -> None:
    # From batch 7 on, other channels light up: what lies behind the stop must leave no trace.
    images = IMAGES.copy()
    images[7 * BATCH :] = 1 - 3 * images[7 * BATCH :]
    parts = distributed.split(from_arrays(images, batch_size=BATCH), batches=batches)
    params = aidge_core.fibnlr_Parameters(**settings)
    found = assert_same_fibnlr(parts, client, params)
    assert found.reason == reason
    assert 2 <= found.iterations < 13


def test_manual_groups_and_other_types_reach_the_workers(client: Any) -> None:
    names = [node.name() for node in network().get_ordered_nodes() if node.type() == "ReLU"]
    params = aidge_core.fibnlr_Parameters(
        group=aidge_core.GroupMethod.MANUAL,
        group_assignments={name: index % 2 for index, name in enumerate(names)},
        prunable_types=["ReLU"],
    )
    assert_same_fibnlr(distributed.split(PROVIDER), client, params)


def test_a_second_compute_goes_on_from_the_first(client: Any) -> None:
    assert_same_fibnlr(distributed.split(PROVIDER), client, passes=2)


def test_progress_comes_in_order_and_can_stop(client: Any) -> None:
    seen: list[tuple[str, int, int]] = []

    def watch(stage: str, done: int, total: int) -> bool:
        seen.append((stage, done, total))
        return done < 5

    model = network()
    aidge_core.fibnlr_prepare(model)
    before = str(attributes(model))
    parts = distributed.split(PROVIDER, batches=2)
    with pytest.raises(Stopped, match="measuring activations, 5 of 100"):
        distributed.fibnlr_compute(model, parts, client=client, progress=watch)
    assert seen == [("measuring activations", k, 100) for k in range(1, 6)]
    assert str(attributes(model)) == before


def test_the_whole_of_fibnlr_removes_what_one_process_removes(client: Any) -> None:
    params = aidge_core.fibnlr_Parameters(normalization=aidge_core.NormalizationMethod.NONE)
    params.ablation_threshold = 0.8
    here, there = network(), network()
    expected = {node.name() for node in aidge_core.fibnlr(here, PROVIDER, params)}
    found = {
        node.name() for node in distributed.fibnlr(there, distributed.split(PROVIDER), params, client=client)
    }
    assert found == expected != set()


@pytest.mark.parametrize("batches", [1, 5, 100])
def test_covariances_over_partitions_are_those_of_one_process(client: Any, batches: int) -> None:
    expected = PFA.introspect_model(network(), PROVIDER)
    done: list[tuple[str, int, int]] = []
    parts = distributed.split(PROVIDER, batches=batches)
    found = distributed.introspect_model(
        network(), parts, client=client, progress=lambda *at: done.append(at)
    )
    assert_same_pfa(found, expected)
    assert done == [("collecting responses", k + 1, len(parts)) for k in range(len(parts))]


def test_the_same_partitions_give_the_same_bits(client: Any) -> None:
    parts = distributed.split(PROVIDER, batches=1)
    first, second = (distributed.introspect_model(network(), parts, client=client) for _ in range(2))
    for name, layer in first.layers.items():
        assert np.array_equal(layer.covariances, second.layers[name].covariances)


def test_layers_and_pooling_reach_the_workers(client: Any) -> None:
    from aidge_compress.pfa import Pooler

    layers = ["FC"] if any(node.type() == "FC" for node in network().get_ordered_nodes()) else ["Conv2D"]
    method = Pooler.Method.AVERAGE
    expected = PFA.introspect_model(network(), PROVIDER, layers, method)
    found = distributed.introspect_model(MODEL, distributed.split(PROVIDER), layers, method, client=client)
    assert_same_pfa(found, expected)


# --- partitions ------------------------------------------------------------------------------------------------------


def test_files_and_functions_are_opened_by_the_workers(client: Any, tmp_path: Path) -> None:
    np.savez(tmp_path / "images.npz", image=IMAGES)
    np.save(tmp_path / "images.npy", IMAGES)
    opener = partial(from_npz, tmp_path / "images.npz", BATCH, shuffle=True, seed=3)
    for source in (tmp_path / "images.npz", str(tmp_path / "images.npy"), opener):
        parts = distributed.split(source, batches=3, batch_size=BATCH)
        assert all(len(cloudpickle.dumps(part)) < 2_000 for part in parts)
        assert_same_fibnlr(parts, client)


def test_shards_may_be_paths_arrays_lists_and_functions(client: Any, tmp_path: Path) -> None:
    np.savez(tmp_path / "shard.npz", image=IMAGES[:20])
    batches = [IMAGES[20:28], [IMAGES[28:36]], {network().input_specs[0].name: IMAGES[36:40]}]
    parts = [tmp_path / "shard.npz", batches, IMAGES[40:60], lambda: [IMAGES[60:64]], []]
    assert assert_same_fibnlr(parts, client).samples == 64


@pytest.mark.parametrize("shuffle", [False, True])
def test_the_batches_of_a_split_are_those_of_the_first_pass(shuffle: bool) -> None:
    order = DataProvider(list(range(50)), 7, shuffle=shuffle, seed=5)  # type: ignore[arg-type]
    arrays = from_arrays(np.arange(50), batch_size=7, shuffle=shuffle, seed=5)
    for provider in (order, arrays):
        parts = distributed.split(provider, batches=3)
        again = [np.array(batch[0]).tolist() for batch in distributed.Chain(parts)]
        assert again == [np.array(batch[0]).tolist() for batch in provider]


def test_a_part_of_an_image_folder_carries_its_own_files_only(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    for label in "ab":
        (tmp_path / label).mkdir()
        for number in range(40):
            image.new("L", (4, 4), number * 6).save(tmp_path / label / f"{number:02}.png")
    provider = from_image_folder(tmp_path, 4, 8, channels=1)
    parts = distributed.split(provider, batches=1)
    assert len(cloudpickle.dumps(parts[0])) < len(cloudpickle.dumps(provider)) / 3
    for part, batch in zip(parts, provider, strict=True):
        (again,) = part
        assert all(np.array_equal(np.array(a), np.array(b)) for a, b in zip(again, batch, strict=True))


# --- failures --------------------------------------------------------------------------------------------------------


class Troubled:
    """A partition in which something happens the first `times` times that it is read, after its first batch."""

    def __init__(self, inner: Any, marks: Path, what: str, times: int = 1) -> None:
        self.inner, self.marks, self.what, self.times = inner, marks, what, times

    def __call__(self) -> Iterator[Any]:
        yield from self._batches()

    def _batches(self) -> Iterator[Any]:
        for number, batch in enumerate(self.inner):
            if number == 1:
                attempts = len(list(self.marks.iterdir()))
                if attempts < self.times:
                    (self.marks / str(attempts)).touch()
                    self._trouble()
            yield batch

    def _trouble(self) -> None:
        if self.what == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.what == "raise":
            raise OSError("the disk is on fire")
        time.sleep(1.0)

    def __repr__(self) -> str:
        return f"Troubled({self.what})"


def troubled(tmp_path: Path, what: str, position: int, times: int = 1) -> list[Any]:
    parts: list[Any] = distributed.split(PROVIDER, batches=2)
    tmp_path.mkdir(exist_ok=True)
    parts[position] = Troubled(parts[position], tmp_path, what, times)
    return parts


@pytest.mark.parametrize(("what", "position"), [("kill", 0), ("kill", 5), ("raise", 5), ("slow", 0)])
def test_nothing_is_lost_or_counted_twice_by_fibnlr(
    client: Any, tmp_path: Path, what: str, position: int
) -> None:
    parts = troubled(tmp_path / "there", what, position)
    expected, model = network(), network()
    for graph in (expected, model):
        aidge_core.fibnlr_prepare(graph)
    aidge_core.fibnlr_compute(expected, PROVIDER, EXACT)
    history = distributed.fibnlr_compute(model, parts, EXACT, client=client)
    assert history.samples == len(IMAGES)
    assert len(list((tmp_path / "there").iterdir())) == 1
    for mine, theirs in zip(attributes(model), attributes(expected), strict=True):
        np.testing.assert_allclose(mine[1:3], theirs[1:3], rtol=RTOL)
        assert mine[3] == theirs[3]


@pytest.mark.parametrize("what", ["kill", "raise", "slow"])
def test_nothing_is_lost_or_counted_twice_by_pfa(client: Any, tmp_path: Path, what: str) -> None:
    parts = troubled(tmp_path / "there", what, 5)
    found = distributed.introspect_model(network(), parts, client=client)
    assert len(list((tmp_path / "there").iterdir())) == 1
    assert_same_pfa(found, PFA.introspect_model(network(), PROVIDER))


def test_a_partition_that_always_raises_is_named_and_changes_nothing(client: Any, tmp_path: Path) -> None:
    model = network()
    aidge_core.fibnlr_prepare(model)
    before = repr(attributes(model))
    parts = troubled(tmp_path / "marks", "raise", 3, times=100)
    expected = r"\[distributed::run\] expected to measure partition 3 \(from 0: Troubled\(raise\)\), got after 3 attempts OSError: the disk"
    for run in (distributed.fibnlr_compute, distributed.introspect_model):
        with pytest.raises(distributed.PartitionError, match=expected) as caught:
            run(model, parts, client=client)
        assert caught.value.index == 3
        assert isinstance(caught.value.__cause__, OSError)
    assert repr(attributes(model)) == before
    assert len(list((tmp_path / "marks").iterdir())) == 6


def test_nan_in_a_partition_is_an_error_that_names_it(client: Any) -> None:
    bad = IMAGES[:24].copy()
    bad[20] = np.nan
    model = network()
    aidge_core.fibnlr_prepare(model)
    with pytest.raises(
        distributed.PartitionError, match=r"partition 1 .*NaN or infinity.*in batch 2 \(from 0\)"
    ):
        distributed.fibnlr_compute(model, [[IMAGES[:8]], from_arrays(bad, batch_size=8)], client=client)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([], "at least one partition, got none"),
        ("data.npz", "a list of partitions, got str"),
        (PROVIDER, "a list of partitions, got ArrayProvider"),
        ([[], []], "partitions with at least one batch, got empty ones"),
    ],
)
def test_what_is_no_list_of_partitions_is_an_error(client: Any, parts: Any, message: str) -> None:
    model = network()
    aidge_core.fibnlr_prepare(model)
    for run in (distributed.fibnlr_compute, distributed.introspect_model):
        with pytest.raises(ValueError, match=message):
            run(model, parts, client=client)


def test_a_model_that_is_not_ready_is_an_error_before_anything_runs() -> None:
    parts = distributed.split(PROVIDER)
    with pytest.raises(ValueError, match="prepare must run first"):
        distributed.fibnlr_compute(network(), parts)
    for run in (distributed.fibnlr_compute, distributed.introspect_model):
        with pytest.raises(ValueError, match="a graph that has been compiled"):
            run(aidge_onnx.load_onnx(MODEL), parts)
    with pytest.raises(ValueError, match="expected batches >= 1, got 0"):
        distributed.split(PROVIDER, batches=0)
    with pytest.raises(ValueError, match="got list: make a list of partitions"):
        distributed.split([IMAGES])
    with (
        pytest.raises(ValueError, match="a scheduler or a number of workers"),
        distributed.connect("tcp://x", workers=1),
    ):
        pass


# --- workers ---------------------------------------------------------------------------------------------------------


def test_workers_are_spawned_and_compute_with_the_threads_of_this_process(client: Any) -> None:
    client.wait_for_workers(2, timeout=60)  # some have died
    command = client.run(lambda: Path("/proc/self/cmdline").read_text())
    assert len(command) == 2
    assert all("spawn_main" in text for text in command.values())
    aidge_backend_cpu.set_num_threads(2)
    try:
        assert_same_fibnlr(distributed.split(PROVIDER, batches=3), client)
        assert set(client.run(aidge_backend_cpu.get_num_threads).values()) == {2}
    finally:
        aidge_backend_cpu.set_num_threads(1)


def test_two_clusters_live_side_by_side(client: Any) -> None:
    with distributed.connect(workers=1) as other:
        assert other.scheduler.address != client.scheduler.address


def test_a_worker_loads_a_network_once(client: Any) -> None:
    def loaded() -> list[int]:
        from aidge_compress.distributed import worker

        return [id(graph) for graph in worker._graphs.values()]

    parts = distributed.split(PROVIDER, batches=1)
    distributed.introspect_model(network(), parts, client=client)
    before = client.run(loaded)
    distributed.introspect_model(network(), parts, client=client)
    assert any(before.values())
    assert client.run(loaded) == before


def test_the_command_line_measures_with_workers_as_without(client: Any, tmp_path: Path) -> None:
    np.savez(tmp_path / "data.npz", image=IMAGES)

    def run(command: str, *arguments: str) -> Any:
        line = [command, str(MODEL), "--data", "data.npz", "--batch-size", str(BATCH), *arguments, "--json"]
        done = subprocess.run(
            [sys.executable, "-c", "from aidge_compress.cli import main; main()", *line, "--threads", "1"],
            capture_output=True, text=True, cwd=tmp_path, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    model = network()
    aidge_core.fibnlr_prepare(model)
    aidge_core.fibnlr_compute(model, PROVIDER)
    rows = run("fibnlr", "--workers", "2")["rows"]
    assert [row["nnpr"] for row in rows] == pytest.approx([row[4] for row in attributes(model)], rel=RTOL)
    expected = PFA.introspect_model(network(), PROVIDER).get_recipe()
    address = client.scheduler.address
    recipes = run("pfa", "--scheduler", address, "--tie-rule", "dnikit")["recipes"]
    assert [recipe["units_to_keep"] for recipe in recipes.values()] == [
        list(recipe.units_to_keep) for recipe in expected.values()
    ]
