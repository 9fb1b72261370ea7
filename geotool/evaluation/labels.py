"""What a table of photos says of them beside their coordinates: author, scene, anything else to slice by."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np

from geotool.core.csv_rows import AUTHOR_COLUMNS, PATH_COLUMNS, PHOTO_COLUMNS, Columns
from geotool.photos.manifest_parquet import is_parquet
from geotool.photos.manifest_tables import read_table

MAX_VALUES = 50  # of one column; the rarer ones are told apart no more
OTHER = "other"
_QUARTERS = (0, 25, 50, 75, 100)  # percent
_ID: Columns = {"IMG_ID": PHOTO_COLUMNS["IMG_ID"]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """By the id of a photo: its author, and the text of every further column that has some."""

    authors: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


NO_LABELS = Labels()


def read_labels(table: Path) -> Labels:
    """The labels in a CSV, TSV or Parquet table with IMG_ID. Raises UsageError."""
    known = {word for words in {**PHOTO_COLUMNS, **PATH_COLUMNS}.values() for word in words}
    known |= set(AUTHOR_COLUMNS["AUTHOR"])
    names = [name for name in _list_names(table) if name.strip().lower() not in known]
    optional = {**AUTHOR_COLUMNS, **{name: (name.strip().lower(),) for name in names}}
    authors: dict[str, str] = {}
    columns: dict[str, dict[str, str]] = {name: {} for name in names}
    for row in read_table(table, _ID, optional):
        photo = row.values["IMG_ID"]
        if row.values.get("AUTHOR"):
            authors[photo] = row.values["AUTHOR"]
        for name in names:
            if row.values.get(name):
                columns[name][photo] = row.values[name]
    return Labels(authors=authors, columns={name: values for name, values in columns.items() if values})


def to_groups(values: Sequence[str | None]) -> list[str | None] | None:
    """(N,) texts of one column -> (N,) names of groups to slice by; None where they make none.

    Numbers with decimals become four groups of like size. Of texts and whole numbers the commonest 50 are
    groups and the rest is another; where most come up once (captions, links) there are no groups.
    """
    counts = Counter(value for value in values if value)
    if _are_decimals(counts):
        return _to_quarters(values)
    if len(counts) < 2 or len(counts) > sum(counts.values()) / 2:
        return None
    kept = {value for value, _ in counts.most_common(MAX_VALUES)}
    return [value if not value or value in kept else OTHER for value in values]


def _to_quarters(values: Sequence[str | None]) -> list[str | None]:
    numbers = np.array([float(value) if value else np.nan for value in values])  # (N,)
    edges = np.unique(np.nanpercentile(numbers, _QUARTERS))
    group = np.clip(np.searchsorted(edges, numbers, side="right") - 1, 0, max(0, len(edges) - 2))
    names = [f"{low:.3g} to {high:.3g}" for low, high in pairwise(edges)]
    return [names[i] if value else None for i, value in zip(group.tolist(), values, strict=True)]


def _are_decimals(counts: Counter[str]) -> bool:
    """Whether all are numbers, more than can be told apart by value, and not whole ones."""
    try:
        numbers = np.array([float(value) for value in counts])
    except ValueError:
        return False
    return len(numbers) > MAX_VALUES and bool(np.isfinite(numbers).all() and (numbers % 1).any())


def _list_names(table: Path) -> list[str]:
    if is_parquet(table):
        from pyarrow import parquet, types

        schema = parquet.read_schema(table)
        return [
            each.name for each in schema if not types.is_nested(each.type) and "binary" not in str(each.type)
        ]
    with table.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        header = file.readline()
    names = next(csv.reader([header], delimiter=max(",;\t", key=header.count)), [])
    return list(dict.fromkeys(name for name in names if name.strip()))
