"""`build`: an image built through a Preview, from its creation to the image, against `docker build`.

Both get the same files with BuildKit; cold, nothing of them was ever built; warm, all of it was, just before.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.figures import Aim, Line, Pair, Ratio
from bench.operator import Process, is_ready, process, remove_all, warm_up
from bench.previews import Source, preview
from bench.repository import commit
from bench.tools import docker_config, service_image
from bench.world import CHECKOUT, World, timed, until

AIM = Aim(1.05)
PAIRS = 5
NAMESPACE = "bench-build"
FILES, FILE_BYTES = 200, 10_000
SECONDS = 180.0
DOCKERFILE = b"""\
FROM debian:bookworm-slim
COPY data /data
RUN cat /data/* | md5sum > /sum && perl -e '$x += $_ for 1 .. 30_000_000; print $x' > /first
COPY server.pl /
RUN perl -e '$x += $_ for 1 .. 30_000_000; print $x' > /second
CMD ["perl", "/server.pl"]
"""


@dataclass(frozen=True)
class Build:
    """Cold and warm of one side, in seconds."""

    cold: float
    warm: float


async def build(world: World) -> list[Line]:
    """Cold and warm, in turn with `docker build`."""
    image = await service_image(world)
    await world.kubernetes.namespace(NAMESPACE)
    log = world.scratch / "actions"
    ours: list[Build] = []
    theirs: list[Build] = []
    command = (sys.executable, "-m", "bench.announcing")
    async with process(world, "operator", command, {"BENCH_ACTIONS": str(log)}) as running:
        await warm_up(world, image, running, is_ready)
        for number in range(1, PAIRS + 1):
            ours.append(await _ours(world, running, log, number))
            theirs.append(await _theirs(world, number))
            world.progress.say(
                f"        cold {ours[-1].cold:.2f} s against {theirs[-1].cold:.2f} s,"
                f" warm {ours[-1].warm:.2f} s against {theirs[-1].warm:.2f} s"
            )
    cold = tuple(Pair(mine.cold, other.cold) for mine, other in zip(ours, theirs, strict=True))
    warm = tuple(Pair(mine.warm, other.warm) for mine, other in zip(ours, theirs, strict=True))
    return [
        Ratio("build, cold", "Preview to image", "docker build", cold, AIM),
        Ratio("build, warm", "new commit to image", "docker build", warm, AIM),
    ]


async def _ours(world: World, running: Process, log: Path, number: int) -> Build:
    files = _context(f"ours {number}")
    first = commit(world, files, f"cold {number}")
    made = preview(NAMESPACE, number, None, first)
    made["spec"]["services"] = [
        {"name": "web", "port": 8080, "build": {"context": ".", "dockerfile": "Dockerfile"}}
    ]
    name = made["metadata"]["name"]
    try:
        began = time.monotonic()
        await world.kubernetes.create(made)
        cold = await _built(running, log, first) - began
        await _served(world, running, name, first)
        second = commit(world, files, f"warm {number}")
        began = time.monotonic()
        await world.kubernetes.patch(NAMESPACE, name, {"spec": {"source": {"commit": second.commit}}})
        warm = await _built(running, log, second) - began
        await _served(world, running, name, second)
    finally:
        await remove_all(world, NAMESPACE)
    return Build(cold, warm)


async def _theirs(world: World, number: int) -> Build:
    folder = world.scratch / f"context-{number}"
    for path, content in _context(f"theirs {number}").items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    tag = f"{world['INSTALLATION_ID']}-bench:{number}"
    env = {"DOCKER_BUILDKIT": "1", "DOCKER_CONFIG": str(docker_config(world))}
    command = ("docker", "build", "--quiet", "--tag", tag, folder)
    try:
        return Build(await timed(world.run(*command, env=env)), await timed(world.run(*command, env=env)))
    finally:
        await world.run("docker", "image", "rm", "--force", tag)


async def _built(running: Process, log: Path, source: Source) -> float:
    """When the build of a commit ended, on the monotonic clock."""
    ended: list[float] = []

    async def seen() -> bool:
        running.check()
        ended.extend(_ends(log, source))
        return bool(ended)

    await until(seen, SECONDS, f"the image of commit {source.commit[:12]} is built (log: {running.log})")
    return ended[0]


def _ends(log: Path, source: Source) -> list[float]:
    lines = [line.split(" ", 2) for line in log.read_text().splitlines()]
    return [
        float(moment)
        for moment, when, action in lines
        if when == "after" and action.startswith("build ") and source.commit[:12] in action
    ]


async def _served(world: World, running: Process, name: str, source: Source) -> None:
    async def served() -> bool:
        running.check()
        previews, _ = await world.kubernetes.previews(NAMESPACE)
        found = [each for each in previews if each["metadata"]["name"] == name]
        return any(each.get("status", {}).get("commit") == source.commit for each in found)

    await until(served, SECONDS, f"commit {source.commit[:12]} is served (log: {running.log})")


def _context(seed: str) -> Mapping[str, bytes]:
    """The files of a context; another seed, another content, so that nothing of it is in a cache."""
    chance = random.Random(seed + str(time.time_ns()))
    data = {f"data/{number:03}": chance.randbytes(FILE_BYTES) for number in range(FILES)}
    server = (CHECKOUT / "bench/service/server.pl").read_bytes()
    return {**data, "Dockerfile": DOCKERFILE, "server.pl": server}
