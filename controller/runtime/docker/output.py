"""What containers print, read from one Docker engine: a stream for its events, one for each container.

list, events ──▶ Source (labels, and the values of secret variables by inspect) ──▶ its log ──▶ lines
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing

from controller.api.errors import BackendUnavailable
from controller.api.names import LogKey
from controller.runtime.docker import wire
from controller.runtime.docker.errors import translated
from controller.runtime.docker.labels import (
    COMMIT,
    INCARNATION,
    JOB,
    PULL_REQUEST,
    REPOSITORY,
    SECRET_ENV,
    SERVICE,
    SLUG,
    preview_of,
    selector,
)
from controller.runtime.docker.printed import SECOND, PrintedReader
from controller.runtime.docker.streams import LineReader
from controller.runtime.docker.transport import Call, EngineClient, EngineRefused, filters
from controller.runtime.output import Positions, Printed, Source

SILENCE_SECONDS = 300.0
EVENT_BYTES = 1024 * 1024  # an event carries all labels of its container
FIRST_WAIT = 0.2
LONGEST_WAIT = 5.0
TOGETHER = 8
"""How many containers are looked at side by side."""
REACH_BACK = 600 * SECOND
"""How far before the newest line read the engine is asked to begin, when another stream fell silent longer
ago. Only a line over 16 kB that took longer to be written, while the connection broke, begins before.
"""
RUNNING = ("running", "paused")
PART_BYTES = 64 * 1024
"""Of what came, only so much is taken apart at a time: who waits for room holds little."""
GATHER_SECONDS = 0.03
"""What comes within this is read at once: the engine sends each line by itself, and a wake-up for each costs
more than the line.
"""


class DockerOutputs:
    """Implements `Outputs` over a Docker engine.

    Args:
        client: the engine; closed by whoever made it.
        installation: whose containers are read.
    """

    def __init__(self, client: EngineClient, installation: str) -> None:
        self._client = client
        self._installation = installation

    async def sources(self) -> AsyncGenerator[Source | None]:
        """See Outputs.sources; an engine that is away is asked again and again."""
        wait = FIRST_WAIT
        while True:
            try:
                async with aclosing(self._once()) as found:
                    async for source in found:
                        wait = FIRST_WAIT
                        yield source
            except (BackendUnavailable, EngineRefused, TimeoutError):
                pass
            await asyncio.sleep(wait)
            wait = min(LONGEST_WAIT, wait * 2)

    async def source(self, identity: str) -> Source | None:
        """See Outputs.source."""
        with translated(f"Container {identity}"):
            try:
                raw = await self._client.get(f"/containers/{identity}/json")
            except EngineRefused as error:
                if error.status == 404:
                    return None
                raise
            return self._read(wire.Container.model_validate_json(raw))

    async def output(self, identity: str, read: Positions) -> AsyncGenerator[tuple[Printed, ...]]:
        """See Outputs.output."""
        query: dict[str, str | int] = {"follow": 1, "stdout": 1, "stderr": 1, "timestamps": 1}
        if read:
            query["since"] = _since(read)
        call = Call("GET", f"/containers/{identity}/logs", query, timeout_seconds=None)
        lines = PrintedReader(read)
        with translated(f"Container {identity}"):
            try:
                async with self._client.open(call) as response:
                    async for chunk in self._client.chunks(response):
                        for start in range(0, len(chunk), PART_BYTES):
                            if found := lines.feed(chunk[start : start + PART_BYTES]):
                                yield found
                        if len(chunk) < PART_BYTES:
                            await asyncio.sleep(GATHER_SECONDS)
            except EngineRefused as error:
                if error.status not in (404, 409):  # gone, or being removed
                    raise
                return
        if found := lines.end():
            yield found

    async def _once(self) -> AsyncGenerator[Source | None]:
        """One connection's sources: its events are asked for first, so that none is missed."""
        mine = selector(self._installation)
        query = filters(type=["container"], event=["start"], label=mine)
        events = LineReader(EVENT_BYTES)
        call = Call("GET", "/events", {"filters": query}, timeout_seconds=None)
        async with self._client.open(call) as response:
            yield None
            rows = await self._client.get("/containers/json", all=1, filters=filters(label=mine))
            there = [row.id for row in wire.CONTAINERS.validate_json(rows) if _followed(row.labels)]
            for start in range(0, len(there), TOGETHER):
                for source in await self._look(there[start : start + TOGETHER]):
                    yield source
            chunks = self._client.chunks(response)
            while True:
                async with asyncio.timeout(SILENCE_SECONDS):
                    chunk = await anext(chunks, None)
                if chunk is None:
                    return
                for source in await self._look(_started(events.feed(chunk))):
                    yield source

    async def _look(self, identities: Iterable[str]) -> list[Source]:
        found = await asyncio.gather(*(self.source(identity) for identity in identities))
        return [source for source in found if source is not None]

    def _read(self, container: wire.Container) -> Source | None:
        """A container as a source; None for what is not an instance of ours, or of no log."""
        labels = container.labels
        if preview_of(labels, self._installation) is None or not _followed(labels):
            return None
        number = labels.get(PULL_REQUEST, "")
        return Source(
            id=container.id,
            name=container.name.lstrip("/"),
            key=LogKey(labels[REPOSITORY].lower(), labels[INCARNATION]),
            slug=labels.get(SLUG, ""),
            service=labels.get(SERVICE, ""),
            commit=labels.get(COMMIT, ""),
            pull_request=int(number) if number.isdecimal() else None,
            running=container.state.status in RUNNING,
            secrets=_secrets(labels.get(SECRET_ENV, ""), container.config.env or ()),
        )


def _followed(labels: dict[str, str]) -> bool:
    return JOB not in labels and bool(labels.get(INCARNATION)) and bool(labels.get(REPOSITORY))


def _secrets(names: str, env: Iterable[str]) -> frozenset[str]:
    """The values of the variables that a label names."""
    wanted = frozenset(names.split(","))
    pairs = (line.partition("=") for line in env)
    return frozenset(value for name, _, value in pairs if name in wanted and value)


def _started(lines: Iterable[str]) -> list[str]:
    """The containers that events speak of."""
    found: list[str] = []
    for line in lines:
        try:
            event = wire.Event.model_validate_json(line)
        except ValueError:
            continue
        if event.actor.id and _followed(event.actor.attributes):
            found.append(event.actor.id)
    return found


def _since(read: Positions) -> str:
    """From when on the engine is asked: a second before where the slower stream was left."""
    times = [position.at for position in read.values()]
    begin = max(0, min(times) - SECOND, max(times) - REACH_BACK)
    return f"{begin // SECOND}.{begin % SECOND:09d}"
