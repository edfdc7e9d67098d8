"""A restart adopts what runs; a deletion takes everything, or says what keeps it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from tests.integration.databases.relay import Relay
from tests.integration.operator.app import files, service
from tests.integration.operator.engine import NOTHING
from tests.integration.operator.polling import until
from tests.integration.operator.process import Operator
from tests.integration.operator.space import READY_SECONDS, Seen, Space, visit

ABANDON = "previewcloud.io/abandon"


class SocketRelay(Relay):
    """A relay before a server that listens on a path."""

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_unix_connection(self._target[0])


async def with_everything(space: Space, name: str) -> Seen:
    """A preview that has an image of its own, a network, a database and two services."""
    repository = space.repository()
    tree = dict(files(database=True))
    tree["preview.yaml"] = tree["preview.yaml"].replace(
        b'"services": {', b'"services": {"api": {"dependsOn": ["web"], "resources": {"memory": "64Mi"}}, '
    )
    await space.create(name, {"source": space.source(repository, repository.commit(tree))})
    return await space.ready(name)


async def test_a_restarted_operator_adopts_what_runs_and_writes_nothing(
    space: Space, operator: Operator
) -> None:
    seen = await with_everything(space, "kept")
    key, url = space.key("kept"), seen.status["url"]
    before = [space.engine.inspect(c)["State"]["StartedAt"] for c in space.engine.containers(key)]
    operator.stop()
    assert (await visit(url)).status == 200
    secret = await space.api.get(f"/api/v1/namespaces/{space.namespace}/secrets/kept-database")
    await until(space.api.terminating, 90, good=lambda names: not names)
    writes = await space.api.writes()
    mark = operator.log.stat().st_size
    operator.start()
    answers = []
    for _ in range(60):
        answers.append((await visit(url)).status)
        await asyncio.sleep(0.1)
    assert set(answers) == {200}
    after = [space.engine.inspect(c)["State"]["StartedAt"] for c in space.engine.containers(key)]
    assert after == before
    assert await space.api.writes() == writes
    again = await space.look("kept")
    assert again is not None
    assert again.body == seen.body
    assert await space.api.get(f"/api/v1/namespaces/{space.namespace}/secrets/kept-database") == secret
    assert b"[error" not in operator.log.read_bytes()[mark:]


async def test_what_changed_while_no_operator_ran_is_made_true_afterwards(
    space: Space, operator: Operator
) -> None:
    await space.create("moved", {"source": space.source(), "services": [service()]})
    await space.create("left", {"source": space.source(), "services": [service()]})
    await space.ready("moved")
    slug = (await space.ready("left")).status["slug"]
    operator.stop()
    await space.push("moved", "d" * 40)
    await space.delete("left")
    space.engine.of_service(space.key("moved")).kill()
    operator.start()
    seen = await space.ready("moved")
    assert (await visit(seen.status["url"])).body == f"web {'d' * 40}"
    await space.gone("left")
    assert space.engine.held(space.key("left"), slug) == NOTHING


@pytest.mark.usefixtures("door")
async def test_a_deletion_takes_everything_and_the_finalizer_last(space: Space) -> None:
    seen = await with_everything(space, "whole")
    key, slug = space.key("whole"), seen.status["slug"]
    held = space.engine.held(key, slug)
    counts = (held.containers, held.networks, held.images, held.databases, held.roles)
    assert [len(names) for names in counts] == [2, 1, 2, 1, 1], held
    await space.delete("whole")
    while await space.look("whole") is not None:
        last = space.engine.held(key, slug)
        await asyncio.sleep(0.02)
    assert space.engine.held(key, slug) == NOTHING
    assert await space.secret_data("whole-database") is None
    assert (await until(lambda: visit(seen.status["url"]), 5, lambda answer: answer.status == 404)).body
    assert last != held


async def test_a_namespace_can_be_deleted_with_its_previews(space: Space) -> None:
    seen = await with_everything(space, "inside")
    await space.api.call("DELETE", f"/api/v1/namespaces/{space.namespace}")
    await until(
        lambda: space.api.get(f"/api/v1/namespaces/{space.namespace}"), 60, lambda found: found is None
    )
    assert space.engine.held(space.key("inside"), seen.status["slug"]) == NOTHING
    await space.open()


@pytest.mark.parametrize("what", ["engine", "database"])
async def test_a_deletion_waits_for_what_is_unreachable_and_says_so(
    space: Space, operator: Operator, what: str
) -> None:
    seen = await with_everything(space, "stuck")
    key, slug = space.key("stuck"), seen.status["slug"]
    relay = _relay(space.env, what)
    await relay.open()
    with operator.restarted(**_through(relay, space.env, what)):
        await relay.close()
        await space.delete("stuck")
        stuck = await until(lambda: space.look("stuck"), 60, lambda found: found and _unreachable(found))
        assert stuck is not None
        assert stuck.body["metadata"]["finalizers"] == ["previewcloud.io/teardown"]
        assert stuck.status["phase"] == "Destroying"
        assert (space.engine.containers(key) if what == "engine" else space.engine.databases(slug)) != []
        await relay.open()
        await space.gone("stuck", READY_SECONDS)
        await relay.close()
    assert space.engine.held(key, slug) == NOTHING


async def test_an_abandoned_preview_is_let_go_names_what_is_left_and_finds_it_when_it_comes_back(
    space: Space, operator: Operator
) -> None:
    seen = await with_everything(space, "lost")
    key, slug = space.key("lost"), seen.status["slug"]
    relay = _relay(space.env, "database")
    await relay.open()
    await relay.close()
    with operator.restarted(**_through(relay, space.env, "database")):
        await space.delete("lost")
        await until(lambda: space.look("lost"), 60, lambda found: found and _unreachable(found))
        await space.patch("lost", {"metadata": {"annotations": {ABANDON: "2026-01-01T00:00:00Z"}}})
        await space.gone("lost")
    told = [event for event in await space.events("lost") if event["reason"] == "Abandoned"]
    assert slug in told[0]["message"]
    assert space.engine.databases(slug) != []
    await space.create("lost", seen.body["spec"])
    found = await space.ready("lost")
    assert found.status["slug"] == slug
    await space.delete("lost")
    await space.gone("lost")
    assert space.engine.held(key, slug) == NOTHING


def _unreachable(seen: Seen) -> bool:
    told = seen.condition("Reconciling")
    return told.get("status") == "True" and "Unavailable" in told.get("reason", "")


def _relay(env: Mapping[str, str], what: str) -> Relay:
    address = env["DOCKER_HOST" if what == "engine" else "POSTGRES_URL"]
    if address.startswith("unix://"):
        return SocketRelay(address.removeprefix("unix://"), 0)
    host, _, port = address.rpartition("@")[2].partition("/")[0].partition(":")
    return Relay(host, int(port))


def _through(relay: Relay, env: Mapping[str, str], what: str) -> dict[str, str]:
    if what == "engine":
        return {"DOCKER_HOST": f"tcp://127.0.0.1:{relay.port}"}
    url = env["POSTGRES_URL"]
    login, _, place = url.rpartition("@")
    return {"POSTGRES_URL": f"{login}@127.0.0.1:{relay.port}/{place.partition('/')[2]}"}
