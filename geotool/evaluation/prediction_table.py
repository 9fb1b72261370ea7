"""Every prediction of a run as one table, a row per photo: figures and comparison are made of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geotool.answer.features import FIRST
from geotool.core.errors import MismatchError, NotFoundError
from geotool.core.geo import LatLon
from geotool.core.regions import NOWHERE, Region, find_region
from geotool.core.sphere import haversine_km
from geotool.evaluation.baselines import find_ceiling_km, find_chance_km
from geotool.evaluation.labels import to_groups
from geotool.evaluation.metrics import to_scores
from geotool.evaluation.slices import name_image_size

if TYPE_CHECKING:
    import pyarrow

    from geotool.evaluation.run import Answer, Run

TABLE_FILE = "predictions.parquet"
AT_SEA = "at sea"  # or on the Antarctic, which is no country
LABEL = "label_"  # begins the name of a column that the data set's own table has
_ERRORS = ("error_km", "first_error_km", "chance_km", "ceiling_km")
_FLAGS = "leak_", "is_"  # begin the names of columns that say yes or no

Columns = dict[str, Any]  # N values each, a list or an array


def build_columns(run: Run) -> Columns:
    """The table column by column, N values each. Errors are infinite where there is no answer."""
    answers = run.answers
    truth_deg = _to_degrees([answer.truth for answer in answers])  # (N, 2)
    answer_deg = _to_degrees([answer.places[0].center if answer.places else None for answer in answers])
    first_deg = _to_degrees([a.candidates[0].location if a.candidates else None for a in answers])
    errors_km = _find_errors_km(answer_deg, truth_deg)
    return {
        **_describe_photos(run),
        **_locate("truth", truth_deg),
        **_locate("first", first_deg, with_regions=False),
        "first_error_km": _find_errors_km(first_deg, truth_deg),
        **_locate("answer", answer_deg),
        "error_km": errors_km,
        "geoscore": to_scores(errors_km),
        **_describe_answers(answers),
        "spread_km": _find_spread_km(answers),
        **_find_bounds(run.gallery_deg, truth_deg),
        **_label(run),
    }


def find_groups(columns: Columns) -> dict[str, list[str | None]]:
    """By what figures are sliced, for each of the N photos; without dimensions of which nothing is known."""
    sizes = zip(columns["width_px"], columns["height_px"], strict=True)
    groups: dict[str, list[str | None]] = {
        "continent": [name or AT_SEA for name in columns["truth_continent"]],
        "country": [name or AT_SEA for name in columns["truth_country"]],
        "image_size": [name_image_size(size if size[0] else None) for size in sizes],
    }
    for name, values in columns.items():
        found = to_groups(values) if name.startswith(LABEL) else None
        if found is not None:
            groups[name.removeprefix(LABEL)] = found
    return {name: values for name, values in groups.items() if any(values)}


def to_arrow(columns: Columns) -> pyarrow.Table:
    """The table as it is stored: nulls in the place of errors that there are not."""
    import pyarrow as pa

    arrays = {}
    for name, values in columns.items():
        kind = _find_type(name)
        array = pa.array(values, type=kind, from_pandas=True)
        if name in _ERRORS:
            array = pa.array(values, type=kind, mask=~np.isfinite(np.asarray(values)))
        arrays[name] = array
    return pa.table(arrays)


def read_table(run: Path) -> pyarrow.Table:
    """The table of a run folder. Raises NotFoundError, or MismatchError where it is damaged."""
    import pyarrow as pa
    from pyarrow import parquet

    path = run / TABLE_FILE
    if not path.is_file():
        raise NotFoundError(f"There is no {path}.", "Make a run: python -m geotool evaluate DATA.")
    try:
        return parquet.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise MismatchError(f"{path} is damaged: {error}.", "Evaluate again.") from error


def _find_type(name: str) -> Any:
    """What pyarrow cannot tell where a column is empty."""
    import pyarrow as pa

    place = {"lat": pa.float64(), "lon": pa.float64(), "radius_km": pa.float64(), "mass": pa.float64()}
    names = dict.fromkeys(("name", "admin1", "country_code"), pa.string())
    kinds = {
        "places": pa.list_(pa.struct({**place, **names})),
        "hierarchy": pa.list_(pa.struct({"name": pa.string(), "mass": pa.float64()})),
        **dict.fromkeys(("width_px", "height_px"), pa.int32()),
        **dict.fromkeys(("first_cosine", "difficulty", "seconds", "geoscore", "mass"), pa.float64()),
    }
    if name.endswith(("_km", "_lat", "_lon")):
        return pa.float64()
    return kinds.get(name, pa.bool_() if name.startswith(_FLAGS) else pa.string())


def _describe_photos(run: Run) -> Columns:
    answers = run.answers
    sizes = [answer.photo.size_px if answer.photo else (None, None) for answer in answers]
    return {
        "id": [answer.id for answer in answers],
        "path": [str(answer.row.path) if answer.row else None for answer in answers],
        "member": [
            answer.row.member.name if answer.row and answer.row.member else None for answer in answers
        ],
        "sha256": [answer.photo.photo_id if answer.photo else None for answer in answers],
        "author": [run.author_of(answer) for answer in answers],
        "width_px": [width for width, _ in sizes],
        "height_px": [height for _, height in sizes],
    }


def _describe_answers(answers: Sequence[Answer]) -> Columns:
    confidences = [answer.confidence for answer in answers]
    return {
        "first_cosine": [answer.candidates[0].cosine if answer.candidates else None for answer in answers],
        "radius_km": [answer.places[0].radius_km if answer.places else None for answer in answers],
        "mass": [answer.places[0].mass if answer.places else None for answer in answers],
        "places": [[_to_struct(place) for place in answer.places] for answer in answers],
        **{
            name: [getattr(each, name) if each else None for each in confidences]
            for name in ("level", "radius50_km", "radius80_km", "difficulty")
        },
        "hierarchy": [[{"name": step.name, "mass": step.mass} for step in a.path] for a in answers],
        "seconds": [answer.seconds for answer in answers],
        "failure": [answer.failure.message if answer.failure else None for answer in answers],
    }


def _to_struct(place: Any) -> dict[str, Any]:
    names = {name: getattr(place, name) for name in ("name", "admin1", "country_code")}
    center = place.center
    return {"lat": center.lat, "lon": center.lon, "radius_km": place.radius_km, "mass": place.mass, **names}


def _locate(role: str, latlon_deg: np.ndarray, with_regions: bool = True) -> Columns:
    columns: Columns = {f"{role}_lat": latlon_deg[:, 0], f"{role}_lon": latlon_deg[:, 1]}
    if not with_regions:
        return columns
    regions = [_find_region(lat, lon) for lat, lon in latlon_deg.tolist()]
    return {**columns, **{f"{role}_{name}": [getattr(r, name) for r in regions] for name in Region._fields}}


def _find_region(lat: float, lon: float) -> Region:
    return NOWHERE if math.isnan(lat) else find_region(lat, lon)


def _find_bounds(gallery_deg: np.ndarray | None, truth_deg: np.ndarray) -> Columns:
    if gallery_deg is None:
        return {}
    return {
        "chance_km": find_chance_km(gallery_deg, truth_deg),
        "ceiling_km": find_ceiling_km(gallery_deg, truth_deg),
    }


def _label(run: Run) -> Mapping[str, Sequence[Any]]:
    return {
        LABEL + name: [values.get(answer.id) for answer in run.answers]
        for name, values in run.labels.columns.items()
    }


def _to_degrees(locations: Sequence[LatLon | None]) -> np.ndarray:
    """(N, 2), not-a-number where there is none."""
    pairs = [(math.nan, math.nan) if each is None else (each.lat, each.lon) for each in locations]
    return np.array(pairs, dtype=np.float64).reshape(-1, 2)


def _find_errors_km(guess_deg: np.ndarray, truth_deg: np.ndarray) -> np.ndarray:
    errors_km = haversine_km(guess_deg, truth_deg)
    return np.where(np.isnan(errors_km), math.inf, errors_km)


def _find_spread_km(answers: Sequence[Answer]) -> np.ndarray:
    """(N,) mean distances between two of the first five candidates; not-a-number with fewer than two."""
    spread_km = np.full(len(answers), np.nan)
    counts = np.array([min(FIRST, len(answer.candidates)) for answer in answers])
    for count in range(2, FIRST + 1):
        rows = np.flatnonzero(counts == count)
        points = [_to_degrees([c.location for c in answers[row].candidates[:count]]) for row in rows.tolist()]
        if points:
            stacked, (left, right) = np.stack(points), np.triu_indices(count, 1)  # (n, K, 2)
            spread_km[rows] = haversine_km(stacked[:, left], stacked[:, right]).mean(axis=1)
    return spread_km
