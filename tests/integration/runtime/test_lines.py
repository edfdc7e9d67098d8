"""The engine over lines that break, over TLS, and not at all; and images from a registry."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from controller.api.errors import BackendUnavailable, InvalidSpec
from controller.build.buildkit import BuildKitBuilder
from controller.build.settings import BuildSettings
from controller.runtime.docker.address import EngineAddress
from controller.runtime.docker.runtime import DockerRuntime
from controller.runtime.docker.settings import DockerSettings
from controller.runtime.docker.transport import EngineClient
from controller.runtime.protocol import JobSpec, RegistryCredentials
from tests.contract.builder_contract import COMMIT, BuildRequest, tree
from tests.contract.place import SHOP, Place
from tests.integration.images import BASE_IMAGE, remove
from tests.integration.runtime.lines import Line, Registry, certificates


async def test_events_go_on_after_the_connection_was_cut(place: Place, settings: DockerSettings) -> None:
    async with Line().open() as line:
        client = EngineClient(EngineAddress(f"tcp://127.0.0.1:{line.port}"))
        runtime = DockerRuntime(client, settings, lambda spec: {})
        spec = place.spec(place.web)
        await runtime.start(spec)
        events = runtime.watch()
        assert await anext(events) is None
        line.cut()
        assert await asyncio.wait_for(anext(events), 10) is None
        await place.hand.kill(spec.name)
        assert await asyncio.wait_for(anext(events), 10) == SHOP
        await events.aclose()  # type: ignore[attr-defined]
        await client.close()


async def test_an_engine_over_tls_runs_and_builds_and_asks_for_a_certificate(
    settings: DockerSettings, hand: object, tmp_path: Path
) -> None:
    async with Line(certificates(tmp_path)).open() as line:
        host = f"tcp://127.0.0.1:{line.port}"
        environ = {"DOCKER_HOST": host, "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(tmp_path)}
        client = EngineClient(EngineAddress.from_env(environ))
        runtime = DockerRuntime(client, settings, lambda spec: {})
        job = JobSpec(f"{settings.installation}-job", SHOP, "pr-1", BASE_IMAGE, ("echo", "over tls"))
        assert (await runtime.run_job(job, lambda _: None)).lines == ("over tls",)
        builder = BuildKitBuilder(client, BuildSettings(settings.installation), asyncio.Semaphore(1))
        image = f"previewcloud/{settings.installation}-shop/web:1"
        request = BuildRequest(image, SHOP, "pr-1", "acme/shop", "web", COMMIT)
        files = {"Dockerfile": f"FROM {BASE_IMAGE}\nCOPY a /a\n".encode(), "a": b"x" * 3_000_000}
        await builder.build(request, await tree(dict(files)), lambda _: None)
        assert await runtime.image(image) is not None
        await runtime.remove_image(image)
        await client.close()
        for bare in (EngineAddress(host), EngineAddress(f"tcp://127.0.0.1:{line.port + 1}")):
            other = EngineClient(bare)
            with pytest.raises(BackendUnavailable):
                await DockerRuntime(other, settings, lambda spec: {}).survey()
            await other.close()


async def test_every_call_says_that_the_engine_is_away(place: Place, settings: DockerSettings) -> None:
    client = EngineClient(EngineAddress("unix:///nowhere/docker.sock"))
    away = DockerRuntime(client, settings, lambda spec: {})
    spec = place.spec(place.web)
    calls = (
        away.observe(SHOP),
        away.survey(),
        away.image(BASE_IMAGE),
        away.pull(BASE_IMAGE, None, print),
        away.remove_image("previewcloud/a/b:c"),
        away.create_network(place.network()),
        away.remove_network("x"),
        away.start(spec),
        away.resume("x"),
        away.attach("x", "y", "z"),
        away.stop("x", 1),
        away.remove("x"),
        away.tail("x", 1),
        away.listening_ports("x"),
        away.run_job(place.job_spec(place.job(0)), print),
        away.cleanup_jobs(SHOP),
    )
    for call in calls:
        with pytest.raises(BackendUnavailable, match="unix:///nowhere") as unavailable:
            await call
        assert unavailable.value.reason == "EngineUnavailable"
    await client.close()


async def test_addresses_that_are_none_are_refused() -> None:
    for host in ("ssh://somewhere", "nonsense", "tcp://"):
        client = EngineClient(EngineAddress(host))
        with pytest.raises(InvalidSpec, match="DOCKER_HOST"):
            await client.get("/_ping")
        await client.close()


@pytest.fixture
def pulled() -> Iterator[list[str]]:
    """References to remove from the engine at the end."""
    references: list[str] = []
    yield references
    for reference in references:
        remove(reference)


async def test_images_are_pulled_with_the_right_login_only(runtime: DockerRuntime, pulled: list[str]) -> None:
    async with Registry().open() as public, Registry("me:s3cret").open() as private:
        open_image, closed = (f"127.0.0.1:{each.port}/shop:1" for each in (public, private))
        lines: list[str] = []
        pulled.extend((open_image, closed))
        await runtime.pull(open_image, None, lines.append)
        info = await runtime.image(open_image)
        assert info is not None and info.exposed_port == 8080
        assert any("Pull complete" in line or "Downloaded" in line for line in lines)
        with pytest.raises(InvalidSpec) as missing:
            await runtime.pull(open_image.replace("shop:1", "shop:2"), None, lines.append)
        assert missing.value.reason == "ImageNotFound"
        login = RegistryCredentials(f"127.0.0.1:{private.port}", "me", "s3cret")
        for wrong in (None, replace(login, password="guess"), replace(login, registry="ghcr.io")):
            with pytest.raises(InvalidSpec) as denied:
                await runtime.pull(closed, wrong, lines.append)
            assert denied.value.reason == "ImageDenied"
            assert "guess" not in str(denied.value)
        await runtime.pull(closed, login, lines.append)
        assert await runtime.image(closed) is not None
        gone = "127.0.0.1:1/shop:1"
        with pytest.raises(BackendUnavailable) as away:
            await runtime.pull(gone, None, lines.append)
        assert away.value.reason == "RegistryUnavailable"
