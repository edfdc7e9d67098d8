"""A log page as its reader opens it: a Preview with a log, and links to it."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from html.parser import HTMLParser
from typing import Any

from aiohttp import ClientResponse

from controller.api.names import LogKey
from controller.api.status import Phase
from controller.logs.memory import MemoryStore
from tests.unit.webhook.logs.rig import Lines
from tests.unit.webhook.rest.world import World
from webhook.logs.passes import Use

PAGE = "/previews/pr-42"


class Reader:
    """Has a link to the log of pr-42."""

    def __init__(self, world: World, key: LogKey) -> None:
        assert isinstance(world.api.logs, MemoryStore)
        self.world, self.key = world, key
        self.lines = Lines(world.api.logs, key)

    @classmethod
    async def of(cls, world: World, **source: Any) -> Reader:
        """A Preview that runs, and its reader."""
        preview = await world.made(**source)
        world.cluster.set_status(
            preview.key,
            phase=Phase.RUNNING,
            commit=preview.spec.source.commit,
            observed_generation=preview.metadata.generation,
            services=({"name": "web", "url": "https://pr-42.preview.example", "state": "Running"},),
        )
        return cls(world, preview.log_key)

    def secret(self, seconds: float = 3600, key: LogKey | None = None, use: Use = Use.LINK) -> str:
        """A pass; a link's, unless another use is given."""
        assert self.world.api.passes is not None
        expires = self.world.clock.now() + timedelta(seconds=seconds)
        return self.world.api.passes.issue(use, key or self.key, "pr-42", expires)

    async def ask(self, path: str = "", method: str = "GET", **query: str) -> ClientResponse:
        """Ask for the page, or what belongs to it."""
        return await self.world.client.request(method, PAGE + path, params={"pass": self.secret(), **query})

    async def read(self, **query: str) -> str:
        """The page's HTML."""
        response = await self.ask(**query)
        assert response.status == 200, await response.text()
        return await response.text()


def messages(html: str) -> list[str]:
    """The messages that a page shows."""
    return [unescape(found) for found in re.findall(r'<span class="m"[^>]*>(.*?)</span></li>', html, re.S)]


class Elements(HTMLParser):
    """The elements of a page: names, and attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def named(self, name: str) -> list[dict[str, str | None]]:
        """The attributes of each element of a name."""
        return [attributes for tag, attributes in self.found if tag == name]
