"""The points of a user's file on disk, without repetitions; the rows that are none as a table beside them."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from geotool.core.report import Report, stop_if_asked
from geotool.gallery.points import read_points

POINTS_FILE, REJECTED_FILE = "points.npy", "rejected.csv"


def store_points(path: Path, folder: Path, report: Report) -> dict[str, int]:
    """Write the points of a file as (N, 2) float32 without repetitions; how many rows became what.

    Of the rows, 8 bytes each stand in memory, and a few times that while repetitions are sought.
    """
    raw = folder / "points.raw"
    rejected = _stream(path, raw, folder / REJECTED_FILE, report)
    read = np.fromfile(raw, np.float32).reshape(-1, 2)
    points = merge_equal(read)
    np.save(folder / POINTS_FILE, points)
    raw.unlink()
    return {"points": len(points), "rejected": rejected, "duplicates_merged": len(read) - len(points)}


def merge_equal(latlon_deg: np.ndarray) -> np.ndarray:
    """(n, 2) float32 points without repetitions, in the order of their first appearance.

    The meridian 180 is that of -180, as in `LatLon`.
    """
    points = latlon_deg + np.float32(0)  # turns -0 into 0
    points[points[:, 1] == 180, 1] = -180
    keys = points.view(np.uint64)[:, 0]  # both numbers as one
    return points[np.sort(np.unique(keys, return_index=True)[1])]


def _stream(path: Path, raw: Path, rejected_file: Path, report: Report) -> int:
    """Write float32 pairs one behind the other; the number of rejected rows."""
    rows = rejected = 0
    with open(raw, "wb") as points, open(rejected_file, "w", encoding="utf-8", newline="") as listed:
        table = csv.writer(listed)
        table.writerow(("row", "text", "reason"))
        for chunk in read_points(path):
            stop_if_asked(report)
            points.write(chunk.latlon_deg.astype(np.float32).tobytes())
            table.writerows(chunk.rejected)
            rejected += len(chunk.rejected)
            rows += len(chunk.latlon_deg) + len(chunk.rejected)
            report.progress(rows, None, rejected, unit="rows")
    return rejected
