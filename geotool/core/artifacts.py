"""Artefacts: folders that say how they were made. Written aside, renamed, marker (meta.json) last."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import glob
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
from geotool.core.report import Report, SilentReport, stop_if_asked

VERSION = "0.1.0"
META_FILE = "meta.json"
_WAS = "was"  # the old folder, while a new one takes its place


def file_sha256(path: Path) -> str:
    """Hex sha256 of a file, read in blocks."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fingerprint(value: Any) -> str:
    """16 hex digits over the canonical JSON of `value`: equal settings, equal fingerprint."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def folder_sha256s(folder: Path, report: Report | None = None) -> dict[str, str]:
    """The sha256 of every file in a folder but its meta, by its name, sorted."""
    report = report or SilentReport()
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.name != META_FILE)
    sha256s = {}
    for file in files:
        stop_if_asked(report)
        sha256s[file.relative_to(folder).as_posix()] = file_sha256(file)
        report.progress(len(sha256s), len(files), unit="files hashed")
    return sha256s


def folder_fingerprint(folder: Path) -> str:
    """Fingerprint over the names and contents of all files in a folder but its meta."""
    return fingerprint(list(folder_sha256s(folder).items()))


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
        content = folder_fingerprint(temporary)
        write_meta(temporary, kind, schema, inputs, config, content, now())
        replace_folder(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_meta(
    folder: Path,
    kind: str,
    schema: int,
    inputs: dict[str, Any],
    config: dict[str, Any],
    content: str,
    created: str,
) -> None:
    """Say how the files of a folder were made; `content` is their fingerprint."""
    meta = ArtifactMeta(
        kind=kind,
        schema=schema,
        fingerprint=content,
        inputs=inputs,
        config=config,
        created=created,
        version=VERSION,
    )
    write_json(folder / META_FILE, dataclasses.asdict(meta))


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
        old = Path(tempfile.mkdtemp(prefix=_aside(target), dir=target.parent))
        os.replace(target, old / _WAS)
    os.chmod(new, 0o755)
    os.replace(new, target)
    if old is not None:
        shutil.rmtree(old, ignore_errors=True)


def clear_replacement(target: Path) -> None:
    """After a kill inside `replace_folder`: remove the old folder, or put it back if no new one is there."""
    for old in target.parent.glob(glob.escape(_aside(target)) + "*"):
        if not old.is_dir() or {entry.name for entry in old.iterdir()} - {_WAS}:
            continue  # of another artefact, whose name begins like this one
        if (old / _WAS).exists() and not target.exists():
            os.replace(old / _WAS, target)
        shutil.rmtree(old, ignore_errors=True)


def unfinished_folder(target: Path) -> Path:
    """The working folder of an artefact that is built in steps: it lies beside it."""
    return target.with_name(f".{target.name}-unfinished")


def _aside(target: Path) -> str:
    return f".{target.name}-old-"


def now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
