"""Producers, stages and caches."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from aidge_compress.pfa import (
    PFA,
    Batch,
    CachedProducer,
    Cacher,
    FieldRenamer,
    ImageFormat,
    ImageResizer,
    PipelineStage,
    Pooler,
    Processor,
    Producer,
    as_producer,
    pipeline,
    resize_batches,
)
from aidge_core.data import DataProvider, from_arrays
from hypothesis import given
from hypothesis import strategies as st

RNG = np.random.default_rng(0)
IMAGES = RNG.standard_normal((10, 3, 4, 5)).astype(np.float32)


def joined(producer: Producer, batch_size: int = 4) -> dict[str, np.ndarray]:
    """All batches of a pass, joined; sizes are checked on the way."""
    batches = list(producer(batch_size))
    assert all(batch.batch_size == batch_size for batch in batches[:-1])
    assert 0 < batches[-1].batch_size <= batch_size
    return {name: np.concatenate([batch.fields[name] for batch in batches]) for name in batches[0].fields}


# --- batches and producers ----------------------------------------------------------------------------------------


def test_a_batch_holds_arrays_of_one_first_dimension() -> None:
    batch = Batch({"a": [[1, 2], [3, 4]], "b": np.zeros(2)})
    assert batch.batch_size == 2
    assert list(batch.fields) == ["a", "b"]
    with pytest.raises(TypeError):
        batch.fields["a"] = np.zeros(2)  # type: ignore[index]
    for wrong in ({}, {"a": np.zeros(2), "b": np.zeros(3)}, {"a": np.array(1.0)}):
        with pytest.raises(ValueError, match=r"\[pfa::Batch\] expected arrays of one first dimension"):
            Batch(wrong)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=8), st.integers(1, 12))
def test_batches_of_any_size_become_batches_of_the_size_asked_for(sizes: list[int], size: int) -> None:
    rows = np.arange(sum(sizes))
    edges = np.cumsum([0, *sizes])
    parts = [Batch({"x": rows[a:b]}) for a, b in itertools.pairwise(edges)]
    assert (joined(lambda batch_size, /: resize_batches(parts, batch_size), size)["x"] == rows).all()


def test_what_cannot_be_resized_is_refused() -> None:
    with pytest.raises(ValueError, match="batch_size >= 1"):
        list(resize_batches([], 0))
    with pytest.raises(ValueError, match=r"expected the fields \['x'\] in every batch, got \['y'\]"):
        list(resize_batches([Batch({"x": [1]}), Batch({"y": [1]})], 4))
    assert list(resize_batches([], 3)) == []


def test_sources_of_every_kind_become_producers(tmp_path: Path) -> None:
    labels = np.arange(10)
    np.savez(tmp_path / "data.npz", images=IMAGES, labels=labels)
    database = [(image, label) for image, label in zip(IMAGES, labels, strict=True)]
    sources = [
        IMAGES,
        from_arrays(IMAGES, labels, batch_size=3),
        DataProvider(database, batch_size=3),  # type: ignore[arg-type]
        [IMAGES[:7], IMAGES[7:]],
        [{"input": IMAGES[:7]}, {"input": IMAGES[7:]}],
        {"input": IMAGES},
        tmp_path / "data.npz",
    ]
    for source in sources:
        producer = as_producer(source)
        for _ in range(2):
            found = joined(producer)
            assert list(found) == ["input"]
            assert (found["input"] == IMAGES).all()
    named = joined(as_producer(from_arrays(IMAGES, labels), fields=("images", "labels")))
    assert (named["labels"] == labels).all()
    with pytest.raises(ValueError, match=r"expected the entries \['a', 'b'\] in a batch, got 1"):
        list(as_producer(IMAGES, fields=("a", "b"))(4))
    with pytest.raises(ValueError, match="expected an iterable of batches"):
        as_producer(3)


# --- stages -------------------------------------------------------------------------------------------------------


def test_a_pipeline_does_nothing_before_it_is_asked() -> None:
    calls: list[int] = []

    def source(batch_size: int, /) -> Iterator[Batch]:
        calls.append(batch_size)
        yield Batch({"x": np.ones((2, 2))})

    def double(array: np.ndarray) -> np.ndarray:
        calls.append(-1)
        return 2 * array

    producer = pipeline(
        source, Processor(double), [Processor(double, fields="x"), Processor(double, fields=[])]
    )
    assert calls == []
    assert (joined(producer, 2)["x"] == 4).all()
    assert calls == [2, -1, -1]


def test_what_is_no_stage_is_refused() -> None:
    with pytest.raises(ValueError, match="expected pipeline stages, got str"):
        pipeline(as_producer(IMAGES), ["Pooler"])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="expected a callable producer, got ndarray"):
        pipeline(IMAGES)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"expected the fields \['y'\], got \['input'\]"):
        joined(pipeline(as_producer(IMAGES), Processor(np.abs, fields="y")))


def test_a_stage_of_ones_own_takes_part() -> None:
    class Sum(PipelineStage):
        def _get_batch_processor(self) -> Callable[[Batch], Batch]:
            return lambda batch: Batch({"sum": batch.fields["a"] + batch.fields["b"]})

    found = joined(pipeline(as_producer({"a": np.arange(5), "b": np.arange(5)}), Sum()))
    assert found["sum"].tolist() == [0, 2, 4, 6, 8]


@pytest.mark.parametrize(
    ("method", "reduce"),
    [(Pooler.Method.MAX, np.max), (Pooler.Method.SUM, np.sum), (Pooler.Method.AVERAGE, np.mean)],
)
@pytest.mark.parametrize("dim", [(2, 3), (1, 2), 1, -1, (-1, -2)])
def test_pooling_reduces_the_axes(
    method: Pooler.Method, reduce: Callable[..., np.ndarray], dim: int | tuple[int, ...]
) -> None:
    found = joined(pipeline(as_producer(IMAGES), Pooler(dim=dim, method=method)))["input"]
    assert np.allclose(found, reduce(IMAGES.astype(np.float64), axis=dim), rtol=1e-12)


def test_wrong_pooling_is_refused() -> None:
    for dim in (0, (0, 1), (1, 1), ()):
        with pytest.raises(ValueError, match="axes other than 0"):
            Pooler(dim=dim, method=Pooler.Method.MAX)
    with pytest.raises(ValueError, match=r"expected a Pooler.Method, got 'max'"):
        Pooler(dim=1, method="max")  # type: ignore[arg-type]
    for dim in (4, -4, (1, -3)):
        with pytest.raises(ValueError, match=r"got the shape \[4, 3, 4, 5\]"):
            joined(pipeline(as_producer(IMAGES), Pooler(dim=dim, method=Pooler.Method.MAX)))


def test_images_are_resized_as_by_hand() -> None:
    ramp = np.array([[0.0, 4.0]], dtype=np.float32).reshape(1, 1, 2, 1)
    wide = joined(pipeline(as_producer(ramp), ImageResizer(pixel_format=ImageFormat.HWC, size=(4, 1))))[
        "input"
    ]
    assert wide.reshape(-1).tolist() == [0.0, 1.0, 3.0, 4.0]
    back = joined(pipeline(as_producer(wide), ImageResizer(pixel_format=ImageFormat.HWC, size=(2, 3))))[
        "input"
    ]
    assert back.reshape(3, 2).tolist() == [[0.5, 3.5]] * 3
    bytes_ = np.array([[0, 255]], dtype=np.uint8).reshape(1, 1, 1, 2)
    found = joined(pipeline(as_producer(bytes_), ImageResizer(pixel_format=ImageFormat.CHW, size=(4, 2))))[
        "input"
    ]
    assert found.dtype == np.uint8
    assert found[0, 0].tolist() == [[0, 64, 191, 255]] * 2


@pytest.mark.torch
@pytest.mark.parametrize("size", [(9, 7), (5, 4), (3, 2), (1, 1), (224, 10)])
def test_images_are_resized_as_by_pytorch(size: tuple[int, int]) -> None:
    import torch

    expected = torch.nn.functional.interpolate(
        torch.from_numpy(IMAGES), (size[1], size[0]), mode="bilinear", align_corners=False
    ).numpy()
    chw = joined(pipeline(as_producer(IMAGES), ImageResizer(pixel_format=ImageFormat.CHW, size=size)))[
        "input"
    ]
    assert chw.dtype == np.float32
    assert np.abs(chw - expected).max() < 1e-5
    hwc = IMAGES.transpose(0, 2, 3, 1)
    found = joined(pipeline(as_producer(hwc), ImageResizer(pixel_format=ImageFormat.HWC, size=size)))["input"]
    assert (found.transpose(0, 3, 1, 2) == chw).all()


def test_wrong_images_are_refused() -> None:
    with pytest.raises(ValueError, match=r"positive \(width, height\), got \(0, 3\)"):
        ImageResizer(pixel_format=ImageFormat.HWC, size=(0, 3))
    with pytest.raises(ValueError, match="expected an ImageFormat, got 'HWC'"):
        ImageResizer(pixel_format="HWC", size=(2, 3))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"images with 4 axes, got the shape \[4, 3\]"):
        joined(
            pipeline(as_producer(IMAGES[:, :, 0, 0]), ImageResizer(pixel_format=ImageFormat.HWC, size=(2, 2)))
        )


def test_fields_are_renamed() -> None:
    producer = as_producer({"images": IMAGES, "labels": np.arange(10)})
    found = joined(pipeline(producer, FieldRenamer({"images": "input_1"})))
    assert list(found) == ["input_1", "labels"]
    for mapping in ({"image": "x"}, {"images": "labels"}):
        with pytest.raises(ValueError, match=r"\[pfa::FieldRenamer\] expected the fields"):
            joined(pipeline(producer, FieldRenamer(mapping)))


# --- caches -------------------------------------------------------------------------------------------------------


def counted(calls: list[int]) -> Producer:
    def produce(batch_size: int, /) -> Iterator[Batch]:
        calls.append(batch_size)
        yield from resize_batches([Batch({"a/../b": IMAGES, "é": np.arange(10)})], batch_size)

    return produce


def test_a_cache_spares_the_second_pass(tmp_path: Path) -> None:
    calls: list[int] = []
    cacher = Cacher(tmp_path / "cache")
    producer = pipeline(counted(calls), cacher)
    assert not cacher.cached
    first = joined(producer, 4)
    assert cacher.cached
    for size in (4, 3, 100):
        again = joined(producer, size)
        assert list(again) == ["a/../b", "é"]
        assert all((again[name] == first[name]).all() for name in first)
        assert again["é"].dtype == first["é"].dtype
    assert calls == [4]
    other = CachedProducer(tmp_path / "cache")
    assert other.storage_path == cacher.storage_path
    assert (joined(other, 6)["é"] == np.arange(10)).all()
    assert (joined(cacher.as_producer(), 1)["é"] == np.arange(10)).all()


def test_an_interrupted_pass_leaves_no_cache_and_the_next_begins_anew(tmp_path: Path) -> None:
    cacher = Cacher(tmp_path)
    producer = pipeline(counted([]), cacher)
    next(iter(producer(3)))
    assert not cacher.cached
    with pytest.raises(ValueError, match="expected a complete cache"):
        cacher.as_producer()
    assert (joined(producer, 7)["é"] == np.arange(10)).all()
    assert (joined(cacher.as_producer(), 7)["é"] == np.arange(10)).all()
    with pytest.raises(ValueError, match="expected a folder without a cache"):
        Cacher(tmp_path)
    with pytest.raises(ValueError, match="expected one pipeline a Cacher"):
        pipeline(counted([]), cacher)
    cacher.clear()
    assert not tmp_path.exists()


def test_objects_are_not_pickled_into_a_cache(tmp_path: Path) -> None:
    producer = pipeline(lambda _: [Batch({"x": np.array([{}, {}])})], Cacher(tmp_path))
    with pytest.raises(ValueError, match=r"expected arrays of numbers, got objects in \['x'\]"):
        list(producer(2))


def test_pfa_reads_a_pipeline_with_a_cache() -> None:
    rng = np.random.default_rng(1)
    images = rng.standard_normal((50, 6, 3, 3))
    cacher = Cacher()
    producer = pipeline(as_producer({"conv": images}), Pooler(dim=(2, 3), method=Pooler.Method.MAX), cacher)
    try:
        first, second = PFA.introspect(producer), PFA.introspect(producer, batch_size=7)
        assert first.get_recipe() == second.get_recipe()
        expected = np.cov(images.max(axis=(2, 3)).T)
        assert np.allclose(first.layers["conv"].covariances, expected, rtol=1e-12, atol=1e-14)
    finally:
        cacher.clear()
