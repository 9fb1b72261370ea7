"""The samples of a tar in the WebDataset convention: members side by side whose names begin alike."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from geotool.core.csv_rows import AUTHOR_COLUMNS, LOCATION_COLUMNS, UnusableRow, find_columns
from geotool.photos.files import read_part
from geotool.photos.folders import SUFFIXES, is_photo
from geotool.photos.manifest_rows import TarMember
from geotool.photos.tar_members import BrokenTar

_MAX_JSON_BYTES = 1 << 20


@dataclass(slots=True, kw_only=True)
class Sample:
    """What lies side by side under one key: the name up to the first dot, folders included.

    `cut` tells that the tar breaks off after it, so that a part of it may be missing.
    """

    key: str
    pictures: list[TarMember] = field(default_factory=list)
    json: TarMember | None = None
    cut: bool = False

    @property
    def picture(self) -> TarMember:
        """The photo: the only picture, or the only one whose ending is its format alone ("7.jpg", not
        "7.mask.png"). Raises UnusableRow."""
        plain = [m for m in self.pictures if m.name.removeprefix(self.key).lower() in SUFFIXES]
        found = self.pictures if len(self.pictures) == 1 else plain
        if len(found) != 1:
            amount = "several pictures" if self.pictures else "no picture"
            raise UnusableRow(
                f"sample with {amount}",
                f"The sample {self.key} has {amount}.",
                "Pack one picture per name, counted up to its first dot, with its JSON beside it.",
            )
        if not found[0].size:
            raise UnusableRow("empty file", f"{found[0].name} is empty.", "Pack it again.")
        return found[0]


def to_samples(members: Iterable[TarMember | UnusableRow]) -> Iterator[Sample | UnusableRow]:
    """Samples in the order of the tar. Raises what `members` raises, after the sample before it."""
    sample = Sample(key="")
    try:
        for member in members:
            if isinstance(member, UnusableRow):
                yield member
                continue
            key = _key(member.name)
            if key != sample.key:
                yield from _whole(sample)
                sample = Sample(key=key)
            _put(sample, member)
    except BrokenTar:
        sample.cut = True
        yield from _whole(sample)
        raise
    yield from _whole(sample)


def read_fields(tar: Path, sample: Sample) -> dict[str, Any]:
    """LAT, LON and AUTHOR as far as the sample's JSON has them, under any of their names.

    Raises UnusableRow where it is no JSON object, BadImageError where it cannot be read.
    """
    member = sample.json
    if member is None or not 0 < member.size <= _MAX_JSON_BYTES:
        return {}
    try:
        found = json.loads(read_part(tar, member.offset, member.size, member.name))
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise UnusableRow("damaged JSON", f"{member.name} is no JSON object.", "Pack it again.")
    columns = find_columns(list(found), {}, {**LOCATION_COLUMNS, **AUTHOR_COLUMNS}, tar)
    values = list(found.values())
    return {name: values[i] for name, i in columns.items() if values[i] is not None}


def _key(name: str) -> str:
    """The member's name up to the first dot of its last part; empty for what belongs to no sample."""
    folder, slash, base = name.rpartition("/")
    stem, dot, _ = base.partition(".")
    return folder + slash + stem if stem and dot else ""


def _put(sample: Sample, member: TarMember) -> None:
    if is_photo(member.name):
        sample.pictures.append(member)
    elif member.name.lower().endswith(".json"):
        sample.json = sample.json or member


def _whole(sample: Sample) -> Iterator[Sample]:
    """The sample, if it is about a photo: other files in a tar are left alone, as in a folder."""
    if sample.key and (sample.pictures or sample.json):
        yield sample
