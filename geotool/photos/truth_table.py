"""Where the photos of tar files were taken, from one table beside them, by the photos' names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from geotool.core.csv_rows import PHOTO_COLUMNS, AxisCheck, CsvRow, UnusableRow, to_location
from geotool.core.geo import LatLon
from geotool.photos.folders import is_photo
from geotool.photos.manifest_tables import OPTIONAL_COLUMNS, read_table
from geotool.photos.seen_names import name_hash

_RECORD = [("key", "u8"), ("lat", "f8"), ("lon", "f8"), ("author", "u4"), ("line", "u4"), ("used", "?")]
_NAN = float("nan")


class TruthTable:
    """A table in memory, at 33 bytes per row: hashes of names, coordinates, numbers of authors.

    Names agree where they are equal from some folder on, with "/" or "_" between folders and with or
    without the ending: b0/ff/1.jpg, b0_ff_1, photos/b0_ff_1.jpg. Raises as check_axes does.
    """

    def __init__(self, table: Path) -> None:
        import numpy as np

        self.name = table.name
        self._authors = {"": 0}
        axes = AxisCheck()
        rows = read_table(table, PHOTO_COLUMNS, OPTIONAL_COLUMNS)
        records = np.fromiter((self._to_record(row, axes) for row in rows), dtype=_RECORD)  # (N,)
        axes.refuse_swapped()
        self._records = records[np.argsort(records["key"], kind="stable")]
        self._keys = self._records["key"].copy()
        self._names = tuple(self._authors)

    def find(self, member: str, key: str) -> tuple[LatLon, str | None]:
        """Where a tar's member was taken, and by whom. Raises UnusableRow unless one row tells it.

        `key` is the name of its sample.
        """
        rows = next(filter(None, map(self._rows_of, _readings(member, key))), range(0))
        if not rows:
            raise UnusableRow("without coordinates", f"{self.name} does not list {member}.", "Add its row.")
        record = self._records[rows[0]]
        if len(rows) > 1 or record["used"]:
            times = "twice" if len(rows) > 1 else "under a name that another photo has too"
            raise UnusableRow("listed twice", f"{self.name} lists {member} {times}.", "Keep one.")
        record["used"] = True
        lat, lon, place = float(record["lat"]), float(record["lon"]), f"{self.name}, line {record['line']},"
        if lat != lat and lon != lon:
            raise UnusableRow("without coordinates", f"{place} has no coordinates.", "Fill in LAT and LON.")
        return to_location(lat, lon, place), self._names[record["author"]] or None

    def unused(self) -> UnusableRow | None:
        """What the table lists and no tar holds, in one sentence; None where all was found."""
        lines = self._records["line"][~self._records["used"]]
        if not len(lines):
            return None
        message = f"{len(lines)} rows of {self.name} are in no tar, the first of them row {lines.min()}."
        return UnusableRow("missing photo", message, "Add the tars that hold them.")

    def _to_record(self, row: CsvRow, axes: AxisCheck) -> tuple[int, float, float, int, int, bool]:
        try:
            lat, lon = row.lat_lon()
            axes.add(row.place, lat, lon)
        except UnusableRow:
            lat = lon = _NAN
        name = row.values.get("PATH") or row.values["IMG_ID"]
        author = self._authors.setdefault(row.values.get("AUTHOR", ""), len(self._authors))
        return name_hash(_flat(name)), lat, lon, author, row.line, False

    def _rows_of(self, flat: str) -> range:
        key = self._keys.dtype.type(name_hash(flat))
        return range(*(int(self._keys.searchsorted(key, side)) for side in ("left", "right")))


def _bare(name: str) -> str:
    """A name without its ending."""
    return name.rpartition(".")[0] if is_photo(name) else name


def _flat(name: str) -> str:
    """A name without its ending, with "_" between its folders."""
    return _bare(name).replace("\\", "/").removeprefix("./").replace("/", "_")


def _readings(member: str, key: str) -> Iterator[str]:
    """The ways a table may write a member: its name or its key, from each of its folders on."""
    for name in dict.fromkeys((_bare(member), key)):
        parts = name.split("/")
        yield from ("_".join(parts[i:]) for i in range(len(parts)))
