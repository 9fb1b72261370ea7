"""Small pictures of the photos of a run, the worst answers first, so that failures can be looked at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from geotool.core.errors import BadImageError
from geotool.core.report import Report, stop_if_asked
from geotool.photos import Row, read_photo_bytes, to_small_jpeg

FOLDER = "thumbnails"
SIDE_PX = 256


def write_thumbnails(
    folder: Path, rows: Sequence[Row | None], errors_km: np.ndarray, most: int, report: Report
) -> list[str | None]:
    """Write at most `most` JPEGs without metadata below `folder`; (N,) paths in it, None for those without.

    Photos without an answer (an infinite error) come first, then those farthest off. Raises StoppedError.
    """
    names: list[str | None] = [None] * len(rows)
    chosen = [i for i in np.argsort(-errors_km, kind="stable").tolist() if rows[i] is not None][:most]
    if chosen:
        (folder / FOLDER).mkdir()
    for done, i in enumerate(chosen, start=1):
        stop_if_asked(report)
        names[i] = _write_one(folder, i, rows[i])
        report.progress(done, len(chosen), unit="thumbnails")
    return names


def _write_one(folder: Path, number: int, row: Row | None) -> str | None:
    assert row is not None
    try:
        _, image = read_photo_bytes(row.read_bytes(), row.shown)
    except BadImageError:
        return None  # told as the photo's failure
    name = f"{FOLDER}/{number:06}.jpg"
    (folder / name).write_bytes(to_small_jpeg(image, SIDE_PX))
    return name
