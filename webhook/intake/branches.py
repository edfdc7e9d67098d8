"""Branches that have a preview of their own: what a push asks for, and what comes of it when its turn comes.

    push + known ──▶ translate_push ──▶ ConsiderBranch | Close ──▶ decide_branch ──▶ Apply | Remove | Nothing

A push has no number that counts up; its time is that of the repository's newest push, in whole seconds.
"""

from __future__ import annotations

from datetime import datetime

from pydantic import TypeAdapter, ValidationError

from controller.api.fields import Branch
from webhook.github.events import PushEvent
from webhook.intake import wanted
from webhook.intake.close import decide_close
from webhook.intake.globs import Globs
from webhook.intake.intent import (
    Apply,
    BranchFacts,
    Close,
    ConsiderBranch,
    Decision,
    Intent,
    Known,
    Nothing,
    Rules,
)
from webhook.intake.order import LONG_AGO, destroyed, handled, live, made_by_api, made_by_others, pushed
from webhook.intake.reasons import (
    ALREADY_CLOSED,
    ALREADY_THERE,
    CLONE_URL_MISSING,
    DESTROYED,
    MADE_BY_API,
    MADE_BY_OTHERS,
    OLDER_EVENT,
    ORDER_UNKNOWN,
)
from webhook.subject import Subject

_HEADS = "refs/heads/"
_BRANCH: TypeAdapter[str] = TypeAdapter(Branch)


def branch_of(ref: str) -> str | None:
    """The branch that a reference names; None for a tag, and for a name that no Preview may have."""
    if not ref.startswith(_HEADS):
        return None
    try:
        return _BRANCH.validate_python(ref.removeprefix(_HEADS))
    except ValidationError:
        return None


def translate_push(event: PushEvent, known: Known, rules: Rules) -> Intent:
    """What a push asks for; the repository and whose Preview it is were looked at before."""
    branch = branch_of(event.ref)
    if branch is None:
        return _no_branch(event.ref)
    if not Globs(rules.push_branches).match(branch):
        return Nothing("BranchUnused", "The branch is not among PREVIEW_BRANCHES; its pull requests count.")
    if (handled_before := _handled_before(event, known)) is not None:
        return handled_before
    subject = Subject(event.repository.full_name, branch=branch)
    if pushed(event) is None and not rules.asks_github:
        return Close(subject, event.repository.pushed_at or LONG_AGO)
    return ConsiderBranch(subject, event)


def _no_branch(ref: str) -> Nothing:
    if ref.startswith(_HEADS):
        return Nothing("BranchNameUnusable", "A branch of this name cannot have a preview.")
    return Nothing("NotABranch", "Only branches have previews; this is a tag or another reference.")


def _handled_before(event: PushEvent, known: Known) -> Nothing | None:
    """What is known is enough to say that nothing is to be done."""
    preview, at, newest = live(known), event.repository.pushed_at, handled(known)
    if pushed(event) is not None and made_by_api(preview):
        return MADE_BY_API
    if at is not None and newest is not None and at < newest:
        return OLDER_EVENT
    closed = known.record.closed
    if pushed(event) is None and preview is None and at is not None and closed is not None and at <= closed:
        return ALREADY_CLOSED
    if preview is not None and preview.spec.source.commit == pushed(event):
        return ALREADY_THERE
    return None


def decide_branch(intent: ConsiderBranch, facts: BranchFacts, rules: Rules) -> Decision:
    """What is to be done about a branch that moved, came or went.

    A branch that GitHub does not show is only gone when the push itself deleted it: it may be hidden.

    Args:
        intent: the push.
        facts: the Preview and Record, and where the branch is now if GitHub could be asked.
        rules: the installation's.
    """
    push, known = intent.push, facts.known
    head = facts.head if facts.asked else pushed(push)
    if made_by_others(known):
        return MADE_BY_OTHERS
    if head is not None:
        return _stays_away(intent, facts) or _wanted(intent, head, facts, rules)
    if pushed(push) is None:
        return decide_close(Close(intent.subject, push.repository.pushed_at or LONG_AGO), known)
    return Nothing("BranchGone", "GitHub does not show the branch any more.")


def _stays_away(intent: ConsiderBranch, facts: BranchFacts) -> Nothing | None:
    if made_by_api(live(facts.known)):
        return MADE_BY_API
    if not facts.asked and (late := _late(intent.push, facts.known)) is not None:
        return late
    now = _newest(intent, facts) or LONG_AGO
    return DESTROYED if live(facts.known) is None and destroyed(facts.known.record, now) else None


def _wanted(intent: ConsiderBranch, head: str, facts: BranchFacts, rules: Rules) -> Decision:
    preview, source = live(facts.known), wanted.for_branch(intent, head, facts, rules)
    if source is None:
        return CLONE_URL_MISSING
    if preview is not None and preview.spec.source == source:
        return ALREADY_THERE
    one = wanted.wanted(intent.subject, source, _newest(intent, facts))
    return Apply(one, remember=wanted.forgotten(facts.known.record))


def _newest(intent: ConsiderBranch, facts: BranchFacts) -> datetime | None:
    times = (handled(facts.known), intent.push.repository.pushed_at)
    return max((time for time in times if time is not None), default=None)


def _late(push: PushEvent, known: Known) -> Nothing | None:
    """The push is older than what was handled, or nobody knows whether it is."""
    preview, at, newest = live(known), push.repository.pushed_at, handled(known)
    if preview is not None and preview.spec.source.commit in {push.before, push.after}:
        return None
    if newest is None or (at is not None and at > newest):
        return None
    return OLDER_EVENT if at is not None and at < newest else ORDER_UNKNOWN
