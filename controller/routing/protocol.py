"""What the core asks of routing: publish which instance is live, probe one before, confirm the switch.

`publish` and `withdraw` change a table in memory; the proxy polls it. Until every Preview that existed at
the operator's start has been published once (`settled`), the proxy is told nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from controller.api.names import PreviewKey


@dataclass(frozen=True)
class PublicRoute:
    """One host and the instance that serves it; `instance` None sends it to the bridge, which shows a page or
    wakes the preview.
    """

    router: str
    host: str
    instance: str | None
    users: str | None = field(default=None, repr=False)


class ProbeState(StrEnum):
    """What an instance answers on its private route."""

    UNKNOWN = "unknown"
    """The proxy does not know the instance (yet)."""
    REFUSED = "refused"
    """The proxy reaches no listener in it."""
    FAILING = "failing"
    """It answers, but not as its health check asks."""
    READY = "ready"


@dataclass(frozen=True)
class Probe:
    """One probe's outcome; `status` is the HTTP status, where there was one."""

    state: ProbeState
    status: int | None = None


class Router(Protocol):
    """The public face of all previews."""

    def publish(self, preview: PreviewKey, routes: tuple[PublicRoute, ...]) -> None:
        """Say which instance serves each host of a preview; the same again changes nothing."""

    def withdraw(self, preview: PreviewKey) -> None:
        """Forget a preview's hosts."""

    def settle(self) -> None:
        """Every Preview that existed at start has been published or is known to have nothing to publish."""

    async def probe(self, instance: str, path: str | None) -> Probe:
        """Ask one instance through the proxy's private entry point.

        With a `path`, 200-399 is ready; without one, any answer of the application's own is.
        """

    async def confirm(self, preview: PreviewKey, timeout_seconds: float) -> None:
        """Wait until the proxy has fetched what was published and each public host answers from its instance.

        Raises:
            NotReady: RouteNotLive, naming the host, when the time is over.
        """
