"""One protocol of progress, in which False stops, and exceptions that tell cases apart."""

from __future__ import annotations

from typing import Any

import aidge_compress
import aidge_core
import numpy as np
import pytest
from aidge_compress import Stopped, UnreachableTarget
from aidge_compress.numbers import counted, shown
from aidge_core.data import from_arrays
from helpers.low_rank import images, residual_network


def calibration(count: int = 64) -> Any:
    return from_arrays(images(count), batch_size=16)


@pytest.fixture(scope="module")
def network() -> aidge_core.GraphView:
    graph = residual_network()
    graph.compile("cpu", dims=[[16, 3, 8, 8]])
    return graph


@pytest.mark.parametrize("at", [0, 3, 12])
def test_compress_stops_when_progress_returns_false(network: aidge_core.GraphView, at: int) -> None:
    calls: list[tuple[str, int, int]] = []

    def progress(stage: str, done: int, total: int) -> bool:
        calls.append((stage, done, total))
        return len(calls) <= at

    before = str(network.get_ordered_nodes())
    with pytest.raises(Stopped, match=r"stopped by the progress function: \w+"):
        aidge_compress.compress(network, calibration(), target=0.7, progress=progress)
    assert len(calls) == at + 1
    assert str(network.get_ordered_nodes()) == before


def test_compensation_stops_within_its_layers(network: aidge_core.GraphView) -> None:
    steps: list[int] = []

    def progress(stage: str, done: int, total: int) -> bool | None:
        if stage == "compensate" and total > 1:
            steps.append(done)
            return False
        return None

    with pytest.raises(Stopped, match="compensate"):
        aidge_compress.compress(network, calibration(), target=0.7, progress=progress)
    assert len(steps) == 1


def test_a_sweep_stops_and_goes_on_from_its_state(network: aidge_core.GraphView, tmp_path: Any) -> None:
    data = list(calibration())
    grid = aidge_compress.CompressGrid(targets=(0.8, 0.6))
    options = {"compress": grid, "latency": False, "state": tmp_path / "state.json", "identity": "same"}
    judged: list[int] = []

    def progress(stage: str, done: int, total: int) -> bool:
        judged.extend([done] if stage == "judging" else [])
        return not (stage == "judging" and done == 1)

    with pytest.raises(Stopped):
        aidge_compress.sweep(network, data, data, progress=progress, **options)
    assert judged == [0, 1]
    assert aidge_compress.sweep(network, data, data, **options).evaluated == 1  # the other one was known


def test_a_target_out_of_reach_says_what_can_be_reached(network: aidge_core.GraphView) -> None:
    with pytest.raises(UnreachableTarget, match="expected a target that can be reached") as caught:
        aidge_compress.compress(network, calibration(), target=0.001, latency=False)
    assert isinstance(caught.value, ValueError)
    assert 0.001 < caught.value.least["macs"] < 1.0


def test_one_pass_finds_the_quality_before_and_after(network: aidge_core.GraphView) -> None:
    pictures = images(40)
    labels = np.arange(40) % 5
    passes: list[int] = []

    class Counting:
        def __iter__(self) -> Any:
            passes.append(1)
            return iter(from_arrays(pictures, labels, batch_size=16))

    result = aidge_compress.compress(
        network, from_arrays(pictures, batch_size=16), target=0.7, evaluation=Counting(), latency=False
    )
    assert len(passes) == 3  # a batch to choose the metric by, before least squares, and in the end
    original = aidge_compress.evaluate_model(network, from_arrays(pictures, labels, batch_size=16))
    assert result.quality.original_accuracy == pytest.approx(original.accuracy)
    assert result.quality.metric == "top1"
    assert result.drop == pytest.approx(result.original_quality.accuracy - result.quality.accuracy)


def test_figures_read_well() -> None:
    assert [shown(12_345_678, "count"), shown(0.9941, "share"), shown(None, "count")] == [
        "12.35 M",
        "99.41 %",
        "–",
    ]
    assert [counted(1, "pass"), counted(2, "pass"), counted(0, "sample")] == [
        "1 pass",
        "2 passes",
        "0 samples",
    ]
