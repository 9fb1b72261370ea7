from dataclasses import dataclass
from pathlib import Path

import faiss
import numpy as np
import pytest

from geotool.core.errors import EmptyResultError, MismatchError, UsageError
from geotool.core.report import SilentReport
from geotool.core.sphere import to_xyz
from geotool.gallery import gallery as galleries
from geotool.gallery.exact import ExactSearch


@dataclass
class SphereModel:
    """Encodes a point as its unit vector, padded: close points are close."""

    name: str = "sphere"
    fingerprint: str = "f1"
    dim: int = 8

    def encode_locations(self, latlon_deg: np.ndarray) -> np.ndarray:
        return np.pad(to_xyz(latlon_deg), ((0, 0), (0, self.dim - 3))).astype(np.float32)


def spread_points(n: int) -> np.ndarray:
    """A Fibonacci spiral: points over the whole sphere, none close to another."""
    steps = np.arange(n) + 0.5
    lat = np.degrees(np.arcsin(1 - 2 * steps / n))
    lon = (steps * 180 * (3 - 5**0.5)) % 360 - 180
    return np.stack([lat, lon], axis=1).astype(np.float32)


def unit_vectors(n: int, dim: int = 32, seed: int = 0) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(n, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GEOTOOL_HOME", str(tmp_path))
    return tmp_path


def test_every_row_finds_itself() -> None:
    points = spread_points(500)
    gallery = galleries.ready_gallery(SphereModel(), points, SilentReport())
    rows, cosines, _ = ExactSearch(gallery.vectors, "cpu").search(SphereModel().encode_locations(points), 1)
    assert rows[:, 0].tolist() == list(range(500))
    assert cosines.min() > 0.999
    assert gallery.location(7).lat == pytest.approx(float(points[7, 0]))


def test_a_cached_gallery_is_used_again_and_never_for_another_model(home: Path) -> None:
    model, points = SphereModel(), spread_points(10)
    galleries.ready_gallery(model, points, SilentReport())
    written = (home / "galleries/sphere/meta.json").stat().st_mtime_ns
    galleries.ready_gallery(model, points, SilentReport())
    assert (home / "galleries/sphere/meta.json").stat().st_mtime_ns == written
    with pytest.raises(MismatchError, match="model f1, but f2"):
        galleries.load_gallery(home / "galleries/sphere", {"model": "f2"})
    again = galleries.ready_gallery(SphereModel(fingerprint="f2"), points, SilentReport())
    assert again.meta.inputs["model"] == "f2"


def test_other_points_are_encoded_anew() -> None:
    galleries.ready_gallery(SphereModel(), spread_points(10), SilentReport())
    assert len(galleries.ready_gallery(SphereModel(), spread_points(12), SilentReport())) == 12


def test_a_truncated_gallery_is_refused(home: Path) -> None:
    galleries.ready_gallery(SphereModel(), spread_points(100), SilentReport())
    vectors = home / "galleries/sphere/vectors.npy"
    vectors.write_bytes(vectors.read_bytes()[:-10])
    with pytest.raises(MismatchError, match="damaged"):
        galleries.load_gallery(home / "galleries/sphere")


@pytest.mark.parametrize("bad", [(np.nan, 0), (91, 0), (0, 181), (0, np.inf)])
def test_a_row_that_is_no_coordinate_is_named(bad: tuple[float, float]) -> None:
    points = spread_points(5)
    points[3] = bad
    with pytest.raises(UsageError, match="row 3"):
        galleries.check_points(points)


def test_an_empty_gallery_is_refused() -> None:
    with pytest.raises(EmptyResultError):
        galleries.check_points(np.empty((0, 2)))


def test_search_agrees_with_faiss() -> None:
    vectors, queries = unit_vectors(5000).astype(np.float16), unit_vectors(50, seed=1)
    index = faiss.IndexFlatIP(32)
    index.add(vectors.astype(np.float32))
    expected_cosines, expected_rows = index.search(queries, 10)
    rows, cosines, _ = ExactSearch(vectors, "cpu").search(queries, 10)
    assert (rows == expected_rows).mean() > 0.999  # faiss may order two equal cosines the other way
    np.testing.assert_allclose(cosines, expected_cosines, atol=1e-5)


@pytest.mark.parametrize("n", [1, 3, 300])
def test_more_candidates_than_points_gives_them_all(n: int) -> None:
    rows, _, _ = ExactSearch(unit_vectors(n).astype(np.float16), "cpu").search(unit_vectors(2, seed=1), 1000)
    assert rows.shape == (2, min(n, 1000))
    assert sorted(rows[0].tolist()) == list(range(n))


def test_equal_points_come_in_the_order_of_their_rows() -> None:
    vectors = np.repeat(unit_vectors(1), 600, axis=0).astype(np.float16)
    rows, _, _ = ExactSearch(vectors, "cpu").search(unit_vectors(1), 600)
    assert rows[0].tolist() == list(range(600))
