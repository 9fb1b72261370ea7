"""The heat map: where on Earth the gallery resembles a photo, whatever the gallery's own density.

A gallery has thousands of points in a large city and one in a desert. Summed up, the weights would draw that
density and not the photo. So each cell of a grid gets the mean weight of its points, and cells are smoothed
by a ratio (kernel regression of Nadaraya 1964 and Watson 1964),

    heat(x) = sum_c k(x, c) o_c m_c / sum_c k(x, c) o_c,

with m_c the mean weight in cell c, o_c at most 1 where the cell has points and 0 where it has none, and k
a Gaussian on the sphere. Equal weights give an equal heat wherever there are points; a cell with more points
is known better and glows no brighter.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from geotool.core.geo import EARTH_RADIUS_KM
from geotool.core.records import Heat
from geotool.core.report import Report, SilentReport, stop_if_asked

CELL_DEG = 0.5
SMOOTHING_KM = 50.0  # the kernel's standard deviation: about one cell, so that no cell shows as a square
REACH_KM = 120.0  # how far from a lone gallery point there is something to draw

_ROWS, _COLUMNS = round(180 / CELL_DEG), round(360 / CELL_DEG)
_CELL_KM = np.radians(CELL_DEG) * EARTH_RADIUS_KM
_BLOCK = 65536  # points in memory at a time: a mapped gallery of millions stays on disk


def find_heat(
    vectors: np.ndarray,
    latlon_deg: np.ndarray,
    query: np.ndarray,
    logit_scale: float,
    allowed: np.ndarray | None = None,
    report: Report | None = None,
) -> Heat:
    """The heat of one photo over a whole gallery: about 0.1 s for 100 000 points, 5 s for ten million.

    `vectors` (N, D) float16 unit rows, memory-mapped or not; `latlon_deg` (N, 2); `query` (D,) unit vector;
    `allowed` (N,) bool leaves points out. Raises ValueError without points, StoppedError.
    """
    report, field = report or SilentReport(), _Field()
    for start in range(0, len(vectors), _BLOCK):
        stop_if_asked(report)
        rows = slice(start, start + _BLOCK)
        chosen = slice(None) if allowed is None else np.flatnonzero(allowed[rows])
        field.add(latlon_deg[rows][chosen], find_cosines(vectors[rows][chosen], query), logit_scale)
        report.progress(min(start + _BLOCK, len(vectors)), len(vectors), unit="points")
    return field.to_heat()


def find_cosines(vectors: np.ndarray, query: np.ndarray) -> np.ndarray:
    """(N, D) float16 and (D,) -> (N,) float32 cosines in half precision: good enough to draw."""
    import torch

    from geotool.gallery.exact import to_tensor

    with torch.inference_mode():
        return torch.mv(to_tensor(vectors), torch.from_numpy(query).half()).float().numpy()


def build_heat(latlon_deg: np.ndarray, cosines: np.ndarray, logit_scale: float) -> Heat:
    """(N, 2) degrees and (N,) raw cosines with the model's scale -> the heat.

    Raises ValueError without points.
    """
    field = _Field()
    field.add(latlon_deg, cosines, logit_scale)
    return field.to_heat()


class _Field:
    """Weights and numbers of points by cell, (H, W) each, to which points are added."""

    def __init__(self) -> None:
        self.sums, self.counts = np.zeros((_ROWS, _COLUMNS)), np.zeros((_ROWS, _COLUMNS))

    def add(self, latlon_deg: np.ndarray, cosines: np.ndarray, logit_scale: float) -> None:
        # Cosines are at most 1, so that no weight overflows and all blocks share one scale.
        weights = np.exp(logit_scale * (cosines.astype(np.float64) - 1))
        sums, counts = _sum_by_cell(latlon_deg, weights)
        self.sums += sums
        self.counts += counts

    def to_heat(self) -> Heat:
        if not self.counts.any():
            raise ValueError("Heat needs at least one gallery point.")
        occupied = np.minimum(self.counts, 1.0)
        mean = np.divide(self.sums, self.counts, out=np.zeros_like(self.sums), where=self.counts > 0)
        smooth, density = _smooth(mean * occupied), _smooth(occupied)
        coverage = _to_coverage(density)
        ratio = np.divide(np.maximum(smooth, 0), density, out=np.zeros_like(smooth), where=coverage > 0)
        mass = ratio * _row_cosines()
        return Heat(mass=mass / mass.sum(), coverage=coverage)


def _sum_by_cell(latlon_deg: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(H, W) sums of the weights and numbers of the points.

    A point is shared out among the four cells around it, so that a lone one glows at its own place and
    not at the middle of its cell.
    """
    lat, lon = latlon_deg.astype(np.float64).T  # (N,), (N,)
    row, column = (90 - lat) / CELL_DEG - 0.5, (lon + 180) / CELL_DEG - 0.5
    top, left = np.floor(row).astype(np.int64), np.floor(column).astype(np.int64)
    sums, counts = np.zeros(_ROWS * _COLUMNS), np.zeros(_ROWS * _COLUMNS)
    for down in (0, 1):
        for right in (0, 1):
            share = (1 - abs(row - top - down)) * (1 - abs(column - left - right))  # (N,)
            cell_row = np.clip(top + down, 0, _ROWS - 1)
            cells = cell_row * _COLUMNS + (left + right) % _COLUMNS
            sums += np.bincount(cells, share * weights, len(sums))
            counts += np.bincount(cells, share, len(counts))
    return sums.reshape(_ROWS, _COLUMNS), counts.reshape(_ROWS, _COLUMNS)


def _smooth(field: np.ndarray) -> np.ndarray:
    """(H, W) -> (H, W) by the Gaussian, as wide in km in every row, without a seam at the antimeridian."""
    spectrum = np.fft.rfft(field, axis=1) * _longitude_spectrum()
    return _latitude_kernel() @ np.fft.irfft(spectrum, n=_COLUMNS, axis=1)


@cache
def _latitude_kernel() -> np.ndarray:
    """(H, H) weights along the meridian; rows sum to 1."""
    steps = np.arange(_ROWS)
    kernel = np.exp(-(((steps[:, None] - steps) * _CELL_KM / SMOOTHING_KM) ** 2) / 2)
    return kernel / kernel.sum(axis=1, keepdims=True)


@cache
def _longitude_spectrum() -> np.ndarray:
    """(H, W // 2 + 1) the Gaussian's Fourier transform in each row, wider in columns towards the poles."""
    width_columns = SMOOTHING_KM / (_CELL_KM * _row_cosines())  # (H, 1)
    return np.exp(-2 * (np.pi * width_columns * np.fft.rfftfreq(_COLUMNS)) ** 2)


@cache
def _row_cosines() -> np.ndarray:
    """(H, 1) the cosine of each row's latitude: how wide, and how large, its cells are."""
    return np.cos(np.radians(90 - CELL_DEG * (np.arange(_ROWS) + 0.5)))[:, None]


def _to_coverage(density: np.ndarray) -> np.ndarray:
    """(H, W) smoothed occupancy -> (H, W) of 0 to 1: 1 - (d / REACH_KM)^2 at d from a lone point."""
    peak = _CELL_KM**2 / (2 * np.pi * SMOOTHING_KM**2) * _row_cosines()  # of a lone point, at its place
    farthest = (REACH_KM / SMOOTHING_KM) ** 2 / 2
    return np.clip(1 + np.log(np.maximum(density, 1e-30) / peak) / farthest, 0, 1)
