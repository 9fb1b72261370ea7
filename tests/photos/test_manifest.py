"""read_dataset: tables, folders, and the rows that cannot be used."""

from __future__ import annotations

from pathlib import Path

import pictures
import pytest

from geotool.core.errors import NotFoundError, UsageError
from geotool.core.geo import LatLon
from geotool.core.records import ItemError
from geotool.photos import Row, read_dataset

HEADER = "IMG_ID,LAT,LON\n"


def dataset(folder: Path, table: str | bytes, photos: tuple[str, ...] = ("a.jpg", "b.jpg")) -> Path:
    (folder / "images").mkdir(parents=True)
    for name in photos:
        (folder / "images" / name).parent.mkdir(exist_ok=True)
        (folder / "images" / name).write_bytes(b"jpeg")
    data = table if isinstance(table, bytes) else table.encode()
    (folder / "metadata.csv").write_bytes(data)
    return folder


def only_error(folder: Path) -> ItemError:
    (error,) = read_dataset(folder)
    assert isinstance(error, ItemError) and error.stage == "read" and error.exit_code == 5
    return error


def test_reads_the_ordinary_form(tmp_path: Path) -> None:
    folder = dataset(tmp_path / "data", HEADER + "a.jpg,48.85,2.35\nb,-33.9,18.4\n")
    images = folder / "images"
    assert read_dataset(folder) == [
        Row(id="a.jpg", path=images / "a.jpg", location=LatLon(lat=48.85, lon=2.35)),
        Row(id="b", path=images / "b.jpg", location=LatLon(lat=-33.9, lon=18.4)),
    ]
    assert read_dataset(folder / "metadata.csv") == read_dataset(folder)


@pytest.mark.parametrize(
    "table",
    [
        "\ufeffIMG_ID,LAT,LON\r\na.jpg,48.85,2.35\r\n",
        '"IMG_ID","LAT","LON"\n"a.jpg","48.85","2.35"\n\n',
        'author,lon,lat,img_id\n"Doe, Jane",2.35,48.85,a\n',
        "IMG_ID;LAT;LON\na.jpg;48,85;2,35\n",
        "IMG_ID\tLAT\tLON\na.jpg\t48.85\t2.35",
        "file, Latitude, Longitude\n a.jpg , 48.85 , 2.35 \n",
    ],
)
def test_reads_tables_as_people_save_them(tmp_path: Path, table: str) -> None:
    (row,) = read_dataset(dataset(tmp_path / "data", table))
    assert isinstance(row, Row) and row.path.name == "a.jpg"
    assert (row.location.lat, row.location.lon) == (48.85, 2.35)


def test_photos_may_lie_beside_the_table_or_in_folders(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"jpeg")
    (tmp_path / "truth.csv").write_text(HEADER + "a,1,2\n")
    (row,) = read_dataset(tmp_path / "truth.csv")
    assert isinstance(row, Row) and row.path == tmp_path / "a.jpg"
    folder = dataset(tmp_path / "data", HEADER + "x/a,1,2\nx/b.jpg,1,2\n", ("x/a.png", "x/b.jpg"))
    assert [row.path.name for row in read_dataset(folder) if isinstance(row, Row)] == ["a.png", "b.jpg"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("a.jpg,,", "Line 2 has no"),
        ("a.jpg", "no coordinates"),
        ("a.jpg,x,2", "no coordinates"),
        ("a.jpg,nan,2", "impossible"),
        ("a.jpg,inf,2", "impossible"),
        ("a.jpg,48,181", "impossible"),
        ("a.jpg,999,2", "impossible"),
        ("c.jpg,1,2", "no photo c.jpg"),
        (",1,2", "names no photo"),
        ("../a.jpg,1,2", "leads out"),
        ("/a.jpg,1,2", "leads out"),
        ("x/../../a,1,2", "leads out"),
        ("C:\\a.jpg,1,2", "leads out"),
        ("..\\a.jpg,1,2", "leads out"),
        ("\\\\host\\a.jpg,1,2", "leads out"),
    ],
)
def test_rows_that_cannot_be_used_are_reported(tmp_path: Path, line: str, reason: str) -> None:
    assert reason in only_error(dataset(tmp_path / "data", HEADER + line + "\n")).message


def test_good_rows_stay_beside_bad_ones_in_order(tmp_path: Path) -> None:
    folder = dataset(tmp_path / "data", HEADER + "c,1,2\na,1,2\na.jpg,1,2\nb,0,0\n")
    found = read_dataset(folder)
    assert [isinstance(item, Row) for item in found] == [False, True, False, True]
    assert isinstance(found[2], ItemError) and "listed twice" in found[2].message


def test_two_photos_with_one_name_are_not_guessed(tmp_path: Path) -> None:
    folder = dataset(tmp_path / "data", HEADER + "a,1,2\n", ("a.jpg", "a.png"))
    assert "more than one photo" in only_error(folder).message


def test_swapped_columns_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"line 3 has LAT 139.7 and LON 35.7"):
        read_dataset(dataset(tmp_path / "data", HEADER + "a,2.35,48.85\nb,139.7,35.7\n"))


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ("", "no column IMG_ID"),
        ("IMG_ID,LAT\n", "no column LON"),
        (b"\xff\xfe\x00I", "cannot be read"),
        (HEADER.encode() + b"Z\xfcrich,1,2\n", "UTF-8"),
        (HEADER + '"' + "x" * 200_000, "cannot be read"),
    ],
)
def test_tables_that_are_none(tmp_path: Path, table: str | bytes, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        read_dataset(dataset(tmp_path / "data", table))


def test_an_empty_table_has_no_rows(tmp_path: Path) -> None:
    assert read_dataset(dataset(tmp_path / "data", HEADER)) == []


def test_a_missing_data_set(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        read_dataset(tmp_path / "none")


def test_a_plain_folder_takes_the_positions_of_the_cameras(tmp_path: Path) -> None:
    (tmp_path / "trip").mkdir()
    pictures.jpeg(tmp_path / "trip" / "a.JPG", exif=pictures.exif(pictures.PARIS_GPS))
    pictures.jpeg(tmp_path / "b.jpg")
    (tmp_path / "c.png").write_bytes(b"no picture")
    (tmp_path / "notes.txt").touch()
    no_position, broken, row = read_dataset(tmp_path)
    assert isinstance(no_position, ItemError) and "no usable EXIF position" in no_position.message
    assert isinstance(broken, ItemError) and "no picture" in broken.message
    assert isinstance(row, Row) and row.id == "trip/a.JPG"
    assert (row.location.lat, row.location.lon) == pytest.approx(pictures.PARIS, abs=1e-4)
