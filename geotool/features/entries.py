"""What of a manifest is still to be done, and the guard against a data set that vanishes meanwhile."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator

from geotool.core.errors import NotFoundError
from geotool.core.records import ItemError
from geotool.photos.manifest_rows import Row

Entry = Row | ItemError


def entries_to_do(entries: Iterable[Entry], is_known: Callable[[str], bool], done: int) -> Iterator[Entry]:
    """Without the photos that the store had before, and without the first `done` of the others."""
    new = (entry for entry in watched(entries) if isinstance(entry, ItemError) or not is_known(entry.id))
    return itertools.islice(new, done, None)


def watched(entries: Iterable[Entry]) -> Iterator[Entry]:
    """The same entries. A photo that was there and is gone is no fault of that photo: it ends the run.

    Otherwise a disk that is unplugged would turn the rest of a data set into failures. Raises NotFoundError.
    """
    last: Row | None = None
    for entry in entries:
        if isinstance(entry, Row):
            last = entry
        elif last is not None:
            check_is_there(last)
        yield entry
    if last is not None:
        check_is_there(last)


def check_is_there(row: Row) -> None:
    """Raises NotFoundError if the file of a photo that was listed is there no more."""
    if not row.path.exists():
        raise NotFoundError(
            f"{row.shown} was in the data set when it was listed, and is gone.",
            "Bring its folder or disk back, then start the same command again: it goes on where it was.",
        )
