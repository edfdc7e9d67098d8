"""All that operator and bridge do to the API server, brought about once."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

from controller.api.names import ROTATE_CREDENTIALS, SLEEP, WAKE
from tests.integration.bridge.bridge import Bridge
from tests.integration.bridge.story import Story
from tests.integration.operator.polling import until
from tests.integration.operator.space import NUMBERS, Seen, Space
from webhook.cluster.book import map_name, record_json, record_key
from webhook.cluster.config_maps import RECORDS_LABEL
from webhook.cluster.records import Record
from webhook.subject import Subject

REPOSITORY = "acme/images"
SECONDS = 60.0


async def live(space: Space) -> None:
    """A preview with a database, a password and a variable of a Secret: made, changed, asleep, awake, its
    login rotated, gone. Another one fails, and what a third one left behind is swept.
    """
    await space.secret("shared", {"password": "open sesame", "token": "t"}, REPOSITORY)
    variable = {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "shared", "key": "token"}}}
    spec = {
        "source": space.source(REPOSITORY),
        "services": [_service("web", env=[variable])],
        "database": {"type": "postgres"},
        "access": {"passwordSecretRef": {"name": "shared", "key": "password"}},
    }
    await space.create("full", spec)
    seen = await space.ready("full")
    login = seen.status["database"]["secretName"]
    await space.push("full", "d" * 40)
    await space.ready("full")
    await _wish(space, SLEEP, "2026-01-01T01:00:00Z")
    await _phase(space, "full", "Sleeping")
    await _wish(space, WAKE, "2026-01-01T02:00:00Z")
    await _phase(space, "full", "Running")
    before = await space.secret_data(login)
    await _wish(space, ROTATE_CREDENTIALS, "2026-01-01T03:00:00Z")
    await until(lambda: space.secret_data(login), SECONDS, lambda data: data not in (None, before))
    await _fails(space)
    await _is_swept(space)
    await space.delete("full")
    await space.gone("full")
    assert await space.secret_data(login) is None


async def _fails(space: Space) -> None:
    reference = {"name": "T", "valueFrom": {"secretKeyRef": {"name": "missing", "key": "token"}}}
    await space.create(
        "broken", {"source": space.source(REPOSITORY), "services": [_service("web", env=[reference])]}
    )
    await until(
        lambda: space.events("broken"), SECONDS, lambda events: any(e["type"] == "Warning" for e in events)
    )
    await space.delete("broken")
    await space.gone("broken")


async def _is_swept(space: Space) -> None:
    """A login whose Preview nobody knows, while there are others: with none at all nothing is swept."""
    labels = {"previewcloud.io/preview": "lost", "previewcloud.io/managed": "true"}
    body = {"metadata": {"name": "lost-database", "labels": labels}, "stringData": {"url": "postgres://lost"}}
    await space.api.call("POST", f"/api/v1/namespaces/{space.namespace}/secrets", body)
    await until(lambda: space.secret_data("lost-database"), SECONDS, lambda data: data is None)


async def remembered(space: Space) -> str:
    """What a bridge kept of a pull request that nobody touched for long; gives the ConfigMap's name."""
    subject = Subject("acme/forgotten", next(NUMBERS))
    record = Record(
        repository=subject.repository,
        pull_request=subject.pull_request,
        touched=datetime.now(UTC) - timedelta(days=40),
    )
    name = map_name(subject.repository)
    body = {
        "metadata": {"name": name, "labels": {RECORDS_LABEL: "true"}},
        "data": {record_key(subject): record_json(record)},
    }
    await space.api.call("POST", f"/api/v1/namespaces/{space.namespace}/configmaps", body)
    return name


async def work(story: Story, bridge: Bridge, old: str) -> None:
    """A pull request from its first delivery to its close, a preview by the API with a secret that changes,
    and what is forgotten.
    """
    space = story.space
    await story.open()
    await space.ready(story.key.name)
    await _by_the_api(Story(space, story.github, bridge), bridge)
    await until(
        lambda: space.api.get(f"/api/v1/namespaces/{space.namespace}/configmaps/{old}"), SECONDS, _is_none
    )
    await story.close()
    await space.gone(story.key.name)


async def _by_the_api(story: Story, bridge: Bridge) -> None:
    space = story.space
    owner, repository = story.repository.name.split("/")
    request: dict[str, Any] = {
        "repoOwner": owner,
        "repoName": repository,
        "prNumber": story.number,
        "commitSha": await story.open(deliver=False),
        "services": {"web": {"imageTag": "acme/web:1", "port": 8080, "env": {"TOKEN": "first"}}},
    }
    status, answer = await bridge.call("POST", "/api/previews", request)
    assert status == 201, answer
    slug = answer["data"]["previewId"]
    request["services"]["web"]["env"] = {"TOKEN": "second"}
    status, answer = await bridge.call("POST", "/api/previews", request)
    assert status == 200, answer
    name = story.key.name
    data = await space.secret_data(f"{name}-env")
    assert data is not None
    assert "second" in base64.b64decode(next(iter(data.values()))).decode()
    await space.ready(name)
    status, answer = await bridge.call("DELETE", f"/api/previews/{slug}")
    assert status == 200, answer
    await space.gone(name)
    assert await space.secret_data(f"{name}-env") is None


async def wake_of_others(space: Space, bridge: Bridge) -> None:
    """A Preview that somebody else made, in a namespace of theirs, is asked to wake."""
    await space.create("theirs", {"source": space.source(REPOSITORY), "services": [_service("web")]})
    seen = await space.ready("theirs")
    status, answer = await bridge.call("POST", f"/api/previews/{seen.status['slug']}/wake")
    assert status == 200, answer
    found = await space.look("theirs")
    assert found is not None
    assert WAKE in found.body["metadata"]["annotations"]


def _service(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "image": "acme/web:1", "port": 8080, **more}


async def _wish(space: Space, annotation: str, value: str) -> None:
    await space.patch("full", {"metadata": {"annotations": {annotation: value}}})


async def _phase(space: Space, name: str, phase: str) -> None:
    def so(seen: Seen | None) -> bool:
        return seen is not None and seen.status.get("phase") == phase

    await until(lambda: space.look(name), SECONDS, so)


def _is_none(found: object) -> bool:
    return found is None
