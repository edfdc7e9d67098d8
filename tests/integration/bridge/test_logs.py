"""Logs from a pull request to those who read them: the comment's link, the page, the API, the stream."""

from __future__ import annotations

import asyncio
import json
import re
from functools import partial
from typing import Any

import aiohttp

from tests.integration.bridge.bridge import Bridge
from tests.integration.bridge.story import Story
from tests.integration.operator.app import files
from tests.integration.operator.polling import until

TICKS = 'CMD ["sh", "-c", "while :; do echo tick; sleep 0.2; done & exec perl /server.pl"]'
LINK = re.compile(r"\((http://127\.0\.0\.1:\d+/previews/[^)\s]+)\)")


async def test_an_author_reads_from_the_comment_what_went_wrong(story: Story, bridge: Bridge) -> None:
    await story.open(files(lines=("RUN echo the reason is here && exit 3",)))
    comment = await story.comment("the reason is here", "/previews/", seconds=90)
    link = LINK.search(comment.body)
    assert link is not None, comment.body
    async with aiohttp.ClientSession() as visitor:
        async with visitor.get(link[1]) as page:
            assert page.status == 200
            assert "the reason is here" in await page.text()
        async with visitor.get(link[1].replace("pass=", "pass=x")) as refused:
            assert refused.status == 403


async def test_the_api_tells_each_type_and_pages_through_them(story: Story, bridge: Bridge) -> None:
    await story.serves(await story.open(files(database=True)))
    slug = await _slug(story)
    stats = await until(
        partial(_get, bridge, slug, "/stats"),
        20,
        lambda told: all(told["data"]["types"].get(name) for name in TYPES),
    )
    total = stats["data"]["total"]
    first = await _get(bridge, slug, "/paginated?page=1&pageSize=10")
    assert first["pagination"]["total"] >= total > 10
    assert [line["sequence"] for line in first["data"]] == list(range(1, 11))
    builds = await _get(bridge, slug, "?type=build&limit=5")
    assert {line["type"] for line in builds["data"]} == {"build"}
    assert {line["repository"] for line in first["data"]} == {story.repository.name.lower()}


async def test_a_stream_goes_on_where_it_was_left(story: Story, bridge: Bridge) -> None:
    await story.serves(await story.open(files(TICKS)))
    slug = await _slug(story)
    seen = await _followed(bridge, slug, 30)
    again = await _followed(bridge, slug, 30, after=seen[-1])
    assert again[0] == seen[-1] + 1
    assert [*seen, *again] == list(range(seen[0], again[-1] + 1))


async def test_the_log_of_a_closed_pull_request_is_read_by_its_repository(
    story: Story, bridge: Bridge
) -> None:
    await story.serves(await story.open())
    slug = await _slug(story)
    await story.close()
    await story.gone()
    status, _ = await bridge.call("GET", f"/api/previews/{slug}/logs")
    assert status == 404
    named = f"?repository={story.repository.name}&limit=1000"
    told = await until(
        partial(_get, bridge, slug, named),
        20,
        lambda told: any("retire" in line["message"] for line in told["data"]),
    )
    assert any("closed" in line["message"] for line in told["data"]), [x["message"] for x in told["data"]]


async def test_what_the_bridge_did_is_in_the_preview_s_log(story: Story, bridge: Bridge) -> None:
    await story.serves(await story.open())
    slug = await _slug(story)
    await story.say("/preview deploy")
    await until(
        partial(_get, bridge, slug, "?limit=1000"),
        30,
        lambda told: any("/preview deploy" in line["message"] for line in told["data"]),
    )


TYPES = ("build", "deploy", "container", "database", "system")


async def _slug(story: Story) -> str:
    seen = await story.look()
    assert seen is not None
    slug: str = seen.status["slug"]
    return slug


async def _get(bridge: Bridge, slug: str, what: str) -> dict[str, Any]:
    status, answer = await bridge.call("GET", f"/api/previews/{slug}/logs{what}")
    assert status == 200, answer
    return answer


async def _followed(bridge: Bridge, slug: str, count: int, after: int | None = None) -> list[int]:
    """The sequences of the next entries on the stream."""
    url = f"{bridge.url}/api/previews/{slug}/logs/stream"
    query = {} if after is None else {"after": str(after)}
    headers = {"Authorization": f"Bearer {bridge.token}"}
    found: list[int] = []
    async with (
        asyncio.timeout(60),
        aiohttp.ClientSession() as session,
        session.ws_connect(url, params=query, headers=headers) as socket,
    ):
        async for message in socket:
            frame = json.loads(message.data)
            if frame["type"] == "log":
                found.append(frame["data"]["sequence"])
            if len(found) == count:
                break
    return found
