"""A place where output is read: the reader beside the runtime, and somebody who has containers print."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from controller.api.names import LogKey
from controller.runtime.output import Outputs, Position, Printed, Source, Stream
from controller.runtime.protocol import InstanceSpec
from tests.contract.place import Place

PATIENCE = 30.0
KEY = LogKey("acme/shop", "i1")


@dataclass(frozen=True)
class OutputPlace:
    """What the contract of Outputs wants."""

    place: Place
    outputs: Outputs
    stranger: Outputs
    """Of another installation on the same engine."""
    print: Callable[[str, str, Stream], Awaitable[None]]
    """Have a running instance print one line."""

    def spec(self, service: str = "web", incarnation: str = "i1") -> InstanceSpec:
        made = self.place.spec(self.place.web, service=service)
        env = {**made.env, "PASSWORD": "hunter22", "EMPTY": ""}
        return replace(made, incarnation=incarnation, secret_env=("PASSWORD", "EMPTY"), env=env)

    async def identity(self, name: str) -> str:
        found = await self.outputs.source(name)
        assert found is not None
        return found.id


@dataclass
class Reading:
    """What was read of a container, and how far."""

    lines: list[Printed] = field(default_factory=list)
    read: dict[Stream, Position] = field(default_factory=dict)

    def texts(self, stream: Stream = Stream.STDOUT) -> list[str]:
        return [line.text for line in self.lines if line.stream is stream]

    def take(self, part: tuple[Printed, ...]) -> None:
        for line in part:
            before = self.read.get(line.stream)
            same = before is not None and before.at == line.at
            self.read[line.stream] = Position(line.at, before.count + 1 if before and same else 1)
        self.lines += part

    async def until(self, outputs: Outputs, identity: str, enough: Callable[[], bool]) -> None:
        """Read on from where this stands, until there is enough."""
        async with asyncio.timeout(PATIENCE), aclosing(outputs.output(identity, dict(self.read))) as parts:
            async for part in parts:
                self.take(part)
                if enough():
                    return
        assert enough(), f"the output ended: {self.lines}"

    async def to_the_end(self, outputs: Outputs, identity: str) -> None:
        """Read on until the output ends."""
        async with asyncio.timeout(PATIENCE), aclosing(outputs.output(identity, dict(self.read))) as parts:
            async for part in parts:
                self.take(part)


async def next_source(sources: AsyncGenerator[Source | None]) -> Source | None:
    """What comes next."""
    async with asyncio.timeout(PATIENCE):
        return await anext(sources)
