"""The comparison: what it makes, what it takes away, what it leaves alone and what it forgets."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from controller.api.preview import Preview
from controller.api.status import Phase
from tests.unit.controller.manual_clock import drain
from tests.unit.webhook.intake.bridge_world import NEW, SHOP, SUBJECT, Bridge, bridge
from webhook.cluster.protocol import WantedSecret
from webhook.github.events import PullRequest
from webhook.subject import Subject

__all__ = ["bridge"]


async def test_the_comparison_makes_what_is_missing_and_takes_what_is_closed(bridge: Bridge) -> None:
    await bridge.happens("opened")
    bridge.hub.open_pull(SHOP, 43, commit=NEW)
    bridge.hub.close_pull(SHOP, 42)
    await bridge.comparison.once()
    await drain()
    assert bridge.preview is None
    made = bridge.cluster.of(Subject(SHOP, 43))
    assert made is not None
    assert made.spec.source.commit == NEW


async def test_the_comparison_brings_on_what_stayed_behind(bridge: Bridge) -> None:
    await bridge.happens("opened")
    bridge.hub.push(SHOP, 42, NEW)
    await bridge.comparison.once()
    await drain()
    assert bridge.preview is not None
    assert bridge.preview.spec.source.commit == NEW


@pytest.mark.parametrize("phase", [Phase.SLEEPING, Phase.QUEUED, Phase.EXPIRED])
async def test_a_push_that_no_delivery_told_of_reaches_one_at_rest(bridge: Bridge, phase: Phase) -> None:
    await bridge.happens("opened")
    rest(bridge, phase)
    bridge.hub.push(SHOP, 42, NEW)
    await bridge.comparison.once()
    await drain()
    assert bridge.preview is not None
    assert bridge.preview.spec.source.commit == NEW


@pytest.mark.parametrize("phase", [Phase.SLEEPING, Phase.QUEUED, Phase.EXPIRED])
async def test_one_at_rest_goes_with_its_pull_request(bridge: Bridge, phase: Phase) -> None:
    await bridge.happens("opened")
    rest(bridge, phase)
    bridge.hub.close_pull(SHOP, 42)
    await bridge.comparison.once()
    await drain()
    assert bridge.preview is None
    assert bridge.cluster.record(SUBJECT).closed is not None


@pytest.mark.parametrize("phase", [Phase.SLEEPING, Phase.EXPIRED])
async def test_the_comparison_alone_brings_nothing_back(bridge: Bridge, phase: Phase) -> None:
    await bridge.happens("opened")
    before = rest(bridge, phase)
    written = bridge.cluster.writes
    await bridge.comparison.once()
    await drain()
    assert (bridge.preview, bridge.cluster.writes) == (before, written)


async def test_it_compares_at_the_interval(bridge: Bridge) -> None:
    await bridge.happens("opened")
    running = asyncio.create_task(bridge.comparison.run(1800))
    try:
        await bridge.clock.advance(1)
        bridge.hub.close_pull(SHOP, 42)
        await bridge.clock.advance(1700)
        assert bridge.preview is not None
        await bridge.clock.advance(120)
        assert bridge.preview is None
    finally:
        running.cancel()


@pytest.mark.parametrize("phase", [Phase.SLEEPING, Phase.EXPIRED])
async def test_a_push_reaches_one_at_rest(bridge: Bridge, phase: Phase) -> None:
    await bridge.happens("opened")
    rest(bridge, phase)
    bridge.hub.push(SHOP, 42, NEW)
    await bridge.happens("synchronize")
    assert bridge.preview is not None
    assert bridge.preview.spec.source.commit == NEW


@pytest.mark.parametrize("trouble", ["forbidden", "hidden", "down", "empty", "cut short"])
async def test_the_comparison_removes_nothing_for_an_answer_that_is_none(
    bridge: Bridge, trouble: str
) -> None:
    await bridge.happens("opened")
    if trouble == "forbidden":
        bridge.github.forbidden.add(SHOP)
    elif trouble == "hidden":
        bridge.github.hidden.add(SHOP)
    elif trouble == "down":
        bridge.github.available = False
    elif trouble == "empty":
        bridge.hub.pulls.clear()
    else:
        bridge.github.open_pull_requests = nothing_listed  # type: ignore[method-assign]
    await bridge.comparison.once()
    await drain()
    assert bridge.preview is not None


async def test_closes_are_forgotten_after_thirty_days_and_not_before(bridge: Bridge) -> None:
    await bridge.happens("opened")
    bridge.hub.close_pull(SHOP, 42)
    await bridge.happens("closed")
    await bridge.clock.advance(timedelta(days=29).total_seconds())
    await bridge.comparison.forget()
    assert bridge.cluster.record(SUBJECT).closed is not None
    await bridge.clock.advance(timedelta(days=2).total_seconds())
    await bridge.comparison.forget()
    assert bridge.cluster.record(SUBJECT).closed is None


async def test_secrets_kept_for_a_preview_go_with_its_record(bridge: Bridge) -> None:
    secret = WantedSecret("acme-shop-pr-42-env", SHOP, "acme-shop-pr-42", {"TOKEN": "hunter2"})
    await bridge.cluster.remember(SUBJECT, secrets="acme-shop-pr-42")
    await bridge.cluster.store_secret(secret)
    await bridge.comparison.forget()
    assert bridge.cluster.secrets
    await bridge.clock.advance(timedelta(days=31).total_seconds())
    await bridge.comparison.forget()
    assert bridge.cluster.secrets == {}


def rest(bridge: Bridge, phase: Phase) -> Preview:
    """The operator put the Preview to rest; gives it as it is then."""
    found = bridge.preview
    assert found is not None
    return bridge.cluster.set_status(
        found.key, phase=phase, observed_generation=found.metadata.generation, phase_since=bridge.clock.now()
    )


async def nothing_listed(repository: str) -> tuple[PullRequest, ...]:
    """A list of open pull requests that lacks what is open."""
    return ()
