"""Tar files as manifests: samples, tables beside them, and everything that is wrong with tars."""

from __future__ import annotations

import io
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import pictures
import pytest
import tars
from hypothesis import given, settings
from hypothesis import strategies as st

from geotool.core.errors import BadImageError, UsageError
from geotool.photos import Row, open_manifest, read_dataset
from geotool.photos.manifest import RowError


def summary(path: Path) -> list[Any]:
    """(id, lat, lon) of each row and the reason of each fault, in their order."""
    return [
        entry.reason if isinstance(entry, RowError) else (entry.id, entry.location.lat, entry.location.lon)
        for entry in open_manifest(path).rows()
    ]


def test_shards_are_read_in_order_and_members_by_seeking(tmp_path: Path) -> None:
    tars.shard(tmp_path / "b.tar", 3, 2)
    tars.shard(tmp_path / "a.tar", 0, 3)
    manifest = open_manifest(tmp_path)
    rows = [row for row in manifest.rows() if isinstance(row, Row)]
    assert (manifest.kind, manifest.root) == ("tars", tmp_path)
    assert [row.id for row in rows] == [f"{number:06}" for number in range(5)]
    assert [(row.location.lat, row.location.lon) for row in rows] == [(i, 10 * i) for i in range(5)]
    assert [row.read_bytes() for row in rows] == [tars.photo(number) for number in range(5)]
    assert [row.shown for row in rows][3:] == ["b.tar/000003.jpg", "b.tar/000004.jpg"]
    assert list(manifest.rows()) == rows
    assert [row.id for row in read_dataset(tmp_path / "b.tar") if isinstance(row, Row)] == [
        "000003",
        "000004",
    ]


def test_coordinates_come_from_json_in_any_dialect_else_from_the_camera(tmp_path: Path) -> None:
    camera = pictures.jpeg(tmp_path / "x.jpg", exif=pictures.exif(pictures.PARIS_GPS)).read_bytes()
    path = tars.pack(
        tmp_path / "tars" / "a.tar",
        {
            "./x/a.jpg": tars.photo(),
            "./x/a.json": {"LATITUDE": "1.5", "Lng": 2, "AUTHOR": 17, "caption": ["a"]},
            "b.json": {"caption": "no place"},
            "b.jpg": camera,
            "c.PNG": camera,
            "notes.txt": b"no sample of a photo",
            "._b.jpg": b"left by another system",
        },
    )
    first, *rest = (row for row in read_dataset(path) if isinstance(row, Row))
    assert (first.id, first.author, first.location.lat, first.location.lon) == ("x/a", "17", 1.5, 2.0)
    assert [row.id for row in rest] == ["b", "c"]
    assert all(row.location.lat == pytest.approx(pictures.PARIS[0], abs=1e-4) for row in rest)


def test_a_table_beside_the_tars_names_keys_or_members(tmp_path: Path) -> None:
    names = ["mp-16-images/b0_ff_1_2.jpg", "mp-16-images/b0_ff_3.jpg", "04.jpg", "not_listed.jpg"]
    tars.pack(tmp_path / "mp-16-images.tar", {name: tars.photo(i) for i, name in enumerate(names)})
    table = "IMG_ID,AUTHOR,LAT,LON\nb0/ff/1_2.jpg,ann,1,100\n04,,4,104\nb0_ff_3,bob,3,103\ngone.jpg,,5,105\n"
    (tmp_path / "metadata.csv").write_text(table)
    expected = [
        ("mp-16-images/b0_ff_1_2", 1, 100),
        ("mp-16-images/b0_ff_3", 3, 103),
        ("04", 4, 104),
        "without coordinates",
        "missing photo",
    ]
    assert summary(tmp_path) == summary(tmp_path / "mp-16-images.tar") == expected
    assert [row.author for row in read_dataset(tmp_path) if isinstance(row, Row)] == ["ann", "bob", None]
    (tmp_path / "metadata.csv").rename(tmp_path / "MP16_Pro.csv")
    assert summary(tmp_path / "MP16_Pro.csv") == expected
    (tmp_path / "images").mkdir()
    (tmp_path / "mp-16-images.tar").rename(tmp_path / "images" / "mp-16-images.tar")
    (tmp_path / "MP16_Pro.csv").rename(tmp_path / "metadata.csv")
    assert summary(tmp_path) == expected


def test_faults_of_a_table_beside_tars(tmp_path: Path) -> None:
    tars.pack(tmp_path / "a.tar", {f"{name}.jpg": tars.photo() for name in "abcde"} | {"x/e.jpg": b"x"})
    table = "IMG_ID,LAT,LON\na,91,170\nb,,\nc,1,170\nc.jpg,2,170\nd,4,170\ne,5,170\n"
    (tmp_path / "metadata.csv").write_text(table)
    assert summary(tmp_path) == [
        "impossible coordinates",
        "without coordinates",
        "listed twice",
        ("d", 4, 170),
        ("e", 5, 170),
        "listed twice",
        "missing photo",
    ]
    (tmp_path / "metadata.csv").write_text("IMG_ID,LAT,LON\na,170,1\nb,2,3\n")
    with pytest.raises(UsageError, match="look swapped"):
        open_manifest(tmp_path).rows()


def test_faults_of_samples(tmp_path: Path) -> None:
    path = tars.pack(
        tmp_path / "a.tar",
        {
            "a.json": tars.place(1, 2),
            "b.jpg": tars.photo(),
            "c.jpg": tars.photo(),
            "c.json": b"{not json",
            "d.jpg": tars.photo(),
            "d.json": tars.place(91, 120),
            "e.jpg": b"",
            "e.json": tars.place(1, 2),
            "f.1.jpg": tars.photo(),
            "f.2.jpg": tars.photo(),
            "g.jpg": tars.photo(),
            "g.mask.png": tars.photo(),
            "g.json": tars.place(7, 8),
            "h.jpg": tars.photo(),
            "h.json": tars.place(None, 8),
            "i.jpg": b"no picture",
            "j.jpg": tars.photo(),
            "j.json": tars.place("x", 8),
        },
    )
    assert summary(path) == [
        "sample with no picture",
        "without coordinates",
        "damaged JSON",
        "impossible coordinates",
        "empty file",
        "sample with several pictures",
        ("g", 7, 8),
        "without coordinates",
        "unreadable file",
        "without coordinates",
    ]


def test_a_key_that_comes_back_in_another_shard_is_reported(tmp_path: Path) -> None:
    tars.shard(tmp_path / "a.tar", 0, 2)
    tars.shard(tmp_path / "b.tar", 1, 2)
    assert summary(tmp_path) == [("000000", 0, 0), ("000001", 1, 10), "listed twice", ("000002", 2, 20)]


def test_swapped_coordinates_of_samples_are_refused(tmp_path: Path) -> None:
    members: dict[str, Any] = {}
    for number in range(9):
        members |= {f"{number}.jpg": tars.photo(), f"{number}.json": tars.place(100 + number, 13.75)}
    path = tars.pack(tmp_path / "a.tar", members)
    with pytest.raises(UsageError, match=r"the sample 0 has LAT 100 and LON 13.75"):
        list(open_manifest(path).rows())


def test_links_devices_and_names_that_lead_out_are_skipped(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as tar:
        for name, kind in (
            ("folder", tarfile.DIRTYPE),
            ("link.jpg", tarfile.SYMTYPE),
            ("hard.jpg", tarfile.LNKTYPE),
            ("device.jpg", tarfile.CHRTYPE),
            ("pipe.jpg", tarfile.FIFOTYPE),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            tar.addfile(info)
        for name in ("/etc/a.jpg", "../../b.jpg", "c.jpg"):
            info = tarfile.TarInfo(name)
            info.size = len(tars.photo())
            tar.addfile(info, io.BytesIO(tars.photo()))
        info = tarfile.TarInfo("c.json")
        info.size = 18
        tar.addfile(info, io.BytesIO(b'{"lat":1,"lon":2} '))
    before = sorted(tmp_path.rglob("*"))
    assert summary(path) == ["no plain file in a tar"] * 4 + ["outside the data set"] * 2 + [("c", 1, 2)]
    assert sorted(tmp_path.rglob("*")) == before


@settings(max_examples=40, deadline=None)
@given(st.floats(0, 1))
def test_a_truncated_tar_gives_what_is_whole_and_says_where_it_breaks(share: float) -> None:
    with tempfile.TemporaryDirectory() as name:
        whole, cut = tars.shard(Path(name) / "a.tar", 0, 4), Path(name) / "cut.tar"
        data = whole.read_bytes()
        end = int(share * (len(data.rstrip(b"\0")) + 511))
        cut.write_bytes(data[:end])
        *rows, error = open_manifest(cut).rows()
        assert rows == [row for row in rows if isinstance(row, Row)]
        assert [row.read_bytes() for row in rows] == [tars.photo(number) for number in range(len(rows))]
        with tarfile.open(whole) as tar:
            ends = [info.offset_data + info.size for info in tar if info.name.endswith("json")]
        assert len(rows) == sum(end >= sample_end for sample_end in ends)
        assert isinstance(error, RowError)
        assert end == 0 or (error.reason == "damaged tar" and "cut.tar breaks off at byte" in error.message)


def test_a_tar_that_breaks_does_not_hide_the_next(tmp_path: Path) -> None:
    data = tars.shard(tmp_path / "a.tar", 0, 2).read_bytes()
    (tmp_path / "a.tar").write_bytes(data[:3000])
    tars.shard(tmp_path / "b.tar", 5, 1)
    assert summary(tmp_path) == [("000000", 0, 0), "damaged tar", ("000005", 5, 50)]


@pytest.mark.parametrize(
    "rubbish",
    [
        tars.header("x.jpg", tars.NEGATIVE_SIZE),  # would send a reader back for ever
        tars.header("x.jpg", tars.HUGE_SIZE),
        tars.header("x", tars.NEGATIVE_SIZE, b"L"),
        tars.header("x", tars.HUGE_SIZE, b"L"),  # a name of 8 GB
        tars.header("x", tars.HUGE_SIZE, b"x"),
        tars.header("x", b"00000000000\0", b"x") * 3000,  # headers of headers
        b"\1" * 512,
        bytes(1024) + b"\1" * 512,
    ],
)
def test_hostile_headers_end_a_tar(tmp_path: Path, rubbish: bytes) -> None:
    data = tars.shard(tmp_path / "a.tar", 1, 1).read_bytes()
    body = data[: 512 * -(-len(data.rstrip(b"\0")) // 512)]
    (tmp_path / "a.tar").write_bytes(body + rubbish + bytes(2048))
    assert summary(tmp_path) == [("000001", 1, 10), "damaged tar"]


def test_compressed_tars_are_refused_with_a_remedy(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz"):
        pass
    with pytest.raises(UsageError, match=r"compressed.*gunzip"):
        open_manifest(tmp_path / "a.tar.gz")
    (tmp_path / "b.tar").write_bytes((tmp_path / "a.tar.gz").read_bytes())
    tars.shard(tmp_path / "c.tar", 1, 1)
    assert summary(tmp_path) == ["compressed tar", "compressed tar", ("000001", 1, 10)]


def test_a_tar_among_photos_is_reported(tmp_path: Path) -> None:
    pictures.jpeg(tmp_path / "a.jpg", exif=pictures.exif(pictures.PARIS_GPS))
    tars.shard(tmp_path / "b.tar", 0, 1)
    (tmp_path / "trip").mkdir()
    tars.shard(tmp_path / "trip" / "c.tar", 0, 1)
    (tmp_path / "trip" / "d.tgz").write_bytes(b"x")
    row, *errors = read_dataset(tmp_path)
    assert isinstance(row, Row) and row.shown == "a.jpg"
    assert [(error.path, error.reason) for error in errors if isinstance(error, RowError)] == [
        ("b.tar", "tar among photos"),
        ("trip/c.tar", "tar among photos"),
        ("trip/d.tgz", "compressed tar"),
    ]


def test_a_tar_that_is_cut_after_it_was_listed(tmp_path: Path) -> None:
    path = tars.shard(tmp_path / "a.tar", 0, 2)
    rows = [row for row in read_dataset(path) if isinstance(row, Row)]
    path.write_bytes(path.read_bytes()[:3000])
    assert rows[0].read_bytes() == tars.photo(0)
    with pytest.raises(BadImageError, match=r"000001\.jpg"):
        rows[1].read_bytes()


def test_fingerprint_covers_names_sizes_and_the_table(tmp_path: Path) -> None:
    tars.shard(tmp_path / "a.tar", 0, 2)
    prints = [open_manifest(tmp_path).fingerprint]
    tars.shard(tmp_path / "b.tar", 2, 2)
    prints.append(open_manifest(tmp_path).fingerprint)
    (tmp_path / "metadata.csv").write_text("IMG_ID,LAT,LON\n000000,1,2\n")
    prints.append(open_manifest(tmp_path).fingerprint)
    (tmp_path / "metadata.csv").write_text("IMG_ID,LAT,LON\n000000,1,3\n")
    prints.append(open_manifest(tmp_path).fingerprint)
    assert len(set(prints)) == 4
