"""A tracer that remembers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from controller.tracing import About, Span


@dataclass
class MemorySpan:
    """Implements Span."""

    name: str
    about: dict[str, str]
    tracer: MemoryTracer = field(repr=False)
    parent: MemorySpan | None = field(default=None, repr=False)
    reason: str | None = None
    trace_id: str = "0" * 31 + "1"

    @contextmanager
    def child(self, name: str, about: About) -> Iterator[Span]:
        yield self.tracer.begun(MemorySpan(name, dict(about), self.tracer, self))

    def note(self, about: About) -> None:
        self.about.update(about)

    def failed(self, reason: str) -> None:
        self.reason = reason


class MemoryTracer:
    """Implements Tracer; spans stand in the order in which they began."""

    def __init__(self) -> None:
        self.spans: list[MemorySpan] = []

    def begun(self, span: MemorySpan) -> MemorySpan:
        self.spans.append(span)
        return span

    @contextmanager
    def trace(self, name: str, about: About) -> Iterator[Span]:
        yield self.begun(MemorySpan(name, dict(about), self))
