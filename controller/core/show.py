"""Show: what the router says about a preview before, during and after the work. Pure."""

from __future__ import annotations

from dataclasses import replace

from controller.core.desired import Desired
from controller.core.observed import Observed
from controller.routing.protocol import PublicRoute


def live_routes(observed: Observed, live: str) -> tuple[PublicRoute, ...]:
    """The public hosts of a revision, from its instances alone: each carries how it is reached."""
    return tuple(
        PublicRoute(router=i.route.router, host=i.route.host, instance=i.name, users=i.route.users)
        for i in observed.of_revision(live)
        if i.route is not None and i.route.public
    )


def page_routes(observed: Observed, live: str) -> tuple[PublicRoute, ...]:
    """The same hosts while it sleeps: the page answers there, for whom the preview lets in."""
    return tuple(replace(route, instance=None) for route in live_routes(observed, live))


def waiting_routes(wanted: Desired) -> tuple[PublicRoute, ...]:
    """The public hosts of a preview that does not serve yet: the platform's own page answers there."""
    return tuple(
        PublicRoute(router=f"{wanted.slug}-{a.service}", host=a.host, instance=None, users=wanted.users)
        for a in wanted.addresses
        if a.public
    )
