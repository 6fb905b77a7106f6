"""The mathematics of compression against NumPy: ridge regression, elimination of units, covariances at inputs, compensation."""

from __future__ import annotations

import aidge_backend_cpu  # noqa: F401  (registers the backend)
import aidge_core
import numpy as np
import pytest

pytestmark = pytest.mark.instruction_set

EXACT = 1e-9
FLOAT = 2e-4  # of a solution of float32 data


def moments(rows: np.ndarray) -> aidge_core.Covariance:
    covariance = aidge_core.Covariance()
    covariance.add(np.ascontiguousarray(rows))
    return covariance


def correlated(count: int, units: int, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    return random.normal(size=(count, units)) @ random.normal(size=(units, units)) + random.normal(size=units)


def numpy_ridge(z: np.ndarray, y: np.ndarray, ridge: float) -> tuple[np.ndarray, np.ndarray]:
    zc, yc = z - z.mean(0), y - y.mean(0)
    gram = zc.T @ zc / len(z)
    d = np.linalg.solve(gram + ridge * np.diag(gram).mean() * np.eye(z.shape[1]), zc.T @ yc / len(z))
    return d, y.mean(0) - z.mean(0) @ d


@pytest.mark.parametrize("ridge", [1e-4, 0.1, 10.0])
def test_ridge_regression_is_numpys(ridge: float) -> None:
    z, y = correlated(200, 7), correlated(200, 3, seed=1)
    coefficients, intercept = aidge_core.ridge_regression(moments(np.hstack([z, y])), 7, ridge)
    expected = numpy_ridge(z, y, ridge)
    np.testing.assert_allclose(coefficients, expected[0], rtol=EXACT, atol=EXACT)
    np.testing.assert_allclose(intercept, expected[1], rtol=EXACT, atol=EXACT)


def test_an_infinite_ridge_fits_the_mean_alone() -> None:
    z, y = correlated(50, 4), correlated(50, 2, seed=1)
    coefficients, intercept = aidge_core.ridge_regression(moments(np.hstack([z, y])), 4, np.inf)
    assert not coefficients.any()
    np.testing.assert_allclose(intercept, y.mean(0), rtol=EXACT)


@pytest.mark.parametrize("ridge", [0.0, -1.0, np.nan])
def test_a_ridge_that_is_not_positive_is_an_error(ridge: float) -> None:
    with pytest.raises(ValueError, match="expected ridge > 0"):
        aidge_core.ridge_regression(moments(correlated(10, 3)), 2, ridge)


def test_held_out_ridge_takes_the_strength_of_the_least_held_out_error() -> None:
    random = np.random.default_rng(3)
    z = correlated(60, 20)
    y = z @ random.normal(size=(20, 2)) + 3 * random.normal(size=(60, 2))
    fit, held = slice(0, 40), slice(40, 60)
    ridges = [1e-4, 1e-2, 1.0, 10.0]
    found = aidge_core.held_out_ridge(
        moments(np.hstack([z, y])[fit]), moments(np.hstack([z, y])[held]), 20, ridges
    )
    errors = []
    for ridge in ridges:
        d, b = numpy_ridge(z[fit], y[fit], ridge)
        errors.append(((y[held] - z[held] @ d - b) ** 2).sum(1).mean())
    assert found[0] == ridges[int(np.argmin(errors))]
    assert found[1] == pytest.approx((y[held] ** 2).sum(1).mean(), rel=EXACT)
    assert found[2] == pytest.approx(min(errors), rel=1e-8)
    np.testing.assert_allclose(found[3], numpy_ridge(z, y, found[0])[0], rtol=EXACT, atol=EXACT)


def test_no_change_wins_where_the_targets_are_noise() -> None:
    random = np.random.default_rng(0)
    rows = np.hstack([random.normal(size=(24, 20)), random.normal(size=(24, 3))])
    found = aidge_core.held_out_ridge(moments(rows[:16]), moments(rows[16:]), 20, [1e-4, 1e-3])
    assert found[0] is None
    assert found[1] == found[2]


def brute_loss(covariance: np.ndarray, weight: np.ndarray, kept: list[int]) -> float:
    """Energy of W x that the kept units cannot give, the best linear map assumed."""
    removed = [j for j in range(len(covariance)) if j not in kept]
    schur = covariance[np.ix_(removed, removed)]
    if kept:
        cross = covariance[np.ix_(kept, removed)]
        schur = schur - cross.T @ np.linalg.solve(covariance[np.ix_(kept, kept)], cross)
    return float(np.trace(weight[:, removed] @ schur @ weight[:, removed].T))


def test_elimination_removes_the_cheapest_unit_each_time_and_its_losses_are_brute_forces() -> None:
    random = np.random.default_rng(5)
    covariances = [np.cov(correlated(100, 8, seed=s).T) for s in (1, 2)]
    weights = [random.normal(size=(5, 8)), random.normal(size=(3, 8))]
    ridge = 1e-9
    uses = [(c, w.T @ w, s) for c, w, s in zip(covariances, weights, (0.25, 0.75), strict=True)]
    order, loss = aidge_core.eliminate_units(uses, ridge)
    kept = list(range(8))
    total = [np.trace(w @ c @ w.T) for c, w in zip(covariances, weights, strict=True)]

    def cost(left: list[int]) -> float:
        shares = [brute_loss(c, w, left) / t for c, w, t in zip(covariances, weights, total, strict=True)]
        return 0.25 * shares[0] + 0.75 * shares[1]

    for step, unit in enumerate(order):
        costs = {j: cost([k for k in kept if k != j]) for j in kept}
        assert min(costs, key=lambda j: costs[j]) == unit
        kept.remove(unit)
        assert loss[step] == pytest.approx(costs[unit], rel=1e-5)
    assert sorted(order) == list(range(8))
    assert loss[-1] == pytest.approx(1.0)


def test_elimination_takes_dead_and_copied_units_first() -> None:
    x = correlated(300, 5)
    x = np.hstack([x, x[:, 1:2], np.full((300, 1), 3.0)])  # unit 5 repeats unit 1, unit 6 never changes
    weight = np.random.default_rng(0).normal(size=(4, 7))
    order, loss = aidge_core.eliminate_units([(np.cov(x.T), weight.T @ weight, 1.0)])
    assert order[0] == 6
    assert order[1] in (1, 5)
    assert loss[1] < 1e-3 < loss[2]


def test_pivoted_cholesky_is_the_greedy_choice_of_the_most_explained_trace() -> None:
    covariance = np.cov(correlated(100, 7).T)
    order = aidge_core.pivoted_cholesky(covariance)
    rest = covariance.copy()
    for unit in order:
        gains = (rest**2).sum(0) / np.maximum(np.diag(rest), 1e-300)
        gains[list(order[: order.index(unit)])] = -1
        assert np.argmax(gains) == unit
        rest = rest - np.outer(rest[:, unit], rest[:, unit]) / rest[unit, unit]
    assert sorted(order) == list(range(7))


def test_predicted_units_are_numpys_regression() -> None:
    x = correlated(400, 6)
    kept = [0, 2, 5]
    removed, b, offset = aidge_core.predict_units(np.cov(x.T, bias=True), x.mean(0), kept, 1e-12)
    assert removed == [1, 3, 4]
    expected = numpy_ridge(x[:, kept], x[:, removed], 1e-12)
    np.testing.assert_allclose(b, expected[0].T, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(offset, expected[1], rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(
    "call",
    [
        lambda: aidge_core.eliminate_units([]),
        lambda: aidge_core.eliminate_units([(np.eye(3), np.eye(2), 1.0)]),
        lambda: aidge_core.eliminate_units([(np.full((2, 2), np.nan), np.eye(2), 1.0)]),
        lambda: aidge_core.pivoted_cholesky(np.full((2, 2), np.inf)),
        lambda: aidge_core.predict_units(np.eye(3), np.zeros(3), [2, 1]),
        lambda: aidge_core.predict_units(np.eye(3), np.zeros(3), [3]),
    ],
)
def test_what_does_not_fit_is_an_error(call: object) -> None:
    with pytest.raises(ValueError, match=r"\[statistics::"):
        call()  # type: ignore[operator]


# --- on graphs ---------------------------------------------------------------------------------------------------------


def network(seed: int = 0) -> aidge_core.GraphView:
    """Conv(3→6, padded, stride 2) → ReLU → Conv(6→4) → ReLU → FC, with weights."""
    conv1 = aidge_core.PaddedConv2D(3, 6, [3, 3], "c1", stride_dims=[2, 2], padding_dims=[1, 1, 1, 1])
    conv2 = aidge_core.Conv2D(6, 4, [2, 2], "c2")
    fc = aidge_core.FC(4 * 9, 5, name="fc")
    graph = aidge_core.sequential([conv1, aidge_core.ReLU("r1"), conv2, aidge_core.ReLU("r2"), fc])
    random = np.random.default_rng(seed)
    for node in (conv1, conv2, fc):
        for index in (1, 2):
            operator = node.get_parent(index).get_operator()
            dims = operator.get_output(0).dims
            values = random.normal(size=dims) / np.sqrt(np.prod(dims[1:]))
            operator.set_output(0, values.astype(np.float32))
    graph.compile("cpu", dims=[[4, 3, 8, 8]])
    return graph


def images(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, 3, 8, 8)).astype(np.float32)


def batches(x: np.ndarray, size: int = 4) -> list[list[np.ndarray]]:
    return [[x[i : i + size]] for i in range(0, len(x), size)]


def values_at(graph: aidge_core.GraphView, x: np.ndarray, name: str) -> np.ndarray:
    scheduler = aidge_core.SequentialScheduler(graph)
    scheduler.keep_outputs([name])
    scheduler.forward(data=[x])
    return np.asarray(graph.get_node(name).get_operator().get_output(0)).copy()


def test_covariances_at_inputs_count_every_position() -> None:
    graph, x = network(), images(10)
    data = aidge_core.CalibrationData(graph, batches(x))
    channels = [c for c in range(4) for _ in range(9)]
    found = aidge_core.collect_inputs(
        graph, data, [(graph.get_node("c2"), 0, []), (graph.get_node("fc"), 0, channels)]
    )
    for moment, name in zip(found, ("r1", "r2"), strict=True):
        tensor = values_at(graph, x, name)
        rows = np.moveaxis(tensor, 1, -1).reshape(-1, tensor.shape[1])
        np.testing.assert_allclose(moment.matrix(), np.cov(rows.T), rtol=1e-6, atol=1e-7)
        np.testing.assert_allclose(moment.mean, rows.mean(0), rtol=1e-5)
    assert (data.samples, data.batches, data.passes) == (10, 3, 1)


def test_fewer_positions_are_spread_over_the_samples() -> None:
    graph, x = network(), images(40)
    data = aidge_core.CalibrationData(graph, batches(x))
    some = aidge_core.collect_inputs(graph, data, [(graph.get_node("c2"), 0, [])], max_rows=160)[0]
    assert 140 <= some.samples <= 180


@pytest.mark.parametrize("memory", [0, 1 << 30])
def test_compensation_is_numpys_regression_on_patches(memory: int) -> None:
    graph, x = network(), images(60)
    small = graph.clone()
    weight = small.get_node("c2").get_parent(1).get_operator()
    damaged = np.asarray(weight.get_output(0)).copy()
    damaged[:, 2] = 0
    weight.set_output(0, damaged)
    bias = np.asarray(small.get_node("c2").get_parent(2).get_operator().get_output(0)).copy()
    data = aidge_core.CalibrationData(graph, batches(x), memory=memory)
    report = aidge_core.compensate_layers(graph, small, data, ridges=[1e-3], memory=memory)
    features = values_at(graph, x, "r1")
    patches = np.lib.stride_tricks.sliding_window_view(features, (2, 2), axis=(2, 3))
    z = np.moveaxis(patches, 1, 3).reshape(-1, 6 * 4).astype(np.float64)
    change = np.asarray(graph.get_node("c2").get_parent(1).get_operator().get_output(0)) - damaged
    r = z @ change.reshape(4, -1).T
    d, b = numpy_ridge(z, r, 1e-3)
    new = np.asarray(small.get_node("c2").get_parent(1).get_operator().get_output(0))
    np.testing.assert_allclose(new - damaged, d.T.reshape(4, 6, 2, 2), atol=FLOAT)
    shift = np.asarray(small.get_node("c2").get_parent(2).get_operator().get_output(0)) - bias
    np.testing.assert_allclose(shift, b, atol=FLOAT)
    assert [layer.ridge for layer in report.layers][:2] == [None, 1e-3]
    assert report.layers[0].note == "its output is the original's"
    assert report.layers[1].error_after < 0.01 * report.layers[1].error_before
    assert (report.passes == 1) == (memory > 0)


def test_compensation_changes_nothing_where_networks_are_the_same() -> None:
    graph = network()
    same = graph.clone()
    data = aidge_core.CalibrationData(graph, batches(images(8)))
    report = aidge_core.compensate_layers(graph, same, data)
    assert all(layer.ridge is None for layer in report.layers)
    x = images(3, seed=9)
    np.testing.assert_array_equal(values_at(graph, x, "fc"), values_at(same, x, "fc"))


def test_a_failed_compensation_leaves_the_weights() -> None:
    graph = network()
    small = graph.clone()
    operator = small.get_node("c1").get_parent(1).get_operator()
    operator.set_output(0, np.asarray(operator.get_output(0)) * 0.5)
    before = values_at(small, images(2), "fc")
    data = aidge_core.CalibrationData(graph, batches(images(8)))

    def fail(done: int, total: int, layer: str) -> None:
        if done == 2:
            raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        aidge_core.compensate_layers(graph, small, data, progress=fail)
    np.testing.assert_array_equal(values_at(small, images(2), "fc"), before)


def test_calibration_data_is_checked() -> None:
    graph = network()
    with pytest.raises(ValueError, match="at least one batch, got an empty one"):
        aidge_core.CalibrationData(graph, [])
    bad = images(6)
    bad[5, 0, 0, 0] = np.nan
    with pytest.raises(ValueError, match=r"NaN or infinity at input .* of batch 1"):
        aidge_core.CalibrationData(graph, batches(bad))


def test_a_provider_whose_passes_differ_is_an_error_where_its_data_is_not_kept() -> None:
    graph = network()

    class Shuffled:
        seed = 0

        def __iter__(self) -> object:
            self.seed += 1
            return iter(batches(images(8, self.seed)))

    data = aidge_core.CalibrationData(graph, Shuffled(), memory=0)
    with pytest.raises(ValueError, match="the same batches at every pass"):
        aidge_core.collect_inputs(graph, data, [(graph.get_node("c2"), 0, [])])


# --- activations as affine maps ----------------------------------------------------------------------------------------


def test_affine_ablation_replaces_an_activation_by_its_regression_and_folds_it() -> None:
    graph, x = network(), images(40)
    params = aidge_core.fibnlr_Parameters(
        ablation_method=aidge_core.AblationMethod.AFFINE, ablation_threshold=1e9, max_iteration=0
    )
    inputs = {name: values_at(graph, x, name) for name in ("c1", "c2")}
    removed = aidge_core.fibnlr(graph, batches(x), params)
    assert {node.name() for node in removed} == {"r1", "r2"}
    assert [n.type() for n in graph.get_ordered_nodes() if n.type() != "Producer"] == [
        "Conv2D",
        "Conv2D",
        "FC",
    ]
    before = np.moveaxis(inputs["c1"], 1, -1).reshape(-1, 6).astype(np.float64)
    after = np.moveaxis(values_at(graph, x, "c1"), 1, -1).reshape(-1, 6)
    for c in range(6):
        slope, offset = np.polyfit(before[:, c], np.maximum(before[:, c], 0), 1)
        np.testing.assert_allclose(after[:, c], slope * before[:, c] + offset, atol=1e-4)
    # The second is fitted to what the original gave, from what arrives now.
    now = values_at(graph, x, "c2")
    wanted = np.maximum(inputs["c2"], 0)
    error = ((now - wanted) ** 2).mean()
    for c in range(4):
        slope = np.polyfit(now[:, c].ravel(), wanted[:, c].ravel(), 1)
        np.testing.assert_allclose(slope, [1, 0], atol=1e-3)
    assert error < ((inputs["c2"] - wanted) ** 2).mean()


def test_an_activation_behind_a_tensor_that_others_read_becomes_a_batchnorm() -> None:
    graph = network()
    add = aidge_core.Add("both")
    graph.get_node("c2").add_child(add, 0, 0)
    graph.get_node("r2").add_child(add, 0, 1)
    fc = graph.get_node("fc")
    fc.set_input(0, add, 0) if hasattr(fc, "set_input") else add.add_child(fc, 0, 0)
    graph.add(add)
    graph.compile("cpu", dims=[[4, 3, 8, 8]])
    original, x = graph.clone(), images(20)
    done = aidge_core.fibnlr_replace_by_affine(original, graph, batches(x), ["r1", "r2"])
    assert [(name, layer) for name, layer, _ in done] == [("r1", "c1"), ("r2", "")]
    assert graph.get_node("r2").type() == "BatchNorm2D"
    assert all(0 < residual < 1 for _, _, residual in done)


def test_affine_ablation_needs_data_and_a_failure_changes_nothing() -> None:
    graph, x = network(), images(8)
    params = aidge_core.fibnlr_Parameters(
        ablation_method=aidge_core.AblationMethod.AFFINE, ablation_threshold=1e9
    )
    aidge_core.fibnlr_prepare(graph, params)
    aidge_core.fibnlr_compute(graph, batches(x), params)
    before = aidge_core.fibnlr_get_npr(graph.get_node("r1")).value()
    with pytest.raises(ValueError, match="affine ablation fits on data"):
        aidge_core.fibnlr_prune(graph, params)
    bad = images(8)
    bad[7] = np.nan
    with pytest.raises(ValueError, match=r"NaN or infinity|finite"):
        aidge_core.fibnlr_prune(graph, params, batches(bad))
    assert graph.get_node("r1").type() == "ReLU"
    assert aidge_core.fibnlr_get_npr(graph.get_node("r1")).value() == before
    assert len(aidge_core.fibnlr_prune(graph, params, batches(x))) == 2


def test_residuals_of_single_activations_are_numpys() -> None:
    graph, x = network(), images(30)
    residual = aidge_core.fibnlr_fit_affine(graph, batches(x), ["r1"])[0]
    values = np.moveaxis(values_at(graph, x, "c1"), 1, -1).reshape(-1, 6).astype(np.float64)
    f = np.maximum(values, 0)
    left = whole = 0.0
    for c in range(6):
        fit = np.polyval(np.polyfit(values[:, c], f[:, c], 1), values[:, c])
        left += ((f[:, c] - fit) ** 2).mean()
        whole += f[:, c].var()
    assert residual == pytest.approx(left / whole, rel=1e-5)
