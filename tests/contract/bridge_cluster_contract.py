"""What the bridge's cluster must do with Previews, whoever keeps them."""

from __future__ import annotations

import asyncio
import time

import pytest

from controller.api.errors import Conflict, InvalidSpec, NotReady
from controller.api.names import PIN, REDEPLOY, REPOSITORY_LABEL
from controller.api.preview import Preview
from controller.api.status import Phase
from tests.contract.bridge_cluster_world import NAME, SHOP, World, spec_of, until
from webhook.cluster.objects import PULL_REQUEST_LABEL, spec_json
from webhook.cluster.protocol import ORIGIN_LABEL, Origin
from webhook.subject import Subject

TWO = [{"name": "web", "image": "nginx:1.27"}, {"name": "api", "image": "nginx:1.28"}]
BRIDGES = {ORIGIN_LABEL: "webhook"}


class BridgePreviewsContract:
    """Subclasses give the fixture `world`."""

    async def test_a_preview_is_made_as_it_is_wanted(self, world: World) -> None:
        made = await world.applied(annotations={"acme.example/note": "hello"})
        assert made.key == world.key()
        assert made.metadata.generation == 1
        found = await world.hand.read(made.key)
        assert found is not None
        assert found.metadata.labels == {
            ORIGIN_LABEL: "webhook",
            REPOSITORY_LABEL: "acme.shop",
            PULL_REQUEST_LABEL: "42",
        }
        assert found.metadata.annotations == {"acme.example/note": "hello"}
        assert found.spec == spec_of()

    async def test_what_was_applied_is_known_at_once(self, world: World) -> None:
        made = await world.applied()
        assert world.cluster.by_key(made.key) == made
        assert world.cluster.of(SHOP) == made
        assert list(world.cluster.previews()) == [made]
        moved = await world.applied(source={"commit": "b" * 40})
        known = world.cluster.of(SHOP)
        assert known is not None and known.spec.source.commit == "b" * 40
        assert known.metadata.generation == moved.metadata.generation == 2

    async def test_what_is_not_wanted_any_more_goes(self, world: World) -> None:
        await world.applied(services=TWO, database={"type": "postgres"}, annotations={"acme.example/a": "1"})
        made = await world.applied(services=TWO[1:], origin=Origin.API, annotations={"acme.example/b": "2"})
        assert [service.name for service in made.spec.services] == ["api"]
        assert made.spec.database is None
        assert made.metadata.annotations == {"acme.example/b": "2"}
        assert made.metadata.labels[ORIGIN_LABEL] == "api"

    @pytest.mark.parametrize(
        "spec",
        [
            {},
            {"annotations": {"acme.example/a": "1"}},
            {"services": [{"name": "web", "build": {}, "env": []}], "access": {}, "env": []},
        ],
    )
    async def test_the_same_again_changes_nothing(self, world: World, spec: dict[str, object]) -> None:
        await world.applied(**spec)
        # With the second write the API server keeps the status that it gives to whom no operator has seen.
        first = await world.applied(**spec)
        told: list[str] = []
        world.cluster.listen(lambda preview, gone: told.append(preview.metadata.resource_version))
        again = await world.applied(**spec)
        assert again.metadata.resource_version == first.metadata.resource_version
        assert told == [first.metadata.resource_version]

    async def test_wishes_survive_an_apply(self, world: World) -> None:
        made = await world.applied()
        await world.cluster.annotate(
            made.key, {REDEPLOY: "2026-01-01T00:00:00Z", PIN: "2026-01-01T00:00:00Z"}
        )
        made = await world.applied(source={"commit": "b" * 40})
        assert made.metadata.annotations.keys() == {REDEPLOY, PIN}
        await world.cluster.annotate(made.key, {PIN: None})
        made = await world.applied()
        assert made.metadata.annotations.keys() == {REDEPLOY}

    async def test_a_wish_is_known_at_once(self, world: World) -> None:
        made = await world.applied()
        await world.cluster.annotate(made.key, {PIN: "2026-01-01T00:00:00Z"})
        known = world.cluster.by_key(made.key)
        assert known is not None and PIN in known.metadata.annotations

    async def test_what_others_set_survives_an_apply(self, world: World) -> None:
        made = await world.applied(database={"type": "postgres"})
        await world.hand.annotate(made.key, "acme.example/owner", "someone")
        await world.hand.label(made.key, "team", "blue")
        await world.hand.edit(made.key, {"lifecycle": {"ttl": "7d"}})
        made = await world.applied(source={"commit": "b" * 40})
        assert made.metadata.annotations == {"acme.example/owner": "someone"}
        assert made.metadata.labels["team"] == "blue"
        assert made.spec.lifecycle.ttl == "7d"
        assert made.spec.database is None
        assert made.spec.source.commit == "b" * 40

    async def test_what_others_changed_of_the_bridges_own_is_put_right(self, world: World) -> None:
        made = await world.applied()
        await world.hand.edit(made.key, {"source": {"commit": "f" * 40}})
        made = await world.applied()
        assert made.spec.source.commit == "a" * 40

    async def test_a_preview_of_that_name_by_others_stays(self, world: World) -> None:
        await world.hand.create(NAME, spec_json(spec_of(Subject("else/where", 1))), {})
        with pytest.raises(Conflict) as caught:
            await world.applied()
        assert caught.value.reason == "MadeByOthers"
        assert NAME in caught.value.message
        found = await world.hand.read(world.key())
        assert found is not None and found.spec.source.repository == "else/where"

    async def test_a_preview_of_that_pull_request_by_others_stays_the_only_one(self, world: World) -> None:
        await world.hand.create("by-hand", spec_json(spec_of()), {"team": "blue"})
        await until(lambda: world.cluster.of(SHOP) is not None)
        with pytest.raises(Conflict) as caught:
            await world.applied()
        assert caught.value.reason == "MadeByOthers"
        assert "by-hand" in caught.value.message
        assert await world.hand.read(world.key()) is None

    async def test_the_bridges_own_is_found_under_another_name(self, world: World) -> None:
        await world.hand.create("renamed", spec_json(spec_of()), BRIDGES)
        await until(lambda: world.cluster.of(SHOP) is not None)
        made = await world.applied(source={"commit": "b" * 40})
        assert made.key == world.key("renamed")
        assert made.spec.source.commit == "b" * 40
        assert await world.hand.read(world.key()) is None

    async def test_a_refusal_is_told_in_the_api_servers_words(self, world: World) -> None:
        await world.applied(source={"branch": "one"})
        with pytest.raises(InvalidSpec) as caught:
            await world.applied(source={"branch": "two"})
        assert caught.value.reason == "Refused"
        assert f'"{NAME}" is invalid' in caught.value.message
        assert "cannot change" in caught.value.message
        known = world.cluster.of(SHOP)
        assert known is not None and known.spec.source.branch == "one"

    async def test_a_branch_has_a_preview_too(self, world: World) -> None:
        branch = Subject("Acme/Shop", None, "Feature/x")
        made = await world.applied(subject=branch, source={"trust": None})
        assert made.key.name == branch.object_name
        assert PULL_REQUEST_LABEL not in made.metadata.labels
        assert world.cluster.of(Subject("acme/shop", None, "Feature/x")) == made
        assert world.cluster.of(Subject("acme/shop", None, "feature/x")) is None

    async def test_a_repository_that_cannot_be_a_label_has_none(self, world: World) -> None:
        made = await world.applied(subject=Subject(f"acme/{'x' * 80}", 1))
        assert REPOSITORY_LABEL not in made.metadata.labels

    async def test_deleting_spares_a_successor(self, world: World) -> None:
        first = await world.applied()
        await world.hand.delete(first.key)
        await until(lambda: world.cluster.of(SHOP) is None)
        second = await world.applied()
        await world.cluster.delete(first)
        assert await world.hand.read(second.key) is not None
        assert world.cluster.of(SHOP) == second
        await world.cluster.delete(second)
        assert await world.hand.read(second.key) is None
        await until(lambda: world.cluster.of(SHOP) is None)

    async def test_what_is_gone_already_is_fine(self, world: World) -> None:
        made = await world.applied()
        await world.hand.delete(made.key)
        await world.cluster.delete(made)
        await world.cluster.annotate(made.key, {PIN: "2026-01-01T00:00:00Z"})
        await until(lambda: world.cluster.of(SHOP) is None)
        assert await world.hand.read(made.key) is None

    async def test_nothing_is_applied_to_what_is_being_deleted(self, world: World) -> None:
        made = await world.applied()
        await world.hand.hold(made.key, "pr-42")
        await world.cluster.delete(made)
        known = world.cluster.of(SHOP)
        assert known is not None and known.deleting
        with pytest.raises(NotReady) as caught:
            await world.applied()
        assert caught.value.reason == "BeingDeleted"
        await world.hand.release(made.key)
        await until(lambda: world.cluster.of(SHOP) is None)
        assert (await world.applied()).metadata.uid != made.metadata.uid

    async def test_listeners_hear_what_is_there_then_changes_then_the_end(self, world: World) -> None:
        told: list[tuple[str, str, bool]] = []

        def listener(preview: Preview, gone: bool) -> None:
            told.append((preview.key.name, preview.spec.source.commit[0], gone))

        await world.applied()
        world.cluster.listen(listener)
        assert told == [(NAME, "a", False)]
        made = await world.applied(source={"commit": "b" * 40})
        assert told[1:] == [(NAME, "b", False)]
        await world.hand.delete(made.key)
        await until(lambda: len(told) > 2)
        assert told[2:] == [(NAME, "b", True)]

    async def test_a_listener_that_fails_keeps_nobody_from_hearing(self, world: World) -> None:
        def failing(preview: Preview, gone: bool) -> None:
            raise RuntimeError("no")

        told: list[str] = []
        world.cluster.listen(failing)
        world.cluster.listen(lambda preview, gone: told.append(preview.key.name))
        await world.applied()
        assert told == [NAME]

    async def test_what_the_operator_does_is_seen(self, world: World) -> None:
        made = await world.applied()
        assert world.cluster.by_slug("pr-42") is None
        await world.hand.hold(made.key, "pr-42")
        await world.hand.set_phase(made.key, "Running")
        await until(
            lambda: (seen := world.cluster.by_slug("pr-42")) is not None and seen.status.phase is not None
        )
        seen = world.cluster.by_slug("pr-42")
        assert seen is not None and seen.key == made.key and seen.status.phase is Phase.RUNNING

    async def test_the_oldest_counts_where_two_stand_for_one(self, world: World) -> None:
        await world.hand.create("first", spec_json(spec_of()), {})
        await until(lambda: len(world.cluster.previews()) == 1)
        second = int(time.time())
        await until(lambda: int(time.time()) > second)  # creation is told in whole seconds
        await world.hand.create("before-it-by-name", spec_json(spec_of()), {})
        await until(lambda: len(world.cluster.previews()) == 2)
        assert [preview.key.name for preview in world.cluster.previews()] == ["first", "before-it-by-name"]
        found = world.cluster.of(SHOP)
        assert found is not None and found.key.name == "first"

    async def test_a_change_wakes_who_waits_for_it(self, world: World) -> None:
        made = await world.applied()
        waiting = asyncio.create_task(world.cluster.changed(made.key, 30))
        elsewhere = asyncio.create_task(world.cluster.changed(world.key("other"), 30))
        await asyncio.sleep(0)
        began = time.monotonic()
        await world.hand.hold(made.key, "pr-42")
        await asyncio.wait_for(waiting, 10)
        assert time.monotonic() - began < 2
        assert not elsewhere.done()
        elsewhere.cancel()

    async def test_who_waits_comes_back_in_time(self, world: World) -> None:
        await asyncio.wait_for(world.cluster.changed(world.key(), 0.05), 5)
