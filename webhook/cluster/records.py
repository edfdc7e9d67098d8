"""What the bridge remembers of a pull request or branch beyond its Preview: a Record, kept in a ConfigMap.

The bridge alone writes it. It outlives the Preview, so that a delivery that comes late finds the close.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from pydantic import Field

from controller.api.model import Observed

REMEMBERED = timedelta(days=30)


class Record(Observed):
    """What is remembered of one subject; in JSON without what is not set."""

    repository: str = ""
    pull_request: int | None = None
    branch: str | None = None
    touched: datetime | None = Field(default=None, description="When it was last changed.")

    closed: datetime | None = Field(default=None, description="`updated_at` of the pull request when closed.")
    destroyed: datetime | None = Field(default=None, description="When it was destroyed by command or API.")
    seen: datetime | None = Field(
        default=None, description="Time of the newest event that left no Preview which would carry it."
    )
    spec: dict[str, object] | None = Field(
        default=None, description="Of a Preview that the API made, when it was closed: for reopening."
    )
    annotations: dict[str, str] = Field(default_factory=dict, description="The same Preview's annotations.")

    secrets: str | None = Field(
        default=None, description="Name of the Preview for which Secrets of the API's callers are kept."
    )

    told: dict[str, str] = Field(
        default_factory=dict,
        description="Digest of what was last told, by part: comment, deployment, status.",
    )
    comment: int | None = Field(default=None, description="Id of the sticky comment.")
    deployment: int | None = Field(default=None, description="Id of the newest Deployment.")
    deployed: str | None = Field(default=None, description="The commit of that Deployment.")
    serving: int | None = Field(default=None, description="Id of the Deployment last told to be a success.")
    pending: str | None = Field(default=None, description="The commit whose status was last told as pending.")
    command: int | None = Field(
        default=None, description="Id of the newest comment whose command was carried out."
    )
    linked: datetime | None = Field(
        default=None, description="When somebody last asked for the log; its link is good from then on."
    )
    notice: str | None = Field(default=None, description="The answer to the last command, in one line.")

    def forgettable(self, now: datetime) -> bool:
        """Nothing happened to it for 30 days."""
        return self.touched is not None and now - self.touched > REMEMBERED
