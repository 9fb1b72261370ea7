"""The Jobs tab: start recipes and commands, watch them, stop, resume and delete them.

What it shows is read from the disk at each look, and looked at only while the page is seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

from geotool.core.errors import GeotoolError
from geotool.jobs.jobs import Jobs
from geotool.ui import forms, job_forms
from geotool.ui.background import Background
from geotool.ui.components import QUIET
from geotool.ui.estimating import estimate_words
from geotool.ui.job_detail import detail_value, format_size
from geotool.ui.job_forms import ListModels, build_form
from geotool.ui.job_parts import job_form, job_table
from geotool.ui.job_rows import PAGE, digest, table_value

AT_ONCE: dict[str, Any] = {**QUIET, "queue": False}  # neither waits behind others nor keeps a connection
STEP_S = 0.5
MOST_JOBS = 5000

Updates = dict[Any, Any]
Reply = dict[str, Any]


class JobsTab:
    """`changes` are the events after which another model may be ready; `use` names a model to load."""

    def __init__(self, jobs: Jobs, list_models: ListModels) -> None:
        self.jobs, self.list_models = jobs, list_models
        self.estimating: Background[str] = Background("geotool-estimate")
        first = build_form(job_forms.CHOICES[0][0], list_models)
        self.form = job_form({"form": first, "reply": None})
        with gr.Column(elem_id="gt-job-list"):
            self.table = job_table({})
        self._connect()

    def _connect(self) -> None:
        form, table, both = self.form, self.table, [self.form, self.table]
        form.choose(self.choose, None, form, **AT_ONCE)
        form.check(self.check, None, form, **AT_ONCE, trigger_mode="multiple")
        form.start(self.start, None, both, **AT_ONCE)
        form.estimate(self.estimate, None, form, **QUIET)
        table.look(self.look, None, table, **AT_ONCE)
        table.act(self.act, None, table, **AT_ONCE)
        table.edit(self.edit, None, both, **AT_ONCE)
        self.changes = [table.ended]
        self.use = table.use

    # --- the form

    def choose(self, event: gr.EventData) -> dict[str, Any]:
        """Another recipe or command."""
        return {"form": build_form(str(event.command), self.list_models), "reply": None}

    def check(self, event: gr.EventData) -> dict[str, Any]:
        """What was typed: the line for a shell, or what is wrong; and how the path in hand may go on."""
        command, typed = _read_event(event)
        reply = self._judge(command, typed)
        completed = str(getattr(event, "completed", ""))
        if completed:
            paths = job_forms.complete_path(str(typed.get(completed, "")))
            reply |= {"completed": completed, "paths": paths} if paths else {}
        return {"form": None, "reply": {**reply, "key": event.key}}

    def _judge(self, command: str, typed: forms.Typed) -> Reply:
        """An empty field is no mistake as long as nobody has asked to start."""
        try:
            config = forms.read_form(command, typed)
            return {"line": job_forms.shell_line(command, config)}
        except forms.FieldProblem as problem:
            is_empty = typed.get(problem.field, "") == ""
            return {"line": ""} if is_empty else {"line": "", **_to_reply(problem)}
        except GeotoolError as error:
            return {"line": "", "problem": str(error)}

    def start(self, event: gr.EventData) -> Updates:
        """Start what the form says, or say why not."""
        command, typed = _read_event(event)
        try:
            config = forms.read_form(command, typed)
            steps = job_forms.steps_of(command, config)
            started = self.jobs.start_chain(steps)
        except GeotoolError as error:
            return {self.form: {"form": None, "reply": {**_to_reply(error), "loud": True, "key": event.key}}}
        numbers = [str(state.run_id) for state in started]
        words = f"Job {numbers[0]} is in the queue." if len(numbers) == 1 else (
            f"Jobs {numbers[0]} to {numbers[-1]} are in the queue, one behind the other."
        )  # fmt: skip
        reply = {"words": words, "line": job_forms.shell_line(command, config), "key": event.key}
        return {self.form: {"form": None, "reply": reply}, self.table: self._value("", 0)}

    def estimate(self, event: gr.EventData) -> Iterator[dict[str, Any]]:
        """What a precompute would cost: measured in the background, drawn as it goes."""
        command, typed = _read_event(event)
        try:
            config = forms.read_form(command, typed)
        except GeotoolError as error:
            yield {"form": None, "reply": {**_to_reply(error), "loud": True, "key": event.key}}
            return
        self.estimating.start(lambda report: estimate_words(config, report))
        state = self.estimating.state()
        while state.phase == "running":
            words = f"{(state.step or 'Looking through the data set').capitalize()} ..."
            yield {"form": None, "reply": {"words": words, "key": event.key}}
            state = self.estimating.wait(STEP_S)
        said = {"problem": state.message} if state.phase == "failed" else {"words": state.result}
        yield {"form": None, "reply": {**said, "key": event.key}}

    # --- the table

    def look(self, event: gr.EventData) -> Any:
        """The jobs as the disk knows them; nothing where the page shows just that."""
        try:
            value = self._value(None, int(event.open), int(event.most))
        except GeotoolError as error:
            return {"notice": str(error)}
        return gr.skip() if value["seen"] == event.seen else value

    def act(self, event: gr.EventData) -> dict[str, Any]:
        """Stop, resume, delete a job, or move it to the front."""
        run_id, action = int(event.run_id), str(event.action)
        try:
            notice = self._actions()[action](run_id, bool(event.with_unfinished))
        except GeotoolError as error:
            notice = str(error)
        return self._value(notice, int(event.open), int(event.most))

    def _actions(self) -> dict[str, Callable[[int, bool], str]]:
        return {"stop": self._stop, "resume": self._resume, "first": self._move, "delete": self._delete}

    def _stop(self, run_id: int, _: bool) -> str:
        self.jobs.stop(run_id)
        return f"Job {run_id} is asked to stop."

    def _resume(self, run_id: int, _: bool) -> str:
        self.jobs.resume(run_id)
        return f"Job {run_id} is in the queue again."

    def _move(self, run_id: int, _: bool) -> str:
        self.jobs.move(run_id, 1)
        return f"Job {run_id} is the next."

    def _delete(self, run_id: int, with_unfinished: bool) -> str:
        freed = self.jobs.delete(run_id, with_unfinished)
        return f"Job {run_id} is deleted: {format_size(freed)} freed."

    def edit(self, event: gr.EventData) -> Updates:
        """The settings of a job in the form, to be changed and started as a new one."""
        try:
            state = self.jobs.get(int(event.run_id))
            config = self.jobs.config(state.run_id)
        except GeotoolError as error:
            return {self.table: {"notice": str(error)}}
        if state.command not in (*job_forms.STEPS, *job_forms.RECIPES):
            words = f"Job {state.run_id} was started in a shell: {state.command} has no form here."
            return {self.table: {"notice": words}}
        values = {name: value for name, value in config.items() if value is not None}
        words = f"The settings of job {state.run_id}. It stays as it is; starting makes a new one."
        form = {**build_form(state.command, self.list_models, values), "edited": True}
        return {self.form: {"form": form, "reply": {"words": words, "key": form["key"]}}}

    def _value(self, notice: str | None, open_id: int, most: int = 0) -> dict[str, Any]:
        """The table with the details of one job (0: of none). `most` below a page means a page."""
        most = min(max(most, PAGE), MOST_JOBS)
        value = table_value(self.jobs.list(most + 1), most)
        value["detail"] = detail_value(self.jobs, open_id, self.list_models()) if open_id else None
        value["seen"] = digest(value)
        return value if notice is None else {**value, "notice": notice}

    def close(self) -> None:
        self.estimating.close()


def _read_event(event: gr.EventData) -> tuple[str, forms.Typed]:
    """The command, one of those that are offered, and what was typed."""
    command = str(event.command)
    if command not in (*job_forms.RECIPES, *job_forms.STEPS):
        raise ValueError(command)  # no page of ours sends this
    return command, dict(event.values)


def _to_reply(error: GeotoolError) -> Reply:
    field = error.field if isinstance(error, forms.FieldProblem) else ""
    return {"problem": str(error), "field": field}
