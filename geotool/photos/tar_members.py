"""The members of an uncompressed tar file, found by its headers alone: nothing is unpacked."""

from __future__ import annotations

import io
import math
import re
import tarfile
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path

from geotool.core.csv_rows import UnusableRow
from geotool.photos.files import open_file
from geotool.photos.manifest_rows import TarMember, printable
from geotool.photos.photo_finder import leads_out

# Long names come in blocks of their own; a hostile header may claim gigabytes of them.
_MAX_HEADER_BYTES = 1 << 20
_COMPRESSED = re.compile(rb"\x1f\x8b|BZh|\xfd7zXZ|\x28\xb5\x2f\xfd")
# What tarfile raises on damaged headers, also where it does not mean to, and on a disk that fails.
_BAD_HEADERS = (tarfile.TarError, OSError, ValueError, OverflowError, RecursionError)


class BrokenTar(UnusableRow):
    """A tar file that cannot be read from a certain byte on; the members before it are whole."""

    def __init__(self, name: str, offset: int, why: str, remedy: str = "Copy it again.") -> None:
        message = f"{name} breaks off at byte {offset}: {why}."
        super().__init__("damaged tar", message, f"{remedy} What lies before is used.")


def walk_members(path: Path) -> Iterator[TarMember | UnusableRow]:
    """The plain files of a tar in their order; an UnusableRow for each link, device or name leading out.

    Raises BrokenTar where the file ends early or is damaged, UnusableRow for a compressed one, and what
    open_file raises. Memory does not grow with the number of members.
    """
    with open_file(path, max_mb=math.inf) as file:
        _refuse_compressed(file, path.name)
        end = file.seek(0, io.SEEK_END)
        file.seek(0)
        try:
            with tarfile.TarFile(fileobj=_Headers(file)) as tar:  # type: ignore[arg-type]
                yield from _walk(tar, path.name, end)
                _check_end(file, tar.offset, path.name)
        except _BAD_HEADERS as error:
            raise BrokenTar(path.name, file.tell(), f"no header of a tar ({error})") from error


def refuse_compressed(name: str) -> UnusableRow:
    """Why a compressed tar is not read: its photos could not be reached without reading all before them."""
    return UnusableRow(
        "compressed tar", f"{name} is compressed.", "Decompress it once (gunzip), and name the tar file."
    )


class _Headers:
    """What tarfile may do with the file: read headers, not whatever they claim."""

    def __init__(self, file: BufferedReader) -> None:
        self._file = file
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int) -> bytes:
        if not 0 <= size <= _MAX_HEADER_BYTES:
            raise tarfile.ReadError(f"a header of {size} bytes")
        return self._file.read(size)


def _walk(tar: tarfile.TarFile, name: str, end: int) -> Iterator[TarMember | UnusableRow]:
    while info := tar.next():
        tar.members.clear()  # type: ignore[attr-defined]  # it would keep them all
        if info.size < 0 or (info.isfile() and info.offset_data + info.size > end):
            raise BrokenTar(name, end, f"{printable(info.name)} is not whole")
        if not info.isdir():
            yield _to_member(info)


def _to_member(info: tarfile.TarInfo) -> TarMember | UnusableRow:
    name = printable(info.name).removeprefix("./")
    if not info.isfile() or info.issparse():
        why = f"{name} is a link, a device or a file with holes."
        return UnusableRow("no plain file in a tar", why, "Pack the photo itself.")
    if leads_out(name):
        return UnusableRow("outside the data set", f"{name} leads out of the tar.", "Pack relative names.")
    return TarMember(name=name, offset=info.offset_data, size=info.size)


def _refuse_compressed(file: BufferedReader, name: str) -> None:
    if _COMPRESSED.match(file.read(4)):
        raise refuse_compressed(name)


def _check_end(file: BufferedReader, offset: int, name: str) -> None:
    """Only zeros end a tar; tarfile takes everything for the end that is no header."""
    file.seek(offset)
    mark = file.read(tarfile.BLOCKSIZE)
    if len(mark) < tarfile.BLOCKSIZE:
        raise BrokenTar(name, offset, "its end is missing")
    if any(mark):
        raise BrokenTar(name, offset, "what follows is no header")
    while block := file.read(_MAX_HEADER_BYTES):
        if block.strip(b"\0"):
            offset = file.tell() - len(block.lstrip(b"\0"))
            raise BrokenTar(name, offset, "more follows after its end", "Keep joined tars apart.")
