"""Artefacts: folders that say how they were made. Written aside, renamed, marker (meta.json) last."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from geotool.core.errors import MismatchError, NotFoundError
from geotool.core.records import ArtifactMeta

VERSION = "0.1.0"
META_FILE = "meta.json"


def file_sha256(path: Path) -> str:
    """Hex sha256 of a file, read in blocks."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fingerprint(value: Any) -> str:
    """16 hex digits over the canonical JSON of `value`: equal settings, equal fingerprint."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def folder_fingerprint(folder: Path) -> str:
    """Fingerprint over the names and contents of all files in a folder but its meta."""
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.name != META_FILE)
    return fingerprint([(p.relative_to(folder).as_posix(), file_sha256(p)) for p in files])


@contextlib.contextmanager
def new_artifact(
    folder: Path, kind: str, schema: int, inputs: dict[str, Any], config: dict[str, Any]
) -> Iterator[Path]:
    """Give a temporary folder to fill; on success it replaces `folder`, meta written last.

    A crash leaves the old artefact as it was and at most a hidden folder beside it.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        yield temporary
        meta = ArtifactMeta(
            kind=kind,
            schema=schema,
            fingerprint=folder_fingerprint(temporary),
            inputs=inputs,
            config=config,
            created=now(),
            version=VERSION,
        )
        write_json(temporary / META_FILE, dataclasses.asdict(meta))
        replace_folder(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def read_meta(folder: Path, kind: str, schema: int, hint: str) -> ArtifactMeta:
    """The meta of an artefact. Raises NotFoundError (with `hint`) or MismatchError."""
    path = folder / META_FILE
    if not path.is_file():
        raise NotFoundError(f"There is no {kind} in {folder}.", hint)
    try:
        meta = ArtifactMeta(**json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise MismatchError(f"{path} cannot be read as the meta of a {kind}.", hint) from error
    if (meta.kind, meta.schema) != (kind, schema):
        found, wanted = f"{meta.kind} (schema {meta.schema})", f"{kind} (schema {schema})"
        raise MismatchError(f"{folder} holds a {found}, not a {wanted}.", hint)
    return meta


def check_inputs(meta: ArtifactMeta, folder: Path, wanted: dict[str, Any], hint: str) -> None:
    """Refuse an artefact made from other inputs: raises MismatchError with both fingerprints."""
    for name, value in wanted.items():
        if meta.inputs.get(name) != value:
            raise MismatchError(
                f"{folder} was made with {name} {meta.inputs.get(name)}, but {value} is in use.", hint
            )


def write_json(path: Path, value: Any) -> None:
    """Write JSON under a temporary name, flush it to disk, rename."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    with open(temporary, "w", encoding="utf-8") as file:
        json.dump(value, file, indent=1, ensure_ascii=False, default=str)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def replace_folder(new: Path, target: Path) -> None:
    """Put `new` in the place of `target`; the old one is moved aside first and then removed."""
    old = None
    if target.exists():
        old = Path(tempfile.mkdtemp(prefix=f".{target.name}-old-", dir=target.parent))
        os.replace(target, old / "was")
    os.chmod(new, 0o755)
    os.replace(new, target)
    if old is not None:
        shutil.rmtree(old, ignore_errors=True)


def now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
