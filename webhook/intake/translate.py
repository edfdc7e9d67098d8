"""Translate: an event becomes what it asks for, or `Nothing` with the reason why it asks for nothing.

    event + what is known without asking + rules ──▶ Nothing | Consider | ConsiderBranch | Close | Run

It is cheap: most deliveries change nothing and are answered from here. What it lets pass is looked at once
more by `decide`, with the facts of the moment in which its turn comes.
"""

from __future__ import annotations

from webhook.github.commands import command
from webhook.github.events import (
    CommentEvent,
    Event,
    OtherEvent,
    PingEvent,
    PullRequestEvent,
    PushEvent,
    RepositoryInfo,
)
from webhook.intake.branches import branch_of, translate_push
from webhook.intake.intent import Intent, Known, Nothing, Rules, Run
from webhook.intake.order import made_by_others
from webhook.intake.reasons import MADE_BY_OTHERS
from webhook.intake.translate_pull import translate_pull
from webhook.subject import Subject

PING = Nothing("Ping", "The webhook is set up: deliveries arrive and their signature is right.")


def subject_of(event: Event) -> Subject | None:
    """The pull request or branch that an event is about; None where it is about neither."""
    match event:
        case PullRequestEvent():
            return Subject(event.repository.full_name, event.pull_request.number)
        case CommentEvent() if event.issue.pull_request is not None:
            return Subject(event.repository.full_name, event.issue.number)
        case PushEvent():
            branch = branch_of(event.ref)
            return Subject(event.repository.full_name, branch=branch) if branch is not None else None
        case _:
            return None


def translate(event: Event, known: Known, rules: Rules) -> Intent:
    """What an event asks for.

    Args:
        event: from a delivery whose signature is right.
        known: of `subject_of(event)`.
        rules: the installation's.

    Returns:
        An intent. A `Nothing` with something to remember wants that carried out too.
    """
    match event:
        case PingEvent():
            return PING
        case OtherEvent():
            return Nothing("EventUnused", f"Nothing is done about the event {_shown(event.name)}.")
        case _ if not allowed(event.repository, rules):
            return Nothing(
                "RepositoryNotAllowed",
                f"{event.repository.full_name} is not among the repositories that may have previews.",
            )
        case _:
            return MADE_BY_OTHERS if made_by_others(known) else _allowed(event, known, rules)


def _allowed(event: PullRequestEvent | PushEvent | CommentEvent, known: Known, rules: Rules) -> Intent:
    match event:
        case PullRequestEvent():
            return translate_pull(event, known, rules)
        case PushEvent():
            return translate_push(event, known, rules)
        case CommentEvent():
            return _comment(event, subject_of(event), rules)


def allowed(repository: RepositoryInfo, rules: Rules) -> bool:
    """The repository may have previews."""
    return not rules.repositories or repository.full_name.lower() in rules.repositories


def _comment(event: CommentEvent, subject: Subject | None, rules: Rules) -> Intent:
    if subject is None:
        return Nothing("NotAPullRequest", "Commands are given on pull requests, and this is an issue.")
    if event.action != "created":
        return Nothing("CommentNotNew", "Only new comments give commands, not changed or deleted ones.")
    author = event.comment.user or event.sender
    if author.is_bot or event.sender.is_bot:
        return Nothing("CommentByBot", "Only people give commands.")
    found = command(event.comment.body or "")
    if found is None:
        return Nothing("NoCommand", "The comment does not begin with /preview.")
    if not rules.asks_github:
        return Nothing(
            "CommandsNeedGitHub", "Without access to GitHub nobody's permission can be asked: give a token."
        )
    return Run(subject, found, event.comment.id, author.login, event.comment.created_at)


def _shown(name: str) -> str:
    return "".join(
        letter for letter in name[:60] if letter.isascii() and (letter.isalnum() or letter in "_-")
    )
