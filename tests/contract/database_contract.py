"""What every database server must do, whatever is behind it."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import replace
from typing import Protocol

import pytest

from controller.api.errors import BackendUnavailable, Conflict, InvalidSpec
from controller.api.names import PreviewKey
from controller.databases.protocol import (
    Applied,
    Credentials,
    DatabaseClaim,
    DatabaseServer,
    DatabaseState,
    JobRunner,
    Script,
    ScriptKind,
)


class World(Protocol):
    """A server under test, and what can be done behind its back."""

    server: DatabaseServer
    neighbour: DatabaseServer
    """Another installation on the same server."""
    run: JobRunner

    async def make_by_hand(self, name: str) -> None:
        """Create a role and a database that no installation made."""

    async def drop_by_hand(self, name: str) -> None:
        """Drop a database; its role stays."""

    async def exists(self, name: str) -> bool:
        """Whether a database or a role of that name is there."""

    async def can_log_in(self, claim: DatabaseClaim, credentials: Credentials) -> bool:
        """Whether the preview gets into its database."""

    async def break_server(self) -> None:
        """From here on the server does not answer."""


RUN = secrets.token_hex(3)  # a real server may be shared with others
CLAIM = DatabaseClaim(f"pr_1x{RUN}_db", PreviewKey("default", "pr-1"), f"pr-1x{RUN}")
LOGIN = Credentials(CLAIM.name, "first/pass:word")


def script(name: str, text: str, kind: ScriptKind = ScriptKind.MIGRATION) -> Script:
    content = text.encode()
    return Script(kind, name, hashlib.sha256(content).hexdigest(), content)


def applied(given: Script) -> Applied:
    return Applied(given.kind, given.name, given.checksum)


TABLE = script("1_table.sql", "CREATE TABLE item (name text);\nINSERT INTO item VALUES ('a;b');\n")
COLUMN = script("2_column.sql", "ALTER TABLE item ADD price int;\n")
SEED = script("shop.sql", "INSERT INTO item (name) VALUES ('seeded');\n", ScriptKind.SEED)
BROKEN = script("3_broken.sql", "SELECT 1;\nFAIL;\n")


class DatabaseContract:
    """Subclasses give the fixture `world`."""

    async def migrate(self, world: World, *scripts: Script, login: Credentials = LOGIN) -> list[str]:
        lines: list[str] = []
        await world.server.migrate(CLAIM, login, scripts, world.run, lines.append)
        return lines

    async def test_nothing_is_there_at_first(self, world: World) -> None:
        assert await world.server.observe(CLAIM) == DatabaseState(CLAIM.name, exists=False)
        assert await world.server.survey() == frozenset()

    async def test_what_was_created_is_observed_and_surveyed(self, world: World) -> None:
        await world.server.create(CLAIM, LOGIN)
        assert await world.server.observe(CLAIM) == DatabaseState(CLAIM.name, exists=True, claimed=True)
        assert await world.server.survey() == {CLAIM.name}
        assert await world.can_log_in(CLAIM, LOGIN)

    async def test_creating_again_keeps_the_data_and_sets_the_password(self, world: World) -> None:
        await world.server.create(CLAIM, LOGIN)
        await self.migrate(world, TABLE)
        changed = replace(LOGIN, password="second")
        await world.server.create(CLAIM, changed)
        assert (await world.server.observe(CLAIM)).ledger == (applied(TABLE),)
        assert await world.can_log_in(CLAIM, changed)
        assert not await world.can_log_in(CLAIM, LOGIN)

    async def test_scripts_run_in_the_given_order_and_stand_in_the_ledger(self, world: World) -> None:
        await world.server.create(CLAIM, LOGIN)
        lines = await self.migrate(world, TABLE, COLUMN, SEED)
        named = [line for line in lines if line.endswith(".sql")]
        assert named == ["migration 1_table.sql", "migration 2_column.sql", "seed shop.sql"]
        ledger = (await world.server.observe(CLAIM)).ledger
        assert set(ledger) == {applied(TABLE), applied(COLUMN), applied(SEED)}

    async def test_a_script_that_ran_does_not_run_again(self, world: World) -> None:
        await world.server.create(CLAIM, LOGIN)
        await self.migrate(world, TABLE)
        lines = await self.migrate(world, TABLE, COLUMN)
        assert [line for line in lines if line.endswith(".sql")] == ["migration 2_column.sql"]

    async def test_a_failed_script_is_named_with_its_line_and_stops_the_rest(self, world: World) -> None:
        await world.server.create(CLAIM, LOGIN)
        with pytest.raises(InvalidSpec, match=r"3_broken\.sql, line 2") as failure:
            await self.migrate(world, TABLE, BROKEN, SEED)
        assert failure.value.reason == "MigrationFailed"
        assert any("3_broken.sql:2" in line for line in failure.value.lines)
        assert (await world.server.observe(CLAIM)).ledger == (applied(TABLE),)

    async def test_a_corrected_script_goes_on_where_the_failed_one_stopped(self, world: World) -> None:
        await world.server.create(CLAIM, LOGIN)
        with pytest.raises(InvalidSpec):
            await self.migrate(world, TABLE, BROKEN)
        corrected = script(BROKEN.name, "SELECT 1;\n")
        await self.migrate(world, corrected, SEED)
        ledger = (await world.server.observe(CLAIM)).ledger
        assert set(ledger) == {applied(TABLE), applied(corrected), applied(SEED)}

    async def test_a_wrong_password_is_no_fault_of_the_scripts(self, world: World) -> None:
        await world.server.create(CLAIM, LOGIN)
        with pytest.raises(BackendUnavailable) as failure:
            await self.migrate(world, TABLE, login=replace(LOGIN, password="not-it-at-all"))
        assert "not-it-at-all" not in f"{failure.value}{failure.value.lines}"

    async def test_dropping_leaves_nothing_and_may_be_repeated(self, world: World) -> None:
        await world.server.create(CLAIM, LOGIN)
        await self.migrate(world, TABLE)
        await world.server.drop(CLAIM)
        await world.server.drop(CLAIM)
        assert await world.server.observe(CLAIM) == DatabaseState(CLAIM.name, exists=False)
        assert await world.server.survey() == frozenset()
        assert not await world.exists(CLAIM.name)

    async def test_a_database_created_after_a_drop_is_empty(self, world: World) -> None:
        await world.server.create(CLAIM, LOGIN)
        await self.migrate(world, TABLE)
        await world.server.drop(CLAIM)
        await world.server.create(CLAIM, LOGIN)
        assert (await world.server.observe(CLAIM)).ledger == ()
        await self.migrate(world, TABLE)

    async def test_a_database_dropped_by_hand_is_seen_and_comes_back(self, world: World) -> None:
        await world.server.create(CLAIM, LOGIN)
        await world.drop_by_hand(CLAIM.name)
        assert await world.server.observe(CLAIM) == DatabaseState(CLAIM.name, exists=False, claimed=True)
        assert await world.server.survey() == frozenset()
        await world.server.create(CLAIM, LOGIN)
        assert (await world.server.observe(CLAIM)).exists
        assert await world.can_log_in(CLAIM, LOGIN)

    async def test_a_database_dropped_by_hand_can_be_dropped(self, world: World) -> None:
        await world.server.create(CLAIM, LOGIN)
        await world.drop_by_hand(CLAIM.name)
        await world.server.drop(CLAIM)
        assert not await world.exists(CLAIM.name)
        assert not (await world.server.observe(CLAIM)).claimed

    async def test_a_name_of_another_preview_is_left_alone(self, world: World) -> None:
        await world.server.create(CLAIM, LOGIN)
        other = replace(CLAIM, preview=PreviewKey("team", "pr-1"))
        assert await world.server.observe(other) == DatabaseState(CLAIM.name, exists=False)
        for attempt in (
            world.server.create(other, replace(LOGIN, password="theirs")),
            world.server.drop(other),
        ):
            with pytest.raises(Conflict, match="default/pr-1"):
                await attempt
        assert await world.can_log_in(CLAIM, LOGIN)

    async def test_what_nobody_registered_is_left_alone(self, world: World) -> None:
        await world.make_by_hand(CLAIM.name)
        assert await world.server.observe(CLAIM) == DatabaseState(CLAIM.name, exists=False)
        for attempt in (world.server.create(CLAIM, LOGIN), world.server.drop(CLAIM)):
            with pytest.raises(Conflict, match=CLAIM.name):
                await attempt
        assert await world.exists(CLAIM.name)
        assert not await world.can_log_in(CLAIM, LOGIN)

    async def test_two_installations_on_one_server_never_touch_each_other(self, world: World) -> None:
        await world.server.create(CLAIM, LOGIN)
        assert await world.neighbour.survey() == frozenset()
        assert await world.neighbour.observe(CLAIM) == DatabaseState(CLAIM.name, exists=False)
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
        await world.server.create(claim, Credentials(claim.name, "secret"))
        assert await world.server.survey() == {claim.name}
        await world.server.drop(claim)

    async def test_a_server_that_is_away_is_unavailable(self, world: World) -> None:
        await world.server.create(CLAIM, LOGIN)
        await world.break_server()
        for attempt in (
            world.server.observe(CLAIM),
            world.server.survey(),
            world.server.create(CLAIM, LOGIN),
            world.server.drop(CLAIM),
            world.server.migrate(CLAIM, LOGIN, (TABLE,), world.run, print),
        ):
            with pytest.raises(BackendUnavailable) as failure:
                await attempt
            assert LOGIN.password not in str(failure.value)

    async def test_the_url_quotes_the_password(self, world: World) -> None:
        url = world.server.url(CLAIM, LOGIN)
        assert url.startswith(f"postgresql://{CLAIM.name}:first%2Fpass%3Aword@")
        assert url.endswith(f"/{CLAIM.name}")
