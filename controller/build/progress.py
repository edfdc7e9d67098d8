"""A build's progress as lines to read: `#5 [2/4] RUN make`, then what it prints, then `#5 DONE 1.2s`.

Lines come from hostile code: terminal control is taken out, their length and their number are bounded.
"""

from __future__ import annotations

import base64
import re
from collections import deque

from pydantic import BaseModel, ConfigDict

from controller.build.status import Status, Vertex, decode
from controller.runtime.docker.streams import LineReader
from controller.runtime.protocol import LineSink

FORWARDED = 20_000
KEPT = 20
TRACE = "moby.buildkit.trace"
_FETCH = re.compile(r"(?:https?|git|ssh)://|git@|(?:\[[^\]]*\] )?ADD .*(?:://|@)", re.IGNORECASE)
_CONTROL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[@-_]|[\x00-\x08\x0b-\x1f\x7f]")


class Message(BaseModel):
    """One JSON line of the engine's answer."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str = ""
    aux: object = None
    stream: str = ""
    error: str = ""


class Progress:
    """Takes the engine's answer line by line."""

    def __init__(self, on_line: LineSink) -> None:
        self._on_line = on_line
        self._numbers: dict[str, int] = {}
        self._told: set[tuple[str, str]] = set()
        self._readers: dict[tuple[str, int], LineReader] = {}
        self._count = 0
        self._last: dict[str, deque[str]] = {}
        self._failed: str | None = None
        self.error = ""
        """The engine's own sentence, once the build has failed."""
        self.fetched: str | None = None
        """A step by which the engine itself fetches from somewhere; no Dockerfile may ask for it, but a base
        image's ONBUILD can."""

    def feed(self, line: str) -> None:
        """Take one JSON line; what is no message is passed over."""
        try:
            message = Message.model_validate_json(line)
        except ValueError:
            return
        if message.error:
            self.error = message.error
        for text in message.stream.splitlines():
            self._say(text)
        if message.id == TRACE and isinstance(message.aux, str):
            try:
                status = decode(base64.b64decode(message.aux))
            except ValueError:
                return
            self._status(status)

    def failure(self) -> tuple[str, ...]:
        """The last lines of the step that failed, and why."""
        lines = list(self._last.get(self._failed or "", ()))
        reason = clean(self.error)
        return tuple([*lines, reason][-KEPT:] if reason else lines)

    def _status(self, status: Status) -> None:
        for vertex in status.vertexes:
            number = self._numbers.setdefault(vertex.digest, len(self._numbers) + 1)
            if _FETCH.match(vertex.name):
                self.fetched = clean(vertex.name)
            if vertex.started is not None or vertex.cached or vertex.error:
                self._once(vertex.digest, "name", f"#{number} {vertex.name}")
        for output in status.outputs:
            reader = self._readers.setdefault((output.digest, output.stream), LineReader())
            for line in reader.feed(output.data):
                self._print(output.digest, line)
        for vertex in status.vertexes:
            if vertex.completed is not None or vertex.cached or vertex.error:
                self._end(vertex)

    def _end(self, vertex: Vertex) -> None:
        for stream in (1, 2):
            for line in self._readers.pop((vertex.digest, stream), LineReader()).end():
                self._print(vertex.digest, line)
        number = self._numbers[vertex.digest]
        if vertex.error:
            self._failed = vertex.digest
            self._once(vertex.digest, "end", f"#{number} ERROR: {vertex.error}")
        elif vertex.cached:
            self._once(vertex.digest, "end", f"#{number} CACHED")
        elif vertex.started is not None and vertex.completed is not None:
            self._once(vertex.digest, "end", f"#{number} DONE {vertex.completed - vertex.started:.1f}s")

    def _print(self, digest: str, line: str) -> None:
        text = clean(line)
        self._last.setdefault(digest, deque(maxlen=KEPT)).append(text)
        self._say(f"#{self._numbers.setdefault(digest, len(self._numbers) + 1)} {text}")

    def _once(self, digest: str, what: str, line: str) -> None:
        if (digest, what) not in self._told:
            self._told.add((digest, what))
            self._say(clean(line))

    def _say(self, line: str) -> None:
        self._count += 1
        if self._count <= FORWARDED:
            self._on_line(line)
        elif self._count == FORWARDED + 1:
            self._on_line(f"(more than {FORWARDED} lines: the rest is left out)")


def clean(line: str) -> str:
    """A line without terminal control; of what a carriage return overwrote only the last stays."""
    return _CONTROL.sub("", line.rstrip("\r").rsplit("\r", 1)[-1].replace("\n", " "))
