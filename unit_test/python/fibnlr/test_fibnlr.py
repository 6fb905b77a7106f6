"""FIBNLR from Python: the result of compute, groups and pruning, parameters."""

from __future__ import annotations

import copy
import math
import pickle
from collections.abc import Sequence
from typing import Any

import aidge_backend_cpu  # noqa: F401
import aidge_core
import numpy as np
import pytest
from helpers.fibnlr_models import RELATIVE, Parameters, endless, small_batches, small_model

pytestmark = pytest.mark.instruction_set

# --- the result of compute ------------------------------------------------------------------------


def test_the_result_is_a_sequence_of_floats_that_knows_how_it_ended() -> None:
    model = small_model()
    params = endless()
    aidge_core.fibnlr_prepare(model, params)
    result = aidge_core.fibnlr_compute(model, small_batches(), params)
    assert isinstance(result, Sequence)
    assert len(result) == 4
    values = list(result)
    assert all(isinstance(value, float) for value in values)
    assert result == values
    assert result != values[:-1]
    assert result[0] == values[0]
    assert result[-1] == values[-1]
    assert result[1:3] == values[1:3]
    assert values[2] in result
    assert result.index(values[2]) == 2
    assert result.count(values[2]) == 1
    with pytest.raises(IndexError):
        result[4]
    assert (result.converged, result.iterations, result.reason, result.samples) == (
        False,
        5,
        "out_of_data",
        20,
    )
    assert pickle.loads(pickle.dumps(result)) == result
    assert "out_of_data" in repr(result)


def test_one_batch_gives_no_convergence_value() -> None:
    model = small_model()
    aidge_core.fibnlr_prepare(model)
    result = aidge_core.fibnlr_compute(model, small_batches(1))
    assert result == []
    assert result.iterations == 1


def test_the_iteration_limit_counts_batches_and_zero_means_none() -> None:
    model = small_model()
    aidge_core.fibnlr_prepare(model)
    assert (
        aidge_core.fibnlr_compute(model, small_batches(), endless(max_iteration=3)).reason == "max_iteration"
    )
    result = aidge_core.fibnlr_compute(model, small_batches(130), endless(max_iteration=0))
    assert (result.iterations, result.reason) == (130, "out_of_data")


def test_a_second_compute_goes_on_and_prepare_starts_again() -> None:
    model = small_model()
    params = endless()
    node = model.get_node("a")
    aidge_core.fibnlr_prepare(model, params)
    batches = small_batches()
    aidge_core.fibnlr_compute(model, batches, params)
    once = aidge_core.fibnlr_get_npr(node).neg
    assert once == pytest.approx(-sum(float(b[b < 0].sum(dtype=np.float64)) for b in batches), rel=RELATIVE)
    aidge_core.fibnlr_compute(model, batches, params)
    assert aidge_core.fibnlr_get_npr(node).neg == pytest.approx(2 * once, rel=RELATIVE)
    aidge_core.fibnlr_prepare(model, params)
    aidge_core.fibnlr_prepare(model, params)
    assert aidge_core.fibnlr_get_npr(node).neg == 0.0
    aidge_core.fibnlr_compute(model, batches, params)
    assert aidge_core.fibnlr_get_npr(node).neg == pytest.approx(once, rel=RELATIVE)


def test_progress_is_called_after_every_iteration_and_false_stops() -> None:
    model = small_model()
    aidge_core.fibnlr_prepare(model)
    seen: list[tuple[int, float | None, int]] = []

    def progress(iteration: int, convergence: float | None, samples: int) -> bool:
        seen.append((iteration, convergence, samples))
        return iteration < 3

    result = aidge_core.fibnlr_compute(model, small_batches(), endless(), progress=progress)
    assert result.reason == "stopped"
    assert seen == [(1, None, 4), (2, result[0], 8), (3, result[1], 12)]


def test_a_progress_callback_that_returns_nothing_does_not_stop() -> None:
    model = small_model()
    aidge_core.fibnlr_prepare(model)
    calls: list[int] = []
    result = aidge_core.fibnlr_compute(
        model, small_batches(), endless(), progress=lambda i, c, s: calls.append(i)
    )
    assert calls == [1, 2, 3, 4, 5]
    assert result.reason == "out_of_data"


# --- prepare, groups, prune -----------------------------------------------------------------------


def test_prepare_needs_dims_or_static_inputs() -> None:
    model = aidge_core.sequential([aidge_core.ReLU(name="a")])
    with pytest.raises(ValueError, match="compile"):
        aidge_core.fibnlr_prepare(model)
    model.forward_dims([[1, 2, 6, 5]])
    aidge_core.fibnlr_prepare(model)
    assert aidge_core.fibnlr_get_group(model.get_node("a")).id == 30


def test_manual_groups_go_by_node_or_name_and_find_their_nodes() -> None:
    model = small_model(*(aidge_core.ReLU(name=name) for name in "abc"))
    params = Parameters(group=aidge_core.GroupMethod.MANUAL)
    params.group_assignments = {model.get_node("a"): 7, "b": 7}
    with pytest.raises(ValueError, match='"c"'):
        aidge_core.fibnlr_prepare(model, params)
    params.group_assignments["c"] = 9
    aidge_core.fibnlr_prepare(model, params)
    assert aidge_core.fibnlr_find_groups(model) == {aidge_core.Group(7), aidge_core.Group(9)}
    for group in (7, aidge_core.Group(7)):
        assert {node.name() for node in aidge_core.fibnlr_find_node_by_group(model, group)} == {"a", "b"}
    params.group_assignments["typo"] = 1
    with pytest.raises(ValueError, match="typo"):
        aidge_core.fibnlr_prepare(model, params)


def test_groups_do_not_stay_from_another_method() -> None:
    model = small_model()
    aidge_core.fibnlr_prepare(model, Parameters(group=aidge_core.GroupMethod.IMAGE_SIZE))
    aidge_core.fibnlr_prepare(model, Parameters(group=aidge_core.GroupMethod.NONE))
    assert aidge_core.fibnlr_find_groups(model) == {aidge_core.Group(0)}


def test_pruning_before_compute_is_an_error() -> None:
    model = small_model()
    with pytest.raises(ValueError, match="no NPR: compute must run first"):
        aidge_core.fibnlr_prune(model)
    aidge_core.fibnlr_prepare(model)
    with pytest.raises(ValueError, match="no NPR: compute must run first"):
        aidge_core.fibnlr_prune(model)
    assert [node.type() for node in model.get_ordered_nodes()] == ["ReLU", "ReLU"]
    with pytest.raises(ValueError, match="prepare must run first"):
        aidge_core.fibnlr_compute(small_model(), small_batches())


def test_no_observer_is_left_after_pruning() -> None:
    for method in (aidge_core.AblationMethod.NONE, aidge_core.AblationMethod.IDENTITY):
        model = small_model()
        removed = aidge_core.fibnlr(
            model, small_batches(), Parameters(ablation_method=method, ablation_threshold=2.0)
        )
        assert len(removed) == 2
        nodes = list(model.get_nodes()) + list(removed)
        assert not any(node.has_observers() or node.has_hooks() for node in nodes)


def test_as_many_as_told_are_kept_in_each_group() -> None:
    params = Parameters(ablation_threshold=2.0, ablation_min_kept=1)
    removed = aidge_core.fibnlr(small_model(), small_batches(), params)
    assert {node.name() for node in removed} == {"b"}


def test_gelu_prelu_and_clip_are_prunable_where_asked() -> None:
    nodes = [
        aidge_core.GeLU(name="g"),
        aidge_core.Clip(name="c", min=0.0, max=6.0),
        aidge_core.PReLU(2, name="p"),
    ]
    model = small_model(*nodes)
    assert {node.name() for node in aidge_core.fibnlr_prepare(model)} == {"g"}
    params = endless(prunable_types=["GeLU", "Clip", "PReLU"])
    assert {node.name() for node in aidge_core.fibnlr_prepare(model, params)} == {"g", "c", "p"}
    aidge_core.fibnlr_compute(model, small_batches(), params)
    params.ablation_threshold = 10.0
    params.ablation_method = aidge_core.AblationMethod.REMOVE
    # All three are the whole graph: an Identity stays between its input and its output.
    assert len(aidge_core.fibnlr_prune(model, params)) == 3
    x = small_batches(1)[0]
    assert np.array_equal(np.asarray(aidge_core.SequentialScheduler(model).forward(data=[x])[0]), x)


# --- parameters -----------------------------------------------------------------------------------


def test_defaults_and_presets() -> None:
    params = Parameters()
    assert params.method is aidge_core.Method.STRICT
    assert params.normalization is aidge_core.NormalizationMethod.SUM
    assert params.group is aidge_core.GroupMethod.IMAGE_SIZE
    assert params.ablation_criteria is aidge_core.AblationCriteria.THRESHOLD
    assert params.ablation_method is aidge_core.AblationMethod.IDENTITY
    assert (params.ablation_threshold, params.ablation_x_least, params.ablation_min_kept) == (0.1, 1, 0)
    assert (params.max_iteration, params.convergence_threshold) == (100, 1e-6)
    assert params.group_assignments == {}
    paper = Parameters.paper()
    assert paper.method is aidge_core.Method.LOOSE
    assert paper.normalization is aidge_core.NormalizationMethod.AVERAGE
    assert paper.ablation_criteria is aidge_core.AblationCriteria.X_LEAST_PER_GROUP
    assert paper.group is aidge_core.GroupMethod.IMAGE_SIZE
    none = Parameters.none()
    assert none.method is aidge_core.Method.STRICT
    assert none.ablation_method is aidge_core.AblationMethod.NONE


def test_parameters_compare_copy_and_pickle() -> None:
    params = Parameters(ablation_threshold=0.3, group_assignments={"a": 1}, prunable_types=["ReLU", "Clip"])
    assert params != Parameters()
    for twin in (copy.copy(params), copy.deepcopy(params), pickle.loads(pickle.dumps(params))):
        assert twin == params
        twin.group_assignments["b"] = 2
        assert "b" not in params.group_assignments
        assert twin != params
    assert "ablation_threshold=0.3" in repr(params)
    assert "Method.STRICT" in repr(params)
    with pytest.raises(TypeError):
        hash(params)


def test_pickling_turns_nodes_into_their_names() -> None:
    model = small_model()
    params = Parameters(group_assignments={model.get_node("a"): 3})
    assert pickle.loads(pickle.dumps(params)).group_assignments == {"a": 3}
    assert copy.copy(params).group_assignments == {model.get_node("a"): 3}


def test_both_spellings_are_one_parameter() -> None:
    params = Parameters(normalisation=aidge_core.NormalisationMethod.AVERAGE)
    assert params.normalization is aidge_core.NormalizationMethod.AVERAGE
    params.normalisation = aidge_core.NormalizationMethod.MIN_MAX
    assert params.normalization is aidge_core.NormalisationMethod.MIN_MAX
    with pytest.raises(ValueError, match="normalisation"):
        Parameters(
            normalization=aidge_core.NormalizationMethod.SUM,
            normalisation=aidge_core.NormalizationMethod.NONE,
        )


def test_members_are_also_reachable_as_the_merge_request_writes_them() -> None:
    assert aidge_core.Method.Strict is aidge_core.Method.STRICT
    assert aidge_core.Method.Loose is aidge_core.Method.LOOSE
    assert aidge_core.NormalisationMethod.MinMax is aidge_core.NormalizationMethod.MIN_MAX
    assert aidge_core.NormalisationMethod.Sum is aidge_core.NormalizationMethod.SUM
    assert aidge_core.NormalisationMethod.Average is aidge_core.NormalizationMethod.AVERAGE
    assert aidge_core.GroupMethod.ImageSize is aidge_core.GroupMethod.IMAGE_SIZE
    assert aidge_core.GroupMethod.Manual is aidge_core.GroupMethod.MANUAL
    assert aidge_core.AblationCriteria.XLeastPerGroup is aidge_core.AblationCriteria.X_LEAST_PER_GROUP
    assert aidge_core.AblationCriteria.Threshold is aidge_core.AblationCriteria.THRESHOLD
    assert aidge_core.AblationMethod.Identity is aidge_core.AblationMethod.IDENTITY
    assert aidge_core.AblationMethod.Remove is aidge_core.AblationMethod.REMOVE
    assert aidge_core.fibnlr_Method is aidge_core.Method
    assert len(aidge_core.Method) == 2
    assert pickle.loads(pickle.dumps(aidge_core.Method.LOOSE)) is aidge_core.Method.LOOSE


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ablation_threshold", -0.1),
        ("ablation_threshold", math.inf),
        ("ablation_threshold", math.nan),
        ("convergence_threshold", -1.0),
        ("ablation_x_least", -1),
        ("ablation_min_kept", -1),
        ("max_iteration", -1),
        ("prunable_types", ["Sigmoid"]),
        ("group_assignments", {"a": -1}),
        ("group_assignments", {"a": 1.5}),
        ("group_assignments", {3: 1}),
    ],
)
def test_values_out_of_range_are_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=name):
        Parameters(**{name: value})

    def assign() -> None:
        params = Parameters()
        setattr(params, name, value)
        params.validate()

    with pytest.raises(ValueError, match=name):
        assign()


def test_parameters_are_keyword_only_and_typed() -> None:
    with pytest.raises(TypeError):
        Parameters(aidge_core.Method.STRICT)
    with pytest.raises(TypeError):
        Parameters(method="STRICT")
    with pytest.raises(TypeError):
        Parameters(threshold=1.0)


def test_no_graph_is_an_error_everywhere() -> None:
    for call in (
        aidge_core.fibnlr_prepare,
        aidge_core.fibnlr_prune,
        aidge_core.fibnlr_compute_NNPR,
        aidge_core.fibnlr_find_groups,
        lambda model: aidge_core.fibnlr_compute(model, []),
        lambda model: aidge_core.fibnlr(model, []),
    ):
        with pytest.raises(ValueError, match="expected a"):
            call(None)
