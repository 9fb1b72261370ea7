"""Build assets/basemap/countries.geojson from the npm package world-atlas (Natural Earth, public domain).

    npm pack world-atlas@2.0.2
    python tools/build_basemap.py world-atlas-2.0.2.tgz

The package holds TopoJSON made for globes: its rings run across the 180th meridian and around the
South Pole. A flat map would draw those as bars over the whole world, so rings are unwrapped here,
polygons that leave -180..180 get a twin on the other side, and Antarctica is closed along the pole.
A state too small for the 1:50 million outlines comes from the 1:10 million ones.
"""

from __future__ import annotations

import argparse
import itertools
import json
import tarfile
from pathlib import Path
from typing import Any

Point = list[float]  # lon, lat in degrees, as in GeoJSON
Ring = list[Point]
Polygon = list[Ring]

MEMBER, FINE_MEMBER = "package/countries-50m.json", "package/countries-10m.json"
ADDED = {"Tuvalu"}  # states that only the finer outlines have
DECIMALS = 2  # about 1 km: finer than a pixel at the zooms this map is for
OUTPUT = Path(__file__).resolve().parents[1] / "assets" / "basemap" / "countries.geojson"


def read_topology(archive: Path, name: str) -> dict[str, Any]:
    """One TopoJSON document inside the npm archive."""
    with tarfile.open(archive) as tar:
        member = tar.extractfile(name)
        if member is None:
            raise SystemExit(f"{archive} holds no {name}: is it world-atlas 2.0.2?")
        topology: dict[str, Any] = json.load(member)
        return topology


def decode_arcs(topology: dict[str, Any]) -> list[Ring]:
    """Undo the delta coding and the quantisation of all arcs; drop points that round to the same place."""
    (scale_x, scale_y), (shift_x, shift_y) = (
        topology["transform"]["scale"],
        topology["transform"]["translate"],
    )
    arcs = []
    for deltas in topology["arcs"]:
        x = y = 0
        arc: Ring = []
        for dx, dy in deltas:
            x, y = x + dx, y + dy
            point = [round(x * scale_x + shift_x, DECIMALS), round(y * scale_y + shift_y, DECIMALS)]
            if not arc or arc[-1] != point:
                arc.append(point)
        arcs.append(arc)
    return arcs


def join_arcs(numbers: list[int], arcs: list[Ring]) -> Ring:
    """One ring from its arcs; a negative number means that arc backwards."""
    ring: Ring = []
    for number in numbers:
        arc = arcs[number] if number >= 0 else arcs[~number][::-1]
        ring += arc[1:] if ring else arc
    return ring


def unwrap_ring(ring: Ring) -> Ring:
    """Let longitudes run past 180 instead of jumping; close a ring around a pole along that pole."""
    flat, turn = [list(ring[0])], 0
    for (x_before, _), (x, y) in itertools.pairwise(ring):
        turn += 360 * ((x - x_before < -180) - (x - x_before > 180))
        flat.append([round(x + turn, DECIMALS), y])
    if turn:
        pole = -90 if sum(y for _, y in ring) < 0 else 90
        flat += [[flat[-1][0], pole], [flat[0][0], pole], flat[0]]
    return flat


def shift_polygon(polygon: Polygon, degrees: float) -> Polygon:
    return [[[round(x + degrees, DECIMALS), y] for x, y in ring] for ring in polygon]


def flatten_polygon(polygon: Polygon) -> list[Polygon]:
    """The polygon on a flat map: itself, and its twin where it leaves -180..180."""
    flat = [unwrap_ring(ring) for ring in polygon]
    longitudes = [x for x, _ in flat[0]]
    if max(longitudes) > 180:
        return [flat, shift_polygon(flat, -360)]
    if min(longitudes) < -180:
        return [flat, shift_polygon(flat, 360)]
    return [flat]


def to_feature(country: dict[str, Any], arcs: list[Ring]) -> dict[str, Any]:
    """A GeoJSON feature with a MultiPolygon from one TopoJSON geometry."""
    polygons = [country["arcs"]] if country["type"] == "Polygon" else country["arcs"]
    rings = [[join_arcs(numbers, arcs) for numbers in polygon] for polygon in polygons]
    # Rounding leaves of an islet of a few hundred metres a line, which is no polygon.
    areas = [polygon for polygon in rings if len(polygon[0]) > 3]
    coordinates = [flat for polygon in areas for flat in flatten_polygon(polygon)]
    return {
        "type": "Feature",
        "properties": {"name": country["properties"]["name"]},
        "geometry": {"type": "MultiPolygon", "coordinates": coordinates},
    }


def build_features(topology: dict[str, Any], only: set[str] | None = None) -> list[dict[str, Any]]:
    """The countries of one document, or those of the names given."""
    arcs = decode_arcs(topology)
    countries = topology["objects"]["countries"]["geometries"]
    return [
        to_feature(country, arcs)
        for country in countries
        if country.get("arcs") and (only is None or country["properties"]["name"] in only)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("archive", type=Path, help="world-atlas-2.0.2.tgz, from npm pack")
    archive = parser.parse_args().archive
    features = build_features(read_topology(archive, MEMBER))
    features += build_features(read_topology(archive, FINE_MEMBER), ADDED)
    text = json.dumps(
        {"type": "FeatureCollection", "features": features}, separators=(",", ":"), ensure_ascii=False
    )
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(text, encoding="utf-8")
    print(f"{OUTPUT}: {len(features)} countries, {OUTPUT.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
