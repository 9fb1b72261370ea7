"""`bench search`: our hierarchy, exact search and faiss over galleries of several sizes, in one process."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from geotool.bench.agreement import TOP_K, Agreement, compare, pool
from geotool.bench.faiss_searchers import faiss_families
from geotool.bench.search_gallery import BuildTime, PackageEncoder, draw_points, ready_gallery
from geotool.bench.search_queries import PHOTO_LIKE, load_image_head, make_all_queries
from geotool.bench.searchers import BF16, Family, own_families, share_memory
from geotool.bench.timing import free_memory_bytes, least_seconds
from geotool.core.report import Report, stop_if_asked
from geotool.gallery.exact import Found, Search, search_blocks
from geotool.gallery.gallery import Gallery
from geotool.model import geoclip_package
from geotool.model.devices import find_device

SINGLE_QUERIES = 16  # asked one after the other, so that no query finds its points in the caches


def run_search(
    device: str, rounds: int, sizes: Sequence[int], methods: Sequence[str], report: Report
) -> list[dict[str, Any]]:
    """Rows per size of gallery, method and kind of query, see `measure_searches`.

    Size 100 000 is GeoCLIP's gallery; larger ones have copies of its points, moved by 5 to 100 km.
    """
    place, own_deg = find_device(device), geoclip_package.read_gallery()
    model, head = PackageEncoder(place), load_image_head()
    rows = []
    for size in sizes:
        gallery, built = ready_gallery(model, draw_points(own_deg, size), report)
        beams = gallery.plan.chosen.beams
        report.event("gallery ready", points=len(gallery), measured_beams=beams, **dataclasses.asdict(built))
        queries = make_all_queries(model, head, gallery.latlon_deg)
        rows += measure_searches(gallery, built, queries, place, rounds, report, methods)
    return rows


def measure_searches(
    gallery: Gallery,
    built: BuildTime,
    queries: Mapping[str, np.ndarray],
    device: str,
    rounds: int,
    report: Report,
    methods: Sequence[str],
) -> list[dict[str, Any]]:
    """One row per method and kind of query, and one for the PHOTO_LIKE kinds together.

    `methods` names the families that are measured, by how their names begin.

    Agreement is with fp32 over all points, by coordinates. Times are taken on the first kind:
    milliseconds of one query at a time, and queries per second of all at once. `build_s` leaves out
    encoding the points, which every method needs; `memory_mb` is what the index takes, in memory or mapped;
    `speedup` is that of one query over exact search in bf16.
    """
    free_bytes = free_memory_bytes()
    report.event("asking exact search", queries=sum(len(asked) for asked in queries.values()))
    exact = {kind: search_blocks(gallery.vectors, asked, TOP_K, device) for kind, asked in queries.items()}
    trial = _Trial(gallery, queries, exact, rounds, report)
    families = own_families(gallery, device, built.index_s)
    if "faiss" in methods:
        families += faiss_families(gallery, device, free_bytes, report)
    families = [family for family in families if family.name.startswith(tuple(methods))]
    results = [
        result for group in share_memory(families, free_bytes, report) for result in trial.measure(group)
    ]
    reference_s = next((result.single_s for result in results if result.method == BF16), None)
    return [
        {"gallery_size": len(gallery), **row, "encoding_s": built.encoding_s}
        for result in results
        for row in result.to_rows(reference_s)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Result:
    method: str
    agreement: dict[str, Agreement]  # by kind of query
    single_s: float  # per query, one at a time
    batch_s: float  # per query, all at once
    build_s: float
    memory_mb: float

    def to_rows(self, reference_s: float | None) -> Iterator[dict[str, Any]]:
        together = pool([self.agreement[kind] for kind in PHOTO_LIKE])
        for kind, agreement in {**self.agreement, "+".join(PHOTO_LIKE): together}.items():
            yield {
                "method": self.method,
                "query_kind": kind,
                **agreement.to_columns(),
                "ms_per_query": 1000 * self.single_s,
                "queries_per_s": 1 / self.batch_s,
                "build_s": self.build_s,
                "memory_mb": self.memory_mb,
                "speedup": reference_s and reference_s / self.single_s,
            }


@dataclass(frozen=True, slots=True)
class _Trial:
    """The questions that every method gets, with their exact answers."""

    gallery: Gallery
    queries: Mapping[str, np.ndarray]
    exact: Mapping[str, Found]
    rounds: int
    report: Report

    def measure(self, group: Sequence[Family]) -> Iterator[_Result]:
        """Build the indexes of a group, ask them, time them in turns; nothing of them is kept."""
        built = [(family, *self._build(family)) for family in group]
        searches = {name: search for _, found, _ in built for name, search in found.items()}
        agreement = {name: self._ask(name, search) for name, search in searches.items()}
        asked = next(iter(self.queries.values()))
        few = asked[:SINGLE_QUERIES]
        self.report.event("timing", methods=len(searches))
        single_s = least_seconds({k: partial(_ask_singly, s, few) for k, s in searches.items()}, self.rounds)
        batch_s = least_seconds(
            {k: partial(s.search, asked, TOP_K) for k, s in searches.items()}, self.rounds
        )
        for family, found, build_s in built:
            for name in found:
                yield _Result(
                    method=name,
                    agreement=agreement[name],
                    single_s=single_s[name] / len(few),
                    batch_s=batch_s[name] / len(asked),
                    build_s=build_s,
                    memory_mb=family.memory_bytes / 1e6,
                )

    def _build(self, family: Family) -> tuple[dict[str, Search], float]:
        stop_if_asked(self.report)
        start = time.perf_counter()
        searches = family.build()
        seconds = time.perf_counter() - start if family.build_s is None else family.build_s
        self.report.event("index ready", of=family.name, build_s=seconds)
        return searches, seconds

    def _ask(self, name: str, search: Search) -> dict[str, Agreement]:
        stop_if_asked(self.report)
        self.report.event("asking", method=name)
        return {
            kind: compare(self.gallery, asked, search.search(asked, TOP_K), self.exact[kind])
            for kind, asked in self.queries.items()
        }


def _ask_singly(search: Search, queries: np.ndarray) -> None:
    for start in range(len(queries)):
        search.search(queries[start : start + 1], TOP_K)
