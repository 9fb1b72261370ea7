"""A gallery from the user's own points: streamed, so that its size is bounded by the disk, and resumable.

The points are read, checked and rid of duplicates; a sample of them is encoded and becomes the tree;
all are encoded chunk by chunk and put aside by leaf; the leaves one after the other are the gallery.
Whenever it is stopped or killed, the same command goes on and ends with the same bytes.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from geotool.core.artifacts import file_sha256, new_artifact, read_meta
from geotool.core.errors import EmptyResultError, UsageError
from geotool.core.report import Report, stop_if_asked
from geotool.gallery.buckets import REMEDY, ArrayFile, Buckets
from geotool.gallery.finer import Cells, add_level, needs_splitting, split_leaves
from geotool.gallery.gallery import KIND, LATLON_FILE, SCHEMA, VECTORS_FILE, LocationModel, write_index
from geotool.gallery.hierarchy import build_tree, sample_size
from geotool.gallery.point_files import check_file
from geotool.gallery.point_store import POINTS_FILE, REJECTED_FILE, store_points
from geotool.gallery.tree import Tree, load_tree, write_tree
from geotool.gallery.unfinished import Unfinished, open_unfinished, unfinished_folder

SEED = 0
CHUNK = 16_384  # points encoded between two marks to go on from
_SAMPLE_FILE, _CELLS_FILE = "sample.npy", "cells-{:04}.npz"
_ROW_COUNTS = ("points", "rejected", "duplicates_merged")
_RESULT = "gallery"  # the files of the artefact, inside the working folder


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildSummary:
    """What became of the rows of the user's file."""

    folder: Path
    points: int  # distinct points in the gallery
    rejected: int
    duplicates_merged: int

    @property
    def rejected_file(self) -> Path | None:
        """Where the rejected rows are listed."""
        return self.folder / REJECTED_FILE if self.rejected else None


def build_gallery_from_points(
    model: LocationModel, path: Path, folder: Path, report: Report, branching: Sequence[int] | None = None
) -> BuildSummary:
    """Encode the points of a file and write them as a gallery with its tree.

    Rows that are no points are listed in rejected.csv of the gallery; of equal points (as float32) the
    first stays. Raises what `read_points` raises; UsageError where `folder` is no gallery or its disk
    is too small; StoppedError when asked to stop, after which the same call goes on.
    """
    check_file(path)
    folder = folder.resolve()
    inputs = {
        "model": model.fingerprint,
        "source": file_sha256(path)[:16],
        "branching": list(branching) if branching else None,
    }
    finished = _find_finished(folder, inputs)
    if finished:
        report.event("the gallery is there already", folder=folder)
        shutil.rmtree(unfinished_folder(folder), ignore_errors=True)
        return finished
    work = open_unfinished(folder, inputs, report)
    build = _Build(model, work, report)
    try:
        build.read(path)
    except (UsageError, EmptyResultError):  # nothing of this file can be used
        work.remove()
        raise
    build.cluster(branching)
    build.encode()
    build.sort()
    return build.finish(folder, path.name)


def _find_finished(folder: Path, inputs: dict[str, Any]) -> BuildSummary | None:
    """The gallery that was built from these inputs. Refuses a folder that holds anything else."""
    if folder.is_file():
        raise UsageError(f"{folder} is a file.", "Name a folder with --out.")
    if not folder.exists() or not any(folder.iterdir()):
        return None
    meta = read_meta(folder, KIND, SCHEMA, "Name a new folder with --out, or delete that one.")
    if any(meta.inputs.get(name) != value for name, value in inputs.items()):
        return None
    return BuildSummary(folder=folder, **{name: meta.config[name] for name in _ROW_COUNTS})


class _Build:
    """The steps of a build. Each does nothing if it was done, and goes on if it was begun."""

    def __init__(self, model: LocationModel, work: Unfinished, report: Report) -> None:
        self._model, self._work, self._report = model, work, report
        self._state, self._folder = work.state, work.folder

    def read(self, path: Path) -> None:
        """Stream the points to disk, list the rejected rows, merge equal points."""
        if self._state.points:
            return
        counts = store_points(path, self._folder, self._report)
        self._work.save(**counts)
        self._report.event("points read", **counts)

    def cluster(self, branching: Sequence[int] | None) -> None:
        """Encode a sample of the points and make it the tree."""
        if self._state.has_tree:
            return
        self._check_disk()
        points = self._points()
        count = sample_size(len(points), branching)
        rows = np.sort(np.random.default_rng(SEED).choice(len(points), count, replace=False))
        sample = ArrayFile.create(self._folder / _SAMPLE_FILE, np.float16, (count, self._model.dim))
        for start in range(0, count, CHUNK):
            stop_if_asked(self._report)
            part = rows[start : start + CHUNK]
            sample.write(start, self._model.encode_locations(points[part]))
            self._report.progress(start + len(part), count, unit="points of a sample")
        self._report.event("building the tree", points=len(points))
        tree = build_tree(self._sample(), len(points), branching, SEED)
        write_tree(self._folder, tree)
        self._work.save(has_tree=True)

    def encode(self) -> None:
        """Encode all points, put their vectors aside by leaf."""
        tree, buckets, points = self._tree(), self._buckets(), self._points()
        sample = self._sample()
        is_known = len(sample) == len(points)  # then the sample is all points, in their order
        for start in range(self._state.encoded, len(points), CHUNK):
            stop_if_asked(self._report)
            rows = slice(start, min(start + CHUNK, len(points)))
            vectors = sample[rows] if is_known else self._model.encode_locations(points[rows])
            vectors = vectors.astype(np.float16)  # the leaf is that of what is stored
            buckets.append(start, tree.assign(vectors.astype(np.float32)), vectors)
            self._work.save(encoded=rows.stop, bucket_rows=buckets.rows)
            self._report.progress(rows.stop, len(points), unit="points")

    def sort(self) -> None:
        """Write the buckets one after the other, each in the order of its leaves."""
        buckets, points, result = self._buckets(), self._points(), self._folder / _RESULT
        if self._state.sorted_buckets == 0:
            self._create_result(len(points))
        vectors, latlon_deg = ArrayFile(result / VECTORS_FILE), ArrayFile(result / LATLON_FILE)
        done = sum(buckets.rows[: self._state.sorted_buckets])
        for bucket in range(self._state.sorted_buckets, len(buckets)):
            stop_if_asked(self._report)
            records = buckets.read(bucket)
            order = self._find_order(bucket, records, buckets.leaves(bucket))
            for start in range(0, len(order), CHUNK):
                part = order[start : start + CHUNK]
                vectors.write(done + start, records["vector"][part])
                latlon_deg.write(done + start, points[records["row"][part]])
            done += len(order)
            del records  # a mapped file cannot be removed everywhere
            self._work.save(sorted_buckets=bucket + 1)
            buckets.remove(bucket)
            self._report.progress(done, len(points), unit="points sorted")

    def _find_order(self, bucket: int, records: np.ndarray, leaves: range) -> np.ndarray:
        """(n,) records of a bucket, leaf by leaf. What its leaves hold is kept for the tree."""
        own, file = records["leaf"] - leaves.start, self._folder / _CELLS_FILE.format(bucket)
        if self._is_finer():
            order, cells = split_leaves(records["vector"], own, len(leaves))
            np.savez(file, **cells._asdict())
            return order
        np.savez(file, rows=np.bincount(own, minlength=len(leaves)))
        return np.argsort(own, kind="stable")  # rows of one leaf stay in their order

    def _is_finer(self) -> bool:
        """Whether the leaves are split once more; never where the branching was asked for."""
        return self._state.inputs["branching"] is None and needs_splitting(self._tree(), self._state.points)

    def _tree_over_rows(self) -> Tree:
        """The tree over the sorted rows."""
        tree, files = (
            self._tree(),
            [self._folder / _CELLS_FILE.format(b) for b in range(len(self._buckets()))],
        )
        parts = [np.load(file, allow_pickle=False) for file in files]
        if self._is_finer():
            return add_level(tree, [Cells(**part) for part in parts])
        return tree.with_rows(np.concatenate([part["rows"] for part in parts]))

    def finish(self, folder: Path, source_name: str) -> BuildSummary:
        """Turn the result into the artefact and remove the working folder."""
        result, state = self._folder / _RESULT, self._state
        write_index(result, self._model, self._tree_over_rows(), self._report)
        if state.rejected:
            shutil.copyfile(self._folder / REJECTED_FILE, result / REJECTED_FILE)
        inputs = {**state.inputs, "coordinates": hashlib.sha256(self._points().data).hexdigest()[:16]}
        rows = {name: getattr(state, name) for name in _ROW_COUNTS}
        with new_artifact(folder, KIND, SCHEMA, inputs, {"source": source_name, **rows}) as temporary:
            for file in sorted(result.iterdir()):
                _link(file, temporary / file.name)
        self._work.remove()
        return BuildSummary(folder=folder, **rows)

    def _points(self) -> np.ndarray:
        return np.load(self._folder / POINTS_FILE, mmap_mode="r", allow_pickle=False)

    def _sample(self) -> np.ndarray:
        return np.asarray(np.load(self._folder / _SAMPLE_FILE, mmap_mode="r", allow_pickle=False))

    def _tree(self) -> Tree:
        return load_tree(self._folder, 0, REMEDY)

    def _buckets(self) -> Buckets:
        """The buckets as far as the state counts them."""
        leaf_count, state = self._tree().leaf_count, self._state
        buckets = Buckets(self._folder, leaf_count=leaf_count, size=state.points, dim=self._model.dim)
        buckets.resume(state.bucket_rows or buckets.rows)
        return buckets

    def _create_result(self, size: int) -> None:
        result = self._folder / _RESULT
        result.mkdir(exist_ok=True)
        ArrayFile.create(result / VECTORS_FILE, np.float16, (size, self._model.dim))
        ArrayFile.create(result / LATLON_FILE, np.float32, (size, 2))

    def _check_disk(self) -> None:
        """Raise UsageError before hours of work, not after: the vectors stand twice, in part."""
        sample = sample_size(self._state.points) * self._model.dim * 2
        needed = sample + self._state.points * (self._model.dim * 2 + 24) * 1.1
        free = shutil.disk_usage(self._folder).free
        if free < needed:
            sizes = f"{needed / 1e9:.1f} GB are needed beside {self._folder}, {free / 1e9:.1f} GB are free."
            raise UsageError(sizes, "Name a folder on a larger disk with --out.")


def _link(file: Path, target: Path) -> None:
    """The same file under a second name, where the disk can do that; a copy elsewhere."""
    try:
        os.link(file, target)
    except OSError:
        shutil.copyfile(file, target)
