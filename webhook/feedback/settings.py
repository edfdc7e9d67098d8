"""How feedback is given: who speaks, about which repositories, and how often."""

from __future__ import annotations

from dataclasses import dataclass

from webhook.logs.links import LogLinks
from webhook.logs.passes import Passes
from webhook.settings import BridgeSettings


@dataclass(frozen=True)
class FeedbackSettings:
    """What the reporter must be told; times in seconds."""

    installation: str = "previewcloud"
    """Stands in the comment's marker and in the context of commit statuses."""
    bridge_url: str = ""
    """The bridge's public address, without a slash at its end; empty: no links to it."""
    log_links: LogLinks | None = None
    """Links to the logs; None: none are shown."""
    web_url: str = "https://github.com"
    """Where people read pull requests; Previews cloned from another address are not GitHub's."""
    repositories: frozenset[str] = frozenset()
    """Lower case owner/name of those that are told about; empty: all."""
    interval: float = 3.0
    """Between two edits of the same comment."""
    progress_first: float = 10.0
    """Between two edits when nothing but the progress of the same work changed; doubled each time."""
    progress_max: float = 120.0
    backoff_first: float = 5.0
    backoff_max: float = 600.0
    at_once: int = 4
    """Pull requests that are written to at the same time."""
    finish: float = 5.0
    """What a write in flight may take when the bridge stops."""

    @classmethod
    def of(cls, settings: BridgeSettings, passes: Passes | None = None) -> FeedbackSettings:
        """As the bridge's settings have it.

        Args:
            settings: the bridge's.
            passes: sign links to logs; without them, without BRIDGE_URL or LOG_LINK_DAYS there are none.
        """
        bridge_url = settings.bridge_url.rstrip("/")
        days = settings.log_link_days
        links = LogLinks(passes, bridge_url, days) if passes and bridge_url and days else None
        return cls(
            installation=settings.installation_id,
            bridge_url=bridge_url,
            log_links=links,
            web_url=settings.github_clone_url.rstrip("/"),
            repositories=frozenset(name.lower() for name in settings.github_repositories),
        )
