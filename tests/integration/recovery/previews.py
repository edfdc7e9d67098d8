"""Previews that are about to lose something, and what of them must be the same afterwards."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass

import psycopg

from tests.integration.operator.app import files
from tests.integration.operator.polling import until
from tests.integration.operator.space import Repository, Seen, Space, visit

ANSWERS_SECONDS = 60.0
ROW = "precious"


@dataclass(frozen=True)
class Facts:
    """What of a preview a visitor, its containers and its database have."""

    slug: str
    url: str
    containers: Mapping[str, str]
    """Since when each runs, by its id."""
    rows: tuple[str, ...]


def tree(**more: object) -> dict[str, bytes]:
    """An application of two services with a database."""
    made = dict(files(database=True))
    preview = json.loads(made["preview.yaml"])
    preview["services"]["api"] = {"resources": {"memory": "64Mi"}}
    made["preview.yaml"] = json.dumps({**preview, **more}).encode()
    return made


async def deployed(space: Space, name: str, owner: str = "acme", **source: object) -> tuple[Seen, Repository]:
    """A preview that serves, with a row in its database that no script made."""
    repository = space.repository(owner)
    commit = repository.commit(tree())
    await space.create(name, {"source": space.source(repository, commit, **source)})
    seen = await space.ready(name)
    space.engine.sql(f"INSERT INTO item VALUES ('{ROW}')", seen.status["database"]["name"])
    return seen, repository


def facts(space: Space, seen: Seen) -> Facts:
    """What there is of it now."""
    running = {
        str(container.id): str(space.engine.inspect(container)["State"]["StartedAt"])
        for container in space.engine.containers(space.key(seen.body["metadata"]["name"]))
    }
    name = seen.status["database"]["name"]
    rows = tuple(space.engine.sql("SELECT name FROM item ORDER BY 1", name))
    return Facts(seen.status["slug"], seen.status["url"], running, rows)


async def answers(url: str, body: str | None = None, seconds: float = ANSWERS_SECONDS) -> None:
    """Wait until a preview answers, with this body where one is given."""
    await until(
        lambda: visit(url),
        seconds,
        lambda answer: answer.status == 200 and body in (None, answer.body),
    )


async def annotate(space: Space, name: str, wish: str, value: str) -> None:
    """Wish for something."""
    await space.patch(name, {"metadata": {"annotations": {f"previewcloud.io/{wish}": value}}})


async def phase(space: Space, name: str, wanted: str, seconds: float = 60.0) -> Seen:
    """Wait for a phase."""
    seen = await until(
        lambda: space.look(name),
        seconds,
        lambda seen: seen is not None and seen.status.get("phase") == wanted,
    )
    assert seen is not None
    return seen


async def condition(space: Space, name: str, kind: str, reason: str, seconds: float = 60.0) -> Seen:
    """Wait until a condition has a reason."""
    seen = await until(
        lambda: space.look(name),
        seconds,
        lambda seen: seen is not None and seen.condition(kind).get("reason") == reason,
    )
    assert seen is not None
    return seen


async def logs_in(space: Space, name: str) -> bool:
    """Whether the login in the preview's Secret opens its database."""
    data = await space.secret_data(f"{name}-database")
    assert data is not None
    user, password = (base64.b64decode(data[key]).decode() for key in ("username", "password"))
    place = {"dbname": user, "user": user, "password": password}
    try:
        with psycopg.connect(psycopg.conninfo.make_conninfo(space.env["POSTGRES_URL"], **place)):
            return True
    except psycopg.OperationalError:
        return False
