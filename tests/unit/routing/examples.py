"""Routes, instances and settings that the tests of routing share."""

from __future__ import annotations

from controller.api.names import PreviewKey
from controller.routing.protocol import PublicRoute
from controller.routing.settings import RoutingSettings
from controller.runtime.protocol import InstanceSpec, RouteSpec

KEY = PreviewKey("team", "pr-1")
HOST = "pr-1-acme.web.localhost"
USERS = "preview:$2b$04$" + "a" * 53
OTHER_USERS = "preview:$2b$04$" + "b" * 53
TOKEN = "a-token"


def settings(*, tls: bool = False, cert_resolver: str = "") -> RoutingSettings:
    return RoutingSettings(
        proxy_network="traefik-proxy-test",
        probe_url="http://127.0.0.1:1",
        public_url="http://127.0.0.1:1",
        metrics_url="http://127.0.0.1:1",
        provider_listen="127.0.0.1:0",
        catchall_url="http://127.0.0.1:8091",
        token=TOKEN,
        tls=tls,
        cert_resolver=cert_resolver,
    )


def route(
    instance: str | None = "pr-1-web-aaaaaaaa", users: str | None = None, host: str = HOST
) -> PublicRoute:
    return PublicRoute("pr-1-web", host, instance, users)


def many_routes(count: int) -> list[tuple[PreviewKey, tuple[PublicRoute, ...]]]:
    return [
        (
            PreviewKey("team", f"pr-{n}"),
            (PublicRoute(f"pr-{n}-web", f"pr-{n}-acme.web.localhost", f"pr-{n}-web-aaaaaaaa"),),
        )
        for n in range(1, count + 1)
    ]


def instance(
    config_hash: str = "aaaaaaaa",
    *,
    port: int = 8080,
    public: bool = True,
    users: str | None = None,
    host: str = HOST,
    router: str = "pr-1-web",
) -> InstanceSpec:
    return InstanceSpec(
        name=f"pr-1-web-{config_hash}",
        preview=KEY,
        slug="pr-1",
        repository="acme/shop",
        pull_request=1,
        service="web",
        revision=config_hash,
        config_hash=config_hash,
        commit="c" * 40,
        image="shop",
        port=port,
        route=RouteSpec(router, host, public, users),
        network=None,
    )
