"""`aidge pfa`: how many units each layer needs, and which, from its responses to data."""

from __future__ import annotations

import json
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..files import replacing, write_text
from ..network.opening import compile_model
from ..network.sources import DATA_HELP, DataOptions, channel_values, open_data
from ..report import Measured
from .cluster import SCHEDULER_HELP, WORKERS_HELP, Cluster, share_of_threads
from .common import console, load, plain_table, print_json
from .reporting import REPORT_HELP, check_folders, say_written, write_report
from .shared_options import BatchSizeOption, JsonOption, MeanOption, StdOption, ThreadsOption

if TYPE_CHECKING:
    from aidge_core import GraphView
    from rich.console import Console

    from ..pfa import PFA, PfaOptions, PFARecipe

__all__ = ["pfa"]


class HowMany(str, Enum):
    """PFA.Strategy."""

    kl = "kl"
    energy = "energy"
    size = "size"


class Pool(str, Enum):
    """Pooler.Method."""

    max = "max"
    average = "average"
    sum = "sum"


class Ties(str, Enum):
    """tie_rule of L1Max and L1Min."""

    dnikit = "dnikit"
    documented = "documented"


def _options(
    kind: HowMany,
    threshold: float | None,
    size: float | None,
    min_kept: int,
    which: str,
    ties: Ties,
    seed: int,
) -> PfaOptions:
    from ..pfa import PfaOptions

    given = {"--threshold": threshold is not None, "--size": size is not None, "--min-kept": min_kept > 0}
    allowed = {
        HowMany.kl: (),
        HowMany.energy: ("--threshold", "--min-kept"),
        HowMany.size: ("--size", "--min-kept"),
    }[kind]
    useless = [name for name, is_given in given.items() if is_given and name not in allowed]
    if useless:
        raise ValueError(f"[cli::pfa] expected no {useless[0]} with --strategy {kind.value}, got one")
    options: dict[str, Any] = {"strategy": kind.value, "unit_strategy": which, "tie_rule": ties.value}
    options |= {name: share for name, share in (("energy", threshold), ("size", size)) if share is not None}
    return PfaOptions(**options, min_kept=min_kept, seed=seed)


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
    from ..pfa.run import estimates

    before, after = estimates(network, recipes)
    if before is None or after is None:
        return []
    return [
        Measured("parameters, if followed (estimate)", before.parameters, after.parameters, "count"),
        Measured("MACs, if followed (estimate)", before.macs, after.macs, "count"),
    ]


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
    unit_strategy: Annotated[
        str, typer.Option(help="Which units to remove: l1_max, l1_min, abs_max, abs_min or random.")
    ] = "l1_max",
    tie_rule: Annotated[
        Ties, typer.Option(help="For l1_max and l1_min: what decides among equal sums.")
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
    options = _options(strategy, threshold, size, min_kept, unit_strategy, tie_rule, seed)
    network = load(model)
    compile_model(network, share_of_threads(threads, workers))
    reading = DataOptions(batch_size, limit, mean=channel_values(mean), std=channel_values(std))
    cluster = Cluster.asked(workers, scheduler, data, network, reading)
    provider = None if cluster else open_data(data, network, reading)
    analysis = _introspect(network, provider, layers, pooling, as_json, cluster)
    recommended = analysis.recommend(strategy=options.how_many(network), unit_strategy=options.which())
    recipes = dict(recommended.recipes)
    document = {"model": str(model), "pooling": pooling.value, **recommended.to_dict()}
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
