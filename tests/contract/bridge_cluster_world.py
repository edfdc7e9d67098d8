"""A cluster of the bridge to try, and somebody who changes things by hand behind its back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from controller.api.names import PreviewKey
from controller.api.preview import Preview
from controller.api.spec import PreviewSpec
from controller.clock import WallClock
from webhook.cluster.protocol import Cluster, Origin, Wanted
from webhook.subject import Subject

SHOP = Subject("acme/shop", 42)
NAME = "acme-shop-pr-42"
SOURCE = {
    "repository": "acme/shop",
    "cloneURL": "https://git.example.com/acme/shop.git",
    "pullRequest": 42,
    "trust": "trusted",
    "commit": "a" * 40,
}


class MovedClock(WallClock):
    """The wall clock, set forward by hand."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return super().now() + self.ahead


class ByHand(Protocol):
    """People with kubectl, and the operator."""

    async def create(self, name: str, spec: Mapping[str, Any], labels: Mapping[str, str]) -> None: ...
    async def annotate(self, key: PreviewKey, name: str, value: str) -> None: ...
    async def label(self, key: PreviewKey, name: str, value: str) -> None: ...
    async def edit(self, key: PreviewKey, spec: Mapping[str, Any]) -> None: ...
    async def hold(self, key: PreviewKey, slug: str) -> None: ...
    async def release(self, key: PreviewKey) -> None: ...
    async def set_phase(self, key: PreviewKey, phase: str) -> None: ...
    async def delete(self, key: PreviewKey) -> None: ...
    async def read(self, key: PreviewKey) -> Preview | None: ...
    async def create_secret(self, name: str, labels: Mapping[str, str], data: Mapping[str, str]) -> None: ...
    async def secret(self, name: str) -> tuple[Mapping[str, str], Mapping[str, str], str] | None: ...
    async def records(self) -> Mapping[str, Mapping[str, str]]: ...
    async def write_record(self, name: str, key: str, text: str) -> None: ...


@dataclass(frozen=True)
class World:
    """A cluster to try, with nothing in it."""

    cluster: Cluster
    hand: ByHand
    clock: MovedClock
    restarted: Callable[[], Any]
    """Coroutine function: a second bridge's cluster on the same things, ready."""

    def key(self, name: str = NAME) -> PreviewKey:
        return PreviewKey(self.cluster.namespace, name)

    async def applied(self, **more: Any) -> Preview:
        return await self.cluster.apply(wanted(**more))


def spec_of(subject: Subject = SHOP, **more: Any) -> PreviewSpec:
    """A spec with one service; `source` adds to its source, all else replaces fields.

    It is suspended, so that an operator which happens to be there has nothing to do.
    """
    named = {"pullRequest": subject.pull_request, "branch": subject.branch, "repository": subject.repository}
    source = {**SOURCE, **named, **more.pop("source", {})}
    source = {name: value for name, value in source.items() if value is not None}
    services = [{"name": "web", "image": "nginx:1.27", "port": 80}]
    body = {"source": source, "services": services, "suspend": True, **more}
    return PreviewSpec.model_validate({name: value for name, value in body.items() if value is not None})


def wanted(
    subject: Subject = SHOP,
    origin: Origin = Origin.WEBHOOK,
    annotations: Mapping[str, str] | None = None,
    **spec: Any,
) -> Wanted:
    return Wanted(subject, spec_of(subject, **spec), origin, annotations or {})


async def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    """Wait until a condition holds; fail when the time is over."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition never held"
        await asyncio.sleep(0.01)
