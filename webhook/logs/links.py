"""Links to log pages, as they stand in comments: signed, good for days, the same until something happens."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from controller.api.preview import Preview
from webhook.logs.passes import Passes, Use


@dataclass(frozen=True)
class LogLinks:
    """Makes them."""

    passes: Passes
    bridge_url: str
    """The bridge's public address, without a slash at its end."""
    days: int
    """How long a link is good, counted from what happened last."""

    def url(self, preview: Preview, asked: datetime | None = None) -> str:
        """The log page of a Preview; empty while it has no slug.

        It is good until some days after the newest of its making, the last change of a condition and the last
        time that somebody asked for it, to the end of that day (UTC): no clock is looked at, so that the link
        does not change by itself, and it changes once a day at most.

        Args:
            preview: the Preview.
            asked: when somebody asked for its log last.
        """
        slug = preview.slug
        if slug is None:
            return ""
        expires = _end_of_day(_newest(preview, asked) + timedelta(days=self.days))
        token = self.passes.issue(Use.LINK, preview.log_key, slug, expires)
        return f"{self.bridge_url}/previews/{slug}?pass={token}"


def _newest(preview: Preview, asked: datetime | None) -> datetime:
    moments = {condition.last_transition_time for condition in preview.status.conditions}
    moments |= {moment for moment in (preview.metadata.creation_timestamp, asked) if moment is not None}
    return max(moments, default=datetime.fromtimestamp(0, UTC))


def _end_of_day(moment: datetime) -> datetime:
    day = moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day + timedelta(days=1)
