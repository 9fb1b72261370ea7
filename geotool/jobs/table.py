"""The one file that knows every job: a table in SQLite, and the changes that a job's state may take.

Each change is one transaction that takes the write lock first, so that two windows, shells or keepers never
both take a job. Connections live for one call: any thread of any process may use a table.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

from geotool.core.errors import GeotoolError, NotFoundError, UsageError
from geotool.core.records import Device, RunProgress, RunState, RunStatus
from geotool.jobs.processes import ProcessMark
from geotool.jobs.reserve import Reserve
from geotool.jobs.rows import FORGET_LAST_START, SCHEMA, to_state

_LOCK_TIMEOUT_S = 20
_ACTIVE = "status in ('running', 'stopping')"
_RESUMABLE = "status in ('stopped', 'failed', 'lost')"
_ORDER = f"""
order by {_ACTIVE} desc, status = 'queued' desc, case status when 'queued' then turn end, ended_at desc"""
_NEXT = f"""
select * from run as r where status = 'queued'
    and not exists (select 1 from run as f where f.run_id = r.after and f.status != 'done')
    and not exists (select 1 from run as b where b.device = r.device and b.{_ACTIVE})
order by turn limit 1"""
# The steps behind a run, however far, as long as each has that status and has not been started.
_FOLLOWERS = """
with recursive follower(run_id) as (
    select run_id from run where after = :run_id and status = :status and started_at is null
    union select r.run_id from run as r join follower as f on r.after = f.run_id
        where r.status = :status and r.started_at is null
) """


class RunTable:
    """All jobs of one home. The file is made when the first job is added; looking makes nothing."""

    def __init__(self, home: Path) -> None:
        self.home, self.folder = home, home / "jobs"
        self.file, self.reserve = self.folder / "jobs.sqlite3", Reserve(self.folder)

    def states(self, limit: int | None = None) -> list[RunState]:
        """Those that run, then the queue in its order, then what has ended, the last first."""
        rows = self._select(f"select * from run {_ORDER} limit ?", -1 if limit is None else limit)
        return [to_state(row, self.folder) for row in rows]

    def state(self, run_id: int) -> RunState:
        """One job. Raises NotFoundError."""
        for row in self._select("select * from run where run_id = ?", run_id):
            return to_state(row, self.folder)
        raise NotFoundError(f"There is no job {run_id}.", "List them: python -m geotool jobs list.")

    def active(self) -> list[tuple[RunState, ProcessMark]]:
        """The running jobs, each with its keeper."""
        rows = self._select(f"select * from run where {_ACTIVE}")
        return [
            (to_state(row, self.folder), ProcessMark(row["keeper_pid"], row["keeper_started"]))
            for row in rows
        ]

    def has_next(self) -> bool:
        """Whether a job could start now."""
        return bool(self._select(_NEXT))

    def kill_at(self, run_id: int) -> float | None:
        """When a job that was asked to stop is to be killed (seconds since 1970); None if nobody asked."""
        return self._select("select kill_at from run where run_id = ?", run_id)[0]["kill_at"]

    @contextlib.contextmanager
    def held_open(self) -> Iterator[None]:
        """Meanwhile nobody else has to make SQLite's side files, which a full disk would not allow."""
        with contextlib.closing(self._connect()) as db:
            db.execute("select count(*) from run").fetchone()
            yield

    @contextlib.contextmanager
    def change(self) -> Iterator[sqlite3.Connection]:
        """A transaction that holds the write lock from its beginning; undone if anything fails in it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with contextlib.closing(self._connect()) as db, db:
            db.execute("begin immediate")
            yield db

    def add(
        self, db: sqlite3.Connection, command: str, title: str, device: Device, after: int | None
    ) -> RunState:
        """Put a job at the end of the queue, within a `change`."""
        added = db.execute(
            "insert into run (command, title, device, after, created_at, turn, status) "
            "values (?, ?, ?, ?, ?, ?, 'queued')",
            (command, title, device, after, time.time(), _next_turn(db)),
        )
        row = db.execute("select * from run where run_id = ?", (added.lastrowid,)).fetchone()
        return to_state(row, self.folder)

    def claim(self, keeper: ProcessMark) -> RunState | None:
        """Take the next job whose turn it is and whose device is free."""
        with self.change() as db:
            row = db.execute(_NEXT).fetchone()
            if row is None:
                return None
            db.execute(
                "update run set status = 'running', started_at = ?, keeper_pid = ?, keeper_started = ? "
                "where run_id = ?",
                (time.time(), keeper.pid, keeper.started, row["run_id"]),
            )
        return self.state(row["run_id"])

    def set_process(self, run_id: int, process: ProcessMark) -> None:
        """Note which process computes."""
        with self.change() as db:
            db.execute(
                "update run set pid = ?, process_started = ? where run_id = ?",
                (process.pid, process.started, run_id),
            )

    def set_progress(self, run_id: int, now: RunProgress) -> None:
        """Note how far it is. Of no weight: where it cannot be written, the next one is."""
        values = (now.done, now.total, now.failed, now.unit, now.rate_per_s, now.left_s, run_id)
        with contextlib.suppress(sqlite3.OperationalError), self.change() as db:
            db.execute(
                "update run set done = ?, total = ?, failed = ?, unit = ?, rate_per_s = ?, left_s = ? "
                "where run_id = ?",
                values,
            )

    def set_error(self, run_id: int, error: str, hint: str) -> None:
        """Note why it is going to fail, also on a full disk."""

        def write() -> None:
            with self.change() as db:
                db.execute("update run set error = ?, hint = ? where run_id = ?", (error, hint, run_id))

        self.reserve.spend_on(write)

    def ask_to_stop(self, run_id: int, grace_s: float) -> None:
        """A queued job is stopped at once; a running one is asked, and killed when the grace is over."""
        with self.change() as db:
            unqueued = db.execute(
                "update run set status = 'stopped', ended_at = ? where run_id = ? and status = 'queued'",
                (time.time(), run_id),
            )
            if unqueued.rowcount:
                _stop_followers(db, run_id)
            db.execute(
                "update run set status = 'stopping', kill_at = min(ifnull(kill_at, 1e99), ?) "
                f"where run_id = ? and {_ACTIVE}",
                (time.time() + grace_s, run_id),
            )

    def finish(
        self, run_id: int, status: RunStatus, exit_code: int | None = None, error: str = "", hint: str = ""
    ) -> None:
        """Write down how a running job ended, also on a full disk; what waits for it in vain is stopped."""

        def write() -> None:
            with self.change() as db:
                ended = db.execute(
                    "update run set status = ?, exit_code = ?, error = nullif(?, ''), hint = nullif(?, ''), "
                    f"ended_at = ?, left_s = null where run_id = ? and {_ACTIVE}",
                    (status, exit_code, error, hint, time.time(), run_id),
                )
                if ended.rowcount and status != "done":
                    _stop_followers(db, run_id)

        self.reserve.spend_on(write)

    def queue_again(self, run_id: int) -> None:
        """Put a job that ended early back into the queue, with the steps that were stopped with it."""
        with self.change() as db:
            turn = _next_turn(db)
            queued = db.execute(
                f"update run set status = 'queued', turn = ?, {FORGET_LAST_START} "
                f"where run_id = ? and {_RESUMABLE}",
                (turn, run_id),
            )
            if queued.rowcount:
                db.execute(
                    f"{_FOLLOWERS} update run set status = 'queued', turn = turn + :turn, "
                    f"{FORGET_LAST_START} where run_id in follower",
                    {"run_id": run_id, "status": "stopped", "turn": turn},
                )

    def move(self, run_id: int, position: int) -> None:
        """Make a queued job the first (1), second ... of the queue. Raises UsageError if it is not queued."""
        with self.change() as db:
            rows = db.execute("select run_id, turn from run where status = 'queued' order by turn").fetchall()
            queue = [row["run_id"] for row in rows]
            if run_id not in queue:
                raise UsageError(f"Job {run_id} is not in the queue.", "Only what waits can be moved.")
            queue.remove(run_id)
            queue.insert(position - 1, run_id)
            turns = [(row["turn"], each) for row, each in zip(rows, queue, strict=True)]
            db.executemany("update run set turn = ? where run_id = ?", turns)

    def remove(self, run_id: int) -> None:
        """Forget a job. Raises UsageError while it runs, or while others wait for it."""

        def write() -> None:
            with self.change() as db:
                _check_removable(db, run_id)
                db.execute("delete from run where run_id = ?", (run_id,))

        self.reserve.spend_on(write)

    def _select(self, query: str, *values: object) -> list[sqlite3.Row]:
        if not self.file.is_file():
            return []

        def read() -> list[sqlite3.Row]:
            with contextlib.closing(self._connect()) as db:
                return db.execute(query, values).fetchall()

        with explained_database_errors(self.file):
            return self.reserve.spend_on(read)  # the first reader needs a little room as well

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.file, timeout=_LOCK_TIMEOUT_S, isolation_level=None)
        db.row_factory = sqlite3.Row
        db.execute("pragma journal_mode = wal")
        db.execute("pragma synchronous = normal")  # what a power cut takes back is read as lost
        db.execute(SCHEMA)
        return db


@contextlib.contextmanager
def explained_database_errors(file: Path) -> Iterator[None]:
    """Turn what SQLite complains of (a full disk, most of all) into a sentence with a remedy."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise GeotoolError(
            f"{file} cannot be used ({error}).", "Is the disk full? Free some space."
        ) from error


def _next_turn(db: sqlite3.Connection) -> int:
    [turn] = db.execute("select ifnull(max(turn), 0) + 1 from run").fetchone()
    return turn


def _stop_followers(db: sqlite3.Connection, run_id: int) -> None:
    """A chain ends where a step of it ended early."""
    db.execute(
        f"{_FOLLOWERS} update run set status = 'stopped', ended_at = :now, error = :error, hint = :hint "
        "where run_id in follower",
        {
            "run_id": run_id,
            "status": "queued",
            "now": time.time(),
            "error": f"It was not started: job {run_id}, a step before, did not finish.",
            "hint": f"Resume job {run_id}, and this one follows.",
        },
    )


def _check_removable(db: sqlite3.Connection, run_id: int) -> None:
    if db.execute(f"select 1 from run where run_id = ? and {_ACTIVE}", (run_id,)).fetchone():
        raise UsageError(f"Job {run_id} is running.", "Stop it first.")
    waiting = db.execute("select run_id from run where after = ? and status = 'queued'", (run_id,)).fetchone()
    if waiting:
        raise UsageError(f"Job {waiting['run_id']} waits for job {run_id}.", "Stop or delete that one first.")
