"""Starts the desktop window: python app.py [--port N] [--no-browser] [--model NAME] [--home DIR]."""

from __future__ import annotations

import argparse
import sys

from geotool.core import config
from geotool.core.errors import GeotoolError
from geotool.ui import server


def main() -> int:
    """Serve the window; a failure is one sentence on standard error and the exit code of its class."""
    parser = argparse.ArgumentParser(prog="app.py", description="Open the geotool window on this machine.")
    config.add_arguments(parser, server.Config)
    try:
        server.run(config.from_dict(server.Config, vars(parser.parse_args()), source="command line"))
    except GeotoolError as error:
        print(f"geotool: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
