"""From the table to Traefik's dynamic configuration, as bytes that are the same whenever the table is.

A public router leads straight to the service that the live instance's own labels define
(`<instance>@docker`); while that instance is not there Traefik leaves this one router out and the next
lower priority answers. Highest to lowest: these routers, the labels of the containers, a guard that keeps
the password of a protected host whose instance is gone, and the catch-all for every other host. What no
instance serves goes to the bridge, with the name of the router that let it in; by the catch-all, with none;
and with the token by which the bridge knows the proxy, whatever a visitor sent in its place. That token and
the key of a certificate of one's own stand in these bytes: they go to the proxy alone, and into no log.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import NotRequired, TypedDict

from controller.api.headers import BRIDGE_TOKEN_HEADER, FORWARD_HEADER, INSTANCE_HEADER, PAGE_HEADER
from controller.certificates import Pair
from controller.routing.protocol import PublicRoute
from controller.routing.settings import RoutingSettings
from controller.routing.words import (
    BRIDGE,
    CATCHALL,
    CATCHALL_PRIORITY,
    GUARD_PRIORITY,
    PAGE,
    PUBLIC_PRIORITY,
    REALM,
    auth_name,
    checked_name,
    checked_users,
    host_rule,
    identity_name,
    page_name,
)

_STRANGER = "stranger"


class _Router(TypedDict):
    entryPoints: list[str]
    rule: str
    priority: int
    service: str
    middlewares: list[str]
    tls: NotRequired[dict[str, str]]


class _LoadBalancer(TypedDict):
    servers: list[dict[str, str]]
    serversTransport: NotRequired[str]


class _Service(TypedDict):
    loadBalancer: _LoadBalancer


class _Http(TypedDict):
    routers: dict[str, _Router]
    services: dict[str, _Service]
    middlewares: dict[str, object]
    serversTransports: NotRequired[dict[str, dict[str, list[str]]]]


class _Tls(TypedDict):
    certificates: list[dict[str, str]]


class Configuration(TypedDict):
    """The part of Traefik's dynamic configuration that is used here."""

    http: _Http
    tls: NotRequired[_Tls]


def render(
    routes: Iterable[PublicRoute], settings: RoutingSettings, certificate: Pair | None = None
) -> bytes:
    """The configuration as JSON, sorted: equal tables and certificates give equal bytes."""
    tree = configuration(routes, settings, certificate)
    return json.dumps(tree, sort_keys=True, separators=(",", ":")).encode()


def configuration(
    routes: Iterable[PublicRoute], settings: RoutingSettings, certificate: Pair | None = None
) -> Configuration:
    """The configuration for these routes; never empty, for the catch-all is always in it.

    Args:
        routes: the public routes of all previews.
        settings: names of entry points, and where the bridge is.
        certificate: one for the public hosts, beside those that the proxy has itself.

    Raises:
        InvalidSpec: a host, name or password line is not safe to write into a rule.
    """
    routers = {CATCHALL: _catchall(settings)}
    middlewares: dict[str, object] = {_STRANGER: _page_headers("", CATCHALL)}
    if settings.catchall_token:
        token = {BRIDGE_TOKEN_HEADER: settings.catchall_token}
        middlewares[BRIDGE] = {"headers": {"customRequestHeaders": token}}
    for route in routes:
        if route.users is not None:
            middlewares[auth_name(route.users)] = _auth(route.users)
        added = _routers(route, settings)
        if (page := page_name(route.router)) in added:
            middlewares[page] = _page_headers(route.router, PAGE)
        routers |= added
    http = _Http(routers=routers, services={CATCHALL: _bridge(settings)}, middlewares=middlewares)
    if settings.catchall_ca:
        http["serversTransports"] = {BRIDGE: {"rootCAs": [settings.catchall_ca]}}
    if certificate is None:
        return Configuration(http=http)
    own = {"certFile": certificate.chain, "keyFile": certificate.key}
    return Configuration(http=http, tls=_Tls(certificates=[own]))


def _bridge(settings: RoutingSettings) -> _Service:
    balancer = _LoadBalancer(servers=[{"url": settings.catchall_url}])
    if settings.catchall_ca:
        balancer["serversTransport"] = BRIDGE
    return _Service(loadBalancer=balancer)


def _routers(route: PublicRoute, settings: RoutingSettings) -> dict[str, _Router]:
    name = checked_name(route.router)
    page = page_name(name)
    if route.instance is None:
        return {page: _page(route, PUBLIC_PRIORITY, settings)}
    live = checked_name(route.instance)
    identity = f"{identity_name(live)}@docker"
    routers = {name: _router(route, f"{live}@docker", identity, PUBLIC_PRIORITY, settings)}
    if route.users is not None:
        routers[page] = _page(route, GUARD_PRIORITY, settings)
    return routers


def _page(route: PublicRoute, priority: int, settings: RoutingSettings) -> _Router:
    router = _router(route, CATCHALL, page_name(route.router), priority, settings)
    router["middlewares"] += _token(settings)
    return router


def _router(
    route: PublicRoute, service: str, identity: str, priority: int, settings: RoutingSettings
) -> _Router:
    router = _Router(
        entryPoints=[settings.entrypoint],
        rule=host_rule(route.host),
        priority=priority,
        service=service,
        # The identity stands outside the password, so that a refusal names who would have answered.
        middlewares=[identity] if route.users is None else [identity, auth_name(route.users)],
    )
    if settings.tls:
        router["tls"] = {"certResolver": settings.cert_resolver} if settings.cert_resolver else {}
    return router


def _catchall(settings: RoutingSettings) -> _Router:
    router = _Router(
        entryPoints=[settings.entrypoint],
        rule="PathPrefix(`/`)",
        priority=CATCHALL_PRIORITY,
        service=CATCHALL,
        middlewares=[_STRANGER, *_token(settings)],
    )
    if settings.tls:
        # No resolver: a certificate for whatever name a stranger asks for must not be ordered.
        router["tls"] = {}
    return router


def _token(settings: RoutingSettings) -> list[str]:
    return [BRIDGE] if settings.catchall_token else []


def _page_headers(router: str, identity: str) -> object:
    # An empty value takes a header off: a visitor passes for nobody's, and names no instance to forward to.
    return {
        "headers": {
            "customRequestHeaders": {PAGE_HEADER: router, FORWARD_HEADER: ""},
            "customResponseHeaders": {INSTANCE_HEADER: identity},
        }
    }


def _auth(users: str) -> object:
    return {"basicAuth": {"users": [checked_users(users)], "realm": REALM, "removeHeader": True}}
