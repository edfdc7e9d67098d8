from __future__ import annotations

import asyncio

from controller.api.names import PreviewKey
from controller.routing.feed import ConfigurationFeed
from controller.routing.protocol import PublicRoute
from controller.routing.table import RouteTable
from tests.unit.routing.examples import KEY, many_routes, route, settings


def feed_of(table: RouteTable) -> ConfigurationFeed:
    return ConfigurationFeed(table, settings())


async def test_nothing_is_given_before_the_table_has_settled() -> None:
    table = RouteTable()
    table.publish(KEY, (route(),))
    assert await feed_of(table).next(None, 0) is None


async def test_who_asks_while_the_table_settles_gets_it_the_moment_it_has() -> None:
    table = RouteTable()
    asked = asyncio.create_task(feed_of(table).next(None, 30))
    await asyncio.sleep(0)
    table.settle()
    snapshot = await asyncio.wait_for(asked, 5)
    assert snapshot is not None


async def test_an_unchanged_table_is_rendered_once_however_often_it_is_fetched() -> None:
    table = RouteTable()
    for key, routes in many_routes(1000):
        table.publish(key, routes)
    table.settle()
    feed = feed_of(table)
    bodies = [await feed.next(None, 0) for _ in range(40)]
    assert bodies[0] is not None
    assert all(body is bodies[0] for body in bodies)


async def test_a_thousand_changes_between_two_fetches_are_one_rendering() -> None:
    now = [0.0]
    table = RouteTable()
    table.settle()
    feed = ConfigurationFeed(table, settings(), clock=lambda: now[0])
    before = await feed.next(None, 0)
    assert before is not None
    for key, routes in many_routes(1000):
        table.publish(key, routes)
    now[0] = 10.0
    after = await feed.next(before.version, 0)
    assert after is not None
    assert after.version == table.version
    assert after.body.count(b"Host(") == 1000


async def test_renderings_of_a_large_table_keep_their_distance() -> None:
    now = [0.0]
    table = RouteTable()
    for key, routes in many_routes(1000):
        table.publish(key, routes)
    table.settle()
    feed = ConfigurationFeed(table, settings(), clock=lambda: now[0])
    first = await feed.next(None, 0)
    assert first is not None
    table.publish(PreviewKey("team", "new"), (PublicRoute("pr-x-web", "x.localhost", None),))
    now[0] = 0.98
    asked = asyncio.create_task(feed.next(first.version, 0))
    done, _ = await asyncio.wait([asked], timeout=0.001)
    assert not done
    now[0] = 1.01
    second = await asyncio.wait_for(asked, 5)
    assert second is not None
    assert second.version > first.version


async def test_a_held_request_is_answered_by_the_change_itself() -> None:
    table = RouteTable()
    table.settle()
    feed = feed_of(table)
    first = await feed.next(None, 0)
    assert first is not None
    held = asyncio.create_task(feed.next(first.version, 30))
    await asyncio.sleep(0)
    assert not held.done()
    table.publish(KEY, (route(),))
    second = await asyncio.wait_for(held, 5)
    assert second is not None
    assert second.version == table.version


async def test_a_hold_that_ends_without_a_change_gives_the_same_bytes_again() -> None:
    table = RouteTable()
    table.settle()
    feed = feed_of(table)
    first = await feed.next(None, 0)
    assert first is not None
    assert await feed.next(first.version, 0.01) is first


async def test_waiting_for_a_fetch_ends_with_that_version_and_not_with_an_older_one() -> None:
    table = RouteTable()
    table.settle()
    feed = feed_of(table)
    old = await feed.next(None, 0)
    assert old is not None
    table.publish(KEY, (route(),))
    waiting = asyncio.create_task(feed.wait_fetched(table.version))
    await asyncio.sleep(0)
    feed.fetched(old)
    await asyncio.sleep(0)
    assert not waiting.done()
    new = await feed.next(old.version, 0)
    assert new is not None
    feed.fetched(new)
    await asyncio.wait_for(waiting, 5)
