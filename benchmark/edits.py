"""What building and editing a large graph costs: a chain by add_child, then edits of four kinds all over it.

python benchmark/edits.py --nodes 50000 --edits 1000
"""

from __future__ import annotations

import argparse
import time

import aidge_core


def build(count: int) -> tuple[aidge_core.GraphView, list[aidge_core.Node]]:
    """A chain, one add_child a node."""
    graph = aidge_core.GraphView()
    chain = [aidge_core.make_node("ReLU")]
    graph.add(chain[0])
    for _ in range(1, count):
        chain.append(aidge_core.make_node("ReLU"))
        graph.add_child(chain[-1])
    return graph, chain


def edit(graph: aidge_core.GraphView, chain: list[aidge_core.Node], count: int) -> None:
    """Inserts, replaces, bypasses and renames, each time somewhere else."""
    for i in range(count):
        at = i * 7919 % (len(chain) - 2) + 1
        node = chain[at]
        if i % 4 == 0:
            graph.insert_child(node, 0, aidge_core.make_node("Tanh"))
        elif i % 4 == 1:
            chain[at] = aidge_core.make_node("Sigmoid")
            graph.replace(node, chain[at])
        elif i % 4 == 2:
            graph.bypass(node)
            del chain[at]
        else:
            node.set_name(f"renamed_{i}")


def main() -> None:
    """Prints one row for each size."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--nodes", type=int, nargs="+", default=[500, 5000, 50000])
    parser.add_argument("--edits", type=int, default=1000)
    args = parser.parse_args()
    print("| nodes | built, s | edits | edited, s |\n|---|---|---|---|")
    for count in args.nodes:
        start = time.perf_counter()
        graph, chain = build(count)
        built = time.perf_counter()
        edit(graph, chain, args.edits)
        print(f"| {count} | {built - start:.3f} | {args.edits} | {time.perf_counter() - built:.3f} |")


if __name__ == "__main__":
    main()
