"""The levels of the path to an answer: continent, country, region by their names, else by cells."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from geotool.answer.gazetteer import find_names
from geotool.gallery.cells import PATH_LEVELS
from geotool.gallery.explain import LEVELS, Division


def _find_regions(latlon_deg: np.ndarray) -> Sequence[str | None]:
    return [name.admin1 for name in find_names(latlon_deg)]


PATH = (*LEVELS[:2], Division(cell_level=PATH_LEVELS[2], find_names=_find_regions))
