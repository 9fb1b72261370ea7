"""`bench search` over small galleries with a small encoder: its rows, its galleries, its queries."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pytest
import torch

from geotool.bench import search, search_gallery, search_queries, searchers
from geotool.bench.agreement import TOP_K, compare
from geotool.bench.search_gallery import BuildTime, draw_points, ready_gallery
from geotool.bench.search_queries import KINDS, PHOTO_LIKE, invert, make_all_queries
from geotool.bench.searchers import BF16, FP32, Family, share_memory
from geotool.commands import bench
from geotool.commands.bench import METHODS
from geotool.core import config as configs
from geotool.core.errors import StoppedError, UsageError
from geotool.core.report import SilentReport
from geotool.core.sphere import haversine_km
from geotool.gallery.exact import Found, search_blocks
from geotool.gallery.gallery import Gallery
from geotool.gallery.tuning import COSINE
from geotool.model.image_head import ImageHead
from tests.fakes import StopAt
from tests.gallery.test_gallery import SphereModel, spread_points, unit_vectors

pytestmark = pytest.mark.slow
N, DIM = 2000, 12
MODEL, TOGETHER = SphereModel(dim=DIM), "+".join(PHOTO_LIKE)
KEYS = {"gallery_size", "method", "query_kind", "comparisons", "recall_at_1", "recall_at_10", "km_median"}
KEYS |= {"km_p90", "ms_per_query", "queries_per_s", "build_s", "memory_mb", "speedup", "encoding_s"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(autouse=True)
def at_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEOTOOL_HOME", str(home))


@pytest.fixture(scope="module")
def gallery(home: Path) -> Gallery:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GEOTOOL_HOME", str(home))
        return ready_gallery(MODEL, spread_points(N), SilentReport())[0]


@pytest.fixture(scope="module")
def head() -> ImageHead:
    torch.manual_seed(0)
    return ImageHead([64, 64, DIM])


@pytest.fixture(scope="module")
def rows(gallery: Gallery, head: ImageHead) -> list[dict]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search_queries, "QUERIES", 60)
        queries = make_all_queries(MODEL, head, gallery.latlon_deg)
    return search.measure_searches(
        gallery, BuildTime(index_s=3.5), queries, "cpu", 1, SilentReport(), METHODS
    )


def hierarchies(rows: list[dict]) -> list[str]:
    return list(dict.fromkeys(row["method"] for row in rows if row["method"].startswith("hierarchy")))


def test_every_method_has_a_row_for_every_kind_with_every_key(rows: list[dict]) -> None:
    methods = {row["method"] for row in rows}
    families = {FP32, BF16, "hierarchy", "faiss IVF-Flat", "faiss HNSW32", "faiss preassigned"}
    assert all(any(method.startswith(family) for method in methods) for family in families)
    for method in methods:
        kinds = [row["query_kind"] for row in rows if row["method"] == method]
        assert kinds == [*KINDS, TOGETHER]
    assert all(set(row) == KEYS and row["gallery_size"] == N for row in rows)
    assert all(row["memory_mb"] > 0 and row["queries_per_s"] > 0 for row in rows)


def test_exact_search_agrees_with_itself_and_the_others_compare_less(rows: list[dict]) -> None:
    for row in rows:
        if row["method"] in (FP32, BF16):
            assert (row["recall_at_1"], row["recall_at_10"], row["km_p90"]) == (1, 1, 0)
            assert row["comparisons"] == N
        else:
            assert 0 < row["comparisons"] < N, row
            assert 0 < row["recall_at_10"] <= 1
    assert all(row["speedup"] == 1 for row in rows if row["method"] == BF16)
    assert all(row["build_s"] == 3.5 for row in rows if row["method"].startswith("hierarchy"))


def test_the_kinds_together_are_the_mean_of_their_queries(rows: list[dict]) -> None:
    found = {row["query_kind"]: row for row in rows if row["method"] == hierarchies(rows)[0]}
    for column in ("recall_at_1", "recall_at_10", "comparisons"):
        mean = np.mean([found[kind][column] for kind in PHOTO_LIKE])
        assert found[TOGETHER][column] == pytest.approx(mean)


def test_faiss_over_our_leaves_finds_what_our_beam_finds(rows: list[dict]) -> None:
    def columns(method: str) -> list[tuple]:
        names = ("query_kind", "recall_at_1", "recall_at_10")
        return [tuple(row[name] for name in names) for row in rows if row["method"] == method]

    def comparisons(method: str) -> list[float]:
        return [row["comparisons"] for row in rows if row["method"] == method]

    default = hierarchies(rows)[-1]
    assert default.endswith("(default)")
    for number in ("fp16", "fp32"):
        method = default.replace("hierarchy", f"faiss preassigned {number}")
        assert columns(method) == columns(default)
        assert comparisons(method) == pytest.approx(comparisons(default))


def test_agreement_counts_places_and_ties_not_rows(gallery: Gallery) -> None:
    queries = unit_vectors(3, DIM)
    exact = search_blocks(gallery.vectors, queries, TOP_K, "cpu")
    assert compare(gallery, queries, exact, exact).at_10.tolist() == [1, 1, 1]
    missing = exact.rows.copy()
    missing[0], missing[1, 5:] = -1, -1
    missing[2] = missing[2, ::-1]
    found = compare(gallery, queries, Found(missing, exact.cosines, exact.comparisons), exact)
    assert found.at_10.tolist() == [0, 0.5, 1]
    assert found.at_1.tolist() == [0, 1, 0]
    assert found.km[0] > 20_000 and found.km[1] == 0 and 0 < found.km[2] < 20_000


def test_points_are_the_own_ones_a_draw_or_moved_copies() -> None:
    own = spread_points(500)
    np.testing.assert_array_equal(draw_points(own, search_gallery.NOMINAL), own)
    few = draw_points(own, 60)
    assert len({tuple(point) for point in few.tolist()} & {tuple(point) for point in own.tolist()}) == 60
    many = draw_points(own, 1700)
    assert many.shape == (1700, 2) and many.dtype == np.float32
    np.testing.assert_array_equal(many[:500], own)
    km = haversine_km(many[500:1000], own)
    assert km.min() > 4.9 and km.max() < 101


def test_a_gallery_is_built_once_and_a_stopped_build_counts(home: Path) -> None:
    points = spread_points(300)
    with pytest.raises(StoppedError):
        ready_gallery(MODEL, points, StopAt(2))
    [file] = (home / "bench").glob("gallery-300-*.json")
    stopped = file.read_text()
    built, times = ready_gallery(MODEL, points, SilentReport())
    assert len(built) == 300 and file.read_text() != stopped
    assert times.encoding_s > 0 and times.index_s > 0
    again, same = ready_gallery(MODEL, points, SilentReport())
    assert same == times and again.meta == built.meta


def test_inverted_queries_lie_where_photos_would(head: ImageHead) -> None:
    places = unit_vectors(20, DIM)
    found = invert(head, places, np.random.default_rng(0))
    cosines = (found * places).sum(axis=1)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    assert COSINE[0] - 0.01 < cosines.min() and cosines.max() < COSINE[1] + 0.01


def test_families_share_the_memory_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searchers, "_HEADROOM_BYTES", 10)
    families = [
        Family(name=name, memory_bytes=size, allocated_bytes=size, build=dict)
        for name, size in (("a", 50), ("b", 40), ("c", 101), ("d", 20))
    ]

    def names(free_bytes: int | None) -> list[str]:
        groups = share_memory(families, free_bytes, SilentReport())
        return ["".join(family.name for family in group) for group in groups]

    assert names(110) == ["ab", "d"]
    assert names(None) == ["abcd"]
    assert names(10) == []


def test_sizes_are_typed_with_commas() -> None:
    def parse(*arguments: str) -> tuple[int, ...]:
        parser = argparse.ArgumentParser()
        configs.add_arguments(parser, bench.Config)
        values = vars(parser.parse_args(["search", *arguments]))
        return configs.from_dict(bench.Config, values).sizes

    assert parse() == (100_000,)
    assert parse("--sizes", "100000,1000000", "--sizes", "2000") == (100_000, 1_000_000, 2000)
    with pytest.raises(UsageError, match="whole number"):
        parse("--sizes", "1000,")
