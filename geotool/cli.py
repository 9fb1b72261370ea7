"""`python -m geotool COMMAND`: each command's Config becomes its arguments."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from types import ModuleType
from typing import Any

from geotool.commands import COMMANDS, module_name
from geotool.core.arguments import Parser, parse_arguments, to_config
from geotool.core.artifacts import VERSION
from geotool.core.errors import GeotoolError, UsageError
from geotool.core.paths import HOME_VARIABLE, JOB_VARIABLE
from geotool.core.report import ConsoleReport

STOPPED_EXIT_CODE = 130


def main(argv: list[str] | None = None) -> int:
    """Run one command and give its exit code; a failure is one sentence on standard error."""
    arguments = sys.argv[1:] if argv is None else argv
    for stream in (sys.stdout, sys.stderr):  # file names may hold bytes that are no text
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        return _run(arguments)
    except GeotoolError as error:
        print(f"geotool: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("geotool: Stopped.", file=sys.stderr)
        return STOPPED_EXIT_CODE
    except BrokenPipeError:  # the reader (head, less) has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # noqa: BLE001 - the last line: whatever comes here is a bug to report
        return _say_unexpected(error, "--traceback" in arguments)


def _run(arguments: list[str]) -> int:
    parser = _top_parser()
    if not arguments:
        parser.print_help(sys.stderr)
        return UsageError.exit_code
    if arguments[0] not in COMMANDS:
        parser.parse_args(arguments[:1] if arguments[0].startswith("-") else [])  # --help, --version
        raise UsageError(f"There is no command {arguments[0]!r}.", f"Choose from {', '.join(COMMANDS)}.")
    module = importlib.import_module(module_name(arguments[0]))
    values = parse_arguments(arguments[0], module.__doc__, module.Config, arguments[1:])
    return _run_command(module, values)


def _run_command(module: ModuleType, values: dict[str, Any]) -> int:
    values.pop("traceback", None)
    home, file = values.pop("home", None), values.pop("config", None)
    if home is not None:
        os.environ[HOME_VARIABLE] = home
    with _open_report() as report:
        return module.run(to_config(module.Config, values, file), report) or 0


def _open_report() -> Any:
    """The channel to whoever started this: the terminal, or the job that this process is."""
    if JOB_VARIABLE not in os.environ:
        return ConsoleReport()
    from geotool.jobs.job_report import JobReport

    return JobReport.from_environment()


def _top_parser() -> argparse.ArgumentParser:
    lines = "\n".join(f"  {name:<12} {text}" for name, text in COMMANDS.items())
    parser = Parser(
        prog="geotool",
        usage="python -m geotool COMMAND [OPTIONS]",
        description="Where was this photo taken? Everything runs on this machine.",
        epilog=f"commands:\n{lines}\n\nThe options of one: python -m geotool COMMAND --help",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"geotool {VERSION}")
    return parser


def _say_unexpected(error: Exception, with_traceback: bool) -> int:
    if with_traceback:
        import traceback

        traceback.print_exception(error)
    print(
        f"geotool: Unexpected failure: {type(error).__name__}: {error}. "
        "Run the command again with --traceback to see where, and please report it.",
        file=sys.stderr,
    )
    return 1
