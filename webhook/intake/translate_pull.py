"""Translate, of pull requests: which of their events may change a Preview."""

from __future__ import annotations

from dataclasses import replace

from controller.api.policy import Policy
from controller.api.spec import Trust
from webhook.github.events import PullRequestEvent
from webhook.intake.intent import APPROVE_LABEL, Close, Consider, Intent, Known, Nothing, Rules
from webhook.intake.order import (
    Order,
    destroyed,
    handled,
    live,
    made_by_api,
    order,
    stands_at,
    trust,
)
from webhook.intake.policy import wanted_by_policy
from webhook.intake.reasons import (
    ALREADY_CLOSED,
    ALREADY_THERE,
    CLOSED_BEFORE,
    DESTROYED,
    MADE_BY_API,
    OLDER_EVENT,
    ORDER_UNKNOWN,
    PULL_REQUEST_CLOSED,
    REPOSITORY_DIFFERS,
)
from webhook.subject import Subject

ACTIONS = frozenset(
    {
        "opened",
        "reopened",
        "synchronize",
        "edited",
        "ready_for_review",
        "converted_to_draft",
        "labeled",
        "unlabeled",
        "closed",
    }
)
COMMIT_ACTIONS = frozenset({"opened", "reopened", "synchronize"})
"""They tell of a commit alone: a Preview that is at it already has heard all that they say."""


def translate_pull(event: PullRequestEvent, known: Known, rules: Rules) -> Intent:
    """What a pull request's event asks for; the repository and whose Preview it is were looked at before."""
    pull = event.pull_request
    refused = _not_looked_at(event, known) or _out_of_order(event, known, rules)
    if refused is not None:
        return refused
    intent = _closed(event, known, rules) if pull.state == "closed" else _open(event, known, rules)
    newest = handled(known)
    if isinstance(intent, Nothing) and not rules.asks_github and (not newest or pull.updated_at > newest):
        return replace(intent, remember={"seen": pull.updated_at})
    return intent


def _not_looked_at(event: PullRequestEvent, known: Known) -> Nothing | None:
    pull = event.pull_request
    if event.action not in ACTIONS:
        return Nothing("ActionUnused", f"Nothing is done when a pull request is {event.action[:60]}.")
    if event.action == "edited" and (event.changes is None or event.changes.base is None):
        return Nothing("BaseUnchanged", "The pull request was edited, but still goes into the same branch.")
    if pull.base.repo is None or pull.base.repo.full_name.lower() != event.repository.full_name.lower():
        return REPOSITORY_DIFFERS
    if made_by_api(live(known)) and event.action not in {"closed", "reopened"}:
        return MADE_BY_API
    return None


def _out_of_order(event: PullRequestEvent, known: Known, rules: Rules) -> Nothing | None:
    pull, preview = event.pull_request, live(known)
    if event.action == "opened" and known.record.closed is not None:
        return CLOSED_BEFORE
    match order(pull, event.before, known):
        case Order.OLDER:
            if preview is not None and preview.spec.source.commit == pull.head.sha and _approves(event):
                return None  # an approval holds for its commit, whatever else came in between
            closed = known.record.closed
            if preview is None and closed is not None and pull.updated_at <= closed:
                return ALREADY_CLOSED if pull.state == "closed" else CLOSED_BEFORE
            return OLDER_EVENT
        case Order.UNKNOWN if pull.state == "open" and not rules.asks_github:
            return ORDER_UNKNOWN
        case _:
            return None


def _closed(event: PullRequestEvent, known: Known, rules: Rules) -> Intent:
    pull, record = event.pull_request, known.record
    subject = _subject(event)
    if live(known) is None:
        if record.closed is not None and record.closed >= pull.updated_at:
            return ALREADY_CLOSED
        if event.action != "closed":
            return PULL_REQUEST_CLOSED
    if rules.asks_github:
        return Consider(subject, pull, event.action)
    return Close(subject, pull.updated_at)


def _open(event: PullRequestEvent, known: Known, rules: Rules) -> Intent:
    pull, preview, record = event.pull_request, live(known), known.record
    again = event.action == "reopened"
    since = again and record.destroyed is not None and pull.updated_at > record.destroyed
    if preview is None and not since and destroyed(record, pull.updated_at):
        return DESTROYED
    if (refused := _label_alone(event, rules)) is not None:
        return refused
    drop_label = _leaves_label_behind(event, known, rules)
    if preview is not None and not drop_label and not made_by_api(preview):
        if event.action in COMMIT_ACTIONS and stands_at(preview, pull):
            return ALREADY_THERE
    if not rules.asks_github and (unwanted := _by_rules_alone(event, known, rules)) is not None:
        return unwanted
    return Consider(
        _subject(event),
        pull,
        event.action,
        approver=event.sender.login if _approves(event) else None,
        again=again,
        before=event.before,
        drop_label=drop_label,
    )


def _label_alone(event: PullRequestEvent, rules: Rules) -> Nothing | None:
    """The approve label came or went, and that changes nothing."""
    label = event.label.name if event.label is not None else ""
    if event.action not in {"labeled", "unlabeled"} or label != APPROVE_LABEL or label in rules.labels:
        return None
    if trust(event.pull_request) is Trust.TRUSTED:
        return Nothing("ApprovalNotNeeded", "A pull request of the repository itself needs no approval.")
    if event.action == "unlabeled":
        return Nothing("ApprovalStays", "What was approved stays so; /preview destroy takes it away.")
    if not rules.asks_github:
        return Nothing(
            "ApprovalNeedsGitHub", "Without access to GitHub nobody's permission can be asked: give a token."
        )
    return None


def _approves(event: PullRequestEvent) -> bool:
    """Somebody set the approve label on a fork's pull request."""
    label = event.label.name if event.label is not None else ""
    fork = trust(event.pull_request) is Trust.FORK
    return event.action == "labeled" and label == APPROVE_LABEL and fork


def _leaves_label_behind(event: PullRequestEvent, known: Known, rules: Rules) -> bool:
    """A fork got a new commit, and carries the label that somebody set for another one."""
    pull, preview = event.pull_request, live(known)
    if event.action != "synchronize" or not rules.asks_github or trust(pull) is Trust.TRUSTED:
        return False
    approved = preview is not None and preview.spec.source.approved_commit == pull.head.sha
    return APPROVE_LABEL in pull.label_names and not approved


def _by_rules_alone(event: PullRequestEvent, known: Known, rules: Rules) -> Nothing | None:
    """What is said at once where nobody will be asked."""
    if live(known) is not None:
        return None
    return wanted_by_policy(event.pull_request, None, Policy(), rules)


def _subject(event: PullRequestEvent) -> Subject:
    return Subject(event.repository.full_name, event.pull_request.number)
