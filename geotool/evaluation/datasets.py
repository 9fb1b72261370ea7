"""The test sets of the field by name: what they look like on disk, and where a user gets them.

geotool ships none of them and fetches none: their photos belong to others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from geotool.core import paths
from geotool.core.artifacts import file_sha256
from geotool.core.errors import MismatchError, NotFoundError
from geotool.photos.folders import is_photo, walk_files
from geotool.photos.manifest_tables import IMAGES_NAME, TABLE_NAME

FOLDER = "datasets"


@dataclass(frozen=True, slots=True, kw_only=True)
class TestSet:
    """One test set. What is not known for certain is None, and is then not checked."""

    name: str
    title: str
    table: str  # its own name for the list of photos; metadata.csv is read as well
    rows: int | None
    photos: int | None
    sha256: str | None  # of the table
    licence: str
    source: str
    is_public: bool = True
    expected: Mapping[str, float] = field(default_factory=dict)  # percent within km by GeoCLIP, one view

    @property
    def folder(self) -> Path:
        """Where the user puts it."""
        return paths.home() / FOLDER / self.name


TEST_SETS = {
    each.name: each
    for each in (
        TestSet(
            name="im2gps3k",
            title="IM2GPS3K",
            table="im2gps3k_places365.csv",
            rows=2997,
            photos=3000,
            sha256=None,
            licence="photos of Flickr, each under the licence that its author chose; the table GPL-3.0",
            source="photos: github.com/lugiavn/revisiting-im2gps; "
            "table: meta/im2gps3k_places365.csv of github.com/TIBHannover/GeoEstimation",
            expected={"1": 13.05, "25": 32.17, "200": 47.98, "750": 66.53, "2500": 82.28},
        ),
        TestSet(
            name="yfcc4k",
            title="YFCC4K",
            table="yfcc4k_places365.csv",
            rows=None,
            photos=4536,
            sha256=None,
            licence="photos of Flickr (YFCC100M), each under the Creative Commons licence of its author",
            source="github.com/lugiavn/revisiting-im2gps",
        ),
        TestSet(
            name="osv5m",
            title="OpenStreetView-5M, test part",
            table="test.csv",
            rows=210_122,
            photos=210_122,
            sha256=None,
            licence="CC BY-SA 4.0 (Mapillary)",
            source="huggingface.co/datasets/osv5m/osv5m: test.csv and images/test/00.zip to 04.zip, unpacked",
        ),
        TestSet(
            name="gws15k",
            title="GWS15k",
            table=TABLE_NAME,
            rows=None,
            photos=None,
            sha256=None,
            licence="street views of Google, which may not be passed on",
            source="nowhere: it was never published",
            is_public=False,
        ),
    )
}


def find_test_set(data: Path) -> TestSet | None:
    """The test set of this name; None where `data` is a path that exists, or no such name."""
    return None if data.exists() else TEST_SETS.get(str(data).lower())


def open_test_set(test_set: TestSet) -> Path:
    """The table of a test set that is in place, for `read_dataset`.

    Raises NotFoundError saying what is missing and where to put it, MismatchError where the table is not
    the one that is known.
    """
    folder = test_set.folder
    names = dict.fromkeys((test_set.table, TABLE_NAME))
    table = next((folder / name for name in names if (folder / name).is_file()), None)
    images = folder / IMAGES_NAME
    has_images = images.is_dir() and any(is_photo(path.name) for path in walk_files(images))
    missing = [] if table else [f"the table {' or '.join(names)}"]
    missing += [] if has_images else [f"photos in {IMAGES_NAME}/"]
    if table is None or not has_images:
        raise NotFoundError(
            f"{test_set.title} is not complete: {folder} lacks {' and '.join(missing)}.", explain(test_set)
        )
    if test_set.sha256 is not None and file_sha256(table) != test_set.sha256:
        raise MismatchError(
            f"{table} is not the table of {test_set.title}.", f"Get it from {test_set.source}."
        )
    return table


def explain(test_set: TestSet) -> str:
    """What to get, from where, and where to put it, in a few lines."""
    counts = [
        f"{test_set.photos} photos" if test_set.photos else "",
        f"{test_set.rows} rows" if test_set.rows else "",
    ]
    lines = [
        f"{test_set.title} ({', '.join(filter(None, counts)) or 'size not known'}).",
        f"  where   {test_set.source}",
        f"  licence {test_set.licence}",
    ]
    if test_set.expected:
        figures = " / ".join(f"{percent:.2f}" for percent in test_set.expected.values())
        lines.append(
            f"  GeoCLIP's first candidate gives {figures} % within {' / '.join(test_set.expected)} km"
        )
    if not test_set.is_public:
        lines.append("  If you have a copy of your own, it is read from here:")
    return "\n".join([*lines, *_layout(test_set)])


def _layout(test_set: TestSet) -> list[str]:
    columns = "id, latitude, longitude" if test_set.name == "osv5m" else "IMG_ID, LAT, LON, perhaps AUTHOR"
    return [
        f"  {test_set.folder / test_set.table}: one row per photo ({columns})",
        f"  {test_set.folder / IMAGES_NAME}: the photos, under the names of the table",
    ]
