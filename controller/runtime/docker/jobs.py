"""Throwaway containers: created, given files, followed line by line, removed whatever happens."""

from __future__ import annotations

import asyncio
import io
import tarfile
from collections import deque

from controller.api.errors import BackendUnavailable, InvalidSpec, NotReady
from controller.finish import FINISH_SECONDS, to_the_end
from controller.runtime.docker import wire
from controller.runtime.docker.errors import name_taken, network_missing
from controller.runtime.docker.labels import INSTALLATION
from controller.runtime.docker.settings import NAME_PAUSE, NAME_TRIES, DockerSettings
from controller.runtime.docker.streams import FrameReader
from controller.runtime.docker.transport import Call, EngineClient, EngineRefused
from controller.runtime.protocol import JobSpec, LineSink

TIMED_OUT = 124  # what timeout(1) exits with
FORWARDED = 10_000
KEPT = 200


class Output:
    """Passes a bounded number of lines on, and keeps the last ones."""

    def __init__(self, on_line: LineSink) -> None:
        self._on_line = on_line
        self._count = 0
        self.last: deque[str] = deque(maxlen=KEPT)

    def add(self, lines: list[str]) -> None:
        """Take complete lines."""
        for line in lines:
            self.last.append(line)
            self._count += 1
            if self._count <= FORWARDED:
                self._on_line(line)
            elif self._count == FORWARDED + 1:
                self._on_line(f"(more than {FORWARDED} lines: the rest is left out)")


class Jobs:
    """Runs throwaway containers of one installation."""

    def __init__(self, client: EngineClient, settings: DockerSettings) -> None:
        self._client = client
        self._settings = settings

    async def run(
        self, name: str, body: object, files: bytes | None, timeout_seconds: float, output: Output
    ) -> int:
        """Run one to its end; gives its exit code, 124 when its time was over.

        Args:
            name: of the container.
            body: what it is created with.
            files: a tar archive unpacked into its root before it starts.
            timeout_seconds: how long it may run before it is killed.
            output: takes its lines.
        """
        container = await self._created(name, body)
        try:
            if files is not None:
                archive = {"Content-Type": "application/x-tar"}
                await self._client.call(
                    Call(
                        "PUT", f"/containers/{container}/archive", {"path": "/"}, data=files, headers=archive
                    )
                )
            await self._start(name, container)
            async with asyncio.timeout(timeout_seconds):
                return await self._follow(container, output)
        except TimeoutError:
            output.add([f"{name}: stopped after {timeout_seconds:g} s"])
            return TIMED_OUT
        finally:
            await self._finish(container)

    async def remove(self, container: str) -> None:
        """Remove a container, running or not; returns once it is gone, whoever removed it."""
        for _ in range(NAME_TRIES):
            try:
                await self._client.delete(f"/containers/{container}", force=1, v=1)
            except EngineRefused as error:
                if error.status == 404:
                    return
                if "already in progress" not in error.message:
                    raise
                await asyncio.sleep(NAME_PAUSE)
            else:
                return

    async def _created(self, name: str, body: object) -> str:
        """Create it; a creation that outlives its cancelled task is undone."""
        creation = asyncio.ensure_future(self._create(name, body))
        try:
            return await asyncio.shield(creation)
        except asyncio.CancelledError:
            await asyncio.wait({creation}, timeout=FINISH_SECONDS)
            if creation.done() and creation.exception() is None:
                await self._finish(creation.result())
            raise

    async def _create(self, name: str, body: object) -> str:
        for _ in range(NAME_TRIES):
            try:
                answer = await self._client.post("/containers/create", body, name=name)
                return wire.Created.model_validate_json(answer).id
            except EngineRefused as error:
                if error.status != 409:
                    raise
            await self._make_room(name)
            await asyncio.sleep(NAME_PAUSE)
        raise NotReady("NameBusy", f"Container {name} is still being removed; it is tried again.")

    async def _make_room(self, name: str) -> None:
        """An earlier run that was cut off may still hold the name."""
        try:
            raw = await self._client.get(f"/containers/{name}/json")
        except EngineRefused as error:
            if error.status == 404:
                return
            raise
        container = wire.Container.model_validate_json(raw)
        if container.labels.get(INSTALLATION) != self._settings.installation:
            raise name_taken("Container", name)
        await self.remove(container.id)

    async def _start(self, name: str, container: str) -> None:
        try:
            await self._client.post(f"/containers/{container}/start")
        except EngineRefused as error:
            raise self._start_failure(name, error) from error

    async def _follow(self, container: str, output: Output) -> int:
        query = {"follow": 1, "stdout": 1, "stderr": 1}
        frames = FrameReader()
        async with self._client.open(
            Call("GET", f"/containers/{container}/logs", query, timeout_seconds=None)
        ) as response:
            async for chunk in self._client.chunks(response):
                output.add(frames.feed(chunk))
        output.add(frames.end())
        wait = Call("POST", f"/containers/{container}/wait", timeout_seconds=None)
        async with self._client.open(wait) as response:
            return wire.Waited.model_validate_json(await response.read()).exit_code

    def _start_failure(self, name: str, error: EngineRefused) -> InvalidSpec | NotReady | EngineRefused:
        if error.status == 404 and "network" in error.message:
            return network_missing(self._settings.jobs_network or self._settings.proxy_network)
        if error.status == 400 or "OCI runtime" in error.message:
            return InvalidSpec("JobRefused", f"{name} cannot be started: {error.message[:300]}")
        return error

    async def _finish(self, container: str) -> None:
        """Remove it even when this task is being cancelled; what fails is left to the cleanup."""
        try:
            await to_the_end(self.remove(container))
        except (BackendUnavailable, EngineRefused):
            return


def job_files(spec: JobSpec) -> bytes | None:
    """The job's files as an archive: below /job, readable, not writable."""
    if not spec.files:
        return None
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        folders = {"job"}
        for path in spec.files:
            parts = path.split("/")
            if not path or path.startswith("/") or ".." in parts:
                raise InvalidSpec("PathOutside", f"{spec.name}: the file name {path[:200]!r} leaves /job.")
            folders.update("/".join(["job", *parts[:depth]]) for depth in range(1, len(parts)))
        for folder in sorted(folders):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o555
            archive.addfile(entry)
        for path, content in sorted(spec.files.items()):
            entry = tarfile.TarInfo(f"job/{path}")
            entry.size, entry.mode = len(content), 0o444
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()
