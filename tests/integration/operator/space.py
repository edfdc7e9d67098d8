"""A namespace of a test's own, and the Previews in it: specs in, what became of them out."""

from __future__ import annotations

import itertools
import secrets
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from controller.api.names import PreviewKey
from controller.source.memory import MemoryFile
from tests.integration.git_server import write_commit
from tests.integration.operator.api import GROUP, Api, Json, Refused
from tests.integration.operator.engine import Engine
from tests.integration.operator.polling import until

NUMBERS = itertools.count(1000 + secrets.randbelow(10**6))
COMMIT = "c" * 40
READY_SECONDS = 90.0
VISIT_SECONDS = 5.0


@dataclass(frozen=True)
class Repository:
    """A repository that the platform's git server serves."""

    name: str
    path: Path
    url: str

    def commit(self, files: Mapping[str, bytes | MemoryFile]) -> str:
        """Store a commit with exactly these files."""
        return write_commit(self.path, files)


@dataclass(frozen=True)
class Seen:
    """A Preview as the API server has it."""

    body: Json

    @property
    def status(self) -> Json:
        found: Json = self.body.get("status", {})
        return found

    def condition(self, kind: str) -> Json:
        """A condition; an empty one when there is none."""
        return next((c for c in self.status.get("conditions", ()) if c["type"] == kind), {})

    def current(self) -> bool:
        return bool(self.status.get("observedGeneration") == self.body["metadata"]["generation"])

    def ready(self) -> bool:
        """What was asked for last is being served."""
        told = {kind: self.condition(kind).get("status") for kind in ("Ready", "Reconciling", "Stalled")}
        wanted = self.body["spec"]["source"]["commit"]
        return (
            self.current()
            and told == {"Ready": "True", "Reconciling": "False", "Stalled": "False"}
            and self.status.get("commit") == wanted
        )

    def stalled(self) -> bool:
        """What was asked for last failed for good."""
        return self.current() and self.condition("Stalled").get("status") == "True"


class Space:
    """One namespace; everything a test makes goes with it."""

    def __init__(self, api: Api, engine: Engine, env: Mapping[str, str], namespace: str) -> None:
        self.api, self.engine, self.env, self.namespace = api, engine, env, namespace
        self.seen_slugs: dict[str, str] = {}

    async def open(self) -> None:
        await self.api.call("POST", "/api/v1/namespaces", {"metadata": {"name": self.namespace}})

    async def close(self) -> None:
        """Delete all Previews, wait until they are gone, and delete the namespace."""
        for item in (await self.api.call("GET", self.path()))["items"]:
            await self.delete(item["metadata"]["name"])
        for item in (await self.api.call("GET", self.path()))["items"]:
            await self.gone(item["metadata"]["name"])
        await self.api.call("DELETE", f"/api/v1/namespaces/{self.namespace}")

    def path(self, name: str = "") -> str:
        """Where Previews are."""
        return f"{GROUP}/namespaces/{self.namespace}/previews" + (f"/{name}" if name else "")

    def key(self, name: str) -> PreviewKey:
        return PreviewKey(self.namespace, name)

    def repository(self, owner: str = "acme") -> Repository:
        """A new, empty repository."""
        name = f"{owner}/app-{secrets.token_hex(4)}"
        path = Path(self.env["GIT_ROOT"]) / f"{name}.git"
        subprocess.run(["git", "init", "-q", "--bare", str(path)], check=True)
        return Repository(name, path, f"{self.env['GIT_BASE_URL']}/{name}.git")

    def source(self, repository: Repository | str = "acme/images", commit: str = COMMIT, **more: Any) -> Json:
        """A source: a repository with its commit, or a name alone where nothing is fetched."""
        fixed = {"pullRequest": next(NUMBERS), "trust": "trusted", "commit": commit}
        if isinstance(repository, Repository):
            return {"repository": repository.name, "cloneURL": repository.url, **fixed, **more}
        return {"repository": repository, **fixed, **more}

    async def create(self, name: str, spec: Mapping[str, Any], **metadata: Any) -> None:
        """Create a Preview; raises Refused."""
        body = {
            "apiVersion": "previewcloud.io/v1alpha1",
            "kind": "Preview",
            "metadata": {"name": name, "namespace": self.namespace, **metadata},
            "spec": spec,
        }
        await self.api.call("POST", self.path(), body)

    async def patch(self, name: str, body: Mapping[str, Any]) -> None:
        """Change a Preview; raises Refused."""
        await self.api.call("PATCH", self.path(name), body)

    async def push(self, name: str, commit: str) -> None:
        """Ask for another commit."""
        await self.patch(name, {"spec": {"source": {"commit": commit}}})

    async def secret(self, name: str, data: Mapping[str, str], repository: str) -> None:
        """Store a Secret for a repository."""
        labels = {"previewcloud.io/repository": repository.replace("/", ".")}
        body = {"metadata": {"name": name, "labels": labels}, "stringData": data}
        await self.api.call("POST", f"/api/v1/namespaces/{self.namespace}/secrets", body)

    async def secret_data(self, name: str) -> Json | None:
        """A Secret's data, base64 as it is stored, or None."""
        found = await self.api.get(f"/api/v1/namespaces/{self.namespace}/secrets/{name}")
        return None if found is None else found.get("data", {})

    async def look(self, name: str) -> Seen | None:
        """A Preview as it is now, or None."""
        body = await self.api.get(self.path(name))
        return None if body is None else Seen(body)

    async def ready(self, name: str, seconds: float = READY_SECONDS) -> Seen:
        """Wait until what was asked for last is being served."""
        seen = await until(lambda: self.look(name), seconds, lambda seen: seen is not None and seen.ready())
        assert seen is not None
        self.seen_slugs[name] = seen.status["slug"]
        return seen

    async def stalled(self, name: str, seconds: float = READY_SECONDS) -> Seen:
        """Wait until what was asked for last has failed for good."""
        seen = await until(lambda: self.look(name), seconds, lambda seen: seen is not None and seen.stalled())
        assert seen is not None
        return seen

    async def delete(self, name: str) -> None:
        """Ask for a deletion; gone already is fine."""
        try:
            await self.api.call("DELETE", self.path(name))
        except Refused as refusal:
            if refusal.status != 404:
                raise

    async def gone(self, name: str, seconds: float = 60) -> None:
        """Wait until a Preview is no more."""
        await until(lambda: self.look(name), seconds, lambda seen: seen is None)

    async def events(self, name: str) -> list[Json]:
        """The Events about a Preview."""
        found = await self.api.call("GET", f"/api/v1/namespaces/{self.namespace}/events")
        return [item for item in found["items"] if item["involvedObject"]["name"] == name]


@dataclass(frozen=True)
class Answer:
    """What a visitor gets."""

    status: int
    body: str


async def visit(url: str, path: str = "/", login: tuple[str, str] | None = None) -> Answer:
    """Ask a preview through Traefik on loopback; status 0: nobody answered."""
    host, _, port = url.removeprefix("http://").rstrip("/").rpartition(":")
    target = f"http://127.0.0.1:{port}{path}"
    timeout = aiohttp.ClientTimeout(total=VISIT_SECONDS)
    headers = {"Host": host}
    if login is not None:
        headers["Authorization"] = aiohttp.encode_basic_auth(*login)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        try:
            async with session.get(target, headers=headers, allow_redirects=False) as answer:
                return Answer(answer.status, await answer.text())
        except (aiohttp.ClientError, TimeoutError) as error:
            return Answer(0, repr(error))
