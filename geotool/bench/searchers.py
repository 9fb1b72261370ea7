"""What `bench search` measures of our own: exact search and the hierarchy, as far as they fit in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from geotool.core.report import Report
from geotool.gallery.beam import BeamSearch
from geotool.gallery.exact import ExactSearch, Found, Search
from geotool.gallery.gallery import Gallery

FP32, BF16, HIERARCHY = "exact fp32", "exact bf16 + fp32 re-rank", "hierarchy"
DEFAULT = "(default)"
_SCORES_AT_ONCE = 1 << 29  # 1 GB in bf16
_HEADROOM_BYTES = 2_000_000_000  # for scores, queries and what else runs


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Searches over one index. `allocated_bytes` counts what has to stay in memory, mapped or not."""

    name: str
    memory_bytes: int  # of the index, in memory or mapped
    allocated_bytes: int  # at most, also while it is built
    build: Callable[[], dict[str, Search]]
    build_s: float | None = None  # of an index that is there already; None: measured


def own_families(gallery: Gallery, device: str, build_s: float) -> list[Family]:
    """Exact search in fp32 and in bf16, and the hierarchy at several beams."""
    half = gallery.vectors.nbytes
    return [
        Family(
            name=FP32,
            memory_bytes=2 * half,
            allocated_bytes=2 * half,
            build=lambda: {FP32: _InPieces(_FlatSearch(gallery.vectors, device), len(gallery))},
        ),
        Family(
            name=BF16,
            memory_bytes=2 * half,
            allocated_bytes=2 * half,  # torch may turn all of it round for a product
            build=lambda: {BF16: _InPieces(ExactSearch(gallery.vectors, device), len(gallery))},
        ),
        Family(
            name=HIERARCHY,
            memory_bytes=half + tree_bytes(gallery),
            allocated_bytes=half + tree_bytes(gallery),  # else its rows come from the disk each time
            build=lambda: _open_hierarchies(gallery, device),
            build_s=build_s,
        ),
    ]


def tree_bytes(gallery: Gallery) -> int:
    return gallery.tree.centroids.nbytes + gallery.tree.children.nbytes


def share_memory(
    families: Sequence[Family], free_bytes: int | None, report: Report
) -> Iterator[list[Family]]:
    """The families in groups that fit in memory together; one that does not fit alone is left out."""
    room = float("inf") if free_bytes is None else free_bytes - _HEADROOM_BYTES
    group: list[Family] = []
    for family in families:
        if family.allocated_bytes > room:
            needed = f"it needs {family.allocated_bytes / 1e9:.1f} GB of memory, {room / 1e9:.1f} GB are free"
            report.event(f"{family.name} is left out", because=needed)
            continue
        if sum(member.allocated_bytes for member in group) + family.allocated_bytes > room:
            yield group
            group = []
        group.append(family)
    if group:
        yield group


def _open_hierarchies(gallery: Gallery, device: str) -> dict[str, Search]:
    """One search per point of the gallery's measured curve."""
    return {
        f"{HIERARCHY} {label_beams(gallery, point.beams)}": BeamSearch(
            gallery.vectors, gallery.tree, point.beams, device
        )
        for point in gallery.plan.curve
    }


def label_beams(gallery: Gallery, beams: Sequence[int]) -> str:
    """Cells opened of each level, and whether they are what a query gets by default."""
    label = "-".join(map(str, beams))
    return f"{label} {DEFAULT}" if tuple(beams) == gallery.plan.chosen.beams else label


class _FlatSearch:
    """Every point is compared in fp32, with all of them in memory: the plainest search there is."""

    def __init__(self, vectors: np.ndarray, device: str) -> None:
        self._vectors, self._device = torch.from_numpy(np.asarray(vectors, np.float32)).to(device), device

    @torch.inference_mode()
    def search(self, queries: np.ndarray, top_k: int) -> Found:
        found = (torch.from_numpy(queries).to(self._device) @ self._vectors.T).topk(top_k, dim=1)
        comparisons = np.full(len(queries), len(self._vectors))
        return Found(found.indices.cpu().numpy(), found.values.cpu().numpy(), comparisons)


class _InPieces:
    """A search that scores all points at once, asked as many queries at a time as fit in memory."""

    def __init__(self, search: Search, size: int) -> None:
        self._search, self._step = search, max(1, _SCORES_AT_ONCE // size)

    def search(self, queries: np.ndarray, top_k: int) -> Found:
        starts = range(0, len(queries), self._step)
        parts = [self._search.search(queries[start : start + self._step], top_k) for start in starts]
        return Found(*(np.concatenate(column) for column in zip(*parts, strict=True)))
