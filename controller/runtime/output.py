"""What containers print, asked of the place where services run.

sources() ──▶ an instance that runs, or ran ──▶ output(source, positions) ──▶ its lines, to their end
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from controller.api.names import LogKey

LINE_BYTES = 16 * 1024
"""Bytes of UTF-8 that one line may have; what is longer is cut, and ends with the mark."""
CUT_MARK = " […cut]"


@dataclass(frozen=True)
class Source:
    """A container that prints, or printed: an instance, with whose log its lines belong to."""

    id: str
    """At the engine; another one for another container of the same name."""
    name: str
    """The instance's."""
    key: LogKey
    slug: str
    service: str
    commit: str
    pull_request: int | None
    running: bool
    secrets: frozenset[str] = field(default_factory=frozenset, repr=False)
    """Values that its lines must not show."""


class Stream(StrEnum):
    """Where a container wrote it."""

    STDOUT = "stdout"
    STDERR = "stderr"


@dataclass(frozen=True, order=True, slots=True)
class Position:
    """How far a stream of a container was read: the time of its last line, and how many lines of that very
    time.
    """

    at: int
    """Nanoseconds since 1970, as the engine stamped the line."""
    count: int = 1


Positions = Mapping[Stream, Position]
"""How far the streams of a container were read; one that is not named was not."""


@dataclass(frozen=True, slots=True)
class Printed:
    """One line as a container wrote it, without its line end; one over 16 kB was cut, with a mark."""

    stream: Stream
    at: int
    """Nanoseconds since 1970, as the engine stamped it."""
    text: str


class Outputs(Protocol):
    """Where containers print. Every call raises BackendUnavailable when the engine does not answer."""

    def sources(self) -> AsyncGenerator[Source | None]:
        """Every instance of this installation that is there, then each one that is started, as it is.

        None after each new connection to the engine, before what is there then: events may have been missed,
        and what was followed may have to be followed anew. It never ends by itself.
        """

    async def source(self, identity: str) -> Source | None:
        """How a container, given by its id or by its instance's name, is now; None when it is gone."""

    def output(self, identity: str, read: Positions) -> AsyncGenerator[tuple[Printed, ...]]:
        """What a container printed since, as it does, until it stops; ends at once when it does not run and
        all is read.

        Args:
            identity: of the source; one that is gone has printed nothing.
            read: how far it was read before.
        """
