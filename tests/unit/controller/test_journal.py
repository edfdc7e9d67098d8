"""The process's own log, as it stands on stderr."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

BEGIN = """
import logging, warnings
import structlog
from controller.journal import LogFormat, configure_logging
from controller.logs.mask import masker
from structlog.contextvars import bound_contextvars
log = structlog.get_logger()
configure_logging(LogFormat({style!r}), masker(["hunter2-the-third"]))
"""


def said(style: str, code: str) -> list[str]:
    """The lines that a process of its own writes."""
    program = BEGIN.format(style=style) + code
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout == ""
    return ran.stderr.splitlines()


def test_our_lines_are_json_and_carry_what_is_bound() -> None:
    line, after = said(
        "json",
        "with bound_contextvars(preview='default/pr-1', reconcile='abc'):\n"
        "    log.warning('failed', reason='BuildFailed')\n"
        "log.info('done')\n",
    )
    found = json.loads(line)
    assert found.pop("timestamp").endswith("Z")
    assert found == {
        "event": "failed",
        "level": "warning",
        "reason": "BuildFailed",
        "preview": "default/pr-1",
        "reconcile": "abc",
    }
    assert "preview" not in json.loads(after)


@pytest.mark.parametrize("name", ["kopf.objects", "aiohttp.server", "urllib3.connectionpool"])
def test_lines_of_libraries_come_in_the_same_form_from_warnings_on(name: str) -> None:
    (line,) = said(
        "json",
        f"one = logging.getLogger({name!r})\n"
        "one.info('quiet')\n"
        "with bound_contextvars(preview='default/pr-1'):\n"
        "    one.warning('gone: %s', 'x')\n",
    )
    found = json.loads(line)
    assert found.pop("timestamp").endswith("Z")
    assert found == {"event": "gone: x", "level": "warning", "logger": name}


def test_an_error_stands_in_one_line_with_where_it_came_from() -> None:
    ours, theirs = said(
        "json",
        "try:\n    1 / 0\nexcept ZeroDivisionError:\n"
        "    log.exception('a bug')\n    logging.getLogger('kopf').exception('theirs')\n",
    )
    for line, event in ((ours, "a bug"), (theirs, "theirs")):
        assert json.loads(line)["event"] == event
        assert "ZeroDivisionError" in json.loads(line)["exception"]


def test_warnings_of_python_come_as_lines_too() -> None:
    (line,) = said("json", "warnings.warn('old')\n")
    assert json.loads(line)["logger"] == "py.warnings"


@pytest.mark.parametrize("style", ["json", "text"])
def test_no_line_shows_a_secret_whoever_wrote_it(style: str) -> None:
    lines = said(
        style,
        "log.error('refused', url='postgres://me:hunter2-the-third@db/x')\n"
        "logging.getLogger('psycopg.pool').warning('hunter2-the-third')\n"
        "try:\n    raise ValueError('hunter2-the-third')\nexcept ValueError:\n    log.exception('a bug')\n",
    )
    assert len(lines) >= 3
    assert "hunter2" not in "\n".join(lines)


def test_text_is_for_people() -> None:
    ours, theirs = said("text", "log.info('done', preview='p')\nlogging.getLogger('kopf').error('no')\n")
    assert "done" in ours
    assert "preview=p" in ours
    assert "[error    ] no" in theirs
    assert "kopf" in theirs
