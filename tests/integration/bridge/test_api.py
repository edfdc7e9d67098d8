"""The API from a request to a URL that answers, beside webhooks."""

from __future__ import annotations

from tests.integration.bridge.bridge import Bridge
from tests.integration.bridge.story import Story
from tests.integration.operator.app import files, image
from tests.integration.operator.polling import until
from tests.integration.operator.space import Space, visit

TOKEN = "planted-9f2c41d07b"


async def test_from_a_request_to_a_url_and_away(story: Story, bridge: Bridge, space: Space) -> None:
    commit = await story.open(deliver=False)
    owner, name = story.repository.name.split("/")
    request = {
        "repoOwner": owner,
        "repoName": name,
        "prNumber": story.number,
        "commitSha": commit,
        "services": {"web": {"imageTag": image(), "port": 8080, "env": {"API_TOKEN": TOKEN}}},
    }
    status, answer = await bridge.call("POST", "/api/previews", request)
    assert status == 201, answer
    slug = answer["data"]["previewId"]
    url = await story.serves(commit)
    assert (await visit(url, "/env/API_TOKEN")).body == TOKEN
    found = await story.look()
    assert found is not None
    assert TOKEN not in str(found.body)

    status, answer = await bridge.call("GET", f"/api/previews/{slug}/status")
    assert answer["data"] == {"previewId": slug, "status": "running", "urls": {"web": url}}
    again = await bridge.deliver("pull_request", story.event("synchronize"))
    assert (again["outcome"], again["reason"]) == ("ignored", "MadeByApi")

    await story.close()
    await story.gone()
    story.github.hub.reopen_pull(story.repository.name, story.number)
    await story.happens("reopened")
    url = await story.serves(commit)
    assert (await visit(url, "/env/API_TOKEN")).body == TOKEN
    status, answer = await bridge.call("DELETE", f"/api/previews/{slug}")
    assert status == 200, answer
    await story.gone()


async def test_a_repository_built_at_the_commit_through_the_api(story: Story, bridge: Bridge) -> None:
    commit = await story.open(files(database=True), deliver=False)
    owner, name = story.repository.name.split("/")
    request = {"repoOwner": owner, "repoName": name, "prNumber": story.number, "commitSha": commit}
    status, answer = await bridge.call("POST", "/api/previews", request)
    assert status == 201, answer
    await story.serves(commit)
    slug = answer["data"]["previewId"]
    status, answer = await bridge.call("GET", f"/api/previews/{slug}")
    assert answer["data"]["database"]["type"] == "postgres"
    assert answer["data"]["status"] == "running"


async def test_health_tells_of_everything_behind(bridge: Bridge) -> None:
    async def well() -> bool:
        status, answer = await bridge.call("GET", "/api/health")
        return status == 200 and answer["services"]["docker"] == "ok"

    assert await until(well, 60)
