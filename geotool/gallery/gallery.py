"""The gallery artefact: coordinates, fp16 vectors, the tree over them and how to search it.

Row i of one is row i of all; rows lie in the order of the tree's leaves.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from geotool.core import paths
from geotool.core.artifacts import check_inputs, new_artifact, read_meta
from geotool.core.errors import EmptyResultError, MismatchError, UsageError
from geotool.core.geo import LatLon
from geotool.core.records import ArtifactMeta
from geotool.core.report import Report, stop_if_asked
from geotool.gallery.hierarchy import assign_all, build_tree, sample_size
from geotool.gallery.search_plan import SearchPlan, load_plan, write_plan
from geotool.gallery.tree import Tree, load_tree, write_tree

KIND, SCHEMA = "gallery", 2
LATLON_FILE, VECTORS_FILE = "latlon_deg.npy", "vectors.npy"
REBUILD_HINT = "Locate a photo again to encode it anew."
_CHUNK = 4096  # points encoded between two words of progress


class LocationModel(Protocol):
    """What a gallery needs of a model."""

    name: str
    fingerprint: str
    dim: int

    def encode_locations(self, latlon_deg: np.ndarray) -> np.ndarray: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Gallery:
    """N points with their embeddings.

    `latlon_deg` (N, 2) float32; `vectors` (N, D) float16 of L2 norm 1, memory-mapped; `tree` over
    them, and the `plan` of the beams that were measured for it.
    """

    meta: ArtifactMeta
    latlon_deg: np.ndarray
    vectors: np.ndarray
    tree: Tree
    plan: SearchPlan

    def __len__(self) -> int:
        return len(self.latlon_deg)

    def location(self, row: int) -> LatLon:
        lat, lon = self.latlon_deg[row].tolist()
        return LatLon(lat=lat, lon=lon)


def gallery_folder(model_name: str) -> Path:
    """Where the gallery of a model is cached."""
    return paths.home() / "galleries" / model_name


def ready_gallery(model: LocationModel, latlon_deg: np.ndarray, report: Report) -> Gallery:
    """The cached gallery of a model and its points; encoded first if there is none that fits.

    A cached gallery made by other weights or from other points is never used.
    """
    folder = gallery_folder(model.name)
    if folder.exists():
        try:
            return load_gallery(folder, _inputs(model, latlon_deg))
        except MismatchError as error:
            report.event("gallery encoded anew", because=error.message)
    build_gallery(model, latlon_deg, folder, report)
    return load_gallery(folder, _inputs(model, latlon_deg))


def build_gallery(model: LocationModel, latlon_deg: np.ndarray, folder: Path, report: Report) -> None:
    """Encode (N, 2) points in degrees and write them with vectors, tree and search plan as one artefact.

    Raises UsageError naming the first row that is no coordinate, EmptyResultError for no rows.
    """
    points = check_points(latlon_deg)
    vectors = _encode(model, points, report)
    report.event("building the tree", points=len(points))
    tree = build_tree(_draw_sample(vectors), len(points))
    leaves = assign_all(tree, vectors)
    order = np.argsort(leaves, kind="stable")
    with new_artifact(folder, KIND, SCHEMA, _inputs(model, points), {"points": len(points)}) as temporary:
        np.save(temporary / LATLON_FILE, points[order])
        np.save(temporary / VECTORS_FILE, vectors[order])
        write_index(temporary, model, tree.with_rows(np.bincount(leaves, minlength=tree.leaf_count)), report)


def write_index(folder: Path, model: LocationModel, tree: Tree, report: Report) -> None:
    """Put the tree beside coordinates and vectors that lie in its order, and measure how to search it."""
    from geotool.gallery.tuning import QUERIES, SEED, make_queries, plan_search

    write_tree(folder, tree)
    report.event("measuring the search", queries=QUERIES)
    points = np.load(folder / LATLON_FILE, mmap_mode="r", allow_pickle=False)
    vectors = np.load(folder / VECTORS_FILE, mmap_mode="r", allow_pickle=False)
    queries = make_queries(model, points, QUERIES, SEED)
    write_plan(folder, plan_search(vectors, tree, queries))


def _encode(model: LocationModel, points: np.ndarray, report: Report) -> np.ndarray:
    vectors = np.empty((len(points), model.dim), dtype=np.float16)
    for start in range(0, len(points), _CHUNK):
        stop_if_asked(report)
        rows = slice(start, start + _CHUNK)
        vectors[rows] = model.encode_locations(points[rows])
        report.progress(min(start + _CHUNK, len(points)), len(points), unit="points")
    return vectors


def _draw_sample(vectors: np.ndarray) -> np.ndarray:
    """What the tree is built from: all vectors, or a seeded draw of a large gallery's."""
    size = sample_size(len(vectors))
    if size == len(vectors):
        return vectors
    return vectors[np.sort(np.random.default_rng(0).choice(len(vectors), size, replace=False))]


def load_gallery(folder: Path, inputs: dict[str, str] | None = None) -> Gallery:
    """Map a gallery into memory. Raises NotFoundError, or MismatchError if it was made from others."""
    meta = read_meta(folder, KIND, SCHEMA, REBUILD_HINT)
    check_inputs(meta, folder, inputs or {}, REBUILD_HINT)
    try:
        latlon_deg = np.load(folder / LATLON_FILE, allow_pickle=False)
        vectors = np.load(folder / VECTORS_FILE, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise MismatchError(f"The gallery in {folder} is damaged: {error}.", REBUILD_HINT) from error
    if len(latlon_deg) != len(vectors) or vectors.dtype != np.float16:
        raise MismatchError(f"The gallery in {folder} is damaged: its files do not fit.", REBUILD_HINT)
    tree = load_tree(folder, len(vectors), REBUILD_HINT)
    return Gallery(
        meta=meta, latlon_deg=latlon_deg, vectors=vectors, tree=tree, plan=load_plan(folder, REBUILD_HINT)
    )


def check_points(latlon_deg: np.ndarray) -> np.ndarray:
    """The points as float32 (N, 2) in C order. Raises UsageError with the first row that is none."""
    points = np.ascontiguousarray(latlon_deg, dtype=np.float32)
    if points.ndim != 2 or points.shape[1] != 2:
        raise UsageError(f"A gallery needs rows of lat, lon; these have the shape {points.shape}.")
    if len(points) == 0:
        raise EmptyResultError("A gallery without points answers nothing.", "Give at least one coordinate.")
    valid = np.isfinite(points).all(axis=1) & (abs(points[:, 0]) <= 90) & (abs(points[:, 1]) <= 180)
    if not valid.all():
        row = int(np.argmin(valid))
        lat, lon = points[row].tolist()
        raise UsageError(f"Gallery row {row} is no coordinate: {lat:g}, {lon:g}.", "Correct or remove it.")
    return points


def _inputs(model: LocationModel, latlon_deg: np.ndarray) -> dict[str, str]:
    points = np.ascontiguousarray(latlon_deg, dtype=np.float32)
    return {"model": model.fingerprint, "coordinates": hashlib.sha256(points.tobytes()).hexdigest()[:16]}
