"""Principal Filter Analysis in one call: `recommend_channels`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..network.costs import Costs
from ..network.opening import prepare
from ..options import changed
from ..progress import Progress
from .budget import network_cost
from .dnikit.processors import Pooler
from .introspect import PFA
from .options import PfaOptions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aidge_core import GraphView

    from ..network.opening import NetworkSource
    from .recipe import PFARecipe
    from .recommendation import PFARecommendation

__all__ = ["estimates", "recommend_channels"]


def recommend_channels(
    model: NetworkSource,
    data: Any,
    options: PfaOptions | None = None,
    *,
    progress: Progress | None = None,
    **changes: Any,
) -> PFARecommendation:
    """Recommend how many channels each layer of a network keeps, and which, from the covariance of its outputs (PFA).

    Args:
        model: the path or the bytes of an ONNX file, an onnx.ModelProto, a GraphView or a torch.nn.Module; it is not changed.
        data: what to run through the network: a path as --data takes it, arrays, or any source of batches; labels are ignored.
        options: how to choose; None: the defaults.
        progress: called with (stage, done, total).
        changes: fields of PfaOptions that differ from `options`, e.g. strategy="energy", energy=0.95.

    Raises:
        ValueError: if an option is out of range, no layer is left to analyse, or the data does not fit.
        TypeError: for an unknown option, or a model that is none of these.
        Stopped: if `progress` returns False.
    """
    chosen = changed(options or PfaOptions(), changes, "pfa::recommend_channels")
    network, provider = prepare(model, data)

    analysis = PFA.introspect_model(
        network,
        provider,
        chosen.layers or None,
        Pooler.Method(chosen.pooling),
        epsilon_inactive=chosen.epsilon_inactive,
        strict_samples=chosen.strict_samples,
        progress=progress,
    )
    result = analysis.recommend(strategy=chosen.how_many(network), unit_strategy=chosen.which())
    before, after = estimates(network, result.recipes)
    return replace(result, model=network, before=before, after=after, options=chosen)


def estimates(network: GraphView, recipes: Mapping[str, PFARecipe]) -> tuple[Costs | None, Costs | None]:
    """What a compiled network costs, and would cost if the recipes were followed; None if a layer is not a node of the network itself."""
    if not all(network.find_node(name) for name in recipes):
        return None, None
    kept = {name: r.recommended_output_count / r.original_output_count for name, r in recipes.items()}
    (parameters, macs), (fewer, less) = network_cost(network, {}), network_cost(network, kept)
    return Costs(round(macs), round(parameters)), Costs(round(less), round(fewer))
