"""Previews for the tests of routing: each has a slug, a host and instances of its own."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from controller.api.names import PreviewKey
from controller.routing.protocol import Probe, ProbeState, PublicRoute, Router
from controller.runtime.protocol import InstanceSpec, RouteSpec
from tests.integration.routing.polling import eventually

SECRET = "preview:$2y$04$ev2PWHDUqjKh5Bgtnyt1Tuh36Y9RDBb0D23AlwERL6bjTlur/Ld76"
"""A password line; the password is "sesame"."""


@dataclass
class OnePreview:
    """A preview with one service."""

    users: str | None = None
    public: bool = True
    slug: str = field(default_factory=lambda: f"pr-{secrets.randbelow(10**9)}")

    @property
    def key(self) -> PreviewKey:
        return PreviewKey("test", self.slug)

    @property
    def host(self) -> str:
        return f"{self.slug}-acme.web.localhost"

    def instance(self, revision: str, port: int = 8080) -> InstanceSpec:
        return InstanceSpec(
            name=f"{self.slug}-web-{revision * 8}",
            preview=self.key,
            slug=self.slug,
            repository="acme/shop",
            pull_request=1,
            service="web",
            revision=revision * 8,
            config_hash=revision * 8,
            commit=revision * 40,
            image="app",
            port=port,
            route=RouteSpec(f"{self.slug}-web", self.host, self.public, self.users),
            network=None,
        )

    def route(self, instance: str | None) -> tuple[PublicRoute, ...]:
        return (PublicRoute(f"{self.slug}-web", self.host, instance, self.users),)


async def ready(router: Router, instance: str, path: str | None = None) -> Probe:
    """Wait until an instance is ready."""
    return await eventually(
        lambda: router.probe(instance, path), lambda probe: probe.state is ProbeState.READY
    )


async def go_live(router: Router, preview: OnePreview, instance: str) -> None:
    """Probe, publish and confirm, as an update does."""
    await ready(router, instance)
    router.publish(preview.key, preview.route(instance))
    await router.confirm(preview.key, 30)
