"""A hostile application: labels of the proxy, a fork bomb, endless output. Refused, or bounded in cost."""

from __future__ import annotations

import asyncio
import json

from tests.integration.images import BASE_IMAGE, build, tagged
from tests.integration.operator.app import CMD, files, service
from tests.integration.operator.engine import NOTHING
from tests.integration.operator.hostile import refused_tree
from tests.integration.operator.polling import until
from tests.integration.operator.space import Space, visit

STATUS_BYTES = 60_000
VISITS = 20
EVIL = "traefik.http.routers.evil.rule"


async def test_a_commit_that_labels_its_image_for_the_proxy_is_refused(space: Space) -> None:
    message = await refused_tree(space, files(lines=(f"LABEL {EVIL}=PathPrefix(`/`)",)), "ImageLabelRefused")
    assert EVIL in message


async def test_a_ready_image_that_is_labelled_for_the_proxy_is_refused(space: Space) -> None:
    text = f"FROM {BASE_IMAGE}\nLABEL {EVIL}=PathPrefix(`/`)\n{CMD}\n"
    labelled = {**service(), "image": build(tagged("previewcloud-test/label", text), text)}
    source = space.source()
    await space.create("ready", {"source": source, "services": [labelled]})
    told = (await space.stalled("ready")).condition("Stalled")
    assert told["reason"] == "ImageLabelRefused", told
    assert EVIL in told["message"]
    assert space.engine.held(space.key("ready"), f"pr-{source['pullRequest']}") == NOTHING


async def test_a_fork_bomb_is_held_and_its_neighbour_serves_on(space: Space) -> None:
    bomb = service("bomb", command=["perl", "-e", "while (1) { fork // sleep 1 }"])
    await space.create("good", {"source": space.source(), "services": [service()]})
    url = (await space.ready("good")).status["url"]
    await space.create("bomb", {"source": space.source(), "services": [bomb]})
    await until(lambda: space.engine.containers(space.key("bomb")), 30)
    container = space.engine.of_service(space.key("bomb"), "bomb")
    limit = space.engine.inspect(container)["HostConfig"]["PidsLimit"]
    assert 0 < limit <= 1024

    def processes() -> int:
        return int(container.stats(stream=False)["pids_stats"].get("current", 0))

    assert await until(lambda: asyncio.to_thread(processes), 20, lambda count: count >= limit // 2) <= limit
    for _ in range(VISITS):
        answer = await visit(url)
        assert answer.status == 200, answer
    await space.delete("bomb")
    await space.gone("bomb", 30)
    assert space.engine.containers(space.key("bomb")) == []


async def test_what_an_application_prints_cannot_grow_the_status_without_bound(space: Space) -> None:
    shouting = service(command=["sh", "-c", "head -c 3000000 /dev/zero | tr '\\0' 'x'; exit 1"])
    await space.create("loud", {"source": space.source(), "services": [shouting]})
    seen = await space.stalled("loud")
    assert len(json.dumps(seen.status)) < STATUS_BYTES
    assert "xxx" in seen.condition("Stalled")["message"]
