"""What the REST API works with, handed in as one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from controller.clock import Clock
from controller.logs.archive import Archive
from controller.logs.store import LogStore
from webhook.cluster.protocol import Cluster
from webhook.github.protocol import GitHub
from webhook.logs.passes import Passes
from webhook.logs.told import Told, Unheard
from webhook.renewed import Renewed, keys_now
from webhook.rest.limits import Limits
from webhook.settings import BridgeSettings
from webhook.tokens import Verifier
from webhook.turns import Turns

SLUG_SECONDS = 5.0


@dataclass(frozen=True)
class Api:
    """All that the routes need.

    Without `github` a request is believed; without `verifier` (no API_KEY) every request that needs a token
    is answered 503.
    """

    cluster: Cluster
    logs: LogStore
    turns: Turns
    limits: Limits
    settings: BridgeSettings
    clock: Clock
    draw: Callable[[], str]
    """A new random name, letters and digits, for requests without an id of their own."""
    github: GitHub | None = None
    verifier: Verifier | None = None
    passes: Passes | None = None
    """Links and tickets to logs; None without API_KEY."""
    archive: Archive | None = None
    """Where old entries went, if anywhere."""
    told: Told = field(default_factory=Unheard)
    """Has what requests change stand in the logs of Previews."""
    slug_seconds: float = SLUG_SECONDS
    """How long the answer to a request for a preview waits for the slug, or for an old one to be gone."""

    @classmethod
    def of(  # noqa: PLR0913, PLR0917 - what the bridge is made of, each once
        cls,
        settings: BridgeSettings,
        cluster: Cluster,
        logs: LogStore,
        turns: Turns,
        github: GitHub | None,
        clock: Clock,
        draw: Callable[[], str],
        archive: Archive | None = None,
        told: Told | None = None,
        renewed: Renewed | None = None,
    ) -> Api:
        """The API as the settings have it.

        Raises:
            InvalidSpec: ApiKeyTooShort.
        """
        keys = partial(keys_now, renewed or (lambda: settings))
        verifier = Verifier(keys, settings.api_audience, clock) if settings.api_key is not None else None
        passes = Passes(keys, settings.api_audience, clock) if settings.api_key is not None else None
        limits = Limits(settings.api_rate, settings.address_rate, clock)
        heard = told or Unheard()
        return cls(
            cluster, logs, turns, limits, settings, clock, draw, github, verifier, passes, archive, heard
        )
