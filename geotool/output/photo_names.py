"""Short names of photos that tell them apart: a report need not say where on a disk they lie."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from geotool.core.records import ItemError, Prediction


def short_names(results: Sequence[Prediction | ItemError]) -> list[str]:
    """File names, with as many of their folders as it takes to tell different photos apart."""
    paths = [path_of(result) for result in results]
    names = {path: path.name or str(path) for path in paths}
    for depth in range(2, max((len(path.parts) for path in paths), default=0) + 1):
        counts = Counter(names.values())
        names = {
            path: "/".join(path.parts[-depth:]) if counts[name] > 1 else name for path, name in names.items()
        }
    return [names[path] for path in paths]


def path_of(result: Prediction | ItemError) -> Path:
    return Path(result.path) if isinstance(result, ItemError) else result.photo.path
