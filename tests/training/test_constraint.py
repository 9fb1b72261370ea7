"""Cells around the training's places, labels smoothed as geopy's distances say, and heads that learn them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from geopy.distance import great_circle
from scipy.special import log_softmax

from geotool.core.sphere import haversine_km
from geotool.model.image_cells import ImageCells
from geotool.training.constraint import build_cells, constrain, smooth_labels

TOWNS = np.array([[52.0, 13.0], [-17.0, 179.95], [64.0, -150.0], [-33.0, 151.0], [0.0, 20.0]])
D = 7


def draw_places(per_town: int = 40, spread_deg: float = 0.3) -> np.ndarray:
    rng = np.random.default_rng(0)
    places = np.repeat(TOWNS, per_town, axis=0) + rng.normal(0, spread_deg, (len(TOWNS) * per_town, 2))
    places[:, 1] = (places[:, 1] + 180) % 360 - 180  # one town lies on the antimeridian
    return places


@pytest.fixture(scope="module")
def cells() -> ImageCells:
    torch.manual_seed(0)
    return build_cells(draw_places(), D, (5, 20), seed=0)


def test_towns_apart_are_a_cell_each_whatever_the_seam(cells: ImageCells) -> None:
    assert cells.counts == (5, 20)
    nearest_km = haversine_km(TOWNS[:, None], cells.centers[0].numpy()[None]).min(axis=1)
    assert nearest_km.max() < 20
    assert len(set(cells.find_cells(TOWNS, level=0).tolist())) == 5


def test_cells_hold_their_nearest_places(cells: ImageCells) -> None:
    places = draw_places()
    for level, centers in enumerate(cells.centers):
        expected = haversine_km(places[:, None], centers.numpy()[None]).argmin(axis=1)
        np.testing.assert_array_equal(cells.find_cells(places, level), expected)
    np.testing.assert_array_equal(cells.find_cells(places), cells.find_cells(places, 1))


def test_finer_cells_are_nearer(cells: ImageCells) -> None:
    places = torch.from_numpy(draw_places())
    coarse, fine = (
        haversine_km(places.numpy(), centers.numpy()[cells.find_cells(places.numpy(), level)]).mean()
        for level, centers in enumerate(cells.centers)
    )
    assert fine < 0.7 * coarse


def test_the_same_seed_gives_the_same_cells_and_few_places_few_cells() -> None:
    one, two = (build_cells(draw_places(), D, (6,), seed=3).centers_deg for _ in range(2))
    assert torch.equal(one, two)
    assert build_cells(np.repeat(TOWNS, 3, axis=0), D, (2, 50), seed=0).counts == (2, 5)


def test_labels_are_those_of_geopys_distances(cells: ImageCells) -> None:
    places = torch.from_numpy(draw_places()[::17]).float()
    found = smooth_labels(places, cells.centers[1], 75.0)
    for place, row in zip(places.tolist(), found.numpy(), strict=True):
        km = np.array([great_circle(place, center).km for center in cells.centers[1].tolist()])
        expected = np.exp(-(km - km.min()) / 75)
        np.testing.assert_allclose(row, expected / expected.sum(), atol=1e-4)
        assert row.argmax() == km.argmin()


def test_the_loss_is_the_weighted_mean_of_both_levels(cells: ImageCells) -> None:
    vectors = torch.randn(9, D, generator=torch.Generator().manual_seed(0))
    places = torch.from_numpy(draw_places()[:9]).float()
    unit = (vectors / vectors.norm(dim=1, keepdim=True)).numpy() * np.sqrt(D)
    logits = unit @ cells.head.weight.detach().numpy().T + cells.head.bias.detach().numpy()
    coarse, fine = (
        -(smooth_labels(places, centers, 75.0).numpy() * log_softmax(part, axis=1)).sum(axis=1).mean()
        for part, centers in zip(np.split(logits, [5], axis=1), cells.centers, strict=True)
    )
    assert constrain(cells, vectors, places).item() == pytest.approx((coarse + fine) / 2, abs=1e-5)
    weighted = constrain(cells, vectors, places, weights=(1, 3)).item()
    assert weighted == pytest.approx((coarse + 3 * fine) / 4, abs=1e-5)
    assert constrain(cells, 9 * vectors, places).item() == pytest.approx((coarse + fine) / 2, abs=1e-5)


def test_heads_and_vectors_learn_where_photos_are() -> None:
    torch.manual_seed(0)
    places = torch.from_numpy(draw_places()).float()
    cells = build_cells(draw_places(), D, (5, 20), seed=0)
    vectors = torch.nn.Parameter(torch.randn(len(places), D))
    optimiser = torch.optim.Adam([vectors, *cells.parameters()], lr=0.1)
    for _ in range(150):
        optimiser.zero_grad()
        constrain(cells, vectors, places).backward()
        optimiser.step()
    masses = cells.find_masses(vectors)
    assert [tuple(level.shape) for level in masses] == [(200, 5), (200, 20)]
    assert all(torch.allclose(level.sum(dim=1), torch.ones(200), atol=1e-5) for level in masses)
    found = masses[0].argmax(dim=1).numpy()
    assert (found == cells.find_cells(draw_places(), 0)).mean() > 0.95


def test_cells_survive_storing(cells: ImageCells) -> None:
    again = ImageCells.from_tensors({name: value.clone() for name, value in cells.to_tensors().items()})
    vectors = torch.randn(4, D)
    assert again.counts == cells.counts
    for one, other in zip(cells.find_masses(vectors), again.find_masses(vectors), strict=True):
        assert torch.equal(one, other)
    np.testing.assert_array_equal(again.find_cells(TOWNS), cells.find_cells(TOWNS))


def test_the_loss_is_exact_enough_under_autocast(cells: ImageCells) -> None:
    vectors, places = torch.randn(9, D), torch.from_numpy(draw_places()[:9]).float()
    exact = constrain(cells, vectors, places).item()
    with torch.autocast("cpu", torch.bfloat16):
        loss = constrain(cells, vectors, places)
    assert loss.dtype == torch.float32 and loss.item() == pytest.approx(exact, rel=0.02)
