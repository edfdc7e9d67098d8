"""The cluster lost everything; Previews and Secrets come back from `kubectl get -o yaml`: without status,
with other UIDs, and with owners that are dead.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.integration.operator.polling import until
from tests.integration.operator.space import NUMBERS, Seen, Space
from tests.integration.recovery.platform import Platform
from tests.integration.recovery.previews import answers, deployed, facts, logs_in, tree

pytestmark = pytest.mark.timeout(900)

KINDS = ("Secret", "Preview")
REFUSED_SECONDS, READY_SECONDS = 60.0, 120.0
EAGER = {"ORPHAN_GRACE": "0", "CLEANUP_INTERVAL_MINUTES": str(1 / 60)}
Item = dict[str, Any]


def backup(platform: Platform, space: Space) -> list[Item]:
    """As an administrator makes it: `kubectl get secrets,previews -o yaml`."""
    text = platform.cluster.run("get", "secrets,previews", "-n", space.namespace, "-o", "json")
    items: list[Item] = json.loads(text)["items"]
    return items


def restore(platform: Platform, *items: Item) -> None:
    """`kubectl create -f`, which leaves UID and status aside, and takes the owners as they stand there."""
    made = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    platform.cluster.run("create", "-f", "-", stdin=made.encode())


def lose_cluster(platform: Platform, space: Space) -> None:
    """What comes up is empty but for the definition of Previews; the namespace is made again."""
    platform.lose_etcd()
    assert json.loads(platform.cluster.run("get", "previews", "-A", "-o", "json"))["items"] == []
    platform.cluster.run("create", "namespace", space.namespace)


def without_owners(items: list[Item]) -> list[Item]:
    """What docs/recovery.md has a backup pass through."""
    for item in items:
        item["metadata"].pop("ownerReferences", None)
    return items


async def several(space: Space) -> dict[str, Seen]:
    """Two repositories with the same number, so that one has a slug with a hash; and a third preview."""
    number = next(NUMBERS)
    made = await asyncio.gather(
        deployed(space, "one", pullRequest=number),
        deployed(space, "two", owner="blue", pullRequest=number),
        deployed(space, "three"),
    )
    seen = {each.body["metadata"]["name"]: each for each, _ in made}
    slugs = {seen["one"].status["slug"], seen["two"].status["slug"]}
    assert f"pr-{number}" in slugs and any(slug.startswith(f"pr-{number}x") for slug in slugs)
    return seen


@pytest.mark.parametrize("operator", ["is started afterwards", "runs all the time"])
async def test_restored_previews_are_adopted_as_they_were(
    platform: Platform, space: Space, operator: str
) -> None:
    seen = await several(space)
    before = {name: facts(space, each) for name, each in seen.items()}
    kept = without_owners(backup(platform, space))
    if operator == "is started afterwards":
        platform.stop_operator()
    await asyncio.to_thread(lose_cluster, platform, space)
    restore(platform, *sorted(kept, key=lambda item: KINDS.index(item["kind"])))
    if operator == "is started afterwards":
        platform.start_operator()
    again = {name: await space.ready(name, READY_SECONDS) for name in seen}
    assert {name: facts(space, each) for name, each in again.items()} == before
    for name, each in again.items():
        assert each.body["metadata"]["uid"] != seen[name].body["metadata"]["uid"]
        await answers(each.status["url"])
        assert await logs_in(space, name)
        owners = await secret_owners(space, name)
        assert owners == [each.body["metadata"]["uid"]]


async def test_while_a_restore_is_under_way_nothing_is_swept(platform: Platform, space: Space) -> None:
    seen = await several(space)
    before = {name: facts(space, each) for name, each in seen.items()}
    kept = without_owners(backup(platform, space))
    platform.stop_operator()
    await asyncio.to_thread(lose_cluster, platform, space)
    platform.start_operator(**EAGER)
    await until(platform.log, REFUSED_SECONDS, lambda log: "no Preview at all" in log)
    part = [item for item in kept if item["metadata"]["name"].startswith("two")]
    restore(platform, *sorted(part, key=lambda item: KINDS.index(item["kind"])))
    await space.ready("two", READY_SECONDS)
    await until(platform.log, REFUSED_SECONDS, lambda log: "more than a fifth" in log)
    restore(platform, *(item for item in kept if item not in part))
    again = {name: await space.ready(name, READY_SECONDS) for name in seen}
    assert {name: facts(space, each) for name, each in again.items()} == before
    assert "orphan removed" not in platform.log(10_000)


async def test_owners_that_are_dead_take_logins_along_and_no_data(platform: Platform, space: Space) -> None:
    """A backup as it is: the garbage collector may delete a Secret whose owner's UID nobody has any more."""
    seen, repository = await deployed(space, "shop")
    before = facts(space, seen)
    kept = backup(platform, space)
    await asyncio.to_thread(lose_cluster, platform, space)
    restore(platform, *(item for item in kept if item["kind"] == "Secret"))
    await until(lambda: space.secret_data("shop-database"), READY_SECONDS, lambda data: data is None)
    restore(platform, *(item for item in kept if item["kind"] == "Preview"))
    again = await space.ready("shop", READY_SECONDS)
    after = facts(space, again)
    assert (after.slug, after.url, after.rows) == (before.slug, before.url, before.rows)
    assert await logs_in(space, "shop")
    await space.push("shop", repository.commit(tree(env={"PUSHED": "1"})))
    assert facts(space, await space.ready("shop")).rows == before.rows


async def secret_owners(space: Space, name: str) -> list[str]:
    """The UIDs of whom the Secret with a preview's login belongs to."""
    path = f"/api/v1/namespaces/{space.namespace}/secrets/{name}-database"
    found = await space.api.call("GET", path)
    return [owner["uid"] for owner in found["metadata"].get("ownerReferences", ())]
