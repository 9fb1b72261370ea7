"""read_points: every format, and the rows that are no points."""

from __future__ import annotations

import gzip
import json
import zipfile
from pathlib import Path

import numpy as np
import pyarrow
import pytest
from pyarrow import parquet

from geotool.core.errors import EmptyResultError, NotFoundError, UsageError
from geotool.gallery.points import RejectedRow, read_points

PARIS, CAPE_TOWN, TOKYO = (48.85, 2.35), (-33.9, 18.4), (35.7, 139.7)


def read_all(path: Path, chunk: int = 100) -> tuple[list[tuple[float, ...]], list[RejectedRow]]:
    chunks = list(read_points(path, chunk))
    points = [tuple(row) for part in chunks for row in part.latlon_deg.tolist()]
    return points, [row for part in chunks for row in part.rejected]


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def geonames_line(name: str, lat: object, lon: object) -> str:
    return "\t".join(["2988507", name, name, '"', str(lat), str(lon), *["x"] * 13])


def feature(kind: str, coordinates: object) -> dict[str, object]:
    return {"type": "Feature", "properties": {}, "geometry": {"type": kind, "coordinates": coordinates}}


def collection(*features: object) -> str:
    return json.dumps({"type": "FeatureCollection", "features": features})


@pytest.mark.parametrize(
    "table",
    [
        "lat,lon\n48.85,2.35\n-33.9,18.4\n",
        "\ufeffLatitude,Longitude\r\n48.85,2.35\r\n\r\n-33.9,18.4\r\n",
        'name,LNG,lat\n"Paris, the\ncity",2.35,48.85\n"5"" tall", 18.4 ,-33.9',
        "lat;lon\n48,85;2,35\n-33,9;18,4\n",
        "lon\tlat\n2.35\t48.85\n18.4\t-33.9\n",
        "lat|lon\n48.85|2.35\n-33.9|18.4\n",
        "lat,lon\r48.85,2.35\r-33.9,18.4\r",
        b"name,lat,lon\nZ\xfcrich,48.85,2.35\nx,-33.9,18.4\n",
        "lat\tlon\n48.85\t2.35\n-33.9\t18.4\n".encode("utf-16"),
        f"{geonames_line('Paris', *PARIS)}\n{geonames_line('Cape Town', *CAPE_TOWN)}\n",
    ],
)
def test_tables_are_read_as_people_save_them(tmp_path: Path, table: str | bytes) -> None:
    assert read_all(write(tmp_path / "points.txt", table)) == ([PARIS, CAPE_TOWN], [])


@pytest.mark.parametrize(
    "text",
    [
        collection(feature("Point", [2.35, 48.85]), feature("MultiPoint", [[18.4, -33.9, 12.0]])),
        "\ufeff\n" + collection(feature("MultiPoint", [[2.35, 48.85], [18.4, -33.9]])),
        json.dumps(
            {"features": [feature("Point", [2.35, 48.85]), feature("Point", [18.4, -33.9])]}, indent=2
        ),
        "\n".join(json.dumps(feature("Point", [lon, lat])) for lat, lon in (PARIS, CAPE_TOWN)),
        "".join(f"\x1e{json.dumps(feature('Point', [lon, lat]))}\n" for lat, lon in (PARIS, CAPE_TOWN)),
        '{"type": "Point", "coordinates": [2.35, 48.85]}\n\n{"type": "Point", "coordinates": [18.4, -33.9]}',
    ],
)
def test_geojson_has_longitude_first(tmp_path: Path, text: str) -> None:
    assert read_all(write(tmp_path / "points.geojson", text)) == ([PARIS, CAPE_TOWN], [])


def test_parquet_and_npy_have_named_and_ordered_columns(tmp_path: Path) -> None:
    table = pyarrow.table({"Lon": [2.35, 18.4], "name": ["a", "b"], "Lat": ["48.85", "-33.9"]})
    parquet.write_table(table, tmp_path / "points.parquet", row_group_size=1)
    np.save(tmp_path / "points.npy", np.array([PARIS, CAPE_TOWN]))
    for name in ("points.parquet", "points.npy"):
        assert read_all(tmp_path / name, chunk=1) == ([PARIS, CAPE_TOWN], [])


def test_packed_files_are_read(tmp_path: Path) -> None:
    table = b"lat,lon\n48.85,2.35\n"
    packed = write(tmp_path / "a.csv.gz", gzip.compress(table))
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("readme.txt", "small")
        archive.writestr("points.csv", table)
    assert read_all(packed) == read_all(tmp_path / "b.zip") == ([PARIS], [])


@pytest.mark.parametrize("chunk", [1, 2, 100])
def test_rejected_rows_are_listed_with_line_and_reason(tmp_path: Path, chunk: int) -> None:
    lines = [
        "lat,lon,name",
        "48.85,2.35,a",
        "nan,0,b",
        "",
        "91,0,c",
        "0,180.5,d",
        "north,0,e",
        ",0,f",
        "12",
        "-33.9,18.4,g",
    ]
    points, rejected = read_all(write(tmp_path / "points.csv", "\n".join(lines)), chunk)
    assert points == [PARIS, CAPE_TOWN]
    assert [(row.row, row.reason) for row in rejected] == [
        (3, "its latitude 'nan' is no number"),
        (5, "its latitude 91 is outside -90..90"),
        (6, "its longitude 180.5 is outside -180..180"),
        (7, "its latitude 'north' is no number"),
        (8, "it has no latitude"),
        (9, "it has no longitude"),
    ]
    assert rejected[1].text == "91, 0, c"


def test_a_quote_that_is_never_closed_hides_no_line(tmp_path: Path) -> None:
    lines = ["name,lat,lon", '"open,1,2', "b,48.85,2.35", '"c" d,3,4', "e,-33.9,18.4"]
    points, rejected = read_all(write(tmp_path / "points.csv", "\n".join(lines)))
    assert points == [CAPE_TOWN]
    assert [row.reason.split(" are")[0] for row in rejected] == ["lines 2 to 4"]


def test_rejected_rows_of_the_other_formats_are_numbered_too(tmp_path: Path) -> None:
    features = [feature("Point", [2.35, 48.85]), feature("LineString", [[0, 0], [1, 1]]), {"type": "Feature"}]
    features += [
        feature("Point", []),
        feature("MultiPoint", [[0, 91], [18.4, -33.9]]),
        feature("Point", ["x", 1]),
    ]
    whole = write(tmp_path / "a.geojson", collection(*features))
    lines = write(tmp_path / "a.ndjson", "\n".join(map(json.dumps, features)))
    assert read_all(whole) == read_all(lines)
    points, rejected = read_all(whole)
    assert points == [PARIS, CAPE_TOWN] and [row.row for row in rejected] == [2, 3, 4, 5, 6]
    assert rejected[0].reason == "a LineString is no point"
    rows = [PARIS, (np.nan, 0), (0, np.inf), CAPE_TOWN]
    np.save(tmp_path / "a.npy", np.array(rows))
    columns = {"lat": [PARIS[0], None, 0, CAPE_TOWN[0]], "lon": [PARIS[1], 0, 1e9, CAPE_TOWN[1]]}
    parquet.write_table(pyarrow.table(columns), tmp_path / "a.parquet")
    for name in ("a.npy", "a.parquet"):
        points, rejected = read_all(tmp_path / name, chunk=3)
        assert points == [PARIS, CAPE_TOWN] and [row.row for row in rejected] == [2, 3]


def test_a_broken_line_of_geojson_is_one_rejected_row(tmp_path: Path) -> None:
    good = json.dumps(feature("Point", [2.35, 48.85]))
    points, rejected = read_all(write(tmp_path / "a.ndjson", f"{good}\n{good[:30]}\n{good}\n"))
    assert points == [PARIS, PARIS] and [row.row for row in rejected] == [2]


def test_the_borders_are_inside(tmp_path: Path) -> None:
    borders = [(90.0, 180.0), (-90.0, -180.0)]
    np.save(tmp_path / "points.npy", np.array(borders))
    assert read_all(tmp_path / "points.npy") == (borders, [])


def test_swapped_columns_are_refused(tmp_path: Path) -> None:
    rows = np.array([TOKYO, (35.0, -100.0), (20.0, 5.0)] * 20)[:, ::-1]
    np.save(tmp_path / "points.npy", rows)
    with pytest.raises(UsageError, match=r"row 1 has latitude 139.7 and longitude 35.7.*exchange"):
        read_all(tmp_path / "points.npy")
    with pytest.raises(UsageError, match="longitude first"):
        read_all(write(tmp_path / "a.geojson", collection(feature("Point", [35.7, 139.7]))))
    with pytest.raises(UsageError, match="swapped"):
        read_all(write(tmp_path / "a.csv", "lat,lon\n139.7,35.7\n2.35,48.85\n-100,40\n"))


def test_a_typing_mistake_is_no_swap(tmp_path: Path) -> None:
    table = "lat,lon\n488.5,2.35\n148.85,2.35\n48.85,2.35\n35.7,139.7\n35.7,139.8\n"
    points, rejected = read_all(write(tmp_path / "a.csv", table))
    assert len(points) == 3 and [row.row for row in rejected] == [2, 3]


@pytest.mark.parametrize(
    ("content", "error", "said"),
    [
        ("", EmptyResultError, "is empty"),
        ("lat,lon\n", EmptyResultError, "lists no points"),
        ("lat,lon\nx,1\n\ny,2\n", EmptyResultError, "row 2: its latitude 'x' is no number"),
        ("a,b\n1,2\n", UsageError, "no column lat or latitude; it has: a, b"),
        ("lat,b\n1,2\n", UsageError, "no column lon or lng or longitude"),
        ("48.85,2.35\n", UsageError, "first line has to name"),
        ('"lat,lon\n1,2\n', UsageError, "cannot be read"),
        (collection(), EmptyResultError, "lists no points"),
        (collection(feature("Point", [1, 2]))[:-9], UsageError, "broken after feature"),
        (b"\x1f\x8b not gzip", UsageError, "cannot be read"),
        (b"PK\x03\x04 not zip", UsageError, "cannot be read"),
        (b"PAR1 not Parquet", UsageError, "cannot be read as Parquet"),
        (b"\x93NUMPY not numpy", UsageError, "cannot be read"),
        (b"\0\0\0\x0d\n\x09OSMHeader", UsageError, "osmium export"),
        (b"\x89PNG\0", UsageError, "no known format"),
    ],
)
def test_files_without_points_are_refused_in_one_sentence(
    tmp_path: Path, content: str | bytes, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        read_all(write(tmp_path / "points", content))


def test_missing_files_folders_and_other_arrays_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no file"):
        read_all(tmp_path / "none.csv")
    with pytest.raises(UsageError, match="is no file"):
        read_all(tmp_path)
    np.save(tmp_path / "a.npy", np.zeros((3, 3)))
    with pytest.raises(UsageError, match=r"shape \(3, 3\)"):
        read_all(tmp_path / "a.npy")
    np.save(tmp_path / "b.npy", np.zeros((0, 2)))
    with pytest.raises(EmptyResultError):
        read_all(tmp_path / "b.npy")
