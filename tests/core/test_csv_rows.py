"""Tables: which column is which, swapped axes, impossible places."""

from __future__ import annotations

from pathlib import Path

import pytest

from geotool.core.csv_rows import (
    AUTHOR_COLUMNS,
    PATH_COLUMNS,
    PHOTO_COLUMNS,
    AxisCheck,
    UnusableRow,
    read_csv_rows,
    to_location,
)
from geotool.core.errors import UsageError


def only_row(folder: Path, text: str) -> dict[str, str]:
    table = folder / "table.csv"
    table.write_text(text)
    (row,) = read_csv_rows(table, PHOTO_COLUMNS, {**PATH_COLUMNS, **AUTHOR_COLUMNS})
    return dict(row.values)


@pytest.mark.parametrize(
    ("header", "id_and_path"),
    [
        ("IMG_ID,AUTHOR,LAT,LON", ("a", None)),
        ("IMG_FILE,AUTHOR,LAT,LON", ("a", None)),
        ("image,author,lat,lng", ("a", None)),
        ("filename,user_id,latitude,longitude", ("a", None)),
    ],
)
def test_the_dialects_of_the_field(tmp_path: Path, header: str, id_and_path: tuple[str, str | None]) -> None:
    found = only_row(tmp_path, header + "\na,me,48.85,2.35\n")
    assert (found["IMG_ID"], found.get("PATH")) == id_and_path
    assert (found["LAT"], found["LON"], found["AUTHOR"]) == ("48.85", "2.35", "me")


def test_a_file_name_beside_an_id_is_the_path(tmp_path: Path) -> None:
    found = only_row(tmp_path, "filename,latitude,longitude,id\nx/a.jpg,1,2,17\n")
    assert (found["IMG_ID"], found["PATH"]) == ("17", "x/a.jpg")


def axes(*places: tuple[float, float]) -> AxisCheck:
    check = AxisCheck()
    for number, (lat, lon) in enumerate(places):
        check.add(f"line {number}", lat, lon)
    return check


def test_swapped_columns_are_told_from_single_slips() -> None:
    axes().refuse_swapped()
    axes((48, 2), (-33, 151), (91, 10)).refuse_swapped()  # the rest makes sense as it is
    axes((91, 120), (200, 3)).refuse_swapped()  # no place either way
    with pytest.raises(UsageError, match=r"line 1 has LAT 139.7 and LON 35.7"):
        axes((2, 48), (139.7, 35.7), (-122, 37)).refuse_swapped()


@pytest.mark.parametrize("place", [(91, 0), (-90.1, 0), (0, 180.5), (float("nan"), 0), (0, float("inf"))])
def test_impossible_places_are_refused_not_wrapped(place: tuple[float, float]) -> None:
    with pytest.raises(UnusableRow, match="Line 7 has impossible") as refusal:
        to_location(*place, "Line 7")
    assert refusal.value.reason == "impossible coordinates" and refusal.value.exit_code == 5
