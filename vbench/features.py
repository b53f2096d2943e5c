"""Feature vectors of labelled patches, for plugins; see :mod:`vbench.audit.features`."""

from vbench.audit.features import (
    Cached,
    Features,
    FilterBank,
    SegmenterFeatures,
    embed,
    extractor,
    offers_features,
)

__all__ = [
    "Cached",
    "Features",
    "FilterBank",
    "SegmenterFeatures",
    "embed",
    "extractor",
    "offers_features",
]
