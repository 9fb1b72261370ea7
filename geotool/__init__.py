"""geotool: where was this photo taken? The public names, imported when first used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from geotool.core.errors import GeotoolError
    from geotool.core.geo import LatLon
    from geotool.core.records import Photo, Prediction
    from geotool.engine import Engine

__all__ = ["Engine", "GeotoolError", "LatLon", "Photo", "Prediction"]

_HOMES = {
    "Engine": "geotool.engine",
    "GeotoolError": "geotool.core.errors",
    "LatLon": "geotool.core.geo",
    "Photo": "geotool.core.records",
    "Prediction": "geotool.core.records",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"geotool has no {name}")
    return getattr(importlib.import_module(_HOMES[name]), name)
