"""Names and behaviour that those who come from DNIKit 2.0 rely on; the right values are what its documentation and tests say."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from aidge_compress.pfa import (
    PFA,
    Batch,
    Cacher,
    FieldRemover,
    MeanStdNormalizer,
    Transposer,
    as_producer,
    peek_first_batch,
    pipeline,
)

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
