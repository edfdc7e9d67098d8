"""What BuildKit does beyond the contract: caches, heredocs, targets, contexts, limits, hostile recipes."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from aiohttp import web

from controller.api.errors import BackendUnavailable, InvalidSpec
from controller.build.buildkit import BuildKitBuilder
from controller.build.settings import BuildSettings
from controller.runtime.docker.address import EngineAddress
from controller.runtime.docker.transport import EngineClient
from controller.source.listing import EXECUTABLE, LINK
from controller.source.memory import MemoryFile
from tests.contract.builder_contract import Site, tree
from tests.contract.place import eventually
from tests.integration.images import BASE_IMAGE, build, remove

FROM = f"FROM {BASE_IMAGE}\n"


async def built(
    site: Site, kind: str, files: dict[str, bytes | MemoryFile], **more: object
) -> tuple[str, list[str]]:
    """Build a commit; gives the image and the lines."""
    lines: list[str] = []
    request = site.request(kind, **more)
    await site.builder.build(request, await tree(files), lines.append)
    return request.image, lines


def dockerfile(site: Site, *lines: str, head: str = "") -> bytes:
    return f"{head}{FROM}ENV RUN_OF={site.tag}\n{chr(10).join(lines)}\n".encode()


def printed(lines: list[str]) -> list[str]:
    """What the steps printed, without the step's number."""
    return [line.split(" ", 1)[1] for line in lines if " " in line]


async def test_cache_mounts_last_within_a_namespace_and_not_beyond(site: Site) -> None:
    mount = (
        "RUN --mount=type=cache,target=/cache echo $ROUND >> /cache/rounds; echo seen $(cat /cache/rounds)"
    )
    recipe = {"Dockerfile": dockerfile(site, "ARG ROUND", mount)}
    seen = {}
    for kind, namespace in (("one", "trusted"), ("two", "trusted"), ("three", "fork")):
        scope = f"{site.tag}-{namespace}"
        _, lines = await built(site, kind, recipe, args={"ROUND": kind}, cache_namespace=scope)
        seen[kind] = next(line for line in printed(lines) if line.startswith("seen "))
    assert seen == {"one": "seen one", "two": "seen one two", "three": "seen three"}


async def test_heredocs_work_with_the_syntax_line(site: Site) -> None:
    text = dockerfile(site, "RUN <<END", "echo from a heredoc", "END", head="# syntax=docker/dockerfile:1\n")
    _, lines = await built(site, "ok", {"Dockerfile": text})
    assert "from a heredoc" in printed(lines)


async def test_a_target_leaves_later_stages_out(site: Site) -> None:
    text = dockerfile(site, "EXPOSE 1111") + b"\nFROM scratch AS later\nEXPOSE 2222\n"
    text = text.replace(FROM.encode(), FROM.strip().encode() + b" AS first\n", 1)
    image, _ = await built(site, "ok", {"Dockerfile": text}, target="first")
    info = await site.runtime.image(image)
    assert info is not None and info.exposed_port == 1111
    with pytest.raises(InvalidSpec) as missing:
        await built(site, "other", {"Dockerfile": text}, target="nowhere")
    assert "nowhere" in str(missing.value)


async def test_the_context_is_what_dockerignore_leaves_with_modes_and_links(site: Site) -> None:
    show = "RUN cd /src && find . | sort && stat -c '%n %a' run.sh hello.txt && cat run && readlink run"
    files: dict[str, bytes | MemoryFile] = {
        "app/Dockerfile": dockerfile(site, "COPY . /src", show),
        "app/.dockerignore": b"# comment\n*\n!run*\n!hello.txt\n!sub/**\nsub/*.log\n",
        "app/run.sh": MemoryFile(b"#!/bin/sh\n", EXECUTABLE),
        "app/run": MemoryFile(b"run.sh", LINK),
        "app/hello.txt": b"hello\n",
        "app/secret": b"no\n",
        "app/sub/deep/file": b"yes\n",
        "app/sub/a.log": b"no\n",
        "outside": b"no\n",
    }
    _, lines = await built(site, "ok", files, context="app")
    said = printed(lines)
    found = {line for line in said if line.startswith("./")}
    assert found == {"./hello.txt", "./run", "./run.sh", "./sub", "./sub/deep", "./sub/deep/file"}
    assert "run.sh 755" in said and "hello.txt 644" in said and "run.sh" in said


async def test_a_dockerfile_outside_the_context_is_used_with_its_own_ignore_file(site: Site) -> None:
    files: dict[str, bytes | MemoryFile] = {
        "docker/web.Dockerfile": dockerfile(site, "COPY . /src", "RUN ls /src"),
        "docker/web.Dockerfile.dockerignore": b"b.txt\n",
        "app/.dockerignore": b"a.txt\n",
        "app/a.txt": b"a",
        "app/b.txt": b"b",
    }
    _, lines = await built(site, "ok", files, context="app", dockerfile="../docker/web.Dockerfile")
    assert "a.txt" in printed(lines) and "b.txt" not in printed(lines)


async def test_layers_are_reused_between_commits(site: Site) -> None:
    files: dict[str, bytes | MemoryFile] = {
        "Dockerfile": dockerfile(site, "COPY slow /slow", "RUN echo slow step", "COPY fast /fast"),
        "slow": b"same",
        "fast": b"1",
    }
    await built(site, "one", files)
    _, lines = await built(site, "two", {**files, "fast": b"2"})
    assert "slow step" not in printed(lines)
    assert any(line.endswith("CACHED") for line in lines)


async def test_a_failing_step_shows_its_end_and_a_wrong_recipe_its_mistake(site: Site) -> None:
    with pytest.raises(InvalidSpec) as failed:
        await built(
            site, "a", {"Dockerfile": dockerfile(site, "RUN seq 100 >&2; echo the cause >&2; exit 3")}
        )
    assert failed.value.lines[-2] == "the cause"
    assert "99" in failed.value.lines and "1" not in failed.value.lines
    assert "exit code: 3" in failed.value.lines[-1]
    for recipe, word in (("FRUM x", "FRUM"), ("COPY nothing /", "nothing"), ("RUN --mount=oops x", "oops")):
        with pytest.raises(InvalidSpec) as wrong:
            await built(site, "b", {"Dockerfile": dockerfile(site, recipe)})
        assert wrong.value.reason == "BuildFailed"
        assert word in str(wrong.value) + " ".join(wrong.value.lines)


async def test_cancelling_stops_the_step_within_two_seconds(site: Site) -> None:
    marker = f"3600.{int(site.tag[1:], 16)}"
    text = dockerfile(site, f"RUN echo started && sleep {marker}")
    lines: list[str] = []
    task = asyncio.create_task(
        site.builder.build(site.request("endless"), await tree({"Dockerfile": text}), lines.append)
    )

    async def runs() -> bool:
        return "started" in printed(lines) and sleeping(marker)

    await eventually(runs, 60)
    start = time.monotonic()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    async def gone() -> bool:
        return not sleeping(marker)

    await eventually(gone, 5)
    assert time.monotonic() - start < 2


async def test_time_and_size_are_limited(site: Site, client: EngineClient) -> None:
    hasty = BuildKitBuilder(client, BuildSettings(site.tag, timeout_seconds=1.5), asyncio.Semaphore(1))
    endless = await tree({"Dockerfile": dockerfile(site, "RUN echo working && sleep 3600")})
    with pytest.raises(InvalidSpec) as slow:
        await hasty.build(site.request("slow"), endless, lambda _: None)
    assert slow.value.reason == "BuildTimeout"
    with pytest.raises(InvalidSpec) as large:
        await built(site, "large", {"Dockerfile": b"FROM scratch\n", "big": b"x" * 1024 * 1024})
    assert large.value.reason == "ContextTooLarge"


@pytest.mark.parametrize(
    "change",
    [
        {"dockerfile": "../../etc/passwd"},
        {"dockerfile": "/etc/passwd"},
        {"context": "../.."},
        {"context": "/etc"},
        {"dockerfile": "a\0b"},
    ],
)
async def test_paths_that_leave_the_repository_are_refused(site: Site, change: dict[str, str]) -> None:
    with pytest.raises(InvalidSpec) as refused:
        await built(site, "ok", {"Dockerfile": b"FROM scratch\n"}, **change)
    assert refused.value.reason in ("PathOutside", "DockerfileMissing", "ContextMissing")


@pytest.mark.parametrize(
    "step",
    [
        "RUN --network=host true",
        "RUN --security=insecure true",
        "RUN --mount=type=bind,source=/etc,target=/x cat /x/shadow-of-the-host",
        "COPY ../../../etc/shadow /shadow",
        "ADD /etc/hostname /hostname-of-the-host",
    ],
)
async def test_recipes_that_reach_for_the_host_fail(site: Site, step: str) -> None:
    with pytest.raises(InvalidSpec) as refused:
        await built(site, "hostile", {"Dockerfile": dockerfile(site, step)})
    assert refused.value.reason == "BuildFailed"


async def test_a_base_image_that_has_the_engine_fetch_is_stopped(site: Site) -> None:
    async def secret(_: web.Request) -> web.Response:
        return web.Response(text="the platform's own")

    app = web.Application()
    app.router.add_get("/{path:.*}", secret)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/{site.tag}"
    recipe = f"FROM {BASE_IMAGE}\nONBUILD ADD {url} /x\nONBUILD RUN cat /x; sleep 5\n"
    base = f"previewcloud-test/onbuild:{site.tag}"
    await asyncio.to_thread(build, base, recipe)
    lines: list[str] = []
    try:
        with pytest.raises(InvalidSpec, match="ONBUILD") as refused:
            await site.builder.build(
                site.request("ok"), await tree({"Dockerfile": f"FROM {base}".encode()}), lines.append
            )
        assert refused.value.reason == "DockerfileRefused"
        assert not any("the platform's own" in line for line in lines)
        assert await site.runtime.image(site.request("ok").image) is None
    finally:
        await runner.cleanup()
        await asyncio.to_thread(remove, base)


async def test_our_owner_labels_win_over_the_dockerfiles(site: Site) -> None:
    text = dockerfile(site, 'LABEL previewcloud.image.preview="team-a/victim"')
    image, _ = await built(site, "ok", {"Dockerfile": text})
    info = await site.runtime.image(image)
    assert info is not None and info.labels["previewcloud.image.preview"] == "default/shop"


async def test_an_engine_that_is_away_is_said_to_be_so(site: Site, tmp_path: Path) -> None:
    away = EngineClient(EngineAddress(f"unix://{tmp_path}/no.sock"))
    builder = BuildKitBuilder(away, BuildSettings(site.tag), asyncio.Semaphore(1))
    with pytest.raises(BackendUnavailable) as unavailable:
        await builder.build(site.request("ok"), await site.tree("ok"), lambda _: None)
    assert unavailable.value.reason == "EngineUnavailable"
    await away.close()


def sleeping(marker: str) -> bool:
    """Whether a process of this machine sleeps for just that long."""
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if marker.encode() in entry.read_bytes().split(b"\0"):
                return True
        except OSError:
            continue
    return False
