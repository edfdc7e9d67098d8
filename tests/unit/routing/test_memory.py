from __future__ import annotations

import pytest

from controller.api.errors import BackendUnavailable, NotReady
from controller.api.names import PreviewKey
from controller.routing.memory import MemoryRouter
from controller.routing.protocol import Probe, ProbeState, PublicRoute, Router

KEY = PreviewKey("team", "pr-1")


def route(instance: str | None) -> PublicRoute:
    return PublicRoute("pr-1-web", "pr-1-acme.web.localhost", instance)


def router_with(*ready: str) -> MemoryRouter:
    def answer(instance: str) -> Probe:
        return Probe(ProbeState.READY, 200) if instance in ready else Probe(ProbeState.UNKNOWN)

    return MemoryRouter(answer)


async def test_is_a_router() -> None:
    router: Router = router_with()
    assert (await router.probe("nobody", None)).state is ProbeState.UNKNOWN


async def test_confirms_a_settled_table_whose_instance_is_ready() -> None:
    router = router_with("web-a")
    router.publish(KEY, (route("web-a"),))
    router.settle()
    await router.confirm(KEY, 1)
    assert router.confirmed == [KEY]


async def test_refuses_to_confirm_an_instance_that_is_not_ready() -> None:
    router = router_with("web-a")
    router.publish(KEY, (route("web-b"),))
    router.settle()
    with pytest.raises(NotReady, match=r"pr-1-acme\.web\.localhost"):
        await router.confirm(KEY, 1)


async def test_confirms_nothing_before_the_table_has_settled() -> None:
    router = router_with("web-a")
    router.publish(KEY, (route("web-a"),))
    with pytest.raises(NotReady):
        await router.confirm(KEY, 0.01)


async def test_a_page_needs_no_instance_and_somebody_who_shows_it() -> None:
    router = router_with()
    router.publish(KEY, (route(None),))
    router.settle()
    await router.confirm(KEY, 1)
    router.page_away = True
    with pytest.raises(NotReady, match="the page"):
        await router.confirm(KEY, 1)


async def test_knobs() -> None:
    router = router_with("web-a")
    router.publish(KEY, (route("web-a"),))
    router.settle()
    router.never_confirms = True
    with pytest.raises(NotReady):
        await router.confirm(KEY, 1)
    router.unavailable = True
    with pytest.raises(BackendUnavailable):
        await router.probe("web-a", None)
