"""What every database server must do, whatever is behind it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controller.api.errors import BackendUnavailable, Conflict, InvalidSpec
from controller.api.names import PreviewKey
from controller.databases.protocol import (
    Blueprint,
    Credentials,
    DatabaseClaim,
    DatabaseState,
    Migration,
    Script,
)
from tests.contract.database_holdings_contract import DatabaseHoldingsContract
from tests.contract.database_world import (
    CLAIM,
    LOGIN,
    REBUILT,
    RUN,
    SHOP,
    SLUG,
    SQL,
    Samples,
    World,
    applied,
    script,
)

__all__ = [
    "CLAIM",
    "LOGIN",
    "REBUILT",
    "RUN",
    "SHOP",
    "SLUG",
    "SQL",
    "DatabaseContract",
    "Samples",
    "World",
    "applied",
    "script",
]


class DatabaseContract(DatabaseHoldingsContract):
    """Subclasses give the fixture `world`."""

    async def migrate(self, world: World, *scripts: Script, login: Credentials = LOGIN) -> list[str]:
        lines: list[str] = []
        await world.server.migrate(CLAIM, login, Migration(scripts, lines.append), world.run)
        return lines

    async def state(self, world: World, claim: DatabaseClaim = CLAIM) -> DatabaseState | None:
        """What is observed under one claim."""
        found = await world.server.observe(claim.preview)
        return next((state for state in found if state.name == claim.name), None)

    async def ran(self, world: World, *scripts: Script, login: Credentials = LOGIN) -> list[str]:
        """Migrate; the scripts that ran, as they were told."""
        named = {f"{each.kind} {each.name}" for each in scripts}
        return [line for line in await self.migrate(world, *scripts, login=login) if line in named]

    async def test_nothing_is_there_at_first(self, world: World) -> None:
        assert await world.server.observe(SHOP) == ()
        assert await world.server.survey() == frozenset()

    async def test_what_was_created_is_observed_and_surveyed(self, world: World) -> None:
        await world.server.create(CLAIM, LOGIN)
        assert await world.server.observe(SHOP) == (DatabaseState(CLAIM.name, exists=True),)
        assert await world.server.survey() == {CLAIM.name}
        assert await world.can_log_in(CLAIM, LOGIN)

    async def test_generations_stand_side_by_side_and_go_one_by_one(self, world: World) -> None:
        login = Credentials(world.server.role(REBUILT.name), "second")
        await world.server.create(CLAIM, LOGIN)
        await self.migrate(world, world.samples.table)
        await world.server.create(REBUILT, login, Blueprint(template="0123456789abcdef"))
        assert await world.server.observe(SHOP) == (
            DatabaseState(CLAIM.name, exists=True, ledger=(applied(world.samples.table),)),
            DatabaseState(REBUILT.name, exists=True, wish=REBUILT.wish),
        )
        await world.server.drop(CLAIM)
        assert await world.server.observe(SHOP) == (
            DatabaseState(REBUILT.name, exists=True, wish=REBUILT.wish),
        )
        assert await world.can_log_in(REBUILT, login)
        await world.server.drop(REBUILT)
        assert await world.server.observe(SHOP) == ()

    async def test_creating_again_keeps_the_data_and_sets_the_password(self, world: World) -> None:
        await world.server.create(CLAIM, LOGIN)
        await self.migrate(world, world.samples.table)
        changed = replace(LOGIN, password="second")
        await world.server.create(CLAIM, changed)
        state = await self.state(world)
        assert state is not None and state.ledger == (applied(world.samples.table),)
        assert await world.can_log_in(CLAIM, changed)
        assert not await world.can_log_in(CLAIM, LOGIN)

    async def test_scripts_run_in_the_given_order_and_stand_in_the_ledger(self, world: World) -> None:
        samples = world.samples
        await world.server.create(CLAIM, LOGIN)
        told = await self.ran(world, samples.table, samples.column, samples.seed)
        assert told == [f"{each.kind} {each.name}" for each in (samples.table, samples.column, samples.seed)]
        state = await self.state(world)
        assert state is not None and set(state.ledger) == {
            applied(samples.table),
            applied(samples.column),
            applied(samples.seed),
        }

    async def test_a_script_that_ran_does_not_run_again(self, world: World) -> None:
        await world.server.create(CLAIM, LOGIN)
        await self.migrate(world, world.samples.table)
        told = await self.ran(world, world.samples.table, world.samples.column)
        assert told == [f"migration {world.samples.column.name}"]

    async def test_a_failed_script_is_named_with_its_line_and_stops_the_rest(self, world: World) -> None:
        samples = world.samples
        await world.server.create(CLAIM, LOGIN)
        with pytest.raises(InvalidSpec) as failure:
            await self.migrate(world, samples.table, samples.broken, samples.seed)
        assert failure.value.reason == "MigrationFailed"
        assert f"{samples.broken.name}, line 2" in str(failure.value)
        assert any(f"{samples.broken.name}:2" in line for line in failure.value.lines)
        state = await self.state(world)
        assert state is not None and state.ledger == (applied(samples.table),)
        assert state.dirty == ("" if samples.transactional else samples.broken.name)

    async def test_after_a_failure_a_corrected_script_goes_on_or_is_refused(self, world: World) -> None:
        samples = world.samples
        await world.server.create(CLAIM, LOGIN)
        with pytest.raises(InvalidSpec):
            await self.migrate(world, samples.table, samples.broken)
        if not samples.transactional:
            with pytest.raises(InvalidSpec) as refused:
                await self.migrate(world, samples.corrected)
            assert refused.value.reason == "DatabaseDirty"
            return
        await self.migrate(world, samples.corrected, samples.seed)
        state = await self.state(world)
        assert state is not None and set(state.ledger) == {
            applied(samples.table),
            applied(samples.corrected),
            applied(samples.seed),
        }

    async def test_a_wrong_password_is_no_fault_of_the_scripts(self, world: World) -> None:
        await world.server.create(CLAIM, LOGIN)
        with pytest.raises(BackendUnavailable) as failure:
            await self.migrate(world, world.samples.table, login=replace(LOGIN, password="not-it-at-all"))
        assert "not-it-at-all" not in f"{failure.value}{failure.value.lines}"
        state = await self.state(world)
        assert state is not None and (state.ledger, state.dirty) == ((), "")

    async def test_dropping_leaves_nothing_and_may_be_repeated(self, world: World) -> None:
        await world.server.create(CLAIM, LOGIN)
        await self.migrate(world, world.samples.table)
        await world.server.drop(CLAIM)
        await world.server.drop(CLAIM)
        assert await world.server.observe(SHOP) == ()
        assert await world.server.survey() == frozenset()
        assert not await world.exists(CLAIM.name)

    async def test_a_database_created_after_a_drop_is_empty(self, world: World) -> None:
        await world.server.create(CLAIM, LOGIN)
        await self.migrate(world, world.samples.table)
        await world.server.drop(CLAIM)
        await world.server.create(CLAIM, LOGIN)
        state = await self.state(world)
        assert state is not None and state.ledger == ()
        await self.migrate(world, world.samples.table)

    async def test_a_database_dropped_by_hand_is_seen_and_comes_back(self, world: World) -> None:
        await world.server.create(CLAIM, LOGIN)
        await world.drop_by_hand(CLAIM.name)
        assert await world.server.observe(SHOP) == (DatabaseState(CLAIM.name, exists=False),)
        assert await world.server.survey() == frozenset()
        await world.server.create(CLAIM, LOGIN)
        assert await world.server.observe(SHOP) == (DatabaseState(CLAIM.name, exists=True),)
        assert await world.can_log_in(CLAIM, LOGIN)

    async def test_a_database_dropped_by_hand_can_be_dropped(self, world: World) -> None:
        await world.server.create(CLAIM, LOGIN)
        await world.drop_by_hand(CLAIM.name)
        await world.server.drop(CLAIM)
        assert not await world.exists(CLAIM.name)
        assert await world.server.observe(SHOP) == ()

    async def test_a_name_of_another_preview_is_left_alone(self, world: World) -> None:
        await world.server.create(CLAIM, LOGIN)
        other = replace(CLAIM, preview=PreviewKey("team", "pr-1"))
        assert await world.server.observe(other.preview) == ()
        for attempt in (
            world.server.create(other, replace(LOGIN, password="theirs")),
            world.server.drop(other),
        ):
            with pytest.raises(Conflict, match=str(SHOP)):
                await attempt
        assert await world.can_log_in(CLAIM, LOGIN)

    async def test_what_nobody_registered_is_left_alone(self, world: World) -> None:
        await world.make_by_hand(CLAIM.name)
        assert await world.server.observe(SHOP) == ()
        for attempt in (world.server.create(CLAIM, LOGIN), world.server.drop(CLAIM)):
            with pytest.raises(Conflict, match=CLAIM.name):
                await attempt
        assert await world.exists(CLAIM.name)
        assert not await world.can_log_in(CLAIM, LOGIN)

    async def test_two_installations_on_one_server_never_touch_each_other(self, world: World) -> None:
        await world.server.create(CLAIM, LOGIN)
        assert await world.neighbour.survey() == frozenset()
        assert await world.neighbour.observe(SHOP) == ()
        for attempt in (
            world.neighbour.create(CLAIM, replace(LOGIN, password="theirs")),
            world.neighbour.drop(CLAIM),
        ):
            with pytest.raises(Conflict):
                await attempt
        assert await world.can_log_in(CLAIM, LOGIN)

    @pytest.mark.parametrize("name", ["a" * 64, "Pr_1", "pr-1", 'pr"; DROP', "", "pr_\n", "1pr", "prä"])
    async def test_a_name_that_would_be_cut_or_quoted_is_refused(self, world: World, name: str) -> None:
        with pytest.raises(InvalidSpec, match="cannot be a database"):
            await world.server.create(replace(CLAIM, name=name), Credentials(name, "secret"))
        assert await world.server.survey() == frozenset()

    async def test_the_longest_name_is_kept_whole(self, world: World) -> None:
        claim = replace(CLAIM, name=f"a{RUN}".ljust(63, "z"))
        await world.server.create(claim, Credentials(world.server.role(claim.name), "secret"))
        assert await world.server.survey() == {claim.name}
        await world.server.drop(claim)

    async def test_a_server_that_is_away_is_unavailable(self, world: World) -> None:
        await world.server.create(CLAIM, LOGIN)
        await world.break_server()
        for attempt in (
            world.server.observe(SHOP),
            world.server.survey(),
            world.server.create(CLAIM, LOGIN),
            world.server.drop(CLAIM),
            self.migrate(world, world.samples.table),
            world.server.sweep(),
        ):
            with pytest.raises(BackendUnavailable) as failure:
                await attempt
            assert LOGIN.password not in str(failure.value)

    async def test_the_url_quotes_the_password(self, world: World) -> None:
        url = world.server.url(CLAIM, LOGIN)
        assert url.startswith(f"{world.samples.scheme}://{CLAIM.name}:first%2Fpass%3Aword@")
        assert url.partition("?")[0].endswith(f"/{CLAIM.name}")

    async def test_sweeping_leaves_what_is_in_use(self, world: World) -> None:
        await world.server.create(CLAIM, LOGIN)
        await self.migrate(world, world.samples.table)
        await world.server.sweep()
        state = await self.state(world)
        assert state is not None and state.ledger == (applied(world.samples.table),)
        assert await world.can_log_in(CLAIM, LOGIN)
