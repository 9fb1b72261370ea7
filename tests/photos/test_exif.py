"""EXIF and XMP: positions in every encoding that cameras use, and those that must not be believed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pictures
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pictures import dms, exif, gps_tags, rational
from PIL import Image
from PIL.ExifTags import GPS
from PIL.PngImagePlugin import PngInfo
from PIL.TiffImagePlugin import IFDRational

from geotool.core.records import Photo
from geotool.photos import read_exif, read_photo

# The test runner resets the filter that keeps Pillow silent.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def read(tmp_path: Path, block: Image.Exif | bytes | None = None, **options: Any) -> Photo:
    if block is not None:
        options["exif"] = block
    return read_photo(pictures.jpeg(tmp_path / "a.jpg", **options))[0]


def place(photo: Photo) -> tuple[float, float]:
    assert photo.truth and photo.truth_source == "exif"
    return photo.truth.lat, photo.truth.lon


@pytest.mark.parametrize(
    ("gps", "expected"),
    [
        (gps_tags(dms(48, 51, 30), dms(2, 17, 40)), (48.858333, 2.294444)),
        (gps_tags(dms(33, 54, 0), dms(18, 24, 0), "S", "W"), (-33.9, -18.4)),
        (gps_tags(dms(48, 51.5), dms(2, 17.6667)), (48.858333, 2.294445)),
        (gps_tags((rational(48.8583),), (rational(2.2944),)), (48.8583, 2.2944)),
        (gps_tags((rational(48), rational(51.5)), (rational(2), rational(17.6667))), (48.858333, 2.294445)),
        (gps_tags(dms(48, 60, 0), dms(2, 17, 60)), (49, 2.3)),
        (gps_tags(dms(48, 51, 30), dms(2, 17, 40), "n", "e\0"), (48.858333, 2.294444)),
        (gps_tags(dms(48, 51, 30), dms(2, 17, 40), "North", "East"), (48.858333, 2.294444)),
        (gps_tags(dms(48, 51, 30), dms(2, 17, 40), b"S", b"W"), (-48.858333, -2.294444)),
        (gps_tags(dms(0), dms(18, 24, 0)), (0, 18.4)),
        (gps_tags(dms(90), dms(180)), (90, -180)),
    ],
)
def test_reads_positions(tmp_path: Path, gps: dict[int, Any], expected: tuple[float, float]) -> None:
    photo = read(tmp_path, exif(gps))
    assert place(photo) == pytest.approx(expected, abs=1e-5) and photo.warnings == ()


@pytest.mark.parametrize(
    ("tags", "altitude_m"),
    [
        ({GPS.GPSAltitude: rational(412.5)}, 412.5),
        ({GPS.GPSAltitude: rational(3), GPS.GPSAltitudeRef: b"\x01"}, -3.0),
        ({GPS.GPSAltitude: IFDRational(0, 0)}, None),
        ({GPS.GPSAltitude: rational(99_999, 1)}, None),
        ({}, None),
    ],
)
def test_keeps_altitude_orientation_and_position(
    tmp_path: Path, tags: dict[int, Any], altitude_m: float | None
) -> None:
    block = exif({**gps_tags(dms(48, 51, 30), dms(2, 17, 40)), **tags}, orientation=6)
    photo = read(tmp_path, block)
    assert photo.altitude_m == altitude_m
    assert photo.orientation == 6
    assert photo.exif_position == photo.truth is not None


@pytest.mark.parametrize(
    ("gps", "reason"),
    [
        (gps_tags(dms(0), dms(0)), "0, 0 is what cameras write"),
        (gps_tags((IFDRational(0, 0),) * 3, (IFDRational(0, 0),) * 3), "not a number"),
        (gps_tags((rational(48), rational(51), IFDRational(30, 0)), dms(2)), "not a number"),
        (gps_tags(dms(95), dms(2)), "latitude 95 is outside"),
        (gps_tags(dms(48), dms(190)), "longitude 190 is outside"),
        (gps_tags(dms(48, 75), dms(2)), "minutes or seconds"),
        (gps_tags(dms(48.5, 30), dms(2)), "decimals although"),
        (gps_tags(dms(48), dms(2), lat_ref=None), "north or south"),
        (gps_tags(dms(48), dms(2), lon_ref=None), "east or west"),
        (gps_tags(dms(48), dms(2), "", "\0"), "north or south"),
        (gps_tags(dms(48), dms(2), "E", "N"), "north or south"),
        (gps_tags(dms(48), None), "not a number"),
        (gps_tags((rational(1),) * 4, (rational(1),) * 4), "not a number"),
    ],
)
def test_what_cannot_be_meant_is_a_warning(tmp_path: Path, gps: dict[int, Any], reason: str) -> None:
    photo = read(tmp_path, exif(gps))
    assert photo.truth is None and photo.truth_source is None
    (warning,) = photo.warnings
    assert warning.startswith("The position in the photo's EXIF data was ignored: ") and reason in warning


def test_no_position_is_no_warning(tmp_path: Path) -> None:
    assert read(tmp_path).warnings == ()
    assert read(tmp_path, exif({0: b"\2\2\0\0"})).warnings == ()


@given(st.floats(-90, 90), st.floats(-180, 179.99))
def test_positions_come_back(lat: float, lon: float) -> None:
    def parts(value: float) -> tuple[IFDRational, ...]:
        minutes, seconds = divmod(round(abs(value) * 3600, 3), 60)
        return dms(*divmod(int(minutes), 60), seconds)

    picture = pictures.scene()
    picture.info["exif"] = exif(gps_tags(parts(lat), parts(lon), "NS"[lat < 0], "EW"[lon < 0])).tobytes()
    truth = read_exif(picture).truth
    if abs(lat) > 1e-3 or abs(lon) > 1e-3:
        assert truth and (truth.lat, truth.lon) == pytest.approx((lat, lon), abs=1e-6)


def test_damaged_exif_costs_neither_the_picture_nor_the_rest(tmp_path: Path) -> None:
    good = exif(pictures.PARIS_GPS, Make="Nikon", Model="D5000").tobytes()
    for cut in range(6, len(good), 7):
        assert read(tmp_path, good[:cut]).size_px == (64, 48)
    for at in range(6, len(good), 3):
        changed = bytearray(good)
        changed[at] ^= 0xFF
        assert read(tmp_path, bytes(changed)).size_px in ((64, 48), (48, 64))


# XMP


def xmp(lat: str, lon: str, as_elements: bool = False) -> bytes:
    if as_elements:
        inner = f"><exif:GPSLatitude>{lat}</exif:GPSLatitude><exif:GPSLongitude>{lon}</exif:GPSLongitude>"
    else:
        inner = f' exif:GPSLatitude="{lat}" exif:GPSLongitude="{lon}">'
    head = '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description'
    return f"{head}{inner}</rdf:Description></rdf:RDF></x:xmpmeta>".encode()


@pytest.mark.parametrize("as_elements", [True, False])
@pytest.mark.parametrize("lat", ["48,51.5N", "48,51,30N", "48,51.50000N"])
def test_reads_xmp_positions(tmp_path: Path, lat: str, as_elements: bool) -> None:
    photo = read(tmp_path, xmp=xmp(lat, "2,17.6W", as_elements))
    assert place(photo) == pytest.approx((48.858333, -2.293333), abs=1e-5)


def test_reads_xmp_positions_of_a_png(tmp_path: Path) -> None:
    info = PngInfo()
    info.add_itxt("XML:com.adobe.xmp", xmp("48,51.5N", "2,17.6E").decode())
    pictures.scene().save(tmp_path / "a.png", pnginfo=info)
    assert place(read_photo(tmp_path / "a.png")[0]) == pytest.approx((48.858333, 2.293333), abs=1e-5)


def test_exif_comes_before_xmp_and_xmp_helps_where_exif_fails(tmp_path: Path) -> None:
    packet = xmp("10,0.0N", "20,0.0E")
    photo = read(tmp_path, exif(pictures.PARIS_GPS), xmp=packet)
    assert place(photo) == pytest.approx(pictures.PARIS, abs=1e-4)
    photo = read(tmp_path, exif(gps_tags(dms(0), dms(0))), xmp=packet)
    assert place(photo) == (10, 20) and len(photo.warnings) == 1


@pytest.mark.parametrize("lat", ["48.85", "95,0.0N", "48,75.0N", "48,51.5", "NaN", "48,51.5E", "&#52;8,1N"])
def test_an_unusable_xmp_position_is_a_warning(tmp_path: Path, lat: str) -> None:
    photo = read(tmp_path, xmp=xmp(lat, "2,17.6E"))
    assert photo.truth is None and "XMP data was ignored" in photo.warnings[0]


# Time and camera


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2020:05:17 12:30:01", "2020-05-17 12:30:01"),
        ("2020:05:17 12:30:01\0", "2020-05-17 12:30:01"),
        ("0000:00:00 00:00:00", None),
        ("    :  :     :  :  ", None),
        ("2020:13:40 12:30:01", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_time(tmp_path: Path, written: str, expected: str | None) -> None:
    block = exif()
    block[0x8769] = {0x9003: written}
    assert read(tmp_path, block).taken_at == expected


@pytest.mark.parametrize(
    ("make", "model", "expected"),
    [
        ("NIKON CORPORATION", "NIKON D5000", "NIKON D5000"),
        ("Apple", "iPhone 4", "Apple iPhone 4"),
        ("", "", None),
        ("\0\0", " \t", None),
        ("Canon", "", "Canon"),
        ("", "X100", "X100"),
        ("Evil\x1b[2J", "a\nb", "Evil [2J a b"),
        ("M" * 500, "m", "M" * 80),
    ],
)
def test_camera(tmp_path: Path, make: str, model: str, expected: str | None) -> None:
    assert read(tmp_path, exif(Make=make, Model=model)).camera == expected
