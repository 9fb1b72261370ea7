"""Tar files made for the tests: samples as WebDataset packs them, and headers that no tool writes."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pictures


def photo(brightness: int = 0) -> bytes:
    """A small JPEG; each brightness gives another content of the same kind."""
    buffer = io.BytesIO()
    pictures.scene().point(lambda value: (value + brightness) % 256).save(buffer, "JPEG")
    return buffer.getvalue()


def pack(path: Path, members: dict[str, Any]) -> Path:
    """A tar with these members in this order: bytes as they are, other values as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for name, content in members.items():
            data = content if isinstance(content, bytes) else json.dumps(content).encode()
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def place(lat: Any, lon: Any, **more: Any) -> dict[str, Any]:
    return {"lat": lat, "lon": lon, **more}


def shard(path: Path, first: int, count: int) -> Path:
    """A shard of samples 000007.jpg, 000007.json at latitude 7, longitude 70."""
    members: dict[str, Any] = {}
    for number in range(first, first + count):
        members[f"{number:06}.jpg"] = photo(number)
        members[f"{number:06}.json"] = place(number, 10 * number)
    return pack(path, members)


def header(name: str, size_field: bytes, kind: bytes = b"0") -> bytes:
    """One tar header with any bytes for its size (12) and a checksum that fits."""
    block = bytearray(tarfile.TarInfo(name).tobuf(tarfile.USTAR_FORMAT))
    block[124:136], block[156:157], block[148:156] = size_field, kind, b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


NEGATIVE_SIZE = b"\xff" * 11 + b"\x00"  # base 256: -256
HUGE_SIZE = b"77777777777\0"
