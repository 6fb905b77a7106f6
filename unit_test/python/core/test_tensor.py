"""Tensors: what is shared, what is copied, and for how long memory lives."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref
from typing import Any

import aidge_core
import numpy as np
import pytest
from aidge_core import Tensor, dformat, dtype
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

DTYPES = [member for member in dtype if member is not dtype.bfloat16]


def numbers(*dims: int, type_: Any = np.float32) -> np.ndarray[Any, Any]:
    return np.arange(np.prod(dims), dtype=type_).reshape(dims)


def shares(tensor: Tensor, array: np.ndarray[Any, Any]) -> bool:
    return bool(np.shares_memory(tensor.numpy(), array))


# --- construction ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("member", DTYPES, ids=lambda member: member.name)
def test_a_contiguous_array_of_any_supported_type_is_wrapped_without_a_copy(member: dtype) -> None:
    array = np.ones((2, 3), dtype=member)
    tensor = Tensor(array)
    assert tensor.dtype is member
    assert tensor.dims == [2, 3]
    assert shares(tensor, array)


def test_attributes_describe_the_array() -> None:
    tensor = Tensor(numbers(2, 3, 4))
    assert (tensor.dims, tensor.shape, tensor.size, tensor.ndim) == ([2, 3, 4], (2, 3, 4), 24, 3)
    assert tensor.nbytes == 96
    assert len(tensor) == 2
    assert tensor.dformat is dformat.default
    assert tensor.is_writable
    assert not tensor.is_undefined()


@pytest.mark.parametrize(
    "make",
    [
        lambda a: np.asfortranarray(a),
        lambda a: a[:, ::2],
        lambda a: a.T,
        lambda a: a.astype(a.dtype.newbyteorder(">")),
        lambda a: a[::-1],
        lambda a: np.broadcast_to(a[:1], a.shape),
    ],
    ids=["fortran", "strided", "transposed", "big-endian", "reversed", "broadcast"],
)
def test_other_layouts_are_copied_with_their_values(make: Any) -> None:
    array = make(numbers(4, 6))
    tensor = Tensor(array)
    np.testing.assert_array_equal(tensor.numpy(), array)
    assert not shares(tensor, array)
    assert tensor.numpy().flags.c_contiguous
    assert tensor.numpy().dtype.isnative


def test_an_unaligned_array_is_copied() -> None:
    raw = np.zeros(17, np.uint8)
    array = raw[1:].view(np.float32)
    assert not array.flags.aligned
    tensor = Tensor(array)
    assert tensor.numpy().flags.aligned
    np.testing.assert_array_equal(tensor.numpy(), np.zeros(4))


def test_a_read_only_array_stays_read_only() -> None:
    array = numbers(3)
    array.setflags(write=False)
    tensor = Tensor(array)
    assert shares(tensor, array)
    assert not tensor.is_writable
    assert not tensor.numpy().flags.writeable
    assert memoryview(tensor).readonly
    with pytest.raises(ValueError, match="expected a writable tensor"):
        tensor[0] = 1
    with pytest.raises(ValueError, match="expected a writable tensor"):
        tensor.copy_from(numbers(3))
    np.testing.assert_array_equal(array, [0, 1, 2])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([1.5, 2.5], dtype.float32),
        (1.5, dtype.float32),
        ([1, 2], dtype.int64),
        (True, dtype.boolean),
        ([[1, 2.5]], dtype.float32),
        (np.float64(1.5), dtype.float64),
        (np.array([1.5]), dtype.float64),
    ],
)
def test_only_floats_of_python_are_narrowed(value: Any, expected: dtype) -> None:
    tensor = Tensor(value)
    assert tensor.dtype is expected
    np.testing.assert_array_equal(tensor.numpy(), value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "NoneType"),
        ("abc", "str"),
        ({"a": 1}, "dict"),
        (np.array(["a"]), "got "),
        (np.array([1j]), "complex128"),
        (np.array([object()]), "object"),
        (np.array(["2020-01-01"], dtype="datetime64[D]"), "datetime64"),
        ([[1, 2], [3]], "inhomogeneous"),
        ([object()], "list"),
    ],
)
def test_what_is_no_array_of_numbers_is_refused_in_words(value: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        Tensor(value)


def test_a_tensor_of_dims_has_no_data_until_it_is_computed() -> None:
    tensor = Tensor(dims=[2, 3], dtype="int8", dformat=dformat.nchw)
    assert (tensor.dims, tensor.dtype, tensor.dformat) == ([2, 3], dtype.int8, dformat.nchw)
    assert not tensor.has_data()
    with pytest.raises(ValueError, match=r"expected a tensor with data, got dims \[2, 3\] without data"):
        tensor.numpy()
    with pytest.raises(ValueError, match="expected a tensor with data, got an empty tensor"):
        Tensor().numpy()


def test_full_fills_with_the_value() -> None:
    np.testing.assert_array_equal(Tensor.full([2, 2], 7, np.uint8).numpy(), np.full((2, 2), 7, np.uint8))


@pytest.mark.parametrize("dims", [[0], [2, 0, 3], [1], []])
def test_edge_sizes_work(dims: list[int]) -> None:
    array = np.ones(dims, np.float32)
    tensor = Tensor(array)
    assert tensor.dims == dims
    assert tensor.size == array.size
    np.testing.assert_array_equal(tensor.numpy(), array)
    assert pickle.loads(pickle.dumps(tensor)) == tensor


@given(hnp.arrays(st.sampled_from([np.dtype(member) for member in DTYPES]), hnp.array_shapes(min_side=0)))
def test_an_array_goes_in_and_out_unchanged(array: np.ndarray[Any, Any]) -> None:
    out = Tensor(array).numpy()
    assert out.dtype == array.dtype
    np.testing.assert_array_equal(out, array)


# --- dtypes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spelling", [dtype.int16, "int16", np.int16, np.dtype("int16"), "<i2", "h"])
def test_a_dtype_is_taken_in_every_usual_spelling(spelling: Any) -> None:
    assert Tensor.full([1], 1, spelling).dtype is dtype.int16


@pytest.mark.parametrize("spelling", ["float33", np.complex64, object, "U3", 3.5])
def test_an_unknown_dtype_is_refused_in_words(spelling: Any) -> None:
    with pytest.raises(ValueError, match=r"\[data::dtype\] expected float16/32/64"):
        Tensor.full([1], 1, spelling)


@pytest.mark.parametrize("member", DTYPES, ids=lambda member: member.name)
def test_numpy_takes_our_dtypes(member: dtype) -> None:
    name = "bool" if member is dtype.boolean else member.name
    assert np.dtype(member) == np.dtype(name)
    assert np.zeros(2, member).dtype == np.dtype(name)


# --- views and lifetime ----------------------------------------------------------------------------------------


def test_a_view_keeps_the_memory_after_the_tensor_has_gone() -> None:
    view = Tensor.full([1000], 3.0).numpy()
    gc.collect()
    _ = [np.zeros(1000, np.float32) for _ in range(50)]
    np.testing.assert_array_equal(view, np.full(1000, 3.0))


def test_a_tensor_keeps_the_array_and_lets_it_go() -> None:
    class Watched(np.ndarray[Any, Any]):
        pass

    array = numbers(1000).view(Watched)
    watch = weakref.ref(array)
    tensor: Tensor | None = Tensor(array)
    del array
    gc.collect()
    assert watch() is not None
    assert tensor is not None
    np.testing.assert_array_equal(tensor.numpy(), numbers(1000))
    view: Any = tensor.numpy()
    tensor = None
    gc.collect()
    assert watch() is not None
    np.testing.assert_array_equal(view, numbers(1000))
    view = None
    gc.collect()
    assert watch() is None


def test_writing_through_a_view_or_an_index_reaches_the_array() -> None:
    array = numbers(2, 3)
    tensor = Tensor(array)
    tensor.numpy()[0, 0] = 10
    tensor[1] = [7, 8, 9]
    tensor[0, 1] = 11
    np.testing.assert_array_equal(array, [[10, 11, 2], [7, 8, 9]])
    assert tensor[1, 2] == 9
    np.testing.assert_array_equal(tensor[:, 0], [10, 7])
    with pytest.raises(IndexError):
        tensor[2]


def test_the_buffer_protocol_sees_the_same_memory() -> None:
    array = numbers(2, 3)
    view = memoryview(Tensor(array))
    assert (view.shape, view.format, view.readonly) == ((2, 3), "f", False)
    view[1, 2] = 42
    assert array[1, 2] == 42
    assert bytes(Tensor(array)) == array.tobytes()


def test_asarray_shares_and_honours_dtype_and_copy() -> None:
    array = numbers(4)
    tensor = Tensor(array)
    assert np.shares_memory(np.asarray(tensor), array)
    assert not np.shares_memory(np.array(tensor), array)
    converted = np.asarray(tensor, dtype=np.float64)
    assert converted.dtype == np.float64
    assert np.shares_memory(tensor.__array__(copy=False), array)
    with pytest.raises(ValueError, match="copy"):
        tensor.__array__(np.float64, copy=False)


def test_clone_copy_and_deepcopy() -> None:
    tensor = Tensor(numbers(4))
    assert shares(copy.copy(tensor), tensor.numpy())
    for other in (tensor.clone(), copy.deepcopy(tensor)):
        assert other == tensor
        assert not shares(other, tensor.numpy())
        assert other.is_writable


def test_copy_from_writes_in_place_and_checks() -> None:
    array = numbers(2, 2)
    tensor = Tensor(array)
    tensor.copy_from(np.full((2, 2), 5, np.float32))
    np.testing.assert_array_equal(array, np.full((2, 2), 5))
    with pytest.raises(ValueError, match="expected"):
        tensor.copy_from(np.zeros((2, 3), np.float32))
    with pytest.raises(ValueError, match="expected"):
        tensor.copy_from(np.zeros((2, 2), np.float64))


def test_reshape_shares_and_checks() -> None:
    array = numbers(2, 3)
    flat = Tensor(array).reshape([6])
    assert shares(flat, array)
    with pytest.raises(ValueError, match="expected"):
        flat.reshape([7])


def test_cast_converts_like_numpy() -> None:
    array = np.array([0.0, 1.5, -2.5, 100.0], np.float32)
    for name in ("float64", "int32", "int8"):
        np.testing.assert_array_equal(Tensor(array).cast(name).numpy(), array.astype(name))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_tensor_survives_pickling(protocol: int) -> None:
    tensor = Tensor(numbers(2, 3, type_=np.int16))
    tensor.set_data_format(dformat.nchw)
    back = pickle.loads(pickle.dumps(tensor, protocol))
    assert back == tensor
    assert back.dformat is dformat.nchw
    empty = pickle.loads(pickle.dumps(Tensor(dims=[3]), protocol))
    assert (empty.dims, empty.has_data()) == ([3], False)
    assert pickle.loads(pickle.dumps(Tensor(), protocol)).is_undefined()


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_what_cannot_be_pickled_is_refused_by_every_protocol(protocol: int) -> None:
    with pytest.raises(TypeError, match=r"cannot pickle .*Node"):
        pickle.dumps(aidge_core.ReLU("r"), protocol)
    parameters = aidge_core.fibnlr_Parameters(ablation_threshold=0.25)
    assert pickle.loads(pickle.dumps(parameters, protocol)) == parameters


def test_equality_compares_dims_type_and_every_element() -> None:
    tensor = Tensor([1.0, 2.0])
    assert tensor == Tensor([1.0, 2.0])
    assert tensor != Tensor([1.0, 3.0])
    assert tensor != Tensor([[1.0, 2.0]])
    assert tensor != Tensor([1.0, 2.0], dtype="float64")
    assert tensor != "something else"
    assert Tensor([float("nan")]) != Tensor([float("nan")])
    with pytest.raises(TypeError, match="unhashable"):
        hash(tensor)


def test_scalars_convert() -> None:
    assert float(Tensor(2.5)) == 2.5
    assert int(Tensor(3)) == 3
    assert Tensor([[7]]).item() == 7
    assert bool(Tensor(True))
    assert Tensor([[1, 2]]).tolist() == [[1, 2]]
    with pytest.raises(TypeError):
        len(Tensor(1.0))


def test_repr_says_dims_and_type() -> None:
    assert "[2, 3]" in repr(Tensor(numbers(2, 3)))
    assert "float32" in repr(Tensor(numbers(2, 3)))


# --- DLPack ----------------------------------------------------------------------------------------------------


def test_dlpack_exchanges_memory_with_numpy() -> None:
    array = numbers(2, 3)
    tensor = Tensor.from_dlpack(array)
    assert shares(tensor, array)
    back = np.from_dlpack(tensor)
    assert np.shares_memory(back, array)
    assert tensor.__dlpack_device__() == (1, 0)


def test_memory_that_left_by_dlpack_outlives_the_tensor() -> None:
    tensor = Tensor.full([1000], 3.0)
    view = np.from_dlpack(tensor)
    del tensor
    gc.collect()
    _ = [np.zeros(1000, np.float32) for _ in range(50)]
    np.testing.assert_array_equal(view, np.full(1000, 3.0))


def test_read_only_memory_leaves_by_dlpack_as_a_copy() -> None:
    array = numbers(3)
    array.setflags(write=False)
    tensor = Tensor(array)
    assert not np.shares_memory(np.from_dlpack(tensor), array)
    with pytest.raises(BufferError, match="copy=False"):
        tensor.__dlpack__(copy=False)


def test_an_unused_capsule_leaks_nothing() -> None:
    class Watched(np.ndarray[Any, Any]):
        pass

    array = numbers(10).view(Watched)
    watch = weakref.ref(array)
    capsule: Any = Tensor(array).__dlpack__()
    del array
    assert watch() is not None
    del capsule
    gc.collect()
    assert watch() is None


@pytest.mark.torch
def test_torch_and_tensor_share_memory_both_ways() -> None:
    import torch

    source = torch.arange(6, dtype=torch.float32).reshape(2, 3)
    tensor = Tensor(source)
    source[0, 0] = 42
    assert tensor[0, 0] == 42
    back = torch.from_dlpack(tensor)
    back[1, 2] = 43
    assert source[1, 2] == 43
    del source, tensor
    gc.collect()
    assert back.tolist() == [[42, 1, 2], [3, 4, 43]]


@pytest.mark.torch
def test_a_transposed_torch_tensor_is_copied_and_other_types_arrive() -> None:
    import torch

    source = torch.arange(6).reshape(2, 3)
    np.testing.assert_array_equal(Tensor(source.T).numpy(), source.numpy().T)
    assert Tensor(torch.ones(2, dtype=torch.bool)).dtype is dtype.boolean
    assert Tensor.full([1], 1, torch.int16).dtype is dtype.int16
    assert Tensor(torch.ones(2, dtype=torch.float16)).dtype is dtype.float16


@pytest.mark.torch
def test_torch_cannot_write_to_a_producers_value() -> None:
    import torch

    producer = aidge_core.Producer(numbers(3), "p").get_operator()
    alias = torch.from_dlpack(producer.get_output(0))
    alias[0] = 42
    np.testing.assert_array_equal(producer.get_output(0).numpy(), [0, 1, 2])


@pytest.mark.torch
def test_torch_tensors_that_cannot_be_shared_say_why() -> None:
    import torch

    with pytest.raises((BufferError, RuntimeError), match="grad"):
        Tensor(torch.ones(2, requires_grad=True))
    with pytest.raises(ValueError, match=r"torch\.complex64|complex64"):
        Tensor(torch.ones(2, dtype=torch.complex64))


def test_from_dlpack_asks_for_dlpack() -> None:
    with pytest.raises(ValueError, match="expected an array with __dlpack__, got list"):
        Tensor.from_dlpack([1, 2])
