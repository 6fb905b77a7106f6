"""`aidge pfa`: how many units each layer needs, and which, from its responses to data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..files import replacing, write_text
from ..network.opening import compile_for
from ..network.sources import open_data
from ..numbers import counted, shown
from ..pfa import PfaOptions
from ..report import Measured
from . import shared_options as shared
from .bars import progress_bar
from .cluster import Cluster, share_of_threads
from .common import Screen, load, print_json, ratio, reading_of
from .generated import options_of, takes
from .reporting import check_outputs, say_written, write_report

if TYPE_CHECKING:
    from aidge_core import GraphView

    from ..network.costs import Costs
    from ..pfa import PFA, PFARecipe

__all__ = ["pfa"]

OPTIONS = options_of(
    PfaOptions,
    "How many units, and which",
    skip=("epsilon_inactive", "strict_samples"),
    former={"energy": ("--threshold",)},
)
_SHARES = {
    "kl": (),
    "energy": ("energy", "min_kept"),
    "size": ("size", "min_kept"),
    "budget": ("keep_macs",),
}
"""Strategy → the options that it has."""


def _options(chosen: dict[str, Any]) -> PfaOptions:
    options = PfaOptions(**chosen)
    allowed = _SHARES[options.strategy]
    useless = [
        name for name in ("energy", "size", "keep_macs", "min_kept") if name in chosen and name not in allowed
    ]
    if useless:
        flag = f"--{useless[0].replace('_', '-')}"
        raise ValueError(f"[cli::pfa] expected no {flag} with --strategy {options.strategy}, got one")
    return options


def _introspect(
    network: GraphView, provider: Any, options: PfaOptions, quiet: bool, cluster: Cluster | None
) -> PFA:
    from ..pfa import PFA, Pooler

    layers, method = list(options.layers) or None, Pooler.Method(options.pooling)
    with progress_bar(quiet) as progress:
        if cluster is not None:
            return cluster.introspect_model(network, layers, method, progress)
        return PFA.introspect_model(network, provider, layers, method, progress=progress)


def _print(
    screen: Screen, model: Path, recipes: dict[str, PFARecipe], costs: tuple[Costs | None, Costs | None]
) -> None:
    from ..pfa.tables import recipe_row

    kept = sum(recipe.recommended_output_count for recipe in recipes.values())
    units = sum(recipe.original_output_count for recipe in recipes.values())
    share = f" ({100 * kept / units:.1f} %)" if units else ""
    screen.headline(
        f"{model.name}: keep {kept} of {units} units{share} of {counted(len(recipes), 'layer')}\n"
    )
    rows = [
        (f"{name}, if followed", shown(old, "count"), shown(new, "count"), ratio(old, new))
        for name, old, new in _estimated(*costs)
    ]
    screen.before_and_after(rows)
    if rows:
        screen.say()
    lines = []
    for name, recipe in recipes.items():
        row = recipe_row(name, recipe)
        figures = [row[title] for title in ("KL divergence", "kept energy")]
        count, of = recipe.recommended_output_count, recipe.original_output_count
        lines.append(
            (
                name,
                str(of),
                str(count) + ("*" if recipe.note else ""),
                f"{100 * count / of:.0f} %",
                str(recipe.number_inactive_units),
                *(f"{value:.4f}" if isinstance(value, float) else "" for value in figures),
            )
        )
    screen.table(["layer", "units", "keep", "share", "inactive", "KL", "energy"], lines)
    for name, recipe in recipes.items():
        if recipe.note:
            screen.say(f"* {name}: {recipe.note}")


def _estimated(before: Costs | None, after: Costs | None) -> list[tuple[str, float, float]]:
    if before is None or after is None:
        return []
    return [("parameters", before.parameters, after.parameters), ("MACs", before.macs, after.macs)]


def _draw(path: Path, recipes: dict[str, PFARecipe]) -> None:
    from ..pfa.charts import recipe_chart

    figure = recipe_chart(recipes).get_figure()
    with replacing(path) as file:
        figure.savefig(file, format=path.suffix[1:].lower(), dpi=150)


@takes(reading=shared.UNSEEDED_READING, chosen=OPTIONS)
def pfa(
    *,
    model: shared.ModelArgument,
    data: shared.DataOption,
    chosen: dict[str, Any],
    out: Annotated[
        Path | None, typer.Option(help="Write the recipes to this JSON file.", metavar="FILE")
    ] = None,
    report: shared.ReportOption = None,
    chart: Annotated[
        Path | None, typer.Option(help="Draw a chart into this file (.png, .svg or .pdf).", metavar="FILE")
    ] = None,
    statistics: Annotated[
        Path | None,
        typer.Option(help="Write the statistics to this file, for PFA.load and PFA.merge.", metavar="FILE"),
    ] = None,
    as_json: shared.JsonOption = False,
    reading: dict[str, Any],
    threads: shared.ThreadsOption = None,
    workers: shared.WorkersOption = 0,
    scheduler: shared.SchedulerOption = None,
) -> None:
    """Recommend how many units each layer keeps.

    Principal Filter Analysis: the covariance of a layer's outputs says how many of its units are needed, and which ones. Nothing is changed.
    """
    from ..pfa.charts import check_chart
    from ..pfa.run import estimates

    options = _options(chosen)
    check_outputs(
        {"--out": out, "--chart": chart, "--statistics": statistics, "--report": report}, model, data
    )
    if chart:
        check_chart(chart)
    network = load(model)
    data_options = reading_of(network, reading, options.seed)
    cluster = Cluster.asked(workers, scheduler, data, network, data_options)
    provider = open_data(data, network, data_options)
    compile_for(network, provider, share_of_threads(threads or 0, workers))
    analysis = _introspect(network, provider, options, as_json, cluster)
    recommended = analysis.recommend(strategy=options.how_many(network), unit_strategy=options.which())
    recipes = dict(recommended.recipes)
    if not recipes:
        raise ValueError("[cli::pfa] expected at least 2 samples to compute covariances from, got fewer")
    document = {"model": str(model), "pooling": options.pooling, **recommended.to_dict()}
    if out:
        write_text(out, json.dumps(document, indent=2, allow_nan=False) + "\n")
    if chart and recipes:
        _draw(chart, recipes)
    if statistics:
        analysis.save(statistics)
    say_written(out, chart if recipes else None, statistics)
    costs = estimates(network, recipes)
    if report:
        rows = [
            Measured(f"{name}, if followed (estimate)", old, new, "count")
            for name, old, new in _estimated(*costs)
        ]
        write_report(report, recommended, model, {"data": data}, rows)
    if as_json:
        print_json(document)
        return
    _print(Screen(), model, recipes, costs)
