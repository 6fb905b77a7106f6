"""Names and behaviour that those who come from DNIKit 2.0 and Eclipse Aidge 0.10 rely on; the right values are what their documentation and
tests say."""

from __future__ import annotations

import pickle
from pathlib import Path

import aidge_backend_cpu  # noqa: F401
import aidge_core
import aidge_onnx
import numpy as np
import onnx
import pytest
from aidge_compress.pfa import (
    PFA,
    Batch,
    Cacher,
    FieldRemover,
    MeanStdNormalizer,
    PFAEnergyDiagnostics,
    Transposer,
    as_producer,
    peek_first_batch,
    pipeline,
)
from helpers import onnx_models as om

FIELDS = {"images": np.arange(48, dtype=np.float32).reshape(2, 2, 4, 3), "labels": np.array([3, 4])}


def test_a_batch_compares_and_pickles() -> None:
    batch = Batch(FIELDS)
    assert pickle.loads(pickle.dumps(batch)) == batch == Batch(FIELDS)
    assert batch != Batch({"images": FIELDS["images"]})
    assert batch != Batch({**FIELDS, "labels": np.array([3, 5])})
    assert batch != Batch({**FIELDS, "labels": np.array([3.0, 4.0])})
    assert batch != 3
    assert Batch({"x": np.array([np.nan])}) == Batch({"x": np.array([np.nan])})


def test_stages_of_dnikit() -> None:
    producer = as_producer(FIELDS)
    (only,) = pipeline(producer, FieldRemover(fields="labels"))(2)
    assert list(only.fields) == ["images"]
    (kept,) = pipeline(producer, FieldRemover(fields=["labels"], keep=True))(2)
    assert list(kept.fields) == ["labels"]
    stages = (
        MeanStdNormalizer(mean=2.0, std=4.0, fields="images"),
        Transposer(dim=(0, 3, 1, 2), fields="images"),
    )
    (made,) = pipeline(producer, *stages)(2)
    np.testing.assert_allclose(made.fields["images"], (FIELDS["images"].transpose(0, 3, 1, 2) - 2) / 4)
    assert peek_first_batch(producer).batch_size == 1
    assert peek_first_batch(producer, 2) == Batch(FIELDS)


def test_what_would_mean_something_else_raises() -> None:
    producer = as_producer(FIELDS)
    with pytest.raises(ValueError, match="samples"):
        Transposer(dim=(1, 0))
    with pytest.raises(ValueError, match="std"):
        MeanStdNormalizer(mean=0, std=0)
    with pytest.raises(ValueError, match="expected the fields"):
        list(pipeline(producer, FieldRemover(fields="other"))(2))
    with pytest.raises(ValueError, match="at least one batch"):
        peek_first_batch(lambda _: [])
    with pytest.raises(TypeError):
        Cacher.clear()  # type: ignore[call-arg]


def test_a_cache_is_copied_and_cleared_by_its_path(tmp_path: Path) -> None:
    cacher = Cacher(tmp_path / "a" / "cache")
    stored = list(pipeline(as_producer(FIELDS), cacher)(1))
    copy = cacher.as_producer().copy_to(tmp_path / "b")
    assert list(copy(1)) == stored
    with pytest.raises(ValueError, match="without a cache"):
        cacher.as_producer().copy_to(tmp_path / "b")
    with pytest.raises(ValueError, match="another folder"):
        copy.copy_to(tmp_path / "b", overwrite=True)
    assert list(cacher.as_producer().copy_to(tmp_path / "b", overwrite=True)(2)) == [Batch(FIELDS)]
    (tmp_path / "a" / "mine").mkdir()
    Cacher.clear(tmp_path / "a")
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["mine"]
    Cacher.clear(tmp_path / "b")
    assert not (tmp_path / "b").exists()
    with pytest.raises(NotADirectoryError):
        Cacher.clear(Path(__file__))


def test_the_interpolation_of_kl_has_dnikit_s_name() -> None:
    linear = PFA.Strategy.KL.LinearInterpolation()
    assert linear(0.5, 2.0) == 0.75
    assert PFA.Strategy.KL(linear) == PFA.Strategy.KL(linear)


def test_arrays_of_a_batch_are_read_only_and_those_given_are_not() -> None:
    given = np.arange(6.0).reshape(2, 3)
    batch = Batch({"x": given})
    with pytest.raises(ValueError, match="read-only"):
        batch.fields["x"][0] = 1
    given[0, 0] = 7.0
    assert pickle.loads(pickle.dumps(batch)).fields["x"].flags.writeable is False


def test_energy_diagnostics_take_one_argument() -> None:
    assert PFAEnergyDiagnostics(0.9).total_kept_energy == 0.9


@pytest.fixture
def network(tmp_path: Path) -> Path:
    nodes = [
        onnx.helper.make_node("Conv", ["x", "k"], ["a"], "conv"),
        onnx.helper.make_node("Relu", ["a"], ["r"], "relu"),
        onnx.helper.make_node("GlobalAveragePool", ["r"], ["p"], "pool"),
        onnx.helper.make_node("Flatten", ["p"], ["f"], "flatten"),
        onnx.helper.make_node("Gemm", ["f", "w"], ["y"], "fc"),
    ]
    weights = [om.weights("k", 6, 3, 3, 3), om.weights("w", 6, 4)]
    onnx.save(om.model(nodes, weights, inputs=[om.info("x", ("N", 3, 8, 8))]), tmp_path / "net.onnx")
    return tmp_path / "net.onnx"


def test_a_filter_that_lets_the_classifier_through_is_warned_of(network: Path) -> None:
    data = om.values(16, 3, 8, 8)
    with pytest.warns(UserWarning, match="fc: the last layer with weights is analysed"):
        PFA.introspect_model(network, [data], lambda node: node.type() in ("Conv2D", "FC"))
    PFA.introspect_model(network, [data], ["conv", "fc"])  # named, so it is meant


def test_aidge_s_names_of_arguments(network: Path) -> None:
    model = aidge_onnx.load_onnx(filename=network)
    model.compile("cpu", dims=[[4, 3, 8, 8]])
    params = aidge_core.fibnlr_Parameters(ablation_threshold=9.0)
    data = [om.values(4, 3, 8, 8)]
    assert len(aidge_core.fibnlr_prepare(graph_view=model, params=params)) == 1
    assert aidge_core.fibnlr_compute(graph_view=model, provider=data, params=params).iterations == 1
    assert len(aidge_core.fibnlr_compute_NNPR(graph_view=model)) == 1
    assert len(aidge_core.fibnlr_find_groups(graph_view=model)) == 1
    assert [node.name() for node in aidge_core.fibnlr_prune(graph_view=model, params=params)] == ["relu"]
    again = aidge_onnx.load_onnx(network)
    again.compile("cpu", dims=[[4, 3, 8, 8]])
    assert len(aidge_core.fibnlr(graph_view=again, provider=data, params=params)) == 1
    with pytest.raises(TypeError, match="expected one network"):
        aidge_core.fibnlr_prepare(again, graph_view=again)
    for given in ({}, {"source": network, "filename": network}):
        with pytest.raises(TypeError, match="expected one source"):
            aidge_onnx.load_onnx(**given)


def test_calls_that_mean_something_else_in_aidge_say_what_to_write() -> None:
    with pytest.raises(TypeError, match=r"FC\(10, 20\)"):
        aidge_core.Gemm(10, 20)
    assert aidge_core.Gemm(alpha=2.0, trans_b=True, name="g").name() == "g"
    with pytest.raises(TypeError, match="count_include_pad=True, as in Aidge"):
        aidge_core.PaddedAvgPooling2D([3, 3], padding_dims=[1, 1, 1, 1])
    for counted in (True, False):
        node = aidge_core.PaddedAvgPooling2D([3, 3], padding_dims=[1, 1, 1, 1], count_include_pad=counted)
        assert node.get_operator().attr.count_include_pad is counted
    aidge_core.PaddedAvgPooling2D([3, 3])
    tensor = aidge_core.Tensor(np.arange(6.0).reshape(2, 3))
    np.testing.assert_array_equal(tensor[1], [3.0, 4.0, 5.0])
    assert float(np.asarray(tensor).flat[4]) == 4.0
