"""Traces: what is traced, without a word about who collects it.

TRACES_URL ──▶ open_tracing ──▶ Tracer ──trace──▶ Span ──child──▶ Span … ──▶ sent in batches, beside all work

Where no URL is set, nothing of it is loaded. A span knows its parent because it was asked of it: nothing is
looked up in a context, so that tasks which outlive a pass do not go on in its trace.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from typing import Protocol

About = Mapping[str, str]
"""What is known of a span, by attribute; never a secret, and of a pull request validated names alone."""


class Span(Protocol):
    """Something that takes time."""

    @property
    def trace_id(self) -> str:
        """The trace's id in 32 hex digits; empty where nothing is traced."""

    def child(self, name: str, about: About) -> AbstractContextManager[Span]:
        """A part of it, for as long as this is entered."""

    def note(self, about: About) -> None:
        """Know more about it."""

    def failed(self, reason: str) -> None:
        """It failed, for this reason: a word, no sentence."""


class Tracer(Protocol):
    """Begins traces."""

    def trace(self, name: str, about: About) -> AbstractContextManager[Span]:
        """A trace of its own, for as long as this is entered."""


class Untraced:
    """Implements Span and Tracer where nobody collects."""

    trace_id = ""

    def trace(self, name: str, about: About) -> AbstractContextManager[Span]:
        """Nothing is begun."""
        return nullcontext(self)

    child = trace

    def note(self, about: About) -> None:
        """Nothing is known."""

    def failed(self, reason: str) -> None:
        """Nobody is told."""


@asynccontextmanager
async def open_tracing(url: str, service: str, version: str) -> AsyncIterator[Tracer]:
    """A tracer; what waits is sent when this is left, within some seconds.

    Args:
        url: of the collector; without a path it is /v1/traces. Empty: nothing is traced.
        service: who traces, such as previewcloud-operator.
        version: of it.

    Raises:
        InvalidSpec: SettingInvalid, it is no such URL.
    """
    if not url:
        yield Untraced()
        return
    from controller.tracing.otlp import open_otlp  # noqa: PLC0415 - only who traces pays for the SDK

    async with open_otlp(url, service, version) as tracer:
        yield tracer
