"""Tables as manifests: the field's dialects, CSV and Parquet alike, every fault in its row's place."""

from __future__ import annotations

import csv
import tempfile
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from geotool.core.errors import BadImageError, UsageError
from geotool.photos import Row, open_manifest, read_dataset
from geotool.photos.manifest import RowError


def store(folder: Path, *names: str) -> Path:
    """Files below folder/images whose content is their name."""
    for name in names:
        path = folder / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return folder


def write_csv(path: Path, rows: list[dict[str, Any]]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_parquet(path: Path, rows: list[dict[str, Any]]) -> Path:
    parquet.write_table(pyarrow.Table.from_pylist(rows), path, row_group_size=3)
    return path


def place(name: str, lat: float | None = 1.5, lon: float | None = 2.5, **more: Any) -> dict[str, Any]:
    return {"IMG_ID": name, "LAT": lat, "LON": lon, **more}


def test_parquet_and_csv_give_the_same_rows(tmp_path: Path) -> None:
    store(tmp_path, *(f"{i}.jpg" for i in range(10)))
    rows = [place(f"{i}.jpg", 0.1 * i, -0.1 * i, AUTHOR=f"author {i % 3}") for i in range(10)]
    tables = write_csv(tmp_path / "a.csv", rows), write_parquet(tmp_path / "b.parquet", rows)
    found = [read_dataset(table) for table in tables]
    assert found[0] == found[1] and len(found[0]) == 10
    assert [row.author for row in found[1] if isinstance(row, Row)] == [row["AUTHOR"] for row in rows]
    assert [row.shown for row in found[1] if isinstance(row, Row)][:2] == ["images/0.jpg", "images/1.jpg"]
    assert [row.read_bytes() for row in found[1] if isinstance(row, Row)][9] == b"9.jpg"


def test_parquet_may_have_numbers_for_ids_and_gaps(tmp_path: Path) -> None:
    store(tmp_path, "7.jpg")
    table = pyarrow.table({"id": [7, 8], "latitude": [1.0, None], "longitude": [2.0, 3.0]})
    parquet.write_table(table, tmp_path / "a.parquet")
    row, gap = read_dataset(tmp_path / "a.parquet")
    assert isinstance(row, Row) and row.path.name == "7.jpg"
    assert isinstance(gap, RowError) and (gap.path, gap.reason) == ("8", "without coordinates")
    assert "Row 2 has no coordinates" in gap.message


def test_parquet_that_holds_no_names_or_is_cut(tmp_path: Path) -> None:
    table = pyarrow.table({"image": [{"bytes": b"x"}], "lat": [1.0], "lon": [2.0]})
    parquet.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(UsageError, match="column image"):
        read_dataset(tmp_path / "a.parquet")
    data = (tmp_path / "a.parquet").read_bytes()
    (tmp_path / "b.parquet").write_bytes(data[:-20])
    with pytest.raises(UsageError, match="cannot be read as Parquet"):
        read_dataset(tmp_path / "b.parquet")


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("b0/ff/123_456.jpg", "b0/ff/123_456.jpg"),  # MP-16, as downloaded
        ("b0/ff/123_456.jpg", "b0_ff_123_456.jpg"),  # MP-16, as unpacked from MP16-Pro
        ("b0_ff_123_456.jpg", "b0/ff/123_456.jpg"),
        ("b0\\ff\\123.jpg", "b0/ff/123.jpg"),
        ("123_456_abc.jpg", "123_456_abc.jpg"),  # IM2GPS3K, YFCC4K
        ("3859149887465501", "train/07/3859149887465501.jpg"),  # OSV-5M
        ("tile.v1", "tile.v1.PNG"),
    ],
)
def test_photos_are_found_where_data_sets_keep_them(tmp_path: Path, name: str, file: str) -> None:
    store(tmp_path, file, "other.jpg")
    (row,) = read_dataset(write_csv(tmp_path / "table.csv", [place(name)]))
    assert isinstance(row, Row) and row.id == name
    assert row.read_bytes().decode() == file


def test_a_name_in_two_sub_folders_is_not_guessed(tmp_path: Path) -> None:
    store(tmp_path, "train/7.jpg", "test/7.jpg", "test/a/8.jpg", "test/b.jpg")
    error, *found = read_dataset(write_csv(tmp_path / "a.csv", [place("7"), place("8"), place("b")]))
    assert isinstance(error, RowError) and error.reason == "ambiguous name"
    assert [row.path.name for row in found if isinstance(row, Row)] == ["8.jpg", "b.jpg"]


def test_a_path_column_names_the_file(tmp_path: Path) -> None:
    store(tmp_path, "x/a.jpg", "b.jpg")
    rows = [place("17", path="x/a.jpg"), place("18", path="x/a.jpg"), place("17", path="b.jpg")]
    first, same_file, same_id = read_dataset(write_csv(tmp_path / "a.csv", rows))
    assert isinstance(first, Row) and (first.id, first.shown) == ("17", "images/x/a.jpg")
    assert isinstance(same_file, RowError) and same_file.reason == "listed twice"
    assert isinstance(same_id, RowError) and same_id.reason == "listed twice"


def test_every_fault_is_reported_in_its_rows_place(tmp_path: Path) -> None:
    store(tmp_path, "a.jpg", "b.jpg", "c.jpg")
    (tmp_path / "images/empty.jpg").touch()
    rows = [
        place("a.jpg", 35.6, 139.7),
        place("b.jpg", 91, 10),
        place(""),
        place("a.jpg", -33, 151),
        place("none.jpg"),
        place("empty.jpg"),
        place("c.jpg", None, None),
        place("../a.jpg"),
        place("c.jpg"),
    ]
    expected = [
        "a.jpg",
        "impossible coordinates",
        "no name",
        "listed twice",
        "missing photo",
        "empty file",
        "without coordinates",
        "outside the data set",
        "c.jpg",
    ]
    for write, place_of_the_nameless in ((write_csv, "line 4"), (write_parquet, "row 3")):
        found = read_dataset(write(tmp_path / "table", rows))
        assert [entry.reason if isinstance(entry, RowError) else entry.id for entry in found] == expected
        assert isinstance(found[2], RowError) and found[2].path == place_of_the_nameless


@pytest.mark.parametrize("write", [write_csv, write_parquet])
def test_swapped_columns_are_refused_before_the_first_row(tmp_path: Path, write: Any) -> None:
    store(tmp_path, "a.jpg")
    rows = [place("a.jpg", 2.35, 48.85), *(place(f"{i}", 100.0 + i, 13.75) for i in range(5))]
    manifest = open_manifest(write(tmp_path / "table", rows))
    with pytest.raises(UsageError, match=r"(line 3|row 2) has LAT 100 and LON 13.75"):
        manifest.rows()


def test_fingerprint_is_that_of_the_table(tmp_path: Path) -> None:
    store(tmp_path, "a.jpg", "b.jpg")
    table = write_csv(tmp_path / "metadata.csv", [place("a.jpg")])
    before = open_manifest(table).fingerprint
    assert open_manifest(tmp_path).fingerprint == before
    write_csv(table, [place("b.jpg")])
    assert open_manifest(table).fingerprint != before


def test_a_photo_that_vanishes_is_a_bad_image(tmp_path: Path) -> None:
    store(tmp_path, "a.jpg")
    (row,) = read_dataset(write_csv(tmp_path / "a.csv", [place("a.jpg")]))
    (tmp_path / "images/a.jpg").unlink()
    assert isinstance(row, Row)
    with pytest.raises(BadImageError, match=r"no file a\.jpg"):
        row.read_bytes()


FAULTS = {
    "good": None,
    "missing": "missing photo",
    "polar": "impossible coordinates",
    "blank": "without coordinates",
}


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(sorted(FAULTS)), st.integers(0, 12)), max_size=25))
def test_entry_i_is_row_i(kinds: list[tuple[str, int]]) -> None:
    """Whatever is wrong with some rows, the others keep their place, their photo and their coordinates."""
    rows, expected, seen = [], [], set[int]()
    for kind, number in kinds:
        name = f"none{number}" if kind == "missing" else f"{number}"
        lat = {"polar": 91.0, "blank": None}.get(kind, number / 8)
        rows.append(place(name, lat, 100.0 + number))
        repeated = kind == "good" and number in seen
        expected.append("listed twice" if repeated else FAULTS[kind] or (str(number), number / 8))
        seen |= {number} if kind == "good" else set()
    with tempfile.TemporaryDirectory() as name:
        folder = store(Path(name), *(f"{number}.jpg" for number in range(13)))
        for write in (write_csv, write_parquet) if rows else ():
            found = read_dataset(write(folder / "table", rows))
            assert [_summary(entry) for entry in found] == expected
            photos = [entry for entry in found if isinstance(entry, Row)]
            assert [row.read_bytes().decode() for row in photos] == [f"{row.id}.jpg" for row in photos]
            assert [row.location.lon for row in photos] == [100.0 + int(row.id) for row in photos]


def _summary(entry: Any) -> Any:
    return entry.reason if isinstance(entry, RowError) else (entry.id, entry.location.lat)
