"""What requests leave in the log of a Preview: what changed it, what was wished or refused, and by whom."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from controller.logs.protocol import LogType
from tests.unit.webhook.rest.world import COMMIT, NEXT, World, running
from webhook.logs.told import Overheard
from webhook.rest.routes import setup


@dataclass
class Listening:
    """An API that is overheard."""

    world: World
    told: Overheard

    @property
    def said(self) -> list[str]:
        """What was said."""
        return self.told.messages


@pytest.fixture
async def api() -> AsyncIterator[Listening]:
    async with running() as world:
        told, app = Overheard(), web.Application()
        setup(app, replace(world.api, told=told))
        async with TestClient(TestServer(app)) as client:
            world.client = client
            yield Listening(world, told)


async def test_what_is_made_and_changed_is_said_and_what_is_as_it_was_is_not(api: Listening) -> None:
    for commit in (COMMIT, COMMIT, NEXT):
        assert (await api.world.post(commitSha=commit))[0] in {200, 201}
    assert api.said == [
        f"created for commit {COMMIT[:12]}",
        f"commit {NEXT[:12]} is asked for, or other settings",
    ]
    preview, first = api.told.told[0]
    assert (first.metadata, first.type) == ({"by": "test", "via": "api"}, LogType.DEPLOY)
    assert api.world.cluster.by_slug("pr-42") is not None
    assert {one.log_key for one, _ in api.told.told} == {preview.log_key}


@pytest.mark.parametrize(
    ("verb", "words"),
    [
        ("redeploy", "wished: The preview is deployed anew."),
        ("reset-database", "wished: The database is made anew."),
        ("sleep", "wished: The preview is put to sleep."),
        ("wake", "wished: The preview is woken up."),
        ("pin", "wished: The preview is pinned."),
    ],
)
async def test_a_wish_is_said_with_its_answer(api: Listening, verb: str, words: str) -> None:
    preview = await api.world.made()
    assert (await api.world.ask("POST", f"/api/previews/pr-42/{verb}")).status == 200
    assert [(one.log_key, said.message, said.by) for one, said in api.told.told] == [
        (preview.log_key, words, "test")
    ]


async def test_a_removal_is_said_in_the_log_of_what_went(api: Listening) -> None:
    preview = await api.world.made()
    assert (await api.world.ask("DELETE", "/api/previews/pr-42")).status == 200
    assert [(one.log_key, said.message) for one, said in api.told.told] == [
        (preview.log_key, "removed, as a request asked")
    ]


async def test_a_request_that_is_refused_is_said_where_a_preview_stands(api: Listening) -> None:
    preview = await api.world.made()
    found = preview.model_copy(update={"metadata": preview.metadata.model_copy(update={"labels": {}})})
    api.world.cluster.put(found)
    assert (await api.world.post())[0] == 409
    assert (await api.world.ask("DELETE", "/api/previews/pr-42")).status == 409
    assert [said.split(":")[:2] for said in api.said] == [["refused", " MadeByOthers"]] * 2


async def test_reading_and_what_is_not_let_in_say_nothing(api: Listening) -> None:
    await api.world.made()
    for path in ("/api/previews", "/api/previews/pr-42", "/api/previews/pr-42/status"):
        assert (await api.world.ask("GET", path)).status == 200
    assert (await api.world.ask("POST", "/api/previews/pr-42/pin", "wrong")).status == 401
    assert (await api.world.ask("POST", "/api/previews/pr-7/pin")).status == 404
    assert api.said == []
