"""Builds on the engine's own BuildKit: it fetches the tree from us, progress comes back in lines.

Heredocs need `# syntax=docker/dockerfile:1` in the Dockerfile on engine 20.10. How much memory a RUN step may
use is the engine's setting: BuildKit takes no such limit per build.
"""

from __future__ import annotations

import asyncio
import json
import posixpath
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from controller.api.errors import BackendUnavailable, InvalidSpec
from controller.build.context import Context, plan_context
from controller.build.dockerfile import check_dockerfile
from controller.build.meter import BuildMeter, metered
from controller.build.progress import Progress
from controller.build.protocol import BuildRequest
from controller.build.session import session
from controller.build.settings import BuildSettings
from controller.finish import to_the_end
from controller.runtime.docker.errors import translated
from controller.runtime.docker.images import Images
from controller.runtime.docker.streams import LineReader
from controller.runtime.docker.transport import Call, EngineClient, EngineRefused
from controller.runtime.imagelabels import check_labels, owner_labels, owner_of
from controller.runtime.protocol import LineSink
from controller.source.protocol import Tree

MESSAGE_BYTES = 16 * 1024 * 1024  # one progress message may carry a long log
CANCEL_SECONDS = 5.0


def random_id() -> str:
    """An identifier that no other build has."""
    return secrets.token_hex(16)


class BuildKitBuilder:
    """Implements `Builder` over a Docker engine.

    Args:
        client: the engine; closed by whoever made it.
        settings: the installation's.
        slots: as many as builds may run at once.
        new_id: names a build to the engine, so that it can be cancelled.
        meter: counts builds.
    """

    def __init__(
        self,
        client: EngineClient,
        settings: BuildSettings,
        slots: asyncio.Semaphore,
        new_id: Callable[[], str] = random_id,
        meter: BuildMeter | None = None,
    ) -> None:
        self._client = client
        self._settings = settings
        self._slots = slots
        self._new_id = new_id
        self._meter = meter
        self._images = Images(client, settings.installation)
        self._building: dict[str, tuple[asyncio.Lock, int]] = {}

    async def build(self, request: BuildRequest, tree: Tree, on_line: LineSink) -> None:
        """See Builder.build."""
        with translated(f"Image {request.image}"):
            async with self._alone(request.image):
                if await self._images.inspect(request.image) is not None:
                    return
                context = await self._context(request, tree)
                if self._slots.locked():
                    on_line("waiting for a free build slot")
                async with self._slots:
                    with metered(self._meter):
                        await self._timed(request, context, tree, on_line)
                await self._verify(request)

    @asynccontextmanager
    async def _alone(self, image: str) -> AsyncIterator[None]:
        """One build per image: whoever asks meanwhile waits, and finds it there."""
        lock, waiting = self._building.get(image, (asyncio.Lock(), 0))
        self._building[image] = (lock, waiting + 1)
        try:
            async with lock:
                yield
        finally:
            lock, waiting = self._building[image]
            self._building[image] = (lock, waiting - 1)
            if waiting == 1:
                del self._building[image]

    async def _context(self, request: BuildRequest, tree: Tree) -> Context:
        context = await plan_context(request, tree)
        check_dockerfile(request.service, context.dockerfile.decode(errors="replace"), request.args)
        if context.size > self._settings.context_bytes:
            raise InvalidSpec(
                "ContextTooLarge",
                f"Service {request.service}: the build context {request.context} has {context.size} bytes, "
                f"{self._settings.context_bytes} are allowed; leave files out by .dockerignore.",
            )
        return context

    async def _timed(self, request: BuildRequest, context: Context, tree: Tree, on_line: LineSink) -> None:
        progress = Progress(on_line)
        try:
            async with asyncio.timeout(self._settings.timeout_seconds):
                await self._run(request, context, tree, progress)
        except TimeoutError as error:
            raise InvalidSpec(
                "BuildTimeout",
                f"Service {request.service}: the build took more than {self._settings.timeout_seconds:g} s; "
                "make it shorter.",
                progress.failure(),
            ) from error

    async def _run(self, request: BuildRequest, context: Context, tree: Tree, progress: Progress) -> None:
        build_id = self._new_id()
        query = build_query(request, context.dockerfile_path, self._settings.installation, build_id)
        async with session(self._client, build_id, context.directories(tree)) as offer:
            finished = False
            try:
                await self._follow(request, query, progress)
                finished = True
            except EngineRefused as error:
                if error.status >= 500:
                    raise
                raise self._failed(request, (error.message,)) from error
            finally:
                if not finished:
                    await self._cancel(build_id)
        if offer.failure is not None:
            raise offer.failure
        if progress.error:
            raise self._failed(request, progress.failure())

    async def _follow(self, request: BuildRequest, query: dict[str, str], progress: Progress) -> None:
        lines = LineReader(MESSAGE_BYTES)
        async with self._client.open(Call("POST", "/build", query, timeout_seconds=None)) as response:
            async for chunk in self._client.chunks(response):
                for line in lines.feed(chunk):
                    progress.feed(line)
                if progress.fetched is not None:
                    raise InvalidSpec(
                        "DockerfileRefused",
                        f"Service {request.service}: a base image has the engine itself fetch "
                        f"({progress.fetched[:200]}); use a base image without ONBUILD ADD.",
                    )
        for line in lines.end():
            progress.feed(line)

    async def _cancel(self, build_id: str) -> None:
        """Stop what still runs, even while this task is being cancelled; it may have ended already."""
        call = Call("POST", "/build/cancel", {"id": build_id}, timeout_seconds=CANCEL_SECONDS)
        try:
            await to_the_end(self._client.call(call))
        except (BackendUnavailable, EngineRefused):
            return

    async def _verify(self, request: BuildRequest) -> None:
        """A Dockerfile may name a frontend of its own, which can give the image any labels, or drop ours."""
        image = await self._images.info(request.image)
        if image is None:
            raise BackendUnavailable(
                "ImageLost", f"Image {request.image} was built and is not there; it is built again."
            )
        try:
            check_labels(request.image, image.labels)
            if owner_of(request.image, image.labels, self._settings.installation) != request.preview:
                raise self._failed(
                    request, ("The frontend named by the Dockerfile's `# syntax=` drops labels.",)
                )
        except InvalidSpec:
            await self._client.delete(f"/images/{request.image}")
            raise

    @staticmethod
    def _failed(request: BuildRequest, lines: tuple[str, ...]) -> InvalidSpec:
        reason = f": {lines[-1][:300]}" if lines else ""
        return InvalidSpec(
            "BuildFailed",
            f"Service {request.service}: the build of {request.dockerfile} failed{reason}; correct it.",
            lines,
        )


def build_query(request: BuildRequest, dockerfile: str, installation: str, build_id: str) -> dict[str, str]:
    """The engine's parameters of a build."""
    arguments = {**request.args, "BUILDKIT_CACHE_MOUNT_NS": request.cache_namespace}
    query = {
        "version": "2",
        "t": request.image,
        "dockerfile": posixpath.basename(dockerfile),
        "remote": "client-session",
        "session": build_id,
        "buildargs": json.dumps(arguments),
        "labels": json.dumps(owner_labels(installation, request.preview)),
        "buildid": build_id,
        "rm": "1",
    }
    return query if request.target is None else {**query, "target": request.target}
