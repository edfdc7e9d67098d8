"""The disk of a real engine: what builds left goes where it is ours, and how much room there is is known."""

from __future__ import annotations

import asyncio
import io
import json
import os
import secrets
import shutil
import tarfile
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import docker
import pytest
import pytest_asyncio

from controller.api.errors import BackendUnavailable, Conflict
from controller.runtime.docker.runtime import DockerRuntime
from controller.runtime.docker.settings import DockerSettings
from controller.runtime.docker.transport import Call, EngineClient
from tests.contract.disk_contract import CACHE, DiskContract, DiskPlace
from tests.integration.images import BASE_IMAGE
from tests.integration.runtime.conftest import Hand

LABEL = "previewcloud.image.installation"
MIB = 1024**2
TAR = {"Content-Type": "application/x-tar"}


def archive(**files: bytes) -> bytes:
    """Files as a tar."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as opened:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o755
            opened.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


class EngineBuilds:
    """See Builds: images of a megabyte, imported, so that they have no parents."""

    def __init__(self, client: docker.DockerClient, installation: str) -> None:
        self._client = client
        self._installation = installation
        self._left: list[str] = []

    async def leave(self, installation: str, *, used: bool = False, named: bool = False) -> str:
        return await asyncio.to_thread(self._leave, installation, used, named)

    async def has(self, image_id: str) -> bool:
        return await asyncio.to_thread(self._has, image_id)

    def clean(self) -> None:
        """Remove all that is left."""
        for image_id in self._left:
            if self._has(image_id):
                for container in self._client.containers.list(all=True, filters={"ancestor": image_id}):
                    container.remove(force=True)
                self._client.images.remove(image_id, force=True)

    def _leave(self, installation: str, used: bool, named: bool) -> str:
        name = f"previewcloud/test-{self._installation}/web" if named else None
        changes = [f"LABEL {LABEL}={installation}"] if installation else []
        told = self._client.api.import_image_from_data(
            archive(content=os.urandom(MIB)), repository=name, changes=changes
        )
        image_id = str(json.loads(told.strip().splitlines()[-1])["status"])
        self._left.append(image_id)
        if used:
            self._client.containers.create(image_id, ["/content"])
        return image_id

    def _has(self, image_id: str) -> bool:
        return any(each["Id"] == image_id for each in self._client.api.images(all=True))


@pytest_asyncio.fixture
async def disk_place(runtime: DockerRuntime, installation: str) -> AsyncIterator[DiskPlace]:
    sdk = docker.from_env()
    builds = EngineBuilds(sdk, installation)
    yield DiskPlace(runtime, installation, builds)
    await asyncio.to_thread(builds.clean)
    sdk.close()


class TestDockerDisk(DiskContract):
    """All of it."""


async def test_the_engines_own_disk_is_measured(runtime: DockerRuntime) -> None:
    sdk = docker.from_env()
    root = (await asyncio.to_thread(sdk.info))["DockerRootDir"]
    sdk.close()
    free = await runtime.free_bytes()
    # the same disk where the engine is this machine's, which others write to meanwhile
    if Path(root).is_dir():
        assert abs(free - shutil.disk_usage(root).free) < 4 * 1024**3


async def test_many_looks_at_the_disk_at_once_leave_no_container(runtime: DockerRuntime, hand: Hand) -> None:
    found = await asyncio.gather(*(runtime.free_bytes() for _ in range(3)))
    assert all(found)
    assert await hand.jobs() == 0


async def test_a_look_that_was_cut_off_is_in_nobodys_way(
    runtime: DockerRuntime, client: EngineClient, installation: str
) -> None:
    name = f"previewcloud-{installation}-disk"
    labels = {"previewcloud.installation": installation, "previewcloud.managed": "true"}
    body = {"Image": BASE_IMAGE, "Cmd": ["sleep", "60"], "Labels": labels}
    await client.post("/containers/create", body, name=name)
    assert await runtime.free_bytes() > 0


async def test_a_foreign_container_of_that_name_is_left(
    runtime: DockerRuntime, hand: Hand, installation: str
) -> None:
    name = f"previewcloud-{installation}-disk"
    await hand.hold_container(name)
    with pytest.raises(Conflict):
        await runtime.free_bytes()
    assert await hand.exists(name)


async def test_without_its_image_the_disk_cannot_be_looked_at(
    client: EngineClient, settings: DockerSettings
) -> None:
    runtime = DockerRuntime(client, replace(settings, tools_image="previewcloud/none:1"), lambda spec: {})
    with pytest.raises(BackendUnavailable) as refusal:
        await runtime.free_bytes()
    assert refusal.value.reason == "ToolsImageMissing"


async def test_a_cache_within_its_size_serves_the_next_build(
    runtime: DockerRuntime, client: EngineClient, disk_place: DiskPlace, installation: str
) -> None:
    """The engine of the tests is shared: its cache is never cut there (see the unit tests)."""
    name = f"previewcloud/test-{installation}/cached:1"
    secret = secrets.token_hex(8)
    dockerfile = f"FROM {BASE_IMAGE}\nRUN echo {secret} $(cat /proc/sys/kernel/random/uuid) > /made\n"
    context = archive(Dockerfile=dockerfile.encode())
    query = {"version": "2", "t": name, "labels": json.dumps({LABEL: installation})}
    build = Call("POST", "/build", query, data=context, headers=TAR)
    await client.call(build)
    first = json.loads(await client.get(f"/images/{name}/json"))["RootFS"]
    await client.delete(f"/images/{name}")
    await runtime.prune(CACHE)
    await client.call(build)
    assert json.loads(await client.get(f"/images/{name}/json"))["RootFS"] == first
