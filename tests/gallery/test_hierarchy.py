import warnings
from pathlib import Path

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geotool.core.errors import MismatchError, UsageError
from geotool.core.sphere import to_xyz
from geotool.gallery.beam import BeamSearch
from geotool.gallery.exact import ExactSearch, search_blocks
from geotool.gallery.hierarchy import build_tree, choose_branching, sample_size
from geotool.gallery.tree import ASSIGN_BEAM, Tree, load_tree, write_tree
from geotool.gallery.tuning import AGREEMENT, find_agreement, make_queries, plan_search
from tests.gallery.test_gallery import SphereModel, spread_points, unit_vectors


def plant(vectors: np.ndarray, branching: tuple[int, ...] | None = None) -> tuple[np.ndarray, Tree]:
    """The vectors as float16 in the order of their tree, and the tree."""
    tree = build_tree(vectors, len(vectors), branching)
    stored = vectors.astype(np.float16)
    leaves = tree.assign(stored.astype(np.float32))
    order = np.argsort(leaves, kind="stable")
    return stored[order], tree.with_rows(np.bincount(leaves, minlength=tree.leaf_count))


def full(tree: Tree) -> tuple[int, ...]:
    return tree.cells


def clusters(n: int, dim: int = 16, seed: int = 0) -> np.ndarray:
    """Unit vectors in clumps, as places are."""
    rng = np.random.default_rng(seed)
    rows = unit_vectors(40, dim, seed)[rng.integers(40, size=n)] + 0.3 * rng.normal(size=(n, dim))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@given(
    n=st.integers(1, 300),
    branching=st.sampled_from([(), (2,), (5, 3), (4, 4, 4), (50, 50)]),
    seed=st.integers(0, 5),
    top_k=st.integers(1, 20),
)
@settings(max_examples=25, deadline=None)
def test_with_full_beams_the_result_is_that_of_exact_search(
    n: int, branching: tuple[int, ...], seed: int, top_k: int
) -> None:
    vectors, tree = plant(clusters(n, seed=seed), branching)
    queries = unit_vectors(7, 16, seed + 1)
    found = BeamSearch(vectors, tree, full(tree), "cpu").search(queries, top_k)
    exact = ExactSearch(vectors, "cpu").search(queries, top_k)
    np.testing.assert_array_equal(found.rows, exact.rows)
    np.testing.assert_allclose(found.cosines, exact.cosines, atol=1e-6)


def test_exact_search_in_blocks_agrees_with_faiss() -> None:
    vectors, queries = clusters(3000).astype(np.float16), unit_vectors(5, 16, 1)
    index = faiss.IndexFlatIP(16)
    index.add(vectors.astype(np.float32))
    cosines, rows = index.search(queries, 10)
    found = search_blocks(vectors, queries, 10, "cpu")
    np.testing.assert_array_equal(found.rows, rows)
    np.testing.assert_allclose(found.cosines, cosines, atol=1e-5)


def test_every_row_finds_itself() -> None:
    vectors, tree = plant(clusters(2000), (9, 9))
    # Two leaves: in half precision the best two may be as good.
    found = BeamSearch(vectors, tree, (ASSIGN_BEAM, 2), "cpu").search(vectors.astype(np.float32), 1)
    assert found.rows[:, 0].tolist() == list(range(2000))


@pytest.mark.parametrize("batch", [1, 9])
def test_a_beam_compares_little_and_counts_it(batch: int) -> None:
    vectors, tree = plant(clusters(4000), (8, 8))
    found = BeamSearch(vectors, tree, (2, 4), "cpu").search(unit_vectors(batch, 16), 5)
    sizes = np.diff(tree.children[-tree.leaf_count :], axis=1)[:, 0]
    assert found.rows.shape == (batch, 5)
    assert (found.comparisons < 1000).all()
    # Level 1, the children of two cells, and the rows of four leaves, counted by hand.
    assert found.comparisons.max() <= 8 + 2 * 16 + 4 * sizes.max()
    assert found.comparisons.min() >= 8 + 2 + 4 * sizes.min()


def test_one_query_gets_the_same_in_a_batch_and_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, tree = plant(clusters(3000), (7, 7))
    search, queries = BeamSearch(vectors, tree, (2, 4), "cpu"), unit_vectors(20, 16)
    monkeypatch.setattr("geotool.gallery.beam.ONE_BY_ONE", ())
    together = BeamSearch(vectors, tree, (2, 4), "cpu").search(queries, 8)
    for row, query in enumerate(queries):
        alone = search.search(query[None], 8)
        np.testing.assert_array_equal(alone.rows[0], together.rows[row])
        assert alone.comparisons[0] == together.comparisons[row]


def test_the_leaves_it_names_are_those_it_compares() -> None:
    vectors, tree = plant(clusters(3000), (7, 7))
    search, queries = BeamSearch(vectors, tree, (2, 30), "cpu"), unit_vectors(20, 16)
    found, leaves = search.search(queries, 5), search.find_leaves(queries)
    owners = tree.assign(vectors.astype(np.float32))
    sizes = np.append(np.bincount(owners, minlength=tree.leaf_count), 0)  # of leaf -1: no leaf
    assert leaves.numbers.shape == (20, 30) and leaves.numbers.min() == -1
    assert all(set(owners[a]) <= set(b) for a, b in zip(found.rows, leaves.numbers.tolist(), strict=True))
    np.testing.assert_array_equal(leaves.comparisons + sizes[leaves.numbers].sum(axis=1), found.comparisons)


def test_asked_for_more_than_the_beam_holds_it_opens_more() -> None:
    vectors, tree = plant(clusters(500), (8, 8))
    found = BeamSearch(vectors, tree, (1, 1), "cpu").search(unit_vectors(3, 16), 400)
    assert all(len(set(rows)) == 400 for rows in found.rows.tolist())
    assert BeamSearch(vectors, tree, (1, 1), "cpu").search(unit_vectors(1, 16), 9999).rows.shape == (1, 500)


@pytest.mark.parametrize("vectors", [unit_vectors(1, 16), np.repeat(unit_vectors(1, 16), 600, axis=0)])
def test_one_point_and_many_equal_points_are_galleries_too(vectors: np.ndarray) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        stored, tree = plant(vectors, (4, 4))
    found = BeamSearch(stored, tree, (1, 1), "cpu").search(vectors[:1], 5)
    assert found.rows[0].tolist() == list(range(min(5, len(vectors))))
    assert found.cosines.min() > 0.99


def test_leaves_share_the_points_about_evenly() -> None:
    _, tree = plant(clusters(5000), (6, 6, 6))
    sizes = np.diff(tree.children[-tree.leaf_count :], axis=1)
    assert sizes.sum() == 5000
    assert np.quantile(sizes, 0.99) < 5 * sizes.mean()


def test_levels_follow_the_size_of_the_gallery() -> None:
    assert choose_branching(100) == ()
    assert choose_branching(1000) == (111,)
    assert choose_branching(100_000) == (22, 22, 22)
    assert choose_branching(1_000_000) == choose_branching(10_000_000) == (40, 40, 40)
    assert sample_size(90_000) == 90_000
    assert sample_size(10_000_000) == 8 * 40**3
    with pytest.raises(UsageError, match="splits nothing"):
        build_tree(unit_vectors(10), 10, (1, 4))


def test_the_poles_and_the_antimeridian_are_places_like_any_other() -> None:
    points = np.concatenate([spread_points(4000), [[90, 0], [-90, 0], [0, 180], [0.01, -180]]])
    stored, tree = plant(to_xyz(points).astype(np.float32))
    search = BeamSearch(stored, tree, (2,) * len(tree.cells), "cpu")
    seam = to_xyz(np.array([[89.9, 120.0], [-89.9, 70.0], [0.005, 179.999], [0.005, -179.999]]))
    exact = search_blocks(stored, seam.astype(np.float32), 1, "cpu")
    np.testing.assert_allclose(search.search(seam, 1).cosines, exact.cosines, atol=1e-6)


def test_the_plan_is_the_cheapest_beam_that_agrees_and_holds_on_other_queries() -> None:
    model, points = SphereModel(dim=12), spread_points(5000)
    vectors, tree = plant(model.encode_locations(points))
    plan = plan_search(vectors, tree, make_queries(model, points, 200, seed=1))
    cheaper = [point for point in plan.curve if point.comparisons < plan.chosen.comparisons]
    assert plan.chosen.agreement >= AGREEMENT
    assert all(point.agreement < AGREEMENT for point in cheaper)
    for queries in make_queries(model, points, 200, seed=2).values():
        rows = BeamSearch(vectors, tree, plan.chosen.beams, "cpu").search(queries, 1).rows
        assert find_agreement(rows, search_blocks(vectors, queries, 1, "cpu").rows, 1) > 0.9


def test_a_tree_survives_the_disk_and_a_damaged_one_is_refused(tmp_path: Path) -> None:
    _, tree = plant(clusters(900), (5, 5))
    write_tree(tmp_path, tree)
    loaded = load_tree(tmp_path, 900, "Build it again.")
    np.testing.assert_array_equal(loaded.children, tree.children)
    np.testing.assert_array_equal(loaded.centroids, tree.centroids)
    with pytest.raises(MismatchError, match="damaged"):
        load_tree(tmp_path, 901, "Build it again.")
    children = tree.children.copy()
    children[7] = (0, 10**9)
    np.save(tmp_path / "tree_children.npy", children)
    with pytest.raises(MismatchError, match="damaged"):
        load_tree(tmp_path, 900, "Build it again.")
