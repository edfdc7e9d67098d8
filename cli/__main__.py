"""`previewcloud`, or `kubectl preview`: one command, from its arguments to its exit code.

0: done. 1: it failed. 2: it was given wrongly. 130: Ctrl-C.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import typer

from cli.ansi import plain
from cli.commands import app, hoisted
from cli.failure import FAILED, Failure
from cli.terminal import silence

INTERRUPTED = 130
PLUGIN = "kubectl-preview"


def main() -> None:
    """Run the command of this process."""
    sys.exit(run(sys.argv[1:], Path(sys.argv[0]).name))


def run(arguments: Sequence[str], program: str) -> int:
    """Run a command.

    Args:
        arguments: those behind the program's name.
        program: its name; by that of a plugin of kubectl, it calls itself as kubectl does.

    Returns:
        The exit code.
    """
    name = "kubectl preview" if program == PLUGIN else "previewcloud"
    try:
        code = _ended(hoisted(list(arguments)), name)
        sys.stdout.flush()
    except BrokenPipeError:
        silence()
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    return code


def _ended(arguments: list[str], name: str) -> int:
    try:
        typer.main.get_command(app).main(arguments, prog_name=name)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else FAILED
    except Failure as failure:
        sys.stdout.flush()
        sys.stderr.write(f"error: {plain(failure.message)}\n")
        return failure.code
    return 0


if __name__ == "__main__":
    main()
