"""What was found in a data set: usable photos, faults, a decoded sample, duplicates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from geotool.photos.duplicates import Duplicates
from geotool.photos.manifest_rows import Kind, RowError

EXAMPLES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Entries that cannot be used for one reason, with the first of them."""

    reason: str
    count: int
    examples: tuple[RowError, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleResult:
    """Photos drawn at random and decoded whole. `seconds` is the time that decoding all of them took."""

    seed: int
    drawn: int
    failures: tuple[RowError, ...]
    seconds: float

    @property
    def readable(self) -> int:
        return self.drawn - len(self.failures)


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """A data set in numbers: `photos` entries can be used, `size` is their bytes on disk."""

    kind: Kind
    fingerprint: str
    photos: int
    size: int
    faults: tuple[Fault, ...]
    sample: SampleResult
    duplicates: Duplicates

    @property
    def unusable(self) -> int:
        return sum(fault.count for fault in self.faults)

    def to_lines(self) -> list[str]:
        """The survey as a person reads it, without an end of line."""
        lines = [f"{self.photos:,} photos with coordinates, {self.size / 1e6:,.1f} MB."]
        if self.faults:
            lines.append(f"{self.unusable:,} entries cannot be used:")
        for fault in self.faults:
            lines.append(f"  {fault.count:,} {fault.reason}")
            lines += [f"    {error.path}: {error.message}" for error in fault.examples]
        return [*lines, *_sample_lines(self.sample), *_duplicate_lines(self.duplicates)]

    def to_json(self) -> dict[str, Any]:
        """The survey as plain values."""
        return {
            "kind": self.kind,
            "fingerprint": self.fingerprint,
            "photos": self.photos,
            "bytes": self.size,
            "unusable": {fault.reason: fault.count for fault in self.faults},
            "sample": {
                "seed": self.sample.seed,
                "drawn": self.sample.drawn,
                "readable": self.sample.readable,
            },
            "duplicates": self.duplicates.repeats,
        }


def _sample_lines(sample: SampleResult) -> list[str]:
    if not sample.drawn:
        return []
    drawn = f"{sample.drawn:,} photos drawn with seed {sample.seed}"
    if not sample.failures:
        return [f"All of {drawn} can be read."]
    examples = [f"    {error.path}: {error.message}" for error in sample.failures[:EXAMPLES]]
    return [f"Of {drawn}, {sample.readable:,} can be read.", *examples]


def _duplicate_lines(duplicates: Duplicates) -> list[str]:
    if not duplicates.repeats:
        return ["No photo has the content of another."]
    examples = [f"    {again} = {original}" for again, original in duplicates.pairs]
    return [f"{duplicates.repeats:,} photos have the content of one before them:", *examples]
