"""survey: what is said about a data set before anything is computed of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pictures
import pytest
import tars

from geotool.core.errors import StoppedError
from geotool.core.report import SilentReport
from geotool.photos import open_manifest
from geotool.photos.manifest_report import survey


def dataset(folder: Path) -> Path:
    """Five photos, of which c repeats a; one is broken, and two rows cannot be used."""
    images = folder / "images"
    images.mkdir(parents=True)
    for number, name in enumerate("abde"):
        (images / f"{name}.jpg").write_bytes(tars.photo(number))
    shutil.copy(images / "a.jpg", images / "c.jpg")
    (images / "e.jpg").write_bytes(tars.photo(9)[:-300])
    lines = [*(f"{name},1,2" for name in "abcde"), "f,1,2", "g,1,2", "a,95,170"]
    (folder / "metadata.csv").write_text("\n".join(["IMG_ID,LAT,LON", *lines]))
    return folder


def test_a_data_set_in_numbers(tmp_path: Path) -> None:
    folder = dataset(tmp_path)
    found = survey(open_manifest(folder), SilentReport())
    assert (found.kind, found.photos, found.unusable) == ("table", 5, 3)
    assert found.size == sum(path.stat().st_size for path in (folder / "images").iterdir())
    assert [(fault.reason, fault.count) for fault in found.faults] == [
        ("missing photo", 2),
        ("impossible coordinates", 1),
    ]
    assert [error.path for error in found.faults[0].examples] == ["f", "g"]
    assert (found.sample.drawn, found.sample.readable) == (5, 4)
    assert [error.path for error in found.sample.failures] == ["images/e.jpg"]
    assert found.duplicates.repeats == 1
    assert found.duplicates.pairs == (("images/c.jpg", "images/a.jpg"),)
    text = "\n".join(found.to_lines())
    for part in (
        "5 photos",
        "3 entries cannot be used",
        "2 missing photo",
        "seed 0, 4 can be read",
        "c.jpg =",
    ):
        assert part in text
    assert found.to_json()["unusable"] == {"missing photo": 2, "impossible coordinates": 1}


def test_photos_of_equal_size_and_middle_are_compared_whole(tmp_path: Path) -> None:
    pixels = bytes(range(256)) * 64
    (tmp_path / "images").mkdir()
    for name, ending in (("a", b"1"), ("b", b"2"), ("c", b"1")):
        (tmp_path / "images" / f"{name}.jpg").write_bytes(pixels + ending)
    (tmp_path / "metadata.csv").write_text("IMG_ID,LAT,LON\na,1,2\nb,1,2\nc,1,2\n")
    found = survey(open_manifest(tmp_path), SilentReport(), sample=1)
    assert found.duplicates.pairs == (("images/c.jpg", "images/a.jpg"),)
    assert (found.sample.drawn, found.sample.readable) == (1, 0)


def test_members_of_tars_are_surveyed_like_files(tmp_path: Path) -> None:
    tars.shard(tmp_path / "a.tar", 0, 4)
    members = {"x.jpg": tars.photo(2), "x.json": tars.place(1, 2)}
    tars.pack(tmp_path / "b.tar", members)
    found = survey(open_manifest(tmp_path), SilentReport())
    assert (found.photos, found.unusable, found.sample.readable) == (5, 0, 5)
    assert found.duplicates.pairs == (("b.tar/x.jpg", "a.tar/000002.jpg"),)
    assert "can be read" in found.to_lines()[1]


def test_the_sample_is_the_same_every_time(tmp_path: Path) -> None:
    tars.shard(tmp_path / "a.tar", 0, 30)
    manifest = open_manifest(tmp_path)
    found = [survey(manifest, SilentReport(), sample=3) for _ in range(2)]
    assert found[0].sample.drawn == 3
    assert found[0].to_json() == found[1].to_json()


def test_an_empty_data_set_is_no_failure_of_the_survey(tmp_path: Path) -> None:
    pictures.jpeg(tmp_path / "a.jpg")
    found = survey(open_manifest(tmp_path), SilentReport())
    assert (found.photos, found.unusable, found.sample.drawn) == (0, 1, 0)
    assert found.to_lines()[0].startswith("0 photos")


def test_a_survey_can_be_stopped(tmp_path: Path) -> None:
    class Stopping(SilentReport):
        stop_requested = True

    with pytest.raises(StoppedError):
        survey(open_manifest(dataset(tmp_path)), Stopping())
