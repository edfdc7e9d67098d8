"""What is said in a Preview's log of what was decided about it, and who was behind that. Pure.

decision, command ──▶ one line, with `by` and `via`; nothing where nothing about the Preview changes
"""

from __future__ import annotations

from controller.api.preview import Preview
from controller.logs.protocol import LogType
from webhook.intake.intent import Command, Consider, Effect, Nothing, Remove, Run
from webhook.logs.told import Said

GITHUB = "GitHub"
WEBHOOK, COMPARISON, COMMENT = "webhook", "comparison", "comment"
REFUSALS = frozenset({"ApprovalOutdated", "ApproverMayNotWrite", "ApproverUnknown"})
"""Somebody did something about a Preview, and it was not taken."""
_SHORT = 12


def applied(before: Preview | None, now: Preview, intent: Consider | None) -> Said | None:
    """A Preview was made, or is to be another one; None where it is as it was.

    Args:
        before: what stood for the subject.
        now: what does.
        intent: why; None: a branch moved.
    """
    by, via = _behind(intent)
    source, kind = now.spec.source, LogType.DEPLOY
    if before is None or before.metadata.uid != now.metadata.uid:
        message = f"created for commit {source.commit[:_SHORT]}"
    elif before.metadata.generation == now.metadata.generation:
        return None
    elif before.spec.source.commit != source.commit:
        message = f"commit {source.commit[:_SHORT]} comes after {before.spec.source.commit[:_SHORT]}"
    elif before.spec.source.approved_commit != source.approved_commit:
        message, kind = _approval(source.approved_commit), LogType.SYSTEM
    else:
        message, kind = "what is asked for was changed", LogType.SYSTEM
    return Said(message, by, kind, via)


def removed(decision: Remove, intent: Consider | None) -> Said:
    """A Preview is taken away."""
    by, via = _behind(intent)
    return Said(f"removed: {decision.reason}: {decision.message}", by, LogType.DEPLOY, via)


def refused(nothing: Nothing, intent: Consider | None) -> Said | None:
    """What somebody did was not taken; None for what is no refusal, or nobody's doing."""
    by, via = _behind(intent)
    if nothing.reason not in REFUSALS:
        return None
    return Said(f"refused: {nothing.reason}: {nothing.message}", by, via=via)


def ordered(order: Run, effect: Effect) -> Said | None:
    """A command, by whom, and its answer; None for questions, which anybody may ask as often as they like."""
    if not isinstance(order.command, Command) or not order.command.name.needs_write:
        return None
    return Said(f"/preview {order.command.name}: {effect.notice}", order.login, via=COMMENT)


def _behind(intent: Consider | None) -> tuple[str, str]:
    if intent is None:
        return GITHUB, WEBHOOK
    if intent.action == COMPARISON:
        return COMPARISON, COMPARISON
    return intent.approver or GITHUB, COMMENT if intent.action == "command" else WEBHOOK


def _approval(commit: str | None) -> str:
    return f"commit {commit[:_SHORT]} is approved" if commit else "no commit is approved any more"
