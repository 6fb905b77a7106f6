"""Principal Filter Analysis: how many units each layer of a network needs, and which.

Names are those of Apple's DNIKit if it has the function; its notebook runs with `from aidge_compress.pfa import …` in place of its imports.
"""

from __future__ import annotations

from .budget import network_cost
from .dnikit.batch import (
    Batch,
    PipelineStage,
    Producer,
    as_producer,
    peek_first_batch,
    pipeline,
    resize_batches,
)
from .dnikit.cache import CachedProducer, Cacher
from .dnikit.models import Model, ModelDetails, load_model
from .dnikit.processors import (
    FieldRemover,
    FieldRenamer,
    ImageFormat,
    ImageResizer,
    MeanStdNormalizer,
    Pooler,
    Processor,
    Transposer,
)
from .dnikit.responses import ResponseInfo
from .introspect import PFA
from .layer import PFACovariancesResult
from .options import PfaOptions
from .recipe import (
    PFABudgetDiagnostics,
    PFAEnergyDiagnostics,
    PFAKLDiagnostics,
    PFARecipe,
    PFASizeDiagnostics,
)
from .recommendation import PFARecommendation
from .run import recommend_channels
from .strategies import PFAStrategyType
from .units import PFAUnitSelectionStrategyType

__all__ = [
    "PFA",
    "Batch",
    "CachedProducer",
    "Cacher",
    "FieldRemover",
    "FieldRenamer",
    "ImageFormat",
    "ImageResizer",
    "MeanStdNormalizer",
    "Model",
    "ModelDetails",
    "PFABudgetDiagnostics",
    "PFACovariancesResult",
    "PFAEnergyDiagnostics",
    "PFAKLDiagnostics",
    "PFARecipe",
    "PFARecommendation",
    "PFASizeDiagnostics",
    "PFAStrategyType",
    "PFAUnitSelectionStrategyType",
    "PfaOptions",
    "PipelineStage",
    "Pooler",
    "Processor",
    "Producer",
    "ResponseInfo",
    "Transposer",
    "as_producer",
    "load_model",
    "network_cost",
    "peek_first_batch",
    "pipeline",
    "recommend_channels",
    "resize_batches",
]
