"""What a step tells its runner: workflow commands, outputs and the job's summary.

GitHub docs, "Workflow commands for GitHub Actions". What others wrote (an error of the API, a build's log) is
never read as a command.
"""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


def say(text: str) -> None:
    """Write lines of text to the log."""
    for line in text.splitlines() or [""]:
        _write(harmless(line))


def harmless(line: str) -> str:
    """Return a line that no runner takes for a command: those begin with `::`, or hold `##[`."""
    line = "".join(letter if letter.isprintable() or letter == "\t" else " " for letter in line)
    line = line.replace("##[", "## [")
    return f": {line}" if line.lstrip().startswith("::") else line


def mask(value: str) -> None:
    """Have the runner hide a value from here on."""
    _write(f"::add-mask::{_data(value)}")


def annotate(level: str, message: str, title: str) -> None:
    """Show a message (`error`, `warning` or `notice`) on the run's page."""
    _write(f"::{level} title={_property(title)}::{_data(message)}")


@contextmanager
def group(title: str) -> Iterator[None]:
    """Fold what is written inside."""
    _write(f"::group::{_data(harmless(title))}")
    try:
        yield
    finally:
        _write("::endgroup::")


@contextmanager
def without_commands() -> Iterator[None]:
    """Let another program write to the log, without its lines being read as commands."""
    token = secrets.token_hex(16)
    _write(f"::stop-commands::{token}")
    try:
        yield
    finally:
        _write(f"::{token}::")


def write_outputs(environ: Mapping[str, str], outputs: Mapping[str, str]) -> None:
    """Append outputs to the file that GITHUB_OUTPUT names, any text in them."""
    for name, value in outputs.items():
        delimiter = f"end-{secrets.token_hex(16)}"
        _append(environ.get("GITHUB_OUTPUT", ""), f"{name}<<{delimiter}\n{value}\n{delimiter}\n")


def write_summary(environ: Mapping[str, str], markdown: str) -> None:
    """Append to the job's summary."""
    _append(environ.get("GITHUB_STEP_SUMMARY", ""), markdown)


def _append(path: str, text: str) -> None:
    if path:
        with Path(path).open("a", encoding="utf-8", newline="\n") as file:
            file.write(text)


def _write(line: str) -> None:
    sys.stdout.write(line + os.linesep)
    sys.stdout.flush()


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
