"""Nested cells on the sphere: a cube's six faces, each cut into quarters again and again.

A point is projected from the Earth's centre onto the cube around it; on its face, the two coordinates
are the angles (4 / pi) atan(x), which keeps cells of one level alike: the largest has 1.42 times the area
of the smallest (equiangular cubed sphere, Ronchi, Iacono and Paolucci 1996). There is no seam: the
antimeridian and the poles are ordinary places, and every point has one cell.

A cell of level L is a number: its face (0 to 5) followed by L quadtree digits in base 4. So the
cell around it one level up is that number without its last digit, and nothing has to be stored.
"""

from __future__ import annotations

import numpy as np

from geotool.core.geo import EARTH_RADIUS_KM
from geotool.core.sphere import from_xyz, to_xyz

MAX_LEVEL = 24  # 0.5 m
PATH_LEVELS = (2, 4, 6)  # about 2300, 580 and 140 km across: a continent, a country, a region


def find_cells(latlon_deg: np.ndarray, level: int) -> np.ndarray:
    """(N, 2) degrees -> (N,) int64 cells of one level, 0 to MAX_LEVEL."""
    # Rounded to some micrometres, so that a pole and the antimeridian have one cell by every longitude.
    xyz = np.round(to_xyz(latlon_deg), 12)  # (N, 3)
    axis = np.argmax(abs(xyz), axis=1)  # (N,)
    rows = np.arange(len(xyz))
    major, right, up = (xyz[rows, (axis + turn) % 3] for turn in range(3))
    column, row = (_to_step(value / abs(major), level) for value in (right, up))
    cells = axis + 3 * (major < 0)
    for bit in reversed(range(level)):
        cells = 4 * cells + 2 * ((row >> bit) & 1) + ((column >> bit) & 1)
    return cells


def find_cell_paths(latlon_deg: np.ndarray, levels: tuple[int, ...] = PATH_LEVELS) -> np.ndarray:
    """(N, 2) degrees -> (N, len(levels)) cells, each inside the one before. Levels rise."""
    finest = find_cells(latlon_deg, levels[-1])
    return np.stack([to_level(finest, levels[-1], level) for level in levels], axis=1)


def to_level(cells: np.ndarray, level: int, coarser: int) -> np.ndarray:
    """The cells of a coarser level in which (N,) cells of `level` lie."""
    return cells >> 2 * (level - coarser)


def find_centers(cells: np.ndarray, level: int) -> np.ndarray:
    """(N,) cells of one level -> (N, 2) degrees of the middle of each."""
    row, column, face = np.zeros_like(cells), np.zeros_like(cells), cells >> 2 * level
    for bit in range(level):
        digit = (cells >> 2 * bit) & 3
        row, column = row | (digit >> 1) << bit, column | (digit & 1) << bit
    xyz = np.empty((len(cells), 3))
    rows, axis = np.arange(len(cells)), face % 3
    xyz[rows, axis] = np.where(face < 3, 1.0, -1.0)
    xyz[rows, (axis + 1) % 3] = _from_step(column, level)
    xyz[rows, (axis + 2) % 3] = _from_step(row, level)
    return from_xyz(xyz)


def cell_width_km(level: int) -> float:
    """About how wide a cell is: the side of a square of a level's mean area."""
    area_km2 = 4 * np.pi * EARTH_RADIUS_KM**2 / (6 * 4**level)
    return float(np.sqrt(area_km2))


def _to_step(tangent: np.ndarray, level: int) -> np.ndarray:
    """-1..1 on a face -> whole steps 0..2^level - 1."""
    steps = np.floor((np.arctan(tangent) * 4 / np.pi + 1) / 2 * 2**level).astype(np.int64)
    return np.clip(steps, 0, 2**level - 1)


def _from_step(step: np.ndarray, level: int) -> np.ndarray:
    """The middle of a step as -1..1 on a face."""
    return np.tan(((step + 0.5) / 2**level * 2 - 1) * np.pi / 4)
