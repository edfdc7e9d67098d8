"""Which generation of a database is used, when another one is made, and what the Secret tells of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from controller.api.errors import InvalidSpec
from controller.api.migrations import Changed
from controller.core import actions as act
from controller.core.databases import ROTATION, choose, kinds_in, secret_data, template_key
from controller.core.inputs import AskedDatabase
from controller.core.plan import plan
from controller.databases.protocol import Applied, DatabaseState
from tests.unit.core.examples import KEY, PASSWORD, SCRIPT, database, there, wanted
from tests.unit.core.world import COMMIT_B

APPLIED = Applied(SCRIPT.kind, SCRIPT.name, SCRIPT.checksum)
OTHER = replace(APPLIED, checksum="d" * 64)
ASKED = AskedDatabase("", "postgres", PASSWORD, scripts=(SCRIPT,))
FIRST, LATER = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"


def state(name: str = "pr_1_db", *ledger: Applied, wish: str = "", dirty: str = "") -> DatabaseState:
    return DatabaseState(name, exists=True, ledger=ledger, wish=wish, dirty=dirty)


def chosen(
    states: Iterable[DatabaseState], asked: AskedDatabase = ASKED, on_change: Changed = Changed.REBUILD
) -> tuple[str, str]:
    claim = choose(asked, KEY, "pr-1", states, on_change)
    return claim.name, claim.wish


def test_the_first_database_carries_the_plain_name() -> None:
    assert chosen(()) == ("pr_1_db", "")
    assert chosen((), replace(ASKED, label="main")) == ("pr_1_main_db", "")


def test_one_that_fits_is_gone_on_with_also_when_it_was_dropped_by_hand() -> None:
    assert chosen([state("pr_1_db", APPLIED)]) == ("pr_1_db", "")
    assert chosen([DatabaseState("pr_1_db", exists=False)]) == ("pr_1_db", "")
    assert chosen([state("pr_1_db", APPLIED), state("pr_1_db_r2", APPLIED)]) == ("pr_1_db_r2", "")


@pytest.mark.parametrize("misfit", [state("pr_1_db", OTHER), state("pr_1_db", dirty="2.js")])
def test_beside_one_that_does_not_fit_the_next_is_made(misfit: DatabaseState) -> None:
    assert chosen([misfit]) == ("pr_1_db_r2", "")
    assert chosen([misfit, state("pr_1_db_r2", OTHER)]) == ("pr_1_db_r3", "")
    assert chosen([misfit, state("pr_1_db_r2", APPLIED)]) == ("pr_1_db_r2", "")


def test_a_commit_that_takes_the_change_back_finds_the_old_one_again() -> None:
    assert chosen([state("pr_1_db", APPLIED), state("pr_1_db_r2", OTHER)]) == ("pr_1_db", "")


def test_the_installation_may_have_it_stalled_instead() -> None:
    for misfit, reason in (
        (state("pr_1_db", OTHER), "MigrationChanged"),
        (state(dirty="x"), "DatabaseDirty"),
    ):
        with pytest.raises(InvalidSpec, match="pr_1_db") as refused:
            chosen([misfit], on_change=Changed.STALL)
        assert refused.value.reason == reason


def test_a_wish_for_an_empty_one_is_met_once_also_where_changes_stall() -> None:
    asked = replace(ASKED, wish=FIRST)
    for policy in Changed:
        assert chosen([state("pr_1_db", APPLIED)], asked, policy) == ("pr_1_db_r2", FIRST)
    both = [state("pr_1_db", APPLIED), state("pr_1_db_r2", APPLIED, wish=FIRST)]
    assert chosen(both, asked) == ("pr_1_db_r2", FIRST)
    assert chosen(both, replace(ASKED, wish=LATER)) == ("pr_1_db_r3", LATER)
    assert chosen(both[1:], ASKED) == ("pr_1_db_r2", FIRST)


def test_databases_of_other_names_are_no_generations_of_this_one() -> None:
    main = replace(ASKED, label="main")
    assert chosen([state("pr_1_db", OTHER), state("pr_1_cache_db", OTHER)], main) == ("pr_1_main_db", "")
    assert chosen([state("pr_1_db_r1", OTHER), state("pr_1_db_rx", OTHER)]) == ("pr_1_db", "")


def test_the_secret_names_every_login_and_kind() -> None:
    data = secret_data((database("postgres", "main"), database("mongodb", "cache")), FIRST)
    assert data == {
        "MAIN_USERNAME": "pr_1_main_db",
        "MAIN_PASSWORD": PASSWORD,
        "MAIN_DATABASE_URL": f"postgresql://pr_1_main_db:{PASSWORD}@db:5432/pr_1_main_db",
        "MAIN_DATABASE_TYPE": "postgres",
        "CACHE_USERNAME": "pr_1_cache_db",
        "CACHE_PASSWORD": PASSWORD,
        "CACHE_DATABASE_URL": f"postgresql://pr_1_cache_db:{PASSWORD}@db:5432/pr_1_cache_db",
        "CACHE_DATABASE_TYPE": "mongodb",
        "KINDS": "mongodb,postgres",
        ROTATION: FIRST,
    }
    assert kinds_in(data) == {"postgres", "mongodb"}
    left = secret_data((database("postgres"),), "", frozenset({"mysql"}))
    assert kinds_in(left) == {"postgres", "mysql"}
    assert secret_data((), FIRST) == {}


def test_a_rebuilt_database_goes_live_with_its_containers_and_the_old_one_leaves_after_theirs() -> None:
    old, new = wanted(), wanted(commit=COMMIT_B, databases=(database(generation=2),))
    made = plan(new, there(old))
    kinds = [type(action).__name__ for action in made.actions]
    assert kinds.index("CreateDatabase") < kinds.index("Migrate") < kinds.index("Publish")
    assert "StoreCredentials" not in kinds[: kinds.index("ConfirmRoutes")]
    (dropped,) = [a for a in made.actions if isinstance(a, act.DropDatabase)]
    assert dropped.claim.name == "pr_1_db"
    last_retired = max(i for i, kind in enumerate(kinds) if kind == "RetireInstance")
    assert last_retired < kinds.index("StoreCredentials") < kinds.index("DropDatabase")
    (told,) = [a for a in made.actions if isinstance(a, act.StoreCredentials)]
    assert told.data["username"] == "pr_1_db_r2"


def test_new_passwords_are_stored_before_they_are_set() -> None:
    login = replace(database().credentials, password="another")
    new = wanted(databases=(database(credentials=login, url="postgresql://other"),), rotation=LATER)
    kinds = [type(action).__name__ for action in plan(new, there(wanted())).actions]
    assert kinds[:2] == ["StoreCredentials", "CreateDatabase"]
    assert kinds.count("StoreCredentials") == 1
    assert new.revision != wanted().revision


def test_a_missing_extension_is_made_up_for() -> None:
    plain = database()
    asked = replace(plain, blueprint=replace(plain.blueprint, extensions=("citext",)))
    want = wanted(databases=(asked,))
    assert isinstance(plan(want, there(want)).actions[0], act.CreateDatabase)


def test_a_template_stands_for_everything_in_its_order() -> None:
    assert template_key(["a", "b"]) == template_key(["a", "b"]) != template_key(["b", "a"])
    assert len(template_key(["a"])) == 16
