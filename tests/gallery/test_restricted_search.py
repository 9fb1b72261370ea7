from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geotool.core.errors import UsageError
from geotool.core.records import ArtifactMeta
from geotool.gallery import restricted
from geotool.gallery.beam import BeamSearch
from geotool.gallery.exact import ExactSearch, search_blocks
from geotool.gallery.gallery import Gallery
from geotool.gallery.restricted import find_allowed, prune, restrict
from geotool.gallery.search_plan import BeamPoint, SearchPlan, open_search
from geotool.gallery.tuning import find_agreement, make_queries, plan_search
from tests.gallery.test_gallery import SphereModel, spread_points, unit_vectors
from tests.gallery.test_hierarchy import clusters, plant


@dataclass(frozen=True)
class Rows:
    """Allows what stands at these rows, whatever the points are."""

    rows: frozenset[int]
    description: str = "there"

    def allows(self, latlon_deg: np.ndarray) -> np.ndarray:
        return np.isin(np.arange(len(latlon_deg)), list(self.rows))


@dataclass(frozen=True)
class NorthOf:
    lat: float
    description: str = "so far north"

    def allows(self, latlon_deg: np.ndarray) -> np.ndarray:
        return latlon_deg[:, 0] > self.lat


def to_gallery(vectors: np.ndarray, branching: tuple[int, ...], fingerprint: str = "f") -> Gallery:
    """Row i lies at the i-th point of a spiral from the north pole to the south pole."""
    stored, tree = plant(vectors, branching)
    chosen = BeamPoint(beams=tree.cells, comparisons=0, agreement=1, agreement_at_10=1)
    meta = ArtifactMeta(
        kind="gallery", schema=2, fingerprint=fingerprint, inputs={}, config={}, created="", version=""
    )
    plan = SearchPlan(chosen=chosen, curve=(chosen,))
    points = spread_points(len(vectors))
    return Gallery(meta=meta, latlon_deg=points, vectors=stored, tree=tree, plan=plan)


@pytest.fixture
def no_row_is_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restricted, "FEW_ROWS", 0)


@pytest.fixture(params=["few", "many"])
def either_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restricted, "FEW_ROWS", 10**9 if request.param == "few" else 0)


@given(
    n=st.integers(1, 150),
    branching=st.sampled_from([(), (2,), (5, 3), (4, 4, 4), (30, 30)]),
    seed=st.integers(0, 5),
    top_k=st.integers(1, 20),
    batch=st.sampled_from([1, 4]),
    data=st.data(),
)
@settings(max_examples=20, deadline=None)
def test_with_full_beams_the_result_is_exact_among_the_allowed_rows(
    n: int, branching: tuple[int, ...], seed: int, top_k: int, batch: int, data: st.DataObject
) -> None:
    gallery = to_gallery(clusters(n, seed=seed), branching)
    rows = np.array(sorted(data.draw(st.sets(st.integers(0, n - 1), min_size=1))))
    tree, queries = prune(gallery.tree, rows), unit_vectors(batch, 16, seed + 1)
    full = BeamSearch(gallery.vectors, gallery.tree, gallery.tree.cells, "cpu")
    exact = search_blocks(gallery.vectors[rows], queries, top_k, "cpu")
    for search in (full.within(tree, tree.cells, rows), ExactSearch(gallery.vectors, "cpu", rows)):
        found = search.search(queries, top_k)
        np.testing.assert_array_equal(found.rows, rows[exact.rows])
        np.testing.assert_allclose(found.cosines, exact.cosines, atol=1e-6)


@given(n=st.integers(1, 150), branching=st.sampled_from([(), (3,), (5, 3), (4, 4, 4)]), data=st.data())
@settings(max_examples=20, deadline=None)
def test_a_pruned_tree_holds_the_allowed_rows_and_nothing_empty(
    n: int, branching: tuple[int, ...], data: st.DataObject
) -> None:
    _, tree = plant(clusters(n), branching)
    rows = np.array(sorted(data.draw(st.sets(st.integers(0, n - 1), min_size=1))))
    pruned = prune(tree, rows)
    first, last = pruned.children.T
    assert (first < last).all()
    # Cell by cell and row by row, every one is the child of the one before: nothing left out, nothing twice.
    np.testing.assert_array_equal(first[1 : -pruned.leaf_count], last[: -pruned.leaf_count - 1])
    assert first[-pruned.leaf_count] == 0 and last[-1] == len(rows)
    # The leaves are those that held the rows before.
    stops = tree.children[-tree.leaf_count :, 1]
    owners = np.searchsorted(stops, rows, side="right")
    sizes = (last - first)[-pruned.leaf_count :]
    np.testing.assert_array_equal(sizes, np.unique(owners, return_counts=True)[1])


@pytest.mark.usefixtures("either_way")
@pytest.mark.parametrize("batch", [1, 6])
def test_no_answer_is_empty_because_the_beam_went_elsewhere(
    batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forty rows that lie scattered over the leaves, and a narrow beam that would miss almost all."""
    monkeypatch.setattr("geotool.gallery.beam.ONE_BY_ONE", () if batch > 1 else ("cpu",))
    gallery = to_gallery(clusters(1500), (8, 8))
    rows = np.sort(np.random.default_rng(1).choice(1500, 40, replace=False))
    narrow = open_search(gallery, "cpu", beam=1)
    allowed = restrict(narrow, gallery, Rows(frozenset(rows.tolist())))
    queries = unit_vectors(batch, 16, 3)
    exact = search_blocks(gallery.vectors[rows], queries, 40, "cpu")
    found = allowed.search(queries, 100)  # more than there are
    np.testing.assert_array_equal(found.rows, rows[exact.rows])
    assert set(allowed.search(queries, 5).rows.ravel().tolist()) <= set(rows.tolist())


@pytest.mark.usefixtures("no_row_is_few")
def test_a_beam_stays_a_beam_and_agrees_among_the_allowed_rows() -> None:
    model, points = SphereModel(dim=12), spread_points(3000)
    vectors, tree = plant(model.encode_locations(points))
    plan = plan_search(vectors, tree, make_queries(model, points, 100, seed=1))
    latlon_deg = np.degrees(np.arcsin(np.clip(vectors[:, [2, 2]].astype(float), -1, 1)))
    gallery = replace(to_gallery(unit_vectors(1, 12), ()), latlon_deg=latlon_deg, vectors=vectors)
    gallery = replace(gallery, tree=tree, plan=plan)
    everywhere = open_search(gallery, "cpu")
    north = restrict(everywhere, gallery, NorthOf(30))
    rows = np.flatnonzero(latlon_deg[:, 0] > 30)
    for queries in make_queries(model, latlon_deg[rows], 100, seed=2).values():
        found, exact = north.search(queries, 1), search_blocks(vectors[rows], queries, 1, "cpu")
        assert find_agreement(found.rows, rows[exact.rows], 1) > 0.9
        assert found.comparisons.mean() < len(rows)


def test_a_gallery_without_an_allowed_point_is_an_error_and_one_of_them_only_changes_nothing() -> None:
    gallery = to_gallery(clusters(200), (4,))
    search = open_search(gallery, "cpu")
    with pytest.raises(UsageError, match=r"area asked for: so far north\. Allow a larger area"):
        restrict(search, gallery, NorthOf(89.9999))
    assert restrict(search, gallery, NorthOf(-90)) is search


def test_exact_search_stays_exact_whatever_the_number_of_rows() -> None:
    gallery = to_gallery(clusters(400), (4, 4))
    restricted_search = restrict(ExactSearch(gallery.vectors, "cpu"), gallery, NorthOf(0))
    found = restricted_search.search(unit_vectors(3, 16), 7)
    assert (found.rows < 200).all() and (found.comparisons == 200).all()


def test_the_points_are_asked_once_per_gallery_and_restriction() -> None:
    asked: list[int] = []

    @dataclass(frozen=True)
    class Counting(NorthOf):
        def allows(self, latlon_deg: np.ndarray) -> np.ndarray:
            asked.append(len(latlon_deg))
            return super().allows(latlon_deg)

    one, other = to_gallery(clusters(50), (), "one"), to_gallery(clusters(60), (), "other")
    masks = [find_allowed(gallery, Counting(0)) for gallery in (one, one, other, one)]
    assert asked == [50, 60]
    assert [mask.sum() for mask in masks] == [25, 25, 30, 25]
