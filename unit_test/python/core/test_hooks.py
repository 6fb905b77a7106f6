"""Hooks: when they run, what they see, and how they end."""

from __future__ import annotations

import gc
import sys
import threading
import time
import weakref
from typing import Any

import aidge_backend_cpu  # noqa: F401
import aidge_core
import numpy as np
import pytest
from aidge_core import GraphView, Node
from helpers.small_graphs import chain, run

# --- hooks -----------------------------------------------------------------------------------------------------


@pytest.fixture
def compiled() -> GraphView:
    graph = chain()
    graph.compile("cpu", dims=[[1, 1, 3, 3]])
    return graph


IMAGE = np.ones((1, 1, 3, 3), np.float32)


def test_hooks_run_before_and_after_with_the_node_or_without(compiled: GraphView) -> None:
    calls: list[Any] = []
    node = compiled.get_node("relu")
    node.add_before_forward(lambda n: calls.append(("before", n, n.get_operator().get_input(0).tolist())))
    node.add_after_forward(lambda: calls.append("after"))
    node.add_after_forward(lambda n=None: calls.append(n))
    run(compiled, -IMAGE)
    assert calls == [("before", node, [[[[-9]], [[-9]]]]), "after", node]


def test_a_hook_sees_the_output_of_this_run(compiled: GraphView) -> None:
    seen: list[Any] = []
    node = compiled.get_node("relu")
    node.add_after_forward(lambda n: seen.append(n.get_operator().get_output(0).tolist()))
    scheduler = aidge_core.SequentialScheduler(compiled)
    scheduler.forward(data=[IMAGE])
    scheduler.forward(data=[IMAGE * 2])
    assert seen == [[[[[9]], [[9]]]], [[[[18]], [[18]]]]]


def test_a_removed_hook_is_silent_and_removing_twice_is_fine(compiled: GraphView) -> None:
    calls: list[int] = []
    node = compiled.get_node("relu")
    handle = node.add_after_forward(lambda: calls.append(1))
    assert handle.is_active
    assert node.has_hooks()
    run(compiled, IMAGE)
    handle.remove()
    handle.remove()
    assert not handle.is_active
    assert not node.has_hooks()
    run(compiled, IMAGE)
    assert calls == [1]


def test_a_handle_ends_with_its_with_block_and_dropping_it_changes_nothing(compiled: GraphView) -> None:
    calls: list[str] = []
    node = compiled.get_node("relu")
    node.add_after_forward(lambda: calls.append("kept"))
    with node.add_after_forward(lambda: calls.append("block")):
        run(compiled, IMAGE)
    gc.collect()
    run(compiled, IMAGE)
    assert calls == ["kept", "block", "kept"]


@pytest.mark.parametrize("when", ["add_before_forward", "add_after_forward"])
def test_what_a_hook_raises_leaves_forward_as_it_is(compiled: GraphView, when: str) -> None:
    class Mine(Exception):
        pass

    error = Mine("from the hook")

    def hook() -> None:
        raise error

    handle = getattr(compiled.get_node("relu"), when)(hook)
    scheduler = aidge_core.SequentialScheduler(compiled)
    with pytest.raises(Mine) as caught:
        scheduler.forward(data=[IMAGE])
    assert caught.value is error
    assert any(entry.name == "hook" for entry in caught.traceback)
    handle.remove()
    assert scheduler.forward(data=[IMAGE])[0].tolist() == [[[[9]], [[9]]]]


def test_a_callable_that_fits_neither_way_is_refused_at_once(compiled: GraphView) -> None:
    with pytest.raises(TypeError):
        compiled.get_node("relu").add_after_forward(lambda a, b: None)


def test_a_removed_hook_frees_its_callable(compiled: GraphView) -> None:
    class Recorder:
        def __call__(self, node: Node) -> None:
            pass

    recorder = Recorder()
    watch = weakref.ref(recorder)
    handle = compiled.get_node("relu").add_after_forward(recorder)
    del recorder
    gc.collect()
    assert watch() is not None
    handle.remove()
    gc.collect()
    assert watch() is None


def test_a_dropped_graph_frees_its_hooks() -> None:
    class Recorder:
        def __call__(self, node: Node) -> None:
            pass

    recorder = Recorder()
    watch = weakref.ref(recorder)
    graph = chain()
    graph.get_node("relu").add_after_forward(recorder)
    del recorder, graph
    gc.collect()
    assert watch() is None


def test_forward_releases_the_gil(compiled: GraphView) -> None:
    """Another thread gets on while forward runs; with the GIL held it would not move at all."""
    big = aidge_core.sequential([aidge_core.Conv2D(32, 32, [3, 3], "c", no_bias=True)])
    big.compile("cpu", dims=[[8, 32, 64, 64]])
    scheduler = aidge_core.SequentialScheduler(big)
    data = np.ones((8, 32, 64, 64), np.float32)
    scheduler.forward(data=[data])
    ticks = 0
    done = threading.Event()

    def count() -> None:
        nonlocal ticks
        while not done.is_set():
            ticks += 1
            time.sleep(0)

    inside: list[int] = []
    thread = threading.Thread(target=count)
    switch = sys.getswitchinterval()
    sys.setswitchinterval(1000)  # nobody gives the GIL away unless asked
    try:
        thread.start()
        for _ in range(20):
            before = ticks
            scheduler.forward(data=[data])
            inside.append(ticks - before)
    finally:
        sys.setswitchinterval(switch)
        done.set()
        thread.join()
    assert sum(inside) > 0
