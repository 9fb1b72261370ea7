"""A data set in tar files (WebDataset shards, MP16-Pro): read as a stream, never unpacked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path

from geotool.core.artifacts import file_sha256, fingerprint
from geotool.core.csv_rows import AxisCheck, UnusableRow, to_location
from geotool.core.errors import BadImageError, NotFoundError
from geotool.core.geo import LatLon
from geotool.photos.files import read_part
from geotool.photos.folders import walk_files
from geotool.photos.manifest_folders import files_fingerprint, is_tar, known
from geotool.photos.manifest_rows import Manifest, Row, RowError, TarMember, row_error, shown_path
from geotool.photos.read import read_exif_truth_bytes
from geotool.photos.seen_names import SeenNames
from geotool.photos.tar_members import walk_members
from geotool.photos.tar_samples import Sample, read_fields, to_samples
from geotool.photos.truth_table import TruthTable

# So many samples have to speak for swapped coordinates before all are refused: no table can be read first.
_SWAPPED_SAMPLES = 3


class TarManifest(Manifest):
    """The photos of one tar or of all below a folder, in the order of names and then of members.

    `table` tells where they were taken; without one it is each sample's JSON, else the photo's EXIF.
    """

    kind = "tars"

    def __init__(self, tars: Path, table: Path | None) -> None:
        self.root = tars if tars.is_dir() else tars.parent
        self._tars, self._table = tars, table

    @cached_property
    def fingerprint(self) -> str:
        shards = files_fingerprint(self.kind, self.root, self._shards())
        return fingerprint([shards, file_sha256(self._table)]) if self._table else shards

    def rows(self) -> Iterator[Row | RowError]:
        return self._rows(TruthTable(self._table) if self._table else None)

    def _shards(self) -> Iterable[Path]:
        if not self._tars.is_dir():
            return [self._tars]
        return (path for path in walk_files(self._tars) if is_tar(path.name))

    def _rows(self, truths: TruthTable | None) -> Iterator[Row | RowError]:
        reader = _RowReader(self.root, truths)
        for shard in self._shards():
            yield from reader.read(shard)
        reader.axes.refuse_swapped()
        rest = truths.unused() if truths else None
        if truths and rest:
            yield row_error(truths.name, rest)


class _RowReader:
    """What has to be remembered from tar to tar: the ids, and which way round the coordinates are."""

    def __init__(self, root: Path, truths: TruthTable | None) -> None:
        self.axes = AxisCheck()
        self._root, self._truths = root, truths
        self._seen = SeenNames()

    def read(self, shard: Path) -> Iterator[Row | RowError]:
        """The rows of one tar. What breaks it off is its last entry."""
        shown = shown_path(shard, self._root)
        try:
            for sample in to_samples(walk_members(shard)):
                if isinstance(sample, UnusableRow):
                    yield row_error(shown, sample)
                else:
                    yield from self._to_entry(shard, sample, shown)
        except (BadImageError, NotFoundError) as error:
            yield row_error(shown, error)

    def _to_entry(self, shard: Path, sample: Sample, shown: str) -> Iterator[Row | RowError]:
        try:
            picture = sample.picture
            location, author = self._locate(shard, sample, picture)
            if not self._seen.add(sample.key):
                raise UnusableRow("listed twice", f"The sample {sample.key} is there twice.", "Rename one.")
        except (BadImageError, NotFoundError) as error:
            if not sample.cut:  # else what is missing is behind the break, which is reported
                yield row_error(f"{shown}/{sample.key}", error)
        else:
            yield Row(
                id=sample.key, path=shard, location=location, author=author, member=picture, root=self._root
            )

    def _locate(self, shard: Path, sample: Sample, picture: TarMember) -> tuple[LatLon, str | None]:
        if self._truths:
            return self._truths.find(picture.name, sample.key)
        fields = read_fields(shard, sample)
        author = str(fields["AUTHOR"]) if "AUTHOR" in fields else None
        if "LAT" in fields and "LON" in fields:
            return self._from_json(fields["LAT"], fields["LON"], sample.key), author
        return _from_exif(shard, picture), author

    def _from_json(self, lat: object, lon: object, key: str) -> LatLon:
        try:
            lat_deg, lon_deg = float(str(lat)), float(str(lon))
        except ValueError as error:
            message = f"The JSON of {key} has no coordinates."
            raise UnusableRow("without coordinates", message, "Give lat and lon in degrees.") from error
        self.axes.add(f"the sample {key}", lat_deg, lon_deg)
        self.axes.refuse_swapped(_SWAPPED_SAMPLES)
        return to_location(lat_deg, lon_deg, f"The JSON of {key}")


def _from_exif(shard: Path, picture: TarMember) -> LatLon:
    data = read_part(shard, picture.offset, picture.size, picture.name)
    return known(read_exif_truth_bytes(data, picture.name), picture.name)
