"""Numbers as people read them: at most three significant digits, thin-space thousands, units always."""

from __future__ import annotations

from geotool.core.geo import LatLon

THIN_SPACE = "\u2009"
COORDINATE_DECIMALS = 4  # about 11 m: no model here knows better
_WHOLE_KM = 3  # the median of a hundred errors is known to a quarter or so: "8 km", not "8.4 km"


def format_km(distance_km: float) -> str:
    """A distance with its unit: "43 m", "3.24 km", "1 230 km" (with a thin space)."""
    if distance_km < 0.9995:  # what rounds to 1 000 m is 1.00 km
        return f"{_three_digits(distance_km * 1000, decimals=0)} m"
    return f"{_three_digits(distance_km)} km"


def format_radius(radius_km: float) -> str:
    """A radius: at most two digits, and whole km from 3 km on: "430 m", "1.5 km", "8 km", "1 200 km"."""
    rounded = float(f"{radius_km:.2g}")
    if rounded < 1:
        return format_km(rounded)
    decimals = 0 if rounded >= _WHOLE_KM or rounded.is_integer() else 1
    return f"{rounded:,.{decimals}f} km".replace(",", THIN_SPACE)


def format_latlon(location: LatLon) -> str:
    """Coordinates to show and to copy: "43.4700, 11.8800"."""
    return f"{location.lat:.{COORDINATE_DECIMALS}f}, {location.lon:.{COORDINATE_DECIMALS}f}"


def format_mb(size_mb: float) -> str:
    """A file size: "12 MB", "1.7 GB"."""
    return f"{size_mb / 1000:.1f} GB" if size_mb >= 1000 else f"{size_mb:.0f} MB"


def format_count(count: int) -> str:
    """How many: "94 100" (with a thin space)."""
    return f"{count:,}".replace(",", THIN_SPACE)


def format_share(share: float) -> str:
    """A share of 0 to 1 as whole percent: "71 %", "< 1 %" for what would round to nothing."""
    return "< 1 %" if 0 < share < 0.005 else f"{100 * share:.0f} %"


def _three_digits(value: float, decimals: int = 2) -> str:
    rounded = float(f"{value:.3g}")
    shown = min(decimals, max(0, 3 - len(str(int(rounded)))))
    return f"{rounded:,.{shown}f}".replace(",", THIN_SPACE)
