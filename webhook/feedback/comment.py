"""The sticky comment: a View as Markdown. Pure.

The first line is a marker that nobody sees, by which the comment is found again. Whatever comes from a pull
request goes through `text`.
"""

from __future__ import annotations

import re

from webhook.feedback.rest import ending, resting
from webhook.feedback.state import State
from webhook.feedback.text import clean, code, escaped, fenced, link, linked, printable, signed
from webhook.feedback.view import Ending, Failure, View
from webhook.subject import Subject

COMMENT_MAX = 60_000
"""Characters; GitHub takes 65,536."""
ROWS_MAX = 40
CUT_LINE = "[… the lines before these are left out]"
SHORT = 7
"""Hex digits of a commit, as GitHub shows them."""

_MARKS = {
    State.RUNNING: "🟢",
    State.SLEEPING: "🔵",
    State.WAKING: "🔵",
    State.FAILED: "🔴",
    State.CREATING: "🟡",
    State.UPDATING: "🟡",
    State.QUEUED: "🟡",
    State.WAITING: "🟠",
}
_REST = "⚪"
_HEADLINES = {
    State.CREATING: "Preview is being created",
    State.UPDATING: "Preview is being updated",
    State.RUNNING: "Preview is running",
    State.FAILED: "Preview failed",
    State.WAITING: "Preview waits for approval",
    State.QUEUED: "Preview is queued",
    State.SLEEPING: "Preview is asleep",
    State.WAKING: "Preview is waking up",
    State.EXPIRED: "Preview has expired",
    State.SUSPENDED: "Preview is suspended",
    State.REMOVING: "Preview is being removed",
    State.GONE: "No preview",
}
_NEXT = {
    State.WAKING: "It is started again, as it was.",
    State.SUSPENDED: "`spec.suspend` is set: nothing is done until it is taken away.",
}
_ENDINGS = {
    Ending.CLOSED: "The pull request is closed.",
    Ending.DESTROYED: "`/preview deploy` brings it back.",
}
_COMMANDS = """\
/preview              how it is
/preview deploy       make it, or make it anew from the newest commit
/preview reset-db     begin with an empty database
/preview wake         start it again; /preview sleep stops it
/preview pin          neither sleep nor expire; /preview unpin
/preview extend 24h   expire later
/preview destroy      take it away; /preview deploy brings it back
/preview logs         where its output is
/preview help         all of this"""


def marker(installation: str, subject: Subject, about: str = "") -> str:
    """A comment's first line, the same for ever: `<!-- previewcloud:main:acme/shop#42 -->`.

    Args:
        installation: who speaks.
        subject: about what.
        about: of a comment beside the sticky one: what it tells of, `warning:2026-01-01T12:00:00Z`.
    """
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", installation)
    return f"<!-- previewcloud:{plain}:{subject.identity}{f' {about}' if about else ''} -->"


def headline(view: View) -> str:
    """How it is, in a few words."""
    if view.state is State.FAILED and view.served is not None:
        return "Update failed, the version before goes on serving"
    if view.state is State.GONE and view.ending is Ending.DESTROYED:
        return "Preview was destroyed"
    if view.state is State.GONE and view.ending is Ending.CLOSED:
        return "Preview is gone"
    return _HEADLINES[view.state]


def comment(view: View) -> str:
    """The whole comment, at most 60,000 characters: where lines of output are too many, the first go."""
    room = COMMENT_MAX - len(_composed(view, ""))
    return _composed(view, _last_lines(view.failure, room) if view.failure is not None else "")


def _composed(view: View, lines: str) -> str:
    parts = [
        f"### {_MARKS.get(view.state, _REST)} {linked(headline(view), view.url)}",
        _table(view),
        _facts(view),
        signed("Logs", view.log_url),
        _next(view),
        ending(view),
        _failure(view.failure) if view.failure is not None else "",
        lines,
        f"**Last command**: {escaped(view.notice)}" if view.notice else "",
        _details(view),
    ]
    body = "\n\n".join(part for part in parts if part)
    return f"{marker(view.installation, view.subject)}\n{body}\n"


def _table(view: View) -> str:
    if not view.services:
        return ""
    rows = [
        f"| {code(service.name)} | {escaped(service.state, 40)} | {link(service.url) or 'private'} |"
        for service in view.services[:ROWS_MAX]
    ]
    return "\n".join(["| Service | State | Address |", "|---|---|---|", *rows])


def _facts(view: View) -> str:
    wanted, served = _short(view.wanted), _short(view.served)
    parts = []
    if served and wanted != served:
        parts = [f"Commit {code(served)} is served, {code(wanted)} is wanted"]
    elif wanted:
        parts = [f"Commit {code(wanted)}"]
    parts += [f"database {code(each.name)} ({escaped(each.type, 40)})" for each in view.databases[:ROWS_MAX]]
    return " · ".join(parts)


def _next(view: View) -> str:
    """What is going on, or what somebody has to do."""
    match view.state:
        case State.CREATING | State.UPDATING if view.step:
            return f"Now: {escaped(view.step, 300)}"
        case State.SLEEPING | State.QUEUED | State.EXPIRED:
            return resting(view)
        case State.WAITING:
            return _approval(view)
        case State.GONE if view.ending is not None:
            return _ENDINGS[view.ending]
    return _NEXT.get(view.state, "")


def _approval(view: View) -> str:
    return (
        f"It comes from a fork, and nobody has approved commit {code(_short(view.wanted))} yet: nothing of "
        "it is built or run. Someone with write permission looks at the changes, then sets the label "
        "`preview-ok`, or comments\n\n"
        f"{fenced(f'/preview approve {view.wanted}')}\n\n"
        "A new push needs a new approval."
    )


def _failure(failure: Failure) -> str:
    what = f"**{escaped(failure.reason, 100)}**"
    again = "" if failure.final else " It is tried again by itself."
    return f"{what}: {escaped(failure.message)}{again}" if failure.message else f"{what}.{again}"


def _last_lines(failure: Failure, room: int) -> str:
    """The last lines of output, folded; as many as there is room for."""
    lines = list(printable(failure.lines))
    if not any(lines):
        return ""
    frame = len(_folded("Last lines", fenced(""))) + len(CUT_LINE) + 2000
    kept: list[str] = []
    left = room - frame
    while lines and left >= len(lines[-1]) + 1:
        left -= len(lines[-1]) + 1
        kept.insert(0, lines.pop())
    return _folded("Last lines", fenced("\n".join([CUT_LINE, *kept] if lines else kept)))


def _details(view: View) -> str:
    if view.preview is None:
        return ""
    name, namespace = view.preview.name, view.preview.namespace
    ask = (
        f"kubectl describe preview {name} --namespace {namespace}",
        f"kubectl get events --namespace {namespace} --field-selector involvedObject.name={name}",
    )
    parts = ["To be written as a comment:", fenced(_COMMANDS)] if view.pull_request is not None else []
    parts += ["With access to the cluster:", fenced("\n".join(map(clean, ask)))]
    if view.bridge_url and view.slug:
        api = linked("API", f"{view.bridge_url}/api/docs")
        call = (
            f'curl -H "Authorization: Bearer $PREVIEWCLOUD_TOKEN" {view.bridge_url}/api/previews/{view.slug}'
        )
        parts += [f"With a token of the {api}:", fenced(clean(call))]
    return _folded("Commands and logs", "\n\n".join(parts))


def _folded(title: str, content: str) -> str:
    return f"<details><summary>{title}</summary>\n\n{content}\n\n</details>"


def _short(commit: str | None) -> str:
    return (commit or "")[:SHORT]
