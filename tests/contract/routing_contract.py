"""What every Router must do; run on the twin and on Traefik with the same tests."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Protocol

import pytest

from controller.api.errors import NotReady
from controller.api.names import PreviewKey
from controller.routing.protocol import Probe, ProbeState, PublicRoute, Router
from controller.runtime.protocol import InstanceSpec, RouteSpec

DEADLINE_SECONDS = 60.0
USERS = "preview:$2b$04$" + "a" * 53


class World(Protocol):
    """A settled router, and the place where its instances run."""

    @property
    def router(self) -> Router: ...

    async def start(self, spec: InstanceSpec) -> None:
        """Run an instance that answers 200 as soon as it can."""

    async def kill(self, name: str) -> None:
        """Remove an instance."""

    def page_away(self) -> AbstractAsyncContextManager[None]:
        """Nobody shows pages until the end of the block."""


def instance(slug: str, revision: str) -> InstanceSpec:
    return InstanceSpec(
        name=f"{slug}-web-{revision * 8}",
        preview=PreviewKey("test", slug),
        slug=slug,
        repository="acme/shop",
        pull_request=1,
        service="web",
        revision=revision * 8,
        config_hash=revision * 8,
        commit=revision * 40,
        image="app",
        port=8080,
        route=RouteSpec(f"{slug}-web", f"{slug}-acme.web.localhost", public=True),
        network=None,
    )


def routes(spec: InstanceSpec, serving: bool = True) -> tuple[PublicRoute, ...]:
    return (PublicRoute(spec.route.router, spec.route.host, spec.name if serving else None),)


async def reaches(router: Router, name: str, state: ProbeState) -> Probe:
    async with asyncio.timeout(DEADLINE_SECONDS):
        while True:
            probe = await router.probe(name, None)
            if probe.state is state:
                return probe
            await asyncio.sleep(0.05)


class RouterContract:
    """Subclass it with a fixture `world`."""

    @pytest.fixture
    def slug(self) -> str:
        return f"pr-{secrets.randbelow(10**9)}"

    async def test_an_instance_nobody_started_is_unknown(self, world: World, slug: str) -> None:
        assert await world.router.probe(instance(slug, "a").name, None) == Probe(ProbeState.UNKNOWN)

    async def test_a_started_instance_becomes_ready_and_a_killed_one_unknown(
        self, world: World, slug: str
    ) -> None:
        spec = instance(slug, "a")
        await world.start(spec)
        assert await reaches(world.router, spec.name, ProbeState.READY) == Probe(ProbeState.READY, 200)
        await world.kill(spec.name)
        assert await reaches(world.router, spec.name, ProbeState.UNKNOWN) == Probe(ProbeState.UNKNOWN)

    async def test_a_switch_between_ready_instances_is_confirmed_each_time(
        self, world: World, slug: str
    ) -> None:
        for spec in (instance(slug, "a"), instance(slug, "b")):
            await world.start(spec)
            await reaches(world.router, spec.name, ProbeState.READY)
            world.router.publish(spec.preview, routes(spec))
            await world.router.confirm(spec.preview, 30)

    async def test_publishing_the_same_again_is_confirmed(self, world: World, slug: str) -> None:
        spec = instance(slug, "a")
        await world.start(spec)
        await reaches(world.router, spec.name, ProbeState.READY)
        for _ in range(2):
            world.router.publish(spec.preview, routes(spec))
            await world.router.confirm(spec.preview, 30)

    async def test_an_instance_that_does_not_run_is_not_confirmed(self, world: World, slug: str) -> None:
        spec = instance(slug, "a")
        world.router.publish(spec.preview, routes(spec))
        with pytest.raises(NotReady, match=spec.route.host) as caught:
            await world.router.confirm(spec.preview, 1)
        assert caught.value.reason == "RouteNotLive"

    async def test_a_page_is_confirmed(self, world: World, slug: str) -> None:
        spec = instance(slug, "a")
        world.router.publish(spec.preview, routes(spec, serving=False))
        await world.router.confirm(spec.preview, 30)

    @pytest.mark.parametrize("users", [None, USERS], ids=["open", "behind-a-password"])
    async def test_a_page_that_nobody_shows_is_not_confirmed(
        self, world: World, slug: str, users: str | None
    ) -> None:
        spec = instance(slug, "a")
        routed = tuple(replace(one, users=users) for one in routes(spec, serving=False))
        async with world.page_away():
            world.router.publish(spec.preview, routed)
            with pytest.raises(NotReady, match=spec.route.host) as caught:
                await world.router.confirm(spec.preview, 2)
        assert caught.value.reason == "RouteNotLive"
        await world.router.confirm(spec.preview, 30)

    async def test_a_withdrawn_preview_has_nothing_to_confirm(self, world: World, slug: str) -> None:
        spec = instance(slug, "a")
        world.router.publish(spec.preview, routes(spec))
        world.router.withdraw(spec.preview)
        world.router.withdraw(spec.preview)
        await world.router.confirm(spec.preview, 0.1)
