import math

import numpy as np
import pytest
from geopy.distance import geodesic, great_circle
from hypothesis import given
from hypothesis import strategies as st

from geotool.core import sphere
from geotool.core.errors import UsageError
from geotool.core.geo import LatLon, geodesic_km, haversine_km

points = st.builds(LatLon, lat=st.floats(-90, 90), lon=st.floats(-180, 180))


@given(points, points)
def test_haversine_agrees_with_geopy(a: LatLon, b: LatLon) -> None:
    assert haversine_km(a, b) == pytest.approx(great_circle((a.lat, a.lon), (b.lat, b.lon)).km, abs=1e-3)


def test_geodesic_agrees_with_geopy_across_the_antimeridian() -> None:
    a, b = LatLon(lat=-17, lon=179.5), LatLon(lat=-16, lon=-179.5)
    assert geodesic_km(a, b) == geodesic((-17, 179.5), (-16, -179.5)).km
    assert geodesic_km(a, b) < 160


@given(points, points)
def test_arrays_and_points_agree(a: LatLon, b: LatLon) -> None:
    array = sphere.haversine_km(np.array([[a.lat, a.lon]]), np.array([[b.lat, b.lon]]))
    assert array[0] == pytest.approx(haversine_km(a, b), abs=1e-6)


@given(st.floats(-89.9, 89.9), st.floats(-180, 179.99))
def test_unit_vectors_round_trip(lat: float, lon: float) -> None:
    back = sphere.from_xyz(sphere.to_xyz(np.array([[lat, lon]])))[0]
    assert haversine_km(LatLon(lat=back[0], lon=back[1]), LatLon(lat=lat, lon=lon)) < 1e-3


@pytest.mark.parametrize("lon, wrapped", [(180, -180), (190, -170), (-180, -180), (540, -180), (12.5, 12.5)])
def test_longitude_is_wrapped(lon: float, wrapped: float) -> None:
    assert LatLon(lat=0, lon=lon).lon == wrapped


@pytest.mark.parametrize("lat, lon", [(90.1, 0), (math.nan, 0), (0, math.inf), (-91, 0)])
def test_impossible_points_are_refused(lat: float, lon: float) -> None:
    with pytest.raises(UsageError):
        LatLon(lat=lat, lon=lon)
