"""What of a store is on the disk already: rows, failures, and which ids they have."""

from __future__ import annotations

from geotool.core.report import Report, stop_if_asked
from geotool.features.appending import link_shards, read_entries
from geotool.features.journal import Entry, Journal
from geotool.features.known_ids import KnownIds
from geotool.features.shards import ShardFiles
from geotool.features.store import FeatureStore
from geotool.features.unfinished import Settings, Unfinished


class Growth:
    """The growing files of a store, and how much of them counts."""

    def __init__(self, work: Unfinished, settings: Settings) -> None:
        self.settings, self.folder = settings, work.result
        self.shards = ShardFiles(work.result, settings.shard_rows, settings.views, settings.dim)
        self.journal = Journal(work.journal)
        self.ids, self.ids_before = KnownIds(), KnownIds()
        self.blocks = -settings.base_lines  # the lines taken over are of no block
        self.rows = self.rows_before = self.failed = 0

    def add(self, entry: Entry, features: bytes) -> None:
        """Write one block; it is on the disk and counts when this returns."""
        self.shards.write(self.rows, features)
        self.journal.append(entry.to_line(features))
        self._count(entry)

    def recover(self, report: Report) -> bool:
        """Count the blocks that a stopped writer left whole, and cut off what is behind them.

        False where not even the rows are whole that were taken over: then the work is to begin anew.
        """
        for line in self.journal.read():
            stop_if_asked(report)
            if not line.is_of(self.shards.read(self.rows, len(line.entry.rows))):
                break
            self.journal.count(line)
            self._count(line.entry)
            report.progress(self.rows, None, self.failed, unit="photos checked")
        if self.blocks < 0:
            return False
        self.shards.cut(self.rows)
        return True

    def take_over(self, base: FeatureStore, report: Report) -> None:
        """Begin with the rows of a finished store."""
        link_shards(base, self.folder, self.settings.shard_rows, report)
        for entry in read_entries(base):
            stop_if_asked(report)
            self.journal.append(entry.to_line(self.shards.read(self.rows, len(entry.rows))))
            self._count(entry)
            report.progress(self.rows, len(base), unit="photos taken over")

    def _count(self, entry: Entry) -> None:
        is_before = self.blocks < 0
        (self.ids_before if is_before else self.ids).add(row.id for row in entry.rows)
        self.blocks += 1
        self.rows += len(entry.rows)
        if is_before:
            self.rows_before += len(entry.rows)
        else:
            self.failed += len(entry.failures)


def open_growth(work: Unfinished, settings: Settings, base: FeatureStore | None, report: Report) -> Growth:
    """What a stopped writer with equal settings left; else the beginning of a store, with `base` first."""
    begun = work.read_settings()
    if begun is not None:
        changed = begun.changed(settings)
        growth = Growth(work, begun)
        if not changed and growth.recover(report):
            report.event("going on where it was stopped", photos=growth.rows, failed=growth.failed)
            return growth
        report.event("started anew", because=f"other {' and '.join(changed)}" if changed else "damaged files")
    work.clear()
    growth = Growth(work, settings)
    if base is not None:
        growth.take_over(base, report)
    work.begin(settings)
    return growth
