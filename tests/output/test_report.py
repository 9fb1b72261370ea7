"""The report: one file that loads nothing, shows nothing of the camera, and believes no file name."""

from __future__ import annotations

import base64
import hashlib
import html
import io
import re
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

from geotool.core.geo import LatLon
from geotool.core.records import ItemError, Prediction
from geotool.core.report import SilentReport
from geotool.output import export
from geotool.photos import read_photo
from tests.fakes import fake_prediction, placed_prediction, unknown_prediction

sys.path.insert(0, str(Path(__file__).parents[1] / "photos"))
import pictures

SECRET = "Secretcam"
HOSTILE = "<img src=x onerror=alert(1)>{{7*7}}\"'`${1}.jpg"
LINKS = {"src", "href", "action", "data", "poster", "srcset", "background", "formaction"}


class Page(HTMLParser):
    """The tags of a page, and what is between them outside of style."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data.strip())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def text(self) -> str:
        return " ".join(filter(None, self.texts))


def located(path: Path) -> Prediction:
    return replace(placed_prediction(), photo=read_photo(path)[0])


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "scene.jpg"
    tags = pictures.exif(pictures.PARIS_GPS, 6, Make=SECRET, Artist=SECRET)
    pictures.scene(1600, 1200).save(
        path, exif=tags, comment=SECRET.encode(), icc_profile=SECRET.encode() * 20
    )
    return path


def test_one_photo_says_all_that_stands_behind_the_answer(photo: Path) -> None:
    settings = {"search": "hierarchy", "zoom": False, "beam": None, "gallery": Path("home/me/own")}
    text = export.to_text([located(photo)], "html", settings)
    page = Page(text)
    second = placed_prediction().places[1]
    assert f"{second.name}, {second.admin1}" in page.text
    for wanted in (
        hashlib.sha256(photo.read_bytes()).hexdigest(), "scene.jpg", "Arezzo, Tuscany, Italy", "Mass",
        "half of such answers are within 12 km", "43.4700, 11.8800", "0.320", "fake", "0123456789abcdef",
        "cpu", "1\u2009086 comparisons", "hierarchy", "own", "Limits", "UTC", "Europe 93 %",
    ):  # fmt: skip
        assert wanted in page.text, wanted
    assert "home/me" not in text and "None" not in page.text and "beam" not in page.text
    assert len(text.encode()) <= 3_000_000


def test_the_thumbnail_is_the_photo_upright_and_has_no_metadata(photo: Path) -> None:
    text = export.to_text([located(photo)], "html")
    assert SECRET not in text and base64.b64encode(SECRET.encode()).decode() not in text
    [image] = Page(text).all("img")
    data = base64.b64decode(str(image["src"]).removeprefix("data:image/jpeg;base64,"))
    assert SECRET.encode() not in data and not re.search(rb"\xff[\xe1-\xef\xfe]", data[:600])
    with Image.open(io.BytesIO(data)) as small:
        assert small.format == "JPEG" and small.size == (480, 640)  # turned by its EXIF orientation
        assert not small.getexif() and not set(small.info) - {
            "jfif",
            "jfif_version",
            "jfif_unit",
            "jfif_density",
        }
        red, green, _ = small.getpixel((470, 10))
        assert red > 200 and green < 60  # its corner


def test_the_page_asks_for_nothing(photo: Path) -> None:
    page = Page(export.to_text([located(photo), unknown_prediction()], "html"))
    policy = next(meta["content"] for meta in page.all("meta") if "http-equiv" in meta)
    assert str(policy).startswith("default-src 'none';")
    for _, attributes in page.tags:
        for name in LINKS & set(attributes):
            assert str(attributes[name]).startswith(("data:", "#")), attributes
    assert page.all("script") == [] and page.all("link") == []
    [frame] = page.all("iframe")
    assert frame["sandbox"] == "allow-scripts"
    inside = Page(str(frame["srcdoc"]))
    assert "default-src 'none'" in str(inside.all("meta"))
    assert not any(LINKS & set(attributes) for _, attributes in inside.tags if "src" in attributes)
    assert "url(" not in export.to_text([unknown_prediction()], "html")


def test_many_photos_are_read_again_with_progress_and_one_is_not(photo: Path) -> None:
    class Listening(SilentReport):
        stop_requested = True  # what was located is kept all the same

        def __init__(self) -> None:
            self.heard: list[tuple[int, int | None]] = []

        def progress(self, done: int, total: int | None, failed: int = 0, unit: str = "") -> None:
            self.heard.append((done, total))

    broken = ItemError(path="broken.jpg", stage="read", message="No picture.")
    for results, heard in (([located(photo)], []), ([located(photo), broken], [(1, 2), (2, 2)])):
        report = Listening()
        assert "scene.jpg" in export.to_text(results, "html", report=report)
        assert report.heard == heard


def test_nothing_hostile_becomes_markup() -> None:
    prediction = placed_prediction(HOSTILE)
    place = replace(prediction.places[0], name=HOSTILE, admin1="</style></script>")
    photo = replace(prediction.photo, warnings=(HOSTILE,))
    hostile = replace(prediction, photo=photo, places=(place,))
    error = ItemError(path=HOSTILE, stage="read", message=f"{HOSTILE} is broken.")
    for results in ([hostile], [hostile, error, fake_prediction("x/" + HOSTILE)]):
        text = export.to_text(results, "html", {HOSTILE: HOSTILE})
        page = Page(text)
        assert page.all("img") == [] and "49" not in page.text.replace("49.", "")
        assert not any("onerror" in attributes for _, attributes in page.tags)
        assert not any("onerror" in a for _, a in Page(str(page.all("iframe")[0]["srcdoc"])).tags)
        assert HOSTILE in page.text


def test_several_photos_have_a_table_with_anchors_and_one_map(photo: Path) -> None:
    (photo.parent / "sub").mkdir()
    twin = photo.parent / "sub" / "scene.jpg"
    twin.write_bytes(photo.read_bytes())
    error = ItemError(path="broken.jpg", stage="read", message="No picture.")
    text = export.to_text([located(photo), error, unknown_prediction("street.jpg"), located(twin)], "html")
    page = Page(text)
    assert [link["href"] for link in page.all("a")] == [f"#photo-{i}" for i in range(1, 5)]
    assert {s["id"] for s in page.all("section") if "id" in s} == {f"photo-{i}" for i in range(1, 5)}
    assert len(page.all("iframe")) == 1 and len(page.all("img")) == 2
    assert "sub/scene.jpg" in page.text and f"{photo.parent.name}/scene.jpg" in page.text
    assert "Not read: No picture." in page.text and "cannot say where the picture was taken" in page.text


def test_a_photo_that_changed_or_went_away_has_no_picture(photo: Path) -> None:
    prediction = located(photo)
    photo.write_bytes(photo.read_bytes() + b"more")
    assert Page(export.to_text([prediction], "html")).all("img") == []
    photo.unlink()
    text = export.to_text([prediction], "html")
    assert Page(text).all("img") == [] and "no longer where it was" in text


@pytest.mark.parametrize(
    "result", [unknown_prediction(), ItemError(path="b.jpg", stage="read", message="Bad.")]
)
def test_without_an_answer_there_is_no_map(result: Prediction | ItemError) -> None:
    assert Page(export.to_text([result], "html")).all("iframe") == []


def test_the_map_inside_is_the_one_of_the_answer() -> None:
    prediction = placed_prediction(truth=LatLon(lat=45, lon=9))
    [frame] = Page(export.to_text([prediction], "html")).all("iframe")
    assert html.unescape(str(frame["srcdoc"])).count("countries.geojson") >= 1
