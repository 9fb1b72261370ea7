"""Intervals against independent bootstraps, distances against geopy, figures against their definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from geopy.distance import geodesic, great_circle
from scipy.stats import bootstrap

from geotool.core.geo import LatLon, geodesic_km, haversine_km
from geotool.core.sphere import haversine_km as haversine_many_km
from geotool.evaluation.baselines import find_ceiling_km, find_chance_km
from geotool.evaluation.intervals import resample_by, to_intervals
from geotool.evaluation.metrics import measure, measure_part


def draw_errors(n: int = 600) -> np.ndarray:
    return np.random.default_rng(3).lognormal(5, 3, n)


def test_intervals_of_photos_are_those_of_scipy() -> None:
    errors_km = draw_errors()
    figures = measure(errors_km, resample_by([None] * len(errors_km)))
    for km in (1, 25, 200, 750, 2500):
        hits = (100.0 * (errors_km <= km),)
        expected = bootstrap(
            hits, np.mean, n_resamples=9999, method="percentile", rng=np.random.default_rng(1)
        ).confidence_interval
        assert figures["intervals95"][str(km)] == pytest.approx(expected, abs=0.2)


def test_intervals_by_author_are_those_of_a_plain_loop() -> None:
    rng, errors_km = np.random.default_rng(5), draw_errors()
    # Authors that travel together: their errors are alike, so intervals by photo would be far too narrow.
    order, authors = np.argsort(errors_km), np.empty(600, dtype=int)
    authors[order] = np.arange(600) // 8
    figures = measure(errors_km, resample_by([f"author {author}" for author in authors]))
    rows_of = [np.flatnonzero(authors == author) for author in range(75)]
    hits, medians, means = [], [], []
    for _ in range(10_000):
        drawn = errors_km[np.concatenate([rows_of[i] for i in rng.integers(0, 75, 75)])]
        hits.append(100 * np.mean(drawn <= 200))
        medians.append(np.median(drawn))
        means.append(drawn.mean())
    assert figures["intervals95"]["200"] == pytest.approx(np.percentile(hits, [2.5, 97.5]), abs=0.5)
    assert figures["median_interval95"] == pytest.approx(np.percentile(medians, [2.5, 97.5]), rel=0.05)
    assert figures["mean_interval95"] == pytest.approx(np.percentile(means, [2.5, 97.5]), rel=0.05)
    by_photo = measure(errors_km, resample_by([None] * 600))["intervals95"]["200"]
    assert np.ptp(figures["intervals95"]["200"]) > 1.5 * np.ptp(by_photo)


def test_medians_of_resamples_are_those_of_numpy() -> None:
    errors_km = np.array([1.0, 2.0, 3.0, 10.0, math.inf, math.inf])
    resampling = resample_by([None] * 6)
    values = np.random.default_rng(0).integers(0, 6, (resampling.resamples, 6))
    found, expected = resampling.find_medians(errors_km), np.median(errors_km[values], axis=1)
    for level in (2, 3, 6.5, 10):
        assert np.mean(found <= level) == pytest.approx(np.mean(expected <= level), abs=0.03)
    assert np.isfinite(to_intervals(found)).tolist() == [True, False]


def test_a_failure_counts_in_every_figure_but_the_mean() -> None:
    figures = measure(np.array([0.5, 100.0, math.inf, math.inf]), resample_by([None] * 4))
    assert figures["within_km"]["1"] == 25 and figures["within_km"]["2500"] == 50
    assert figures["median_km"] is None and figures["mean_km"] == 50.25
    expected = 5000 * (math.exp(-0.5 / 1492.7) + math.exp(-100 / 1492.7)) / 4
    assert figures["geoscore"] == pytest.approx(expected, abs=0.05)


def test_nobody_answered() -> None:
    figures = measure(np.full(3, math.inf), resample_by([None] * 3))
    assert (figures["mean_km"], figures["median_km"], figures["geoscore"]) == (None, None, 0)
    assert figures["mean_interval95"] == (None, None) and figures["intervals95"]["25"] == (0, 0)


def test_resamples_come_out_the_same_every_time() -> None:
    errors_km = draw_errors(50)
    assert measure(errors_km, resample_by([None] * 50)) == measure(errors_km, resample_by([None] * 50))


def test_many_photos_still_get_a_thousand_resamples() -> None:
    assert resample_by([None] * 200_000).resamples == 1_000
    assert measure_part(draw_errors(20_000), resample_by([None] * 20_000))["intervals95"]["25"][0] > 0


def draw_pairs() -> tuple[np.ndarray, np.ndarray]:
    """10 000 pairs: anywhere, antipodes, across the antimeridian, at the poles, the same place twice."""
    rng = np.random.default_rng(7)
    a = np.stack([np.degrees(np.arcsin(rng.uniform(-1, 1, 10_000))), rng.uniform(-180, 180, 10_000)], axis=1)
    b = a[::-1].copy()
    b[:1000] = np.stack([-a[:1000, 0], (a[:1000, 1] + 360) % 360 - 180], axis=1)  # antipodes
    b[1000:1100] = b[:100] + rng.normal(0, 1e-4, (100, 2))
    a[2000:3000, 1] = 180 - rng.uniform(0, 0.5, 1000)
    b[2000:3000] = np.stack([a[2000:3000, 0], -180 + rng.uniform(0, 0.5, 1000)], axis=1)
    a[3000:3010, 0], b[3000:3010, 0] = 90, -90
    b[3010:3020] = a[3010:3020]
    return a, b


def test_distances_agree_with_geopy_to_a_metre() -> None:
    a, b = draw_pairs()
    expected = np.array([great_circle(tuple(x), tuple(y)).km for x, y in zip(a, b, strict=True)])
    assert np.abs(haversine_many_km(a, b) - expected).max() < 0.001
    pairs = [(LatLon(lat=x[0], lon=x[1]), LatLon(lat=y[0], lon=y[1])) for x, y in zip(a, b, strict=True)]
    assert max(abs(haversine_km(*pair) - km) for pair, km in zip(pairs, expected, strict=True)) < 0.001
    for x, y in pairs[::20]:
        assert geodesic_km(x, y) == pytest.approx(geodesic((x.lat, x.lon), (y.lat, y.lon)).km, abs=0.001)


def test_the_ceiling_is_the_nearest_gallery_point() -> None:
    a, b = draw_pairs()
    gallery, truths = a[::7], b[::50]
    nearest = haversine_many_km(truths[:, None], gallery[None]).min(axis=1)
    np.testing.assert_allclose(find_ceiling_km(gallery, truths), nearest, atol=1e-6)
    chance = find_chance_km(gallery, truths)
    assert (chance >= nearest - 1e-6).all() and (chance == find_chance_km(gallery, truths)).all()
