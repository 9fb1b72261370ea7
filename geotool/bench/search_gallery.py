"""Galleries of any size for `bench search`: GeoCLIP's points, and copies of them moved a little.

They are encoded by GeoCLIP's own location encoder and kept as artefacts in the home folder, with the
seconds that building them took.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from geotool.core import paths
from geotool.core.artifacts import fingerprint, write_json
from geotool.core.report import Report
from geotool.gallery.build import build_gallery_from_points
from geotool.gallery.gallery import Gallery, LocationModel, load_gallery
from geotool.gallery.tuning import move
from geotool.model import geoclip_package
from geotool.model.devices import choose_precision, to_dtype
from geotool.model.location_encoder import LocationEncoder, LocationSpec

NOMINAL = 100_000  # what GeoCLIP's gallery is called; fewer of its points are distinct
SEED = 0
MOVED_KM = (5.0, 100.0)  # from a point to its copies
_PLACES_AT_ONCE = 1024  # fits the caches


class PackageEncoder:
    """The location encoder of the package `geoclip` on one device; no other weights are needed."""

    name = "geoclip-package"

    def __init__(self, device: str) -> None:
        spec, precision = LocationSpec(), choose_precision(device)
        self.dim, self._device = spec.dim, device
        self.fingerprint = fingerprint(
            [geoclip_package.SHA256[geoclip_package.LOCATION_FILE], asdict(spec), precision]
        )
        self._encoder = LocationEncoder(spec)
        self._encoder.load_state_dict(geoclip_package.read_location_encoder())
        self._encoder.to_half(to_dtype(precision)).to(device)

    @torch.inference_mode()
    def encode_locations(self, latlon_deg: np.ndarray) -> np.ndarray:
        """(N, 2) lat, lon in degrees -> (N, D) float32 unit rows."""
        points = torch.from_numpy(np.ascontiguousarray(latlon_deg, dtype=np.float32)).to(self._device)
        parts = [functional.normalize(self._encoder(part), dim=1) for part in points.split(_PLACES_AT_ONCE)]
        return torch.cat(parts).cpu().numpy()


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildTime:
    """Seconds of a build: encoding the points; tree, sorting and measuring the beams."""

    encoding_s: float = 0.0
    index_s: float = 0.0


def draw_points(own_deg: np.ndarray, size: int) -> np.ndarray:
    """About `size` points, (N, 2) degrees: the model's own, a draw of them, or they and moved copies.

    NOMINAL means all of its own.
    """
    rng = np.random.default_rng(SEED)
    if size == NOMINAL:
        return own_deg
    if size <= len(own_deg):
        return own_deg[np.sort(rng.choice(len(own_deg), size, replace=False))]
    sources = own_deg[np.arange(size - len(own_deg)) % len(own_deg)]
    return np.concatenate([own_deg, move(sources, MOVED_KM, rng).astype(np.float32)])


def ready_gallery(model: LocationModel, latlon_deg: np.ndarray, report: Report) -> tuple[Gallery, BuildTime]:
    """The cached gallery of these points and what building it took; built first if there is none.

    A build that was stopped goes on, and its seconds add up.
    """
    content = fingerprint([model.fingerprint, hashlib.sha256(latlon_deg.tobytes()).hexdigest()])
    folder = paths.home() / "bench" / f"gallery-{len(latlon_deg)}-{content}"
    times = folder.with_suffix(".json")
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        source = folder.with_suffix(".npy")
        np.save(source, latlon_deg)
        timed = _TimedModel(model)
        with _add_up(times, timed):
            build_gallery_from_points(timed, source, folder, report)
        source.unlink()
    return load_gallery(folder, {"model": model.fingerprint}), _read_times(times)


class _TimedModel:
    """A location model that counts the seconds it encodes."""

    def __init__(self, model: LocationModel) -> None:
        self.name, self.fingerprint, self.dim = model.name, model.fingerprint, model.dim
        self.seconds, self._model = 0.0, model

    def encode_locations(self, latlon_deg: np.ndarray) -> np.ndarray:
        start = time.perf_counter()
        vectors = self._model.encode_locations(latlon_deg)
        self.seconds += time.perf_counter() - start
        return vectors


@contextmanager
def _add_up(file: Path, model: _TimedModel) -> Iterator[None]:
    """Add the seconds of the block to those in the file, also where it is stopped."""
    before, start = _read_times(file), time.perf_counter()
    try:
        yield
    finally:
        index_s = time.perf_counter() - start - model.seconds
        total = BuildTime(encoding_s=before.encoding_s + model.seconds, index_s=before.index_s + index_s)
        write_json(file, asdict(total))


def _read_times(file: Path) -> BuildTime:
    return BuildTime(**json.loads(file.read_text(encoding="utf-8"))) if file.exists() else BuildTime()
