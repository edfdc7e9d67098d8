"""Everything that is there of one Preview, in a form in which two runs of the same thing are equal."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
import psycopg
from docker.models.containers import Container

from controller.api.names import INCARNATION_ANNOTATION, PreviewKey, database_name
from controller.databases.postgres import REGISTRY_PREFIX
from controller.runtime.docker.labels import COMMIT, IMAGE, JOB, REVISION, SERVICE
from tests.integration.operator.api import Json
from tests.integration.operator.space import Space

State = Mapping[str, Any]
TIMES = ("phaseSince", "lastActivityTime", "aliveSince")
KEPT_LABELS = (SERVICE, COMMIT, IMAGE, JOB)


async def state_of(space: Space, name: str, slug: str) -> State:
    """Containers, networks, images, databases, roles, Secrets, routes and the resource itself."""
    key = space.key(name)
    secrets = await _secrets(space)
    found = {
        "containers": [_container(space, container) for container in space.engine.containers(key)],
        "revisions": len({container.labels.get(REVISION) for container in space.engine.containers(key)}),
        "networks": space.engine.networks(key),
        "images": space.engine.image_tags(key),
        "databases": [
            {"name": database, **_content(space, database)} for database in space.engine.databases(slug)
        ],
        "roles": space.engine.roles(slug),
        "registry": _registry(space, key),
        "secrets": [_secret(item) for item in secrets],
        "login": [_logs_in(space, slug, item) for item in secrets],
        "routes": await _routes(space, slug),
        "resource": await _resource(space, name),
    }
    told = json.dumps(found, sort_keys=True)
    for secret in secrets:
        told = told.replace(_password(secret), "***")
    same: State = json.loads(re.sub(rf"({slug}(?:-[a-z]+)?)-[0-9a-f]{{8}}\b", r"\1-#", told))
    return same


def differences(expected: State, found: State) -> list[str]:
    """What is not as it was, part by part."""
    return [
        f"{part}:\n    expected {json.dumps(expected[part])}\n    found    {json.dumps(found[part])}"
        for part in expected
        if expected[part] != found[part]
    ]


def _container(space: Space, container: Container) -> Json:
    seen = space.engine.inspect(container)
    networks = seen["NetworkSettings"]["Networks"]
    service = container.labels.get(SERVICE)
    return {
        "name": container.name,
        "state": seen["State"]["Status"],
        "restarts": seen["RestartCount"],
        "env": sorted(seen["Config"]["Env"]),
        "networks": {net: service in (at["Aliases"] or ()) for net, at in sorted(networks.items())},
        "labels": {label: container.labels[label] for label in KEPT_LABELS if label in container.labels},
    }


def _content(space: Space, database: str) -> Json:
    """What migrations made, and what the ledger says of them; one that ran twice shows in the rows."""
    ledger = "SELECT kind || ' ' || name || ' ' || checksum FROM previewcloud.migrations ORDER BY 1"
    return {
        "rows": space.engine.sql("SELECT name FROM item ORDER BY 1", database),
        "ledger": space.engine.sql(ledger, database),
    }


def _registry(space: Space, key: PreviewKey) -> list[str]:
    statement = f"SELECT name || ' ' || preview || ' ' || slug FROM previews WHERE preview = '{key}'"
    return space.engine.sql(statement, f"{REGISTRY_PREFIX}{space.engine.installation}")


async def _secrets(space: Space) -> list[Json]:
    found = await space.api.call("GET", f"/api/v1/namespaces/{space.namespace}/secrets")
    return [item for item in found["items"] if item["type"] == "Opaque"]


def _secret(item: Json) -> Json:
    metadata = item["metadata"]
    owners = [(owner["kind"], owner["name"]) for owner in metadata.get("ownerReferences", ())]
    keys = sorted(item["data"])
    return {"name": metadata["name"], "labels": metadata["labels"], "owners": owners, "keys": keys}


def _password(secret: Json) -> str:
    return base64.b64decode(secret["data"]["password"]).decode()


def _logs_in(space: Space, slug: str, secret: Json) -> bool:
    """The stored login opens the database."""
    name = database_name(slug)
    place = {"dbname": name, "user": name, "password": _password(secret)}
    with psycopg.connect(psycopg.conninfo.make_conninfo(space.env["POSTGRES_URL"], **place)) as connection:
        return connection.execute("SELECT current_user").fetchone() == (name,)


async def _routes(space: Space, slug: str) -> Json:
    """The preview's routers, as Traefik is told of them."""
    url, headers = (
        f"http://{space.env['ROUTING_LISTEN']}/traefik",
        _token(space),
    )
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as answer:
        routers: Json = (await answer.json())["http"]["routers"]
    return {name: router for name, router in routers.items() if f"(`{slug}-" in router["rule"]}


def _token(space: Space) -> dict[str, str]:
    return {"Authorization": f"Bearer {Path(space.env['ROUTING_TOKEN_FILE']).read_text().strip()}"}


async def _resource(space: Space, name: str) -> Json | None:
    seen = await space.look(name)
    if seen is None:
        return None
    conditions = [{**one, "lastTransitionTime": ""} for one in seen.status.get("conditions", ())]
    times = {name: bool(seen.status.get(name)) for name in TIMES}  # of each life its own
    times["lastAccessedTime"] = False  # whether a visit was counted by now is chance
    metadata = seen.body["metadata"]
    annotations = {**metadata.get("annotations", {})}
    assert annotations.pop(INCARNATION_ANNOTATION, metadata["uid"]) == metadata["uid"]  # of each life its own
    return {
        "status": {**seen.status, **times, "conditions": conditions},
        "annotations": annotations,
        "finalizers": metadata.get("finalizers"),
    }
