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
APPROVAL_ENDS = frozenset({"reopened", "synchronize", "ready_for_review"})
"""After them a fork's Preview is another one than was approved."""


def translate_pull(event: PullRequestEvent, known: Known, rules: Rules) -> Intent:
    """What a pull request's event asks for; the repository and whose Preview it is were looked at before."""
    pull = event.pull_request
    refused = _not_looked_at(event, known) or _out_of_order(event, known, rules) or _label_alone(event, rules)
    if refused is not None:
        return refused
    intent = _closed(event, known, rules) if pull.state == "closed" else _open(event, known, rules)
    newest = handled(known)
    if isinstance(intent, Nothing) and not rules.asks_github and (not newest or pull.updated_at > newest):
        # nobody can be asked later, so this event's word must reach those that wait, and be remembered
        return replace(intent, later=_consider(event, known, rules))
    return intent


def _not_looked_at(event: PullRequestEvent, known: Known) -> Nothing | None:
    pull = event.pull_request
    if event.action not in ACTIONS:
        return Nothing("ActionUnused", f"Nothing is done when a pull request is {event.action[:60]}.")
    if event.action == "edited" and (event.changes is None or event.changes.base is None):
        return Nothing("BaseUnchanged", "The pull request was edited, but still goes into the same branch.")
    if pull.base.repo is None or pull.base.repo.full_name.lower() != event.repository.full_name.lower():
        return REPOSITORY_DIFFERS
    if made_by_api(live(known)) and pull.state == "open":
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
    if live(known) is None:
        if record.closed is not None and record.closed >= pull.updated_at:
            return ALREADY_CLOSED
        if event.action != "closed":
            return PULL_REQUEST_CLOSED
    if rules.asks_github:
        return _consider(event, known, rules)
    return Close(Subject(event.repository.full_name, pull.number), pull.updated_at)


def _open(event: PullRequestEvent, known: Known, rules: Rules) -> Intent:
    pull, preview, record = event.pull_request, live(known), known.record
    again = event.action == "reopened"
    since = again and record.destroyed is not None and pull.updated_at > record.destroyed
    if preview is None and not since and destroyed(record, pull.updated_at):
        return DESTROYED
    drop_label = _leaves_label_behind(event, known, rules)
    answer = None if drop_label else _answered_at_once(event, known, rules)
    return _consider(event, known, rules) if answer is None else answer


def _consider(event: PullRequestEvent, known: Known, rules: Rules) -> Consider:
    return Consider(
        Subject(event.repository.full_name, event.pull_request.number),
        event.pull_request,
        event.action,
        approver=event.sender.login if _approves(event) else None,
        again=event.action == "reopened",
        before=event.before,
        drop_label=_leaves_label_behind(event, known, rules),
    )


def _label_alone(event: PullRequestEvent, rules: Rules) -> Nothing | None:
    """The approve label came or went, and that changes nothing."""
    label = event.label.name if event.label is not None else ""
    if event.action not in {"labeled", "unlabeled"} or label != APPROVE_LABEL or label in rules.labels:
        return None
    if event.pull_request.state == "closed":
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
    """A fork's label is of an approval that ended: with a new commit, or with the Preview that had it."""
    pull, preview = event.pull_request, live(known)
    if event.action not in APPROVAL_ENDS or not rules.asks_github or trust(pull) is Trust.TRUSTED:
        return False
    approved = preview is not None and preview.spec.source.approved_commit == pull.head.sha
    return APPROVE_LABEL in pull.label_names and not approved


def _answered_at_once(event: PullRequestEvent, known: Known, rules: Rules) -> Nothing | None:
    """Why nothing is to be done, where what is known is enough to say so."""
    pull, preview = event.pull_request, live(known)
    there = preview is not None and stands_at(preview, pull)
    if rules.asks_github:
        return ALREADY_THERE if there and event.action in COMMIT_ACTIONS else None
    unwanted = wanted_by_policy(pull, None, Policy(), rules)
    if unwanted is not None:
        return unwanted if preview is None else None
    return ALREADY_THERE if there else None
