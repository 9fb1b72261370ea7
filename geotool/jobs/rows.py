"""One row of the table of jobs, and the record made of it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from geotool.core.records import RunProgress, RunState

# `turn` orders the queue; the keeper is the process that started the job's own and waits for its end.
SCHEMA = """
create table if not exists run (
    run_id integer primary key autoincrement,
    command text not null, title text not null, device text not null, after integer,
    status text not null, turn integer not null,
    created_at real not null, started_at real, ended_at real, kill_at real,
    keeper_pid integer, keeper_started real, pid integer, process_started real,
    done integer, total integer, failed integer, unit text, rate_per_s real, left_s real,
    exit_code integer, error text, hint text
)"""
FORGET_LAST_START = """
    started_at = null, ended_at = null, kill_at = null,
    keeper_pid = null, keeper_started = null, pid = null, process_started = null,
    done = null, total = null, failed = null, unit = null, rate_per_s = null, left_s = null,
    exit_code = null, error = null, hint = null"""
_SHARED = (
    *("run_id", "command", "title", "device", "after", "status", "created_at", "started_at", "ended_at"),
    *("pid", "process_started", "exit_code", "error", "hint"),
)
_PROGRESS = ("done", "total", "failed", "unit", "rate_per_s", "left_s")


def to_state(row: sqlite3.Row, folder: Path) -> RunState:
    """The record of a row; run folders lie in `folder`."""
    shared = {name: row[name] for name in _SHARED}
    told = row["done"] is not None
    return RunState(
        **shared,
        folder=folder / f"{row['run_id']:05d}-{row['command']}",
        progress=RunProgress(**{name: row[name] for name in _PROGRESS}) if told else None,
    )
