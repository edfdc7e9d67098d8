"""POST .../{redeploy,reset-database,sleep,wake,pin}: what is wished of a Preview."""

import pytest

from controller.api.names import PIN, REDEPLOY, RESET_DATABASE, SLEEP, WAKE
from tests.unit.webhook.rest.test_reading import ran
from tests.unit.webhook.rest.world import BEGIN, World


@pytest.mark.parametrize(
    ("verb", "annotation"),
    [
        ("redeploy", REDEPLOY),
        ("reset-database", RESET_DATABASE),
        ("sleep", SLEEP),
        ("wake", WAKE),
        ("pin", PIN),
    ],
)
async def test_a_wish_is_an_annotation_with_its_time(world: World, verb: str, annotation: str) -> None:
    preview = await ran(world)
    response = await world.ask("POST", f"/api/previews/pr-42/{verb}")
    body = await response.json()
    assert response.status == 200 and body["message"].endswith(".")
    assert body["data"] == {"previewId": "pr-42", "status": "running", "urls": {"web": "http://web.test"}}
    found = world.cluster.by_key(preview.key)
    assert found is not None and found.metadata.annotations[annotation] == BEGIN.isoformat()


async def test_a_wish_given_twice_within_a_second_is_two_wishes(world: World) -> None:
    preview = await ran(world)
    seen = []
    for _ in range(3):
        await world.ask("POST", "/api/previews/pr-42/redeploy")
        found = world.cluster.by_key(preview.key)
        assert found is not None
        seen.append(found.metadata.annotations[REDEPLOY])
    assert len(set(seen)) == 3 and seen == sorted(seen)


async def test_a_pin_is_taken_away_again(world: World) -> None:
    preview = await ran(world)
    await world.ask("POST", "/api/previews/pr-42/pin", json={"pinned": True})
    await world.ask("POST", "/api/previews/pr-42/pin", json={"pinned": False})
    found = world.cluster.by_key(preview.key)
    assert found is not None and PIN not in found.metadata.annotations
