"""Which of two events is the newer one, and whose a Preview is: what translate and decide both must know.

GitHub's times are whole seconds, so that two events can have the same one. Of two pushes in one second the
former head tells the newer; where nothing tells it, only GitHub can be asked.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import Enum, auto

from controller.api.preview import Preview
from controller.api.spec import Trust
from webhook.cluster.protocol import EVENT_TIME, ORIGIN_LABEL, Origin
from webhook.cluster.records import Record
from webhook.github.events import NO_COMMIT, PullRequest, PushEvent
from webhook.intake.intent import Known

LONG_AGO = datetime.fromtimestamp(0, UTC)
"""The time of a push that says none."""


class Order(Enum):
    """How an event stands to what was handled before it."""

    NEWER = auto()
    OLDER = auto()
    UNKNOWN = auto()
    """Of the same second, and it would take a commit or a close back."""


def live(known: Known) -> Preview | None:
    """The Preview, unless it is going already."""
    preview = known.preview
    return None if preview is None or preview.deleting else preview


def made_by_others(known: Known) -> bool:
    """There is a Preview, and the bridge did not make it."""
    return known.preview is not None and ORIGIN_LABEL not in known.preview.metadata.labels


def made_by_api(preview: Preview | None) -> bool:
    """It was asked for through the API."""
    return preview is not None and preview.metadata.labels.get(ORIGIN_LABEL) == Origin.API


def event_time(preview: Preview | None) -> datetime | None:
    """The time of the newest event that was applied; None where there is none that can be read."""
    return moment(preview.metadata.annotations.get(EVENT_TIME)) if preview is not None else None


def moment(text: str | None) -> datetime | None:
    """A time in an annotation (RFC 3339); None where it is none."""
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def written(time: datetime) -> str:
    """A time as it stands in an annotation: RFC 3339, UTC, `2026-11-24T10:00:00Z`."""
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")


def opened_until(known: Known) -> datetime | None:
    """The time of the newest event that found the pull request open, or the branch there."""
    return _newest(event_time(known.preview), known.record.seen)


def handled(known: Known) -> datetime | None:
    """The time of the newest event that was handled."""
    return _newest(opened_until(known), known.record.closed)


def _newest(*times: datetime | None) -> datetime | None:
    return max((time for time in times if time is not None), default=None)


def order(pull: PullRequest, before: str | None, known: Known) -> Order:
    """How a pull request as it was at one moment stands to what was handled before.

    Args:
        pull: the pull request, as an event or GitHub has it.
        before: of synchronize, the former head.
        known: what was handled.
    """
    newest = handled(known)
    if newest is None or pull.updated_at > newest:
        return Order.NEWER
    if pull.updated_at < newest:
        return Order.OLDER
    preview, until = live(known), opened_until(known)
    if pull.state == "open" and known.record.closed == newest and (preview is None or until != newest):
        return Order.UNKNOWN
    if preview is None or preview.spec.source.commit in {pull.head.sha, before}:
        return Order.NEWER
    return Order.UNKNOWN


def destroyed(record: Record, at: datetime) -> bool:
    """It was destroyed on somebody's wish, and not closed and opened again since.

    Args:
        record: what is remembered.
        at: a moment at which the pull request is open, or the branch there.
    """
    if record.destroyed is None:
        return False
    return record.closed is None or record.closed < record.destroyed or at <= record.closed


def trust(pull: PullRequest) -> Trust:
    """Whose commit it is: the repository's own, or a fork's (also one that was deleted since)."""
    head, base = pull.head.repo, pull.base.repo
    if head is None or base is None or head.full_name.lower() != base.full_name.lower():
        return Trust.FORK
    return Trust.TRUSTED


def stands_at(preview: Preview, pull: PullRequest) -> bool:
    """The Preview is at this commit already, with this trust, and a fork's file is read from this base."""
    source = preview.spec.source
    if source.commit != pull.head.sha or source.trust is not trust(pull):
        return False
    return source.trust is Trust.TRUSTED or source.config_commit == pull.base.sha


def pushed(push: PushEvent) -> str | None:
    """The commit that a push left the branch at; None when it took the branch away."""
    return None if push.deleted or push.after == NO_COMMIT else push.after
