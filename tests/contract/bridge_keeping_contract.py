"""What the bridge's cluster must do with Records and Secrets, whoever keeps them."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest

from controller.api.errors import Conflict
from controller.api.names import REPOSITORY_LABEL
from tests.contract.bridge_cluster_world import SHOP, World
from webhook.cluster.book import map_name, record_key
from webhook.cluster.objects import FOR_LABEL
from webhook.cluster.protocol import ORIGIN_LABEL, PURPOSE_LABEL, Purpose, WantedSecret
from webhook.cluster.records import REMEMBERED, Record
from webhook.subject import Subject

CLOSED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
BRANCH = Subject("acme/shop", None, "release/1.0")
OTHER = Subject("acme/blog", 42)


def secret(name: str = "shop-env", **more: object) -> WantedSecret:
    given = {"repository": "acme/shop", "preview": "acme-shop-pr-42", "data": {"KEY": "välue"}, **more}
    return WantedSecret(name=name, **given)  # type: ignore[arg-type]


class BridgeKeepingContract:
    """Subclasses give the fixture `world`."""

    async def test_nothing_is_remembered_at_first(self, world: World) -> None:
        assert world.cluster.record(SHOP) == Record()
        assert world.cluster.records() == {}

    async def test_what_is_remembered_adds_up(self, world: World) -> None:
        await world.cluster.remember(SHOP, comment=7, closed=CLOSED, spec={"services": []})
        record = await world.cluster.remember(
            Subject("Acme/Shop", 42), deployment=8, closed=None, notice=None
        )
        assert record == world.cluster.record(SHOP)
        assert (record.comment, record.deployment, record.closed) == (7, 8, None)
        assert record.spec == {"services": []}
        assert record.pull_request == 42
        assert record.touched is not None
        assert abs(world.clock.now() - record.touched) < timedelta(seconds=30)
        assert world.cluster.records() == {SHOP.identity: record}

    async def test_what_is_given_as_nothing_is_forgotten(self, world: World) -> None:
        await world.cluster.remember(SHOP, closed=CLOSED, spec={"a": 1}, annotations={"a": "b"}, comment=7)
        record = await world.cluster.remember(SHOP, closed=None, spec=None, annotations=None)
        assert (record.closed, record.spec, record.annotations, record.comment) == (None, None, {}, 7)
        assert (await world.restarted()).record(SHOP) == record

    async def test_a_record_has_no_fields_that_nobody_knows(self, world: World) -> None:
        with pytest.raises(ValueError, match="comments"):
            await world.cluster.remember(SHOP, comments=7)
        with pytest.raises(ValueError, match="comment"):
            await world.cluster.remember(SHOP, comment="seven")
        assert world.cluster.records() == {}

    async def test_records_survive_a_restart(self, world: World) -> None:
        await world.cluster.remember(SHOP, closed=CLOSED, annotations={"a": "b"})
        await world.cluster.remember(BRANCH, destroyed=CLOSED)
        await world.cluster.remember(OTHER, comment=9)
        again = await world.restarted()
        assert again.records() == world.cluster.records()
        assert again.record(SHOP).closed == CLOSED
        assert again.record(SHOP).annotations == {"a": "b"}
        assert again.record(BRANCH).destroyed == CLOSED
        assert again.record(BRANCH).branch == "release/1.0"
        assert again.record(OTHER).comment == 9

    async def test_records_are_kept_without_what_is_not_set(self, world: World) -> None:
        await world.cluster.remember(SHOP, comment=7)
        kept = (await world.hand.records())[map_name("acme/shop")]["pr-42"]
        assert json.loads(kept).keys() == {"repository", "pullRequest", "touched", "comment"}

    async def test_what_is_remembered_at_the_same_time_is_all_kept(self, world: World) -> None:
        subjects = [Subject("acme/shop", number) for number in range(1, 6)]
        changes: tuple[dict[str, object], ...] = ({"comment": 7}, {"deployment": 8}, {"closed": CLOSED})
        await asyncio.gather(
            *(world.cluster.remember(subject, **change) for subject in subjects for change in changes)
        )
        again = await world.restarted()
        for subject in subjects:
            record = again.record(subject)
            assert (record.comment, record.deployment, record.closed) == (7, 8, CLOSED)

    async def test_the_same_is_not_written_again_but_kept_from_being_forgotten(self, world: World) -> None:
        first = await world.cluster.remember(SHOP, comment=7)
        world.clock.ahead += timedelta(hours=1)
        assert (await world.cluster.remember(SHOP, comment=7)).touched == first.touched
        world.clock.ahead += REMEMBERED
        assert world.cluster.record(SHOP).forgettable(world.clock.now())
        await world.cluster.remember(SHOP, comment=7)
        assert not world.cluster.record(SHOP).forgettable(world.clock.now())

    async def test_what_is_forgotten_is_gone_and_empty_maps_too(self, world: World) -> None:
        for subject in (SHOP, BRANCH, OTHER):
            await world.cluster.remember(subject, comment=7)
        await world.cluster.forget([SHOP.identity, OTHER.identity, "never/heard#1"])
        assert world.cluster.records().keys() == {BRANCH.identity}
        kept = await world.hand.records()
        assert {name: set(texts) for name, texts in kept.items()} == {
            map_name("acme/shop"): {record_key(BRANCH)}
        }
        assert (await world.restarted()).records().keys() == {BRANCH.identity}
        await world.cluster.remember(OTHER, comment=8)
        assert (await world.restarted()).record(OTHER).comment == 8

    async def test_a_damaged_record_is_left_out_and_can_be_written_anew(self, world: World) -> None:
        await world.cluster.remember(SHOP, comment=7)
        await world.cluster.remember(BRANCH, comment=8)
        name = map_name("acme/shop")
        await world.hand.write_record(name, "pr-42", "{nonsense")
        await world.hand.write_record(name, "pr-43", '{"repository": "acme/shop", "comment": "x"}')
        await world.hand.write_record(name, "pr-44", '{"repository": "else/where", "pullRequest": 44}')
        again = await world.restarted()
        assert again.records().keys() == {BRANCH.identity}
        await again.remember(SHOP, comment=9)
        assert (await world.restarted()).record(SHOP).comment == 9

    async def test_a_record_of_a_later_version_is_read(self, world: World) -> None:
        text = '{"repository": "acme/shop", "pullRequest": 42, "comment": 7, "future": {"x": 1}}'
        await world.cluster.remember(BRANCH, comment=8)
        await world.hand.write_record(map_name("acme/shop"), "pr-42", text)
        assert (await world.restarted()).record(SHOP).comment == 7

    async def test_a_secret_is_stored_and_tells_whether_it_changed(self, world: World) -> None:
        assert await world.cluster.store_secret(secret())
        assert not await world.cluster.store_secret(secret())
        assert await world.cluster.store_secret(secret(data={"OTHER": "2"}))
        found = await world.hand.secret("shop-env")
        assert found is not None
        labels, data, kind = found
        assert data == {"OTHER": "2"}
        assert kind == "Opaque"
        assert labels == {
            ORIGIN_LABEL: "api",
            REPOSITORY_LABEL: "acme.shop",
            FOR_LABEL: "acme-shop-pr-42",
        }

    async def test_a_secrets_type_may_change(self, world: World) -> None:
        await world.cluster.store_secret(secret())
        login = {".dockerconfigjson": '{"auths": {}}'}
        changed = secret(data=login, type="kubernetes.io/dockerconfigjson")
        assert await world.cluster.store_secret(changed)
        found = await world.hand.secret("shop-env")
        assert found is not None and found[1:] == (login, "kubernetes.io/dockerconfigjson")

    @pytest.mark.parametrize(
        "labels",
        [{}, {REPOSITORY_LABEL: "acme.shop"}, {REPOSITORY_LABEL: "acme.blog", ORIGIN_LABEL: "api"}],
    )
    async def test_a_secret_of_others_stays_as_it_is(self, world: World, labels: dict[str, str]) -> None:
        await world.hand.create_secret("shop-env", labels, {"KEY": "theirs"})
        with pytest.raises(Conflict) as caught:
            await world.cluster.store_secret(secret())
        assert caught.value.reason == "SecretTaken"
        assert "shop-env" in caught.value.message
        assert "välue" not in caught.value.message
        found = await world.hand.secret("shop-env")
        assert found is not None and found[1] == {"KEY": "theirs"}

    async def test_only_the_bridges_secrets_of_a_preview_are_deleted(self, world: World) -> None:
        await world.cluster.store_secret(secret())
        await world.cluster.store_secret(secret("shop-login"))
        await world.cluster.store_secret(secret("other", preview="acme-shop-pr-43"))
        await world.hand.create_secret("theirs", {FOR_LABEL: "acme-shop-pr-42"}, {"KEY": "theirs"})
        await world.cluster.delete_secrets("acme-shop-pr-42")
        left = [
            name for name in ("shop-env", "shop-login", "other", "theirs") if await world.hand.secret(name)
        ]
        assert left == ["other", "theirs"]
        await world.cluster.delete_secrets("no label/at all")

    async def test_a_repositorys_secret_is_found_by_its_purpose(self, world: World) -> None:
        git = {REPOSITORY_LABEL: "acme.shop", PURPOSE_LABEL: "git"}
        for name, labels in {
            "b-clone": git,
            "a-clone": git,
            "login": {**git, PURPOSE_LABEL: "registry"},
            "blog": {**git, REPOSITORY_LABEL: "acme.blog"},
            "plain": {REPOSITORY_LABEL: "acme.shop"},
        }.items():
            await world.hand.create_secret(name, labels, {"KEY": "x"})
        assert await world.cluster.secret_for("Acme/Shop", Purpose.GIT) == "a-clone"
        assert await world.cluster.secret_for("acme/shop", Purpose.REGISTRY) == "login"
        assert await world.cluster.secret_for("acme/none", Purpose.GIT) is None
        assert await world.cluster.secret_for(f"acme/{'x' * 90}", Purpose.GIT) is None
