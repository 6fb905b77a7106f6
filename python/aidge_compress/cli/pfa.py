"""`aidge pfa`: how many units each layer needs, and which, from its responses to data."""

from __future__ import annotations

import json
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..files import replacing, write_text
from ..network.opening import compile_model
from ..report import Measured
from .cluster import SCHEDULER_HELP, WORKERS_HELP, Cluster, share_of_threads
from .common import console, load, plain_table, print_json
from .reporting import REPORT_HELP, check_folders, say_written, write_report
from .shared_options import BatchSizeOption, JsonOption, MeanOption, StdOption, ThreadsOption
from .sources import DATA_HELP, DataOptions, channel_values, open_data

if TYPE_CHECKING:
    from aidge_core import GraphView
    from rich.console import Console

    from ..pfa import PFA, PFARecipe

__all__ = ["pfa"]


class HowMany(str, Enum):
    """PFA.Strategy."""

    kl = "kl"
    energy = "energy"
    size = "size"


class Which(str, Enum):
    """PFA.UnitSelectionStrategy."""

    absmax = "absmax"
    absmin = "absmin"
    l1max = "l1max"
    l1min = "l1min"
    random = "random"


class Pool(str, Enum):
    """Pooler.Method."""

    max = "max"
    average = "average"
    sum = "sum"


class Ties(str, Enum):
    """tie_rule of L1Max and L1Min."""

    dnikit = "dnikit"
    documented = "documented"


def _strategy(kind: HowMany, threshold: float | None, size: float | None, min_kept: int) -> Any:
    from ..pfa import PFA

    given = {"--threshold": threshold is not None, "--size": size is not None, "--min-kept": min_kept > 0}
    allowed = {
        HowMany.kl: (),
        HowMany.energy: ("--threshold", "--min-kept"),
        HowMany.size: ("--size", "--min-kept"),
    }[kind]
    useless = [name for name, is_given in given.items() if is_given and name not in allowed]
    if useless:
        raise ValueError(f"[cli::pfa] expected no {useless[0]} with --strategy {kind.value}, got one")
    if kind is HowMany.kl:
        return PFA.Strategy.KL()
    if kind is HowMany.energy:
        return PFA.Strategy.Energy(0.9 if threshold is None else threshold, min_kept)
    return PFA.Strategy.Size(0.5 if size is None else size, min_kept)


def _unit_strategy(kind: Which, ties: Ties, seed: int) -> Any:
    from ..pfa import PFA

    algorithms = PFA.UnitSelectionStrategy
    return {
        Which.absmax: algorithms.AbsMax(),
        Which.absmin: algorithms.AbsMin(),
        Which.l1max: algorithms.L1Max(ties.value),
        Which.l1min: algorithms.L1Min(ties.value),
        Which.random: algorithms.Random(seed),
    }[kind]


def _introspect(
    network: GraphView,
    provider: Any,
    layers: list[str] | None,
    pooling: Pool,
    quiet: bool,
    cluster: Cluster | None,
) -> PFA:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from ..pfa import PFA, Pooler

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[samples]} samples"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True, quiet=quiet), transient=True) as bar:
        task = bar.add_task("collecting responses", total=None, samples=0)

        def show(batch: int, samples: int, batches: int | None) -> None:
            bar.update(task, completed=batch, total=batches, samples=samples)

        method = Pooler.Method(pooling.value)
        if cluster is not None:
            bar.update(task, description="collecting responses, partitions", samples="all")
            return cluster.introspect_model(
                network, layers, method, lambda done, total: bar.update(task, completed=done, total=total)
            )
        return PFA.introspect_model(network, provider, layers, method, progress=show)


def _print(out: Console, recipes: dict[str, PFARecipe]) -> None:
    from ..pfa.tables import recipe_row

    table = plain_table()
    table.add_column("layer", overflow="fold")
    for title in ("units", "keep", "share", "inactive", "KL divergence", "kept energy"):
        table.add_column(title, justify="right", no_wrap=True)
    for name, recipe in recipes.items():
        row = recipe_row(name, recipe)
        figures = [row[title] for title in ("KL divergence", "kept energy")]
        kept, units = recipe.recommended_output_count, recipe.original_output_count
        table.add_row(
            name,
            str(units),
            str(kept) + ("*" if recipe.note else ""),
            f"{kept / units:.0%}",
            str(recipe.number_inactive_units),
            *(f"{value:.4f}" if isinstance(value, float) else "" for value in figures),
        )
    out.print(table)
    kept = sum(recipe.recommended_output_count for recipe in recipes.values())
    units = sum(recipe.original_output_count for recipe in recipes.values())
    out.print(f"{len(recipes)} layers, {kept} of {units} units kept ({kept / units:.1%})")
    for name, recipe in recipes.items():
        if recipe.note:
            out.print(f"* {name}: {recipe.note}", markup=False)


def _draw(path: Path, recipes: dict[str, PFARecipe]) -> None:
    from ..pfa.charts import recipe_chart

    figure = recipe_chart(recipes).get_figure()
    with replacing(path) as file:
        figure.savefig(file, format=path.suffix[1:].lower(), dpi=150)


def _estimates(network: GraphView, recipes: dict[str, PFARecipe]) -> list[Measured]:
    """What the whole network would cost if the recipes were followed; only where all layers are nodes of the network itself."""
    from ..pfa import network_cost

    if not all(network.find_node(name) for name in recipes):
        return []
    kept = {name: r.recommended_output_count / r.original_output_count for name, r in recipes.items()}
    before, after = network_cost(network, {}), network_cost(network, kept)
    titles = ("parameters, if followed (estimate)", "MACs, if followed (estimate)")
    return [Measured(title, old, new, "count") for title, old, new in zip(titles, before, after, strict=True)]


def pfa(
    model: Annotated[Path, typer.Argument(help="The ONNX file.")],
    data: Annotated[str, typer.Option(help=f"What to run through the network. {DATA_HELP}")],
    strategy: Annotated[HowMany, typer.Option(help="How many units a layer keeps.")] = HowMany.kl,
    threshold: Annotated[float | None, typer.Option(help="For energy: the share to keep (0.9).")] = None,
    size: Annotated[
        float | None, typer.Option(help="For size: the share of all units to keep (0.5).")
    ] = None,
    min_kept: Annotated[
        int, typer.Option(min=0, help="For energy and size: units that a layer keeps at least.")
    ] = 0,
    unit_strategy: Annotated[Which, typer.Option(help="Which units go.")] = Which.l1max,
    tie_rule: Annotated[
        Ties, typer.Option(help="For l1max and l1min: what decides among equal sums.")
    ] = Ties.dnikit,
    pooling: Annotated[Pool, typer.Option(help="What becomes of a channel's positions.")] = Pool.max,
    layers: Annotated[
        list[str] | None,
        typer.Option(
            help="A node or an operator type to analyse (once each; none: all layers with weights but the last)."
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Where the recipes go, as JSON.")] = None,
    chart: Annotated[Path | None, typer.Option(help="Where the chart goes (.png, .svg, .pdf).")] = None,
    report: Annotated[Path | None, typer.Option(help=REPORT_HELP)] = None,
    statistics: Annotated[
        Path | None, typer.Option(help="Where the statistics go, for PFA.load and PFA.merge.")
    ] = None,
    batch_size: BatchSizeOption = 64,
    limit: Annotated[int, typer.Option(min=0, help="At most so many samples (0: all).")] = 0,
    seed: Annotated[int, typer.Option(min=0, help="Of --unit-strategy random.")] = 0,
    mean: MeanOption = None,
    std: StdOption = None,
    threads: ThreadsOption = 0,
    workers: Annotated[int, typer.Option(min=0, help=WORKERS_HELP)] = 0,
    scheduler: Annotated[str | None, typer.Option(help=SCHEDULER_HELP)] = None,
    as_json: JsonOption = False,
) -> None:
    """Recommend by Principal Filter Analysis how many units each layer keeps, and which ones."""
    from ..pfa.charts import check_chart

    check_folders(out, chart, statistics, report)
    if chart:
        check_chart(chart)
    how_many = _strategy(strategy, threshold, size, min_kept)
    which = _unit_strategy(unit_strategy, tie_rule, seed)
    network = load(model)
    compile_model(network, share_of_threads(threads, workers))
    reading = DataOptions(batch_size, limit, mean=channel_values(mean), std=channel_values(std))
    cluster = Cluster.asked(workers, scheduler, data, network, reading)
    provider = None if cluster else open_data(data, network, reading)
    analysis = _introspect(network, provider, layers, pooling, as_json, cluster)
    recommended = analysis.recommend(strategy=how_many, unit_strategy=which)
    recipes = dict(recommended.recipes)
    document = {
        "model": str(model),
        "strategy": repr(how_many),
        "unit_strategy": repr(which),
        "pooling": pooling.value,
        "failed_responses": analysis.failed_responses,
        "recipes": {name: recipe.to_dict() for name, recipe in recipes.items()},
    }
    if out:
        write_text(out, json.dumps(document, indent=2, allow_nan=False) + "\n")
    if chart and recipes:
        _draw(chart, recipes)
    if statistics:
        analysis.save(statistics)
    say_written(out, chart if recipes else None, statistics)
    if report:
        write_report(report, recommended, model, {"data": data}, _estimates(network, recipes))
    if as_json:
        print_json(document)
        return
    _print(console(), recipes)
