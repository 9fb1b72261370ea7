from __future__ import annotations

import pytest

from geotool.core.geo import LatLon
from geotool.output.bands import band_of
from geotool.output.numbers import (
    format_count,
    format_km,
    format_latlon,
    format_mb,
    format_radius,
    format_share,
)


@pytest.mark.parametrize(
    ("km", "text"),
    [
        (0, "0 m"), (0.043, "43 m"), (0.9994, "999 m"), (0.9996, "1.00 km"), (3.236, "3.24 km"),
        (9.999, "10.0 km"), (123.4, "123 km"), (1234.5, "1\u2009230 km"), (20003.9, "20\u2009000 km"),
    ],
)  # fmt: skip
def test_distances_have_three_digits_and_a_unit(km: float, text: str) -> None:
    assert format_km(km) == text


@pytest.mark.parametrize(
    ("km", "text"),
    [
        (0, "0 m"), (0.4321, "430 m"), (0.996, "1 km"), (1.466, "1.5 km"), (2.94, "2.9 km"), (2.96, "3 km"),
        (8.44, "8 km"), (9.96, "10 km"), (12.3, "12 km"), (242, "240 km"), (1234.5, "1\u2009200 km"),
    ],
)  # fmt: skip
def test_a_radius_has_two_digits_and_whole_km_from_three_on(km: float, text: str) -> None:
    assert format_radius(km) == text


def test_coordinates_and_sizes() -> None:
    assert format_latlon(LatLon(lat=-0.5, lon=179.99999)) == "-0.5000, 180.0000"
    assert (format_mb(12.4), format_mb(1710.5)) == ("12 MB", "1.7 GB")


def test_counts_and_shares() -> None:
    assert (format_count(43), format_count(94100)) == ("43", "94\u2009100")
    shares = [format_share(share) for share in (0, 0.004, 0.006, 0.706, 1)]
    assert shares == ["0 %", "< 1 %", "1 %", "71 %", "100 %"]


def test_bands_include_their_limit() -> None:
    assert [band_of(km) for km in (0, 1, 1.01, 25, 200, 750, 2500, 2501)] == [0, 0, 1, 1, 2, 3, 4, 5]
