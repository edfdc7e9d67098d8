"""The in-memory builder: a build puts an image into the in-memory runtime, or fails as a test asks."""

from __future__ import annotations

import asyncio
import posixpath
from collections.abc import Callable
from dataclasses import dataclass, field

from controller.api.errors import InvalidSpec
from controller.build.dockerfile import check_dockerfile
from controller.build.protocol import BuildRequest
from controller.runtime.imagelabels import check_labels
from controller.runtime.memory import MemoryRuntime
from controller.runtime.memory_model import Behaviour, image_info
from controller.runtime.protocol import LineSink
from controller.source.protocol import Tree


@dataclass(frozen=True)
class BuildOutcome:
    """What a build ends with: an image that behaves so, or a failure with these last lines."""

    failed: bool = False
    lines: tuple[str, ...] = ()
    behaviour: Behaviour = field(default_factory=Behaviour)
    exposed_port: int | None = 8080
    labels: tuple[tuple[str, str], ...] = ()


def build_succeeds(request: BuildRequest) -> BuildOutcome:
    """The outcome of a build unless a test says otherwise."""
    return BuildOutcome()


class MemoryBuilder:
    """Implements `Builder` over a MemoryRuntime.

    Args:
        runtime: where the image is put; its engine's switch takes the builder down too.
        outcome: what a build ends with, decided from its request.
        check_dockerfile: whether the Dockerfile must be in the tree.
    """

    def __init__(
        self,
        runtime: MemoryRuntime,
        outcome: Callable[[BuildRequest], BuildOutcome] = build_succeeds,
        *,
        check_dockerfile: bool = True,
    ) -> None:
        self.runtime = runtime
        self.outcome = outcome
        self.history: list[BuildRequest] = []
        """Builds that were really run, in order of their start."""
        self.cancelled: list[BuildRequest] = []
        self.gate: asyncio.Event | None = None
        """While set to an event that is not set, builds wait for it: to cancel one in the middle."""
        self._check_dockerfile = check_dockerfile
        self._locks: dict[str, asyncio.Lock] = {}

    async def build(self, request: BuildRequest, tree: Tree, on_line: LineSink) -> None:
        """See Builder.build."""
        async with self._locks.setdefault(request.image, asyncio.Lock()):
            if await self.runtime.image(request.image) is None:
                await self._build(request, tree, on_line)

    async def _build(self, request: BuildRequest, tree: Tree, on_line: LineSink) -> None:
        if self._check_dockerfile:
            await self._require_dockerfile(request, tree)
        self.history.append(request)
        try:
            if self.gate is not None:
                await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled.append(request)
            raise
        self.runtime.engine.check()
        outcome = self.outcome(request)
        for line in outcome.lines:
            on_line(line)
        if outcome.failed:
            message = (
                f"Service {request.service}: the build of {request.dockerfile} failed; correct it and push."
            )
            raise InvalidSpec("BuildFailed", message, outcome.lines[-20:])
        info = image_info(request.image, outcome.exposed_port, dict(outcome.labels))
        check_labels(request.image, info.labels)
        self.runtime.add_image(info, request.preview, outcome.behaviour)
        self.runtime.engine.changes["build"] += 1

    @staticmethod
    async def _require_dockerfile(request: BuildRequest, tree: Tree) -> None:
        path = posixpath.normpath(posixpath.join(request.context, request.dockerfile))
        try:
            dockerfile = await tree.read(path, 1024 * 1024)
        except InvalidSpec as error:
            if error.reason != "FileMissing":
                raise
            raise InvalidSpec(
                "DockerfileMissing",
                f"Service {request.service}: {path} is not in commit {request.commit[:12]}; "
                "add it or correct `dockerfile` and `context`.",
            ) from error
        check_dockerfile(request.service, dockerfile.decode(errors="replace"), request.args)
