"""What every database server must say of what it holds, and what it must not take away."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controller.api.errors import BackendUnavailable
from controller.api.holdings import Holding, HoldingKind
from controller.api.names import PreviewKey
from controller.databases.protocol import Credentials, DatabaseServer
from tests.contract.database_world import CLAIM, LOGIN, REBUILT, SHOP, World


async def listed(server: DatabaseServer, name: str = CLAIM.name) -> list[Holding]:
    """The holdings of that name; a real server may hold much besides."""
    return [each for each in await server.holdings() if each.name == name]


class DatabaseHoldingsContract:
    """Subclasses give the fixture `world`."""

    async def test_what_was_created_is_held_for_its_preview(self, world: World) -> None:
        await world.server.create(CLAIM, LOGIN)
        (held,) = await listed(world.server)
        assert (held.kind, held.preview) == (HoldingKind.DATABASE, SHOP)
        assert held.installation and held.place

    async def test_discarding_leaves_nothing_and_may_be_repeated(self, world: World) -> None:
        await world.server.create(CLAIM, LOGIN)
        (held,) = await listed(world.server)
        await world.server.discard(held)
        await world.server.discard(held)
        assert await listed(world.server) == []
        assert not await world.exists(CLAIM.name)

    async def test_generations_are_held_and_discarded_one_by_one(self, world: World) -> None:
        login = Credentials(world.server.role(REBUILT.name), "second")
        await world.server.create(CLAIM, LOGIN)
        await world.server.create(REBUILT, login)
        (held,) = await listed(world.server)
        (rebuilt,) = await listed(world.server, REBUILT.name)
        await world.server.discard(held)
        assert await listed(world.server, REBUILT.name) == [rebuilt]
        assert await world.can_log_in(REBUILT, login)
        await world.server.discard(rebuilt)
        assert not await world.exists(REBUILT.name)

    async def test_a_line_without_a_database_is_held_and_discarded(self, world: World) -> None:
        await world.server.create(CLAIM, LOGIN)
        await world.drop_by_hand(CLAIM.name)
        (held,) = await listed(world.server)
        assert held.preview == SHOP
        await world.server.discard(held)
        assert await listed(world.server) == []
        assert not await world.exists(CLAIM.name)

    async def test_another_installation_lists_it_as_not_its_own_and_leaves_it(self, world: World) -> None:
        await world.server.create(CLAIM, LOGIN)
        (held,) = await listed(world.server)
        (seen,) = await listed(world.neighbour)
        assert seen.preview is None
        assert seen.installation in ("", held.installation)
        assert seen.place == held.place
        for holding in (seen, held):
            await world.neighbour.discard(holding)
        await world.server.discard(seen)
        assert await world.can_log_in(CLAIM, LOGIN)

    async def test_what_nobody_registered_is_listed_and_left(self, world: World) -> None:
        await world.server.create(CLAIM, LOGIN)
        (held,) = await listed(world.server)
        await world.server.discard(held)
        await world.make_by_hand(CLAIM.name)
        (seen,) = await listed(world.server)
        assert (seen.installation, seen.preview) == ("", None)
        for holding in (seen, held):
            await world.server.discard(holding)
        assert await world.exists(CLAIM.name)

    async def test_what_is_another_previews_by_now_is_left(self, world: World) -> None:
        await world.server.create(CLAIM, LOGIN)
        (held,) = await listed(world.server)
        await world.server.discard(replace(held, preview=PreviewKey("team", "pr-1")))
        await world.server.discard(replace(held, place="elsewhere"))
        await world.server.discard(replace(held, kind=HoldingKind.SECRET))
        assert await world.can_log_in(CLAIM, LOGIN)

    async def test_nothing_is_held_that_is_not_named_as_a_previews_database(self, world: World) -> None:
        await world.server.create(CLAIM, LOGIN)
        for each in await world.server.holdings():
            assert each.name.startswith(("pr_", "branch_")) or each.preview is not None

    async def test_a_server_that_is_away_says_nothing_about_holdings(self, world: World) -> None:
        await world.server.create(CLAIM, LOGIN)
        (held,) = await listed(world.server)
        await world.break_server()
        for attempt in (world.server.holdings(), world.server.discard(held)):
            with pytest.raises(BackendUnavailable):
                await attempt
