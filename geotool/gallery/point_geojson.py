"""GeoJSON (RFC 7946) as a stream of points: a FeatureCollection of any size, or one feature per line."""

from __future__ import annotations

import codecs
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from geotool.core.errors import UsageError
from geotool.gallery.point_rows import RawRow

_RECORD_MARK = b"\x1e"  # before every text of a sequence (RFC 8142)


def is_geojson(head: bytes) -> bool:
    """Whether a file that begins like this holds JSON objects."""
    return head.removeprefix(codecs.BOM_UTF8).lstrip(_RECORD_MARK + b" \t\r\n").startswith(b"{")


def read_geojson(file: IO[bytes], head: bytes, path: Path) -> Iterator[RawRow]:
    """Points and the points of MultiPoints, numbered by feature or line; other geometries are faults.

    `head` is the beginning of the file. Raises UsageError where a FeatureCollection is broken.
    """
    if head.startswith(codecs.BOM_UTF8):
        file.read(len(codecs.BOM_UTF8))
    if _is_collection(head.removeprefix(codecs.BOM_UTF8)):
        yield from _read_collection(file, path)
    else:
        yield from _read_lines(file)


def _is_collection(head: bytes) -> bool:
    """Whether the first JSON text is one object around all features."""
    import ijson

    try:
        return ("", "map_key", "features") in ijson.parse(io.BytesIO(head))
    except ijson.JSONError:  # the head ends in the middle of a text, or a second text follows the first
        return False


def _read_collection(file: IO[bytes], path: Path) -> Iterator[RawRow]:
    import ijson

    number = 0
    try:
        for number, feature in enumerate(ijson.items(file, "features.item", use_float=True), 1):
            yield from _find_points(feature, number)
    except ijson.JSONError as error:
        raise UsageError(f"{path} is broken after feature {number}.", "Write the GeoJSON anew.") from error


def _read_lines(file: IO[bytes]) -> Iterator[RawRow]:
    for number, line in enumerate(file, 1):
        text = line.strip(_RECORD_MARK + b" \t\r\n")
        try:
            feature = json.loads(text) if text else None
        except ValueError as error:
            yield RawRow(number, None, None, text.decode(errors="replace"), f"it is no JSON ({error})")
        else:
            yield from _find_points(feature, number) if text else ()


def _find_points(feature: Any, number: int) -> Iterator[RawRow]:
    """The points of a Feature or of a bare geometry; one fault if it has none."""
    match feature:
        case {"type": "Feature"}:
            yield from _find_points(feature.get("geometry"), number)
        case {"type": "Point", "coordinates": [lon, lat, *_] as position}:
            yield RawRow(number, lat, lon, position)
        case {"type": "MultiPoint", "coordinates": [_, *_] as positions}:
            for position in positions:
                yield from _find_points({"type": "Point", "coordinates": position}, number)
        case {"type": "Point" | "MultiPoint" as kind}:
            yield RawRow(number, None, None, kind, f"its {kind} has no coordinates")
        case {"type": str(kind)}:
            yield RawRow(number, None, None, kind, f"a {kind} is no point")
        case _:
            yield RawRow(number, None, None, json.dumps(feature), "it has no geometry")
