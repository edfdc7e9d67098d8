"""Decide: with all facts at hand, whether a Preview is made, changed, taken away, or left as it is.

    Intent + Facts ──▶ truth ──▶ order ──▶ what is remembered ──▶ policy ──▶ Apply | Remove | Nothing

Between an event and its turn others may have been handled, so order and memory are looked at again here. The
truth comes first: GitHub's answer, unless the event is newer than that.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from pydantic import ValidationError

from controller.api.preview import Preview
from controller.api.spec import PreviewSpec, Trust
from webhook.cluster.protocol import EVENT_TIME, Origin, Wanted
from webhook.cluster.records import Record
from webhook.github.events import PullRequest
from webhook.intake import wanted
from webhook.intake.branches import decide_branch
from webhook.intake.close import closed
from webhook.intake.intent import (
    APPROVE_LABEL,
    Apply,
    Consider,
    Decision,
    Facts,
    Nothing,
    Remove,
    Rules,
)
from webhook.intake.order import (
    Order,
    destroyed,
    handled,
    live,
    made_by_api,
    made_by_others,
    order,
    trust,
    written,
)
from webhook.intake.policy import wanted_by_policy
from webhook.intake.reasons import (
    ALREADY_THERE,
    CLONE_URL_MISSING,
    CLOSED_BEFORE,
    DESTROYED,
    MADE_BY_API,
    MADE_BY_OTHERS,
    OLDER_EVENT,
    ORDER_UNKNOWN,
    REPOSITORY_DIFFERS,
)
from webhook.subject import Subject

__all__ = ["decide", "decide_branch", "reopen_api"]


@dataclass(frozen=True)
class _Case:
    """A pull request to be decided about."""

    intent: Consider
    facts: Facts
    rules: Rules
    pull: PullRequest
    asked: bool
    """`pull` is GitHub's answer, and not older than the event."""

    @property
    def preview(self) -> Preview | None:
        return live(self.facts.known)

    @property
    def record(self) -> Record:
        return self.facts.known.record


def decide(intent: Consider, facts: Facts, rules: Rules) -> Decision:
    """What is to be done about a pull request.

    Args:
        intent: what asked for it.
        facts: all that decides, as it is now.
        rules: the installation's.
    """
    newer = facts.asked and facts.pull.updated_at >= intent.pull.updated_at
    case = _Case(intent, facts, rules, facts.pull if newer else _newest(intent, facts), newer)
    refused = _not_ours(case) or _out_of_order(case)
    if refused is not None:
        return refused
    if case.pull.state == "closed":
        return closed(case.pull.updated_at, facts.known)
    if (refused := _stays_away(case)) is not None:
        return _seen(case, refused)
    if case.preview is None and case.record.spec is not None:
        return _api_again(case)
    unwanted = wanted_by_policy(case.pull, facts.files, facts.policy, rules)
    return _wanted(case) if unwanted is None else _unwanted(case, unwanted)


def _newest(intent: Consider, facts: Facts) -> PullRequest:
    return facts.pull if facts.pull.updated_at > intent.pull.updated_at else intent.pull


def _not_ours(case: _Case) -> Nothing | None:
    if made_by_others(case.facts.known):
        return MADE_BY_OTHERS
    if made_by_api(case.preview) and case.pull.state == "open":
        return MADE_BY_API
    return None


def _out_of_order(case: _Case) -> Nothing | None:
    match order(case.pull, None if case.asked else case.intent.before, case.facts.known):
        case Order.OLDER if case.pull.state == "open" and _closed_since(case):
            return CLOSED_BEFORE
        case Order.OLDER:
            return OLDER_EVENT
        case Order.UNKNOWN if not case.asked and case.pull.state == "open":
            return ORDER_UNKNOWN
        case _:
            return None


def _closed_since(case: _Case) -> bool:
    at = case.record.closed
    return case.preview is None and at is not None and case.pull.updated_at <= at


def _stays_away(case: _Case) -> Nothing | None:
    """The pull request is open, but nothing may come back, or nothing is known of where it goes."""
    pull, record, base = case.pull, case.record, case.pull.base.repo
    if base is None or base.full_name.lower() != case.intent.subject.repository.lower():
        return REPOSITORY_DIFFERS
    if case.preview is not None:
        return None
    again = case.intent.again
    if case.intent.action == "reopened" and record.destroyed is not None:
        again = case.intent.pull.updated_at > record.destroyed
    if not again and destroyed(record, pull.updated_at):
        return DESTROYED
    return None


def _api_again(case: _Case) -> Decision:
    found = reopen_api(case.record, case.intent.subject)
    if isinstance(found, Nothing):
        return found
    annotations = {**found.annotations, EVENT_TIME: written(case.pull.updated_at)}
    return Apply(replace(found, annotations=annotations), remember=wanted.forgotten(case.record))


def _seen(case: _Case, nothing: Nothing) -> Nothing:
    """Where nobody can be asked, an event that changes nothing is remembered: older ones must not either."""
    if case.rules.asks_github or case.pull.updated_at == handled(case.facts.known):
        return nothing
    return replace(nothing, remember={"seen": case.pull.updated_at})


def _unwanted(case: _Case, why: Nothing) -> Decision:
    if case.preview is not None:
        return Remove(case.preview, why.reason, why.message, remember={"seen": case.pull.updated_at})
    drop_label = _label_is_of_another(case, None)
    return _seen(case, replace(why, drop_label=drop_label))


def _wanted(case: _Case) -> Decision:
    denied, approved = _denied(case), _approved(case)
    drop_label = _label_is_of_another(case, approved)
    source = wanted.for_pull_request(case.intent.subject, case.pull, approved, case.facts, case.rules)
    if source is None:
        return CLONE_URL_MISSING
    if case.preview is not None and case.preview.spec.source == source:
        return _seen(case, replace(denied or ALREADY_THERE, drop_label=drop_label))
    remember = wanted.forgotten(case.record) if case.preview is None else {}
    one = wanted.wanted(case.intent.subject, source, case.pull.updated_at)
    return Apply(one, drop_label=drop_label, remember=remember)


def _denied(case: _Case) -> Nothing | None:
    """Why somebody's approval does not count; None when it does, or nobody gave one."""
    if case.intent.approver is None or trust(case.pull) is Trust.TRUSTED:
        return None
    if case.intent.pull.head.sha != case.pull.head.sha:
        return Nothing(
            "ApprovalOutdated", "A newer commit came after the approval; look at it and approve it."
        )
    if case.facts.approver is None:
        return Nothing(
            "ApproverUnknown",
            "GitHub did not say whether the approver may write; set the label again, or /preview approve.",
        )
    if not case.facts.approver.may_write:
        return Nothing(
            "ApproverMayNotWrite", "Only those with write permission approve what a fork's pull request runs."
        )
    return None


def _approved(case: _Case) -> str | None:
    """The commit of a fork that was approved, now or before; it is the head, or none."""
    head, preview = case.pull.head.sha, case.preview
    if case.intent.approver is not None and _denied(case) is None:
        return head
    return head if preview is not None and preview.spec.source.approved_commit == head else None


def _label_is_of_another(case: _Case, approved: str | None) -> bool:
    """The approve label is on a fork's pull request whose head nobody approved."""
    if trust(case.pull) is Trust.TRUSTED or approved is not None:
        return False
    if not case.intent.drop_label and case.intent.approver is None:
        return False
    return APPROVE_LABEL in case.pull.label_names


def reopen_api(record: Record, subject: Subject) -> Wanted | Nothing:
    """A Preview that the API made, as it was when it was closed or destroyed.

    Args:
        record: what is remembered of it.
        subject: what it stood for.
    """
    try:
        spec = PreviewSpec.model_validate(record.spec)
    except ValidationError:
        return Nothing(
            "RecordUnreadable", "What is remembered of the preview cannot be read; run the pipeline again."
        )
    if Subject.of(spec.source).identity != subject.identity:
        return Nothing(
            "RecordUnreadable", "What is remembered is of another preview; run the pipeline again."
        )
    return Wanted(subject, spec, Origin.API, dict(record.annotations))
