"""Effects: what a command in a comment comes down to, once its giver's permission is known. Pure.

    command + permission + what is known + the pull request ──▶ reaction, notice, and what is to be done

The notice is a line of plain words in the bridge's comment; of a stranger's text nothing stands in it but a
login of plain letters.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from controller.api import durations
from controller.api.names import KEEP_UNTIL, PIN, REDEPLOY, RESET_DATABASE, SLEEP, WAKE
from controller.api.preview import Preview
from controller.api.spec import Trust
from controller.api.status import Phase
from webhook.github.events import Permission, PullRequest
from webhook.intake.intent import Command, CommandName, Effect, Known, Unclear
from webhook.intake.order import event_time, live, made_by_api, made_by_others, moment, trust, written

DONE, REFUSED, CONFUSED = "+1", "-1", "confused"
FAR = timedelta(days=365)
"""Nothing is extended beyond this."""
DAY = timedelta(hours=24)
_LOGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,98}(\[bot\])?", re.ASCII)
_SHORT = 12

HELP = (
    "Commands: /preview, approve, deploy, destroy, reset-db, wake, sleep, pin, unpin, extend 24h, logs, "
    "help; each after /preview, on a line of its own."
)
NO_PREVIEW = "There is no preview of this pull request; /preview deploy asks for one."
NOT_OURS = "This preview was not made by the bridge; those who made it change it."
EXPIRED = "The preview has expired; /preview deploy brings it back."
NOT_ASKED = "GitHub did not answer when it was asked about this; please try again later."


def effect(  # noqa: PLR0913, PLR0917 - all that decides about a command, in one call
    command: Command | Unclear,
    login: str,
    permission: Permission | None,
    known: Known,
    pull: PullRequest | None,
    now: datetime,
) -> Effect:
    """What a command comes down to.

    Args:
        command: what was said.
        login: who said it.
        permission: what they may do; None where that could not be asked.
        known: the Preview and what is remembered.
        pull: the pull request as it is now; None where that could not be asked, or is not needed.
        now: when the comment was written, so that the same command twice wishes for the same thing.
    """
    if isinstance(command, Unclear):
        return Effect(CONFUSED, command.message)
    if command.name is CommandName.HELP:
        return Effect(DONE, HELP)
    order = _Order(command, shown(login), live(known), pull, now)
    return _not_allowed(order, permission, known) or _of_preview(order, known)


def _not_allowed(order: _Order, permission: Permission | None, known: Known) -> Effect | None:
    if made_by_others(known):
        return Effect(CONFUSED, NOT_OURS)
    if not order.command.name.needs_write:
        return None
    if permission is None:
        return Effect(CONFUSED, f"GitHub did not say what {order.login} may do; please try again later.")
    if not permission.may_write:
        return Effect(REFUSED, f"Only those with write permission may do that; {order.login} has none.")
    return None


def _of_preview(order: _Order, known: Known) -> Effect:
    if order.command.name is CommandName.DEPLOY:
        return _deploy(order)
    if order.preview is None:
        return Effect(CONFUSED, _absent(known))
    standing = _Standing(order.command, order.login, order.preview, order.pull, order.now)
    return _OF_A_PREVIEW[order.command.name](standing)


def shown(login: str) -> str:
    """A login without anything that Markdown or a mention is made of."""
    return login if _LOGIN.fullmatch(login) else "somebody"


@dataclass(frozen=True)
class _Order:
    """A command of somebody who may give it."""

    command: Command
    login: str
    preview: Preview | None
    pull: PullRequest | None
    now: datetime

    def wish(self, name: str) -> dict[str, str | None]:
        """An annotation whose new value is done once; an older command does not undo a newer wish."""
        there = moment(self.preview.metadata.annotations.get(name)) if self.preview is not None else None
        return {} if there is not None and there >= self.now else {name: written(self.now)}


@dataclass(frozen=True)
class _Standing(_Order):
    """A command about a Preview that is there."""

    preview: Preview


def _absent(known: Known) -> str:
    if known.preview is not None:
        return "The preview is being removed."
    if known.record.destroyed is not None:
        return "The preview was destroyed; /preview deploy or reopening the pull request brings it back."
    if known.record.closed is not None:
        return "The preview went when the pull request was closed; reopening brings it back."
    return NO_PREVIEW


def _status(order: _Standing) -> Effect:
    phase = order.preview.status.phase
    return Effect(DONE, f"The preview is {phase.value.lower() if phase is not None else 'pending'}.")


def _logs(order: _Standing) -> Effect:
    key = order.preview.key
    return Effect(
        DONE,
        "The log is behind the link Logs, which is good from now on. Where there is none: previewcloud logs "
        f"{order.preview.slug or key.name}, or kubectl describe preview {key.name} --namespace "
        f"{key.namespace}.",
        new_link=True,
    )


def _approve(order: _Standing) -> Effect:
    if order.pull is None:
        return Effect(CONFUSED, NOT_ASKED)
    head = order.pull.head.sha
    if (needless := _needs_no_approval(order.preview, order.pull)) is not None:
        return Effect(CONFUSED, needless)
    if (refused := _not_that_commit(order, order.pull)) is not None:
        return Effect(REFUSED, refused)
    if order.preview.spec.source.approved_commit == head:
        return Effect(DONE, f"Commit {head[:_SHORT]} is approved already.")
    return Effect(DONE, f"{order.login} approved commit {head[:_SHORT]}.", approve=True)


def _needs_no_approval(preview: Preview, pull: PullRequest) -> str | None:
    if made_by_api(preview):
        return "This preview was made through the API, which decides what it runs."
    if trust(pull) is Trust.TRUSTED:
        return "A pull request of the repository itself needs no approval."
    return "The pull request is closed." if pull.state == "closed" else None


def _not_that_commit(order: _Standing, pull: PullRequest) -> str | None:
    """Why the approval would not mean the commit that its giver looked at.

    The first digits alone name no commit for certain: another one with the same can be made. So the preview
    must show it too, and since before the comment, unless all forty are given.
    """
    head, named = pull.head.sha, order.command.commit
    if named is not None and not head.startswith(named):
        return f"That is not the newest commit, which is {head[:_SHORT]}; look at it and approve that one."
    if named == head:
        return None
    came = event_time(order.preview)
    if order.preview.spec.source.commit != head or (came is not None and came > order.now):
        return f"A newer commit came, {head[:_SHORT]}; look at it and approve again."
    return None


def _deploy(order: _Order) -> Effect:
    pull, preview = order.pull, order.preview
    if pull is not None and pull.state == "closed":
        return Effect(REFUSED, "The pull request is closed; reopening it brings its preview back.")
    if preview is None and pull is None:
        return Effect(CONFUSED, NOT_ASKED)
    annotations = order.wish(REDEPLOY) if preview is not None else {}
    consider = pull is not None and not made_by_api(preview)
    return Effect(DONE, f"Deploying, as {order.login} asked.", annotations, consider=consider)


def _destroy(order: _Standing) -> Effect:
    return Effect(
        DONE, f"Destroyed, as {order.login} asked; /preview deploy or reopening brings it back.", destroy=True
    )


def _reset_database(order: _Standing) -> Effect:
    return Effect(DONE, f"The database is made anew, as {order.login} asked.", order.wish(RESET_DATABASE))


def _wake(order: _Standing) -> Effect:
    awake = order.preview.status.phase is Phase.RUNNING
    words = "The preview is awake." if awake else f"Woken up, as {order.login} asked."
    return Effect(DONE, words, order.wish(WAKE))


def _sleep(order: _Standing) -> Effect:
    if _expired(order):
        return Effect(CONFUSED, EXPIRED)
    return Effect(
        DONE, f"Put to sleep, as {order.login} asked; opening an address wakes it.", order.wish(SLEEP)
    )


def _pin(order: _Standing) -> Effect:
    if _expired(order):
        return Effect(CONFUSED, EXPIRED)
    if PIN in order.preview.metadata.annotations:
        return Effect(DONE, "The preview is pinned already.")
    return Effect(
        DONE,
        f"Pinned by {order.login}: it neither sleeps nor expires until /preview unpin.",
        {PIN: written(order.now)},
    )


def _unpin(order: _Standing) -> Effect:
    if order.preview.spec.lifecycle.pinned:
        return Effect(CONFUSED, "The preview is pinned by its spec; whoever wrote that unpins it.")
    if PIN not in order.preview.metadata.annotations:
        return Effect(DONE, "The preview is not pinned.")
    return Effect(DONE, f"Unpinned by {order.login}.", {PIN: None})


def _expired(order: _Standing) -> bool:
    """It is gone, and what would keep it does not bring it back."""
    preview = order.preview
    fresh = preview.status.observed_generation in {None, preview.metadata.generation}
    return preview.status.phase is Phase.EXPIRED and fresh


def _extend(order: _Standing) -> Effect:
    """Counted from when it would go: the end of its ttl, what it was kept for before, or now."""
    if _expired(order):
        return Effect(CONFUSED, EXPIRED)
    there = moment(order.preview.metadata.annotations.get(KEEP_UNTIL)) or order.now
    span = order.command.span or DAY
    until = max(there, order.now, order.preview.status.expires_time or order.now)
    if until - order.now > FAR:
        return Effect(CONFUSED, "The preview is kept for more than a year already.")
    until += span
    return Effect(
        DONE,
        f"Kept {durations.written(span)} longer, until {until:%Y-%m-%d %H:%M} UTC, as {order.login} asked.",
        {KEEP_UNTIL: written(until)},
    )


_OF_A_PREVIEW: dict[CommandName, Callable[[_Standing], Effect]] = {
    CommandName.STATUS: _status,
    CommandName.APPROVE: _approve,
    CommandName.DESTROY: _destroy,
    CommandName.RESET_DB: _reset_database,
    CommandName.WAKE: _wake,
    CommandName.SLEEP: _sleep,
    CommandName.PIN: _pin,
    CommandName.UNPIN: _unpin,
    CommandName.EXTEND: _extend,
    CommandName.LOGS: _logs,
}
