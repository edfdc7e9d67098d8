"""From the table to Traefik's dynamic configuration, as bytes that are the same whenever the table is.

A public router leads straight to the service that the live instance's own labels define
(`<instance>@docker`); while that instance is not there Traefik leaves this one router out and the next
lower priority answers. Highest to lowest: these routers, the labels of the containers, a guard that keeps
the password of a protected host whose instance is gone, and the catch-all for every other host.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TypedDict

from controller.routing.protocol import PublicRoute
from controller.routing.settings import RoutingSettings
from controller.routing.words import (
    CATCHALL,
    CATCHALL_PRIORITY,
    GUARD_PRIORITY,
    PUBLIC_PRIORITY,
    REALM,
    auth_name,
    checked_name,
    checked_users,
    host_rule,
    identity_name,
)


class _RouterOptional(TypedDict, total=False):
    middlewares: list[str]
    tls: dict[str, str]


class _Router(_RouterOptional):
    entryPoints: list[str]
    rule: str
    priority: int
    service: str


class _Services(TypedDict):
    loadBalancer: dict[str, list[dict[str, str]]]


class _Http(TypedDict, total=False):
    routers: dict[str, _Router]
    services: dict[str, _Services]
    middlewares: dict[str, object]


class Configuration(TypedDict):
    """The part of Traefik's dynamic configuration that is used here."""

    http: _Http


def render(routes: Iterable[PublicRoute], settings: RoutingSettings) -> bytes:
    """The configuration as JSON, sorted: equal tables give equal bytes."""
    return json.dumps(configuration(routes, settings), sort_keys=True, separators=(",", ":")).encode()


def configuration(routes: Iterable[PublicRoute], settings: RoutingSettings) -> Configuration:
    """The configuration for these routes; never empty, for the catch-all is always in it.

    Raises:
        InvalidSpec: a host, name or password line is not safe to write into a rule.
    """
    routers = {CATCHALL: _catchall(settings)}
    middlewares: dict[str, object] = {}
    for route in routes:
        if route.users is not None:
            middlewares[auth_name(route.users)] = _auth(route.users)
        routers |= _routers(route, settings)
    http = _Http(
        routers=routers,
        services={CATCHALL: {"loadBalancer": {"servers": [{"url": settings.catchall_url}]}}},
    )
    if middlewares:
        http["middlewares"] = middlewares
    return {"http": http}


def _routers(route: PublicRoute, settings: RoutingSettings) -> dict[str, _Router]:
    name = checked_name(route.router)
    # No slug or service has an underscore: these names collide with no router that counts as access.
    page = f"page_{name}"
    if route.instance is None:
        return {page: _router(route, CATCHALL, PUBLIC_PRIORITY, settings)}
    routers = {name: _router(route, f"{checked_name(route.instance)}@docker", PUBLIC_PRIORITY, settings)}
    if route.users is not None:
        routers[page] = _router(route, CATCHALL, GUARD_PRIORITY, settings)
    return routers


def _router(route: PublicRoute, service: str, priority: int, settings: RoutingSettings) -> _Router:
    # The identity stands outside the password, so that a refusal names the instance as well.
    middlewares = (
        [f"{identity_name(route.instance)}@docker"] if route.instance and service != CATCHALL else []
    )
    if route.users is not None:
        middlewares.append(auth_name(route.users))
    router = _Router(
        entryPoints=[settings.entrypoint], rule=host_rule(route.host), priority=priority, service=service
    )
    if middlewares:
        router["middlewares"] = middlewares
    if settings.tls:
        router["tls"] = {"certResolver": settings.cert_resolver} if settings.cert_resolver else {}
    return router


def _catchall(settings: RoutingSettings) -> _Router:
    router = _Router(
        entryPoints=[settings.entrypoint],
        rule="PathPrefix(`/`)",
        priority=CATCHALL_PRIORITY,
        service=CATCHALL,
    )
    if settings.tls:
        # No resolver: a certificate for whatever name a stranger asks for must not be ordered.
        router["tls"] = {}
    return router


def _auth(users: str) -> object:
    return {"basicAuth": {"users": [checked_users(users)], "realm": REALM, "removeHeader": True}}
