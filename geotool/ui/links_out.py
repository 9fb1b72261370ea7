"""Links to services that help to check a place. Nothing is sent before a click; each says what it sends."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from geotool.core.geo import LatLon


class Service(NamedTuple):
    """A page to open: `address` with {lat} and {lon}, and who learns what by it."""

    name: str
    address: str
    sends: str


TO = "Opening this sends these coordinates to {}."
SERVICES = (
    Service(
        "OpenStreetMap",
        "https://www.openstreetmap.org/?mlat={lat}&mlon={lon}#map=13/{lat}/{lon}",
        TO.format("OpenStreetMap"),
    ),
    Service(
        "Google Street View",
        "https://www.google.com/maps/@?api=1&map_action=pano&viewpoint={lat},{lon}",
        TO.format("Google"),
    ),
    Service(
        "Mapillary",
        "https://www.mapillary.com/app/?lat={lat}&lng={lon}&z=14",
        TO.format("Mapillary, a service of Meta"),
    ),
    Service(
        "Google Lens",
        "https://lens.google.com/",
        "Opening this sends neither the photo nor the place. What you then give to that page goes to Google.",
    ),
)
DECIMALS = 5  # about 1 m


def links_html(location: LatLon, services: Sequence[Service] = SERVICES) -> str:
    """One line per service: the link, and what opening it sends."""
    lat, lon = f"{location.lat:.{DECIMALS}f}", f"{location.lon:.{DECIMALS}f}"
    lines = "".join(_line(service, service.address.format(lat=lat, lon=lon)) for service in services)
    return f'<ul class="gt-links">{lines}</ul>'


def _line(service: Service, address: str) -> str:
    # Without referrer and opener the page that opens learns nothing of this one.
    return (
        f'<li><a href="{escape(address)}" target="_blank" rel="noopener noreferrer"'
        f' referrerpolicy="no-referrer">Open in {escape(service.name)}</a>'
        f" <small>{escape(service.sends)}</small></li>"
    )
