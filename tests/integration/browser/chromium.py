"""Debian's Chromium, installed where it is missing, and one page in it: a log's, or any.

Whatever a page loads, says on its console or fails at is kept, for tests to look at.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from playwright.async_api import Page, async_playwright

from dev import commands
from tests.unit.webhook.logs.opened import PAGE, Reader

PACKAGES = {"chromium": "chromium"}
LINE = "#lines li .m"
OF_MESSAGES = "found => found.map(each => each.textContent)"


@dataclass
class Tab:
    """A page that is open, and what happened in it."""

    page: Page
    said: list[str] = field(default_factory=list)
    """On the console, and errors."""
    asked: list[str] = field(default_factory=list)
    """Every address that it asked for."""

    def listen(self) -> None:
        """Keep what happens from here on."""
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))

    async def holds(self, condition: str, argument: object = None) -> None:
        """Wait until a condition, a function in JavaScript, holds in the page."""
        await self.page.wait_for_function(condition, arg=argument)


@dataclass
class Window(Tab):
    """A log page."""

    reader: Reader = field(kw_only=True)

    async def open(self, **query: str) -> None:
        """Open the log page with a link."""
        url = self.reader.world.client.make_url(PAGE).with_query({"pass": self.reader.secret(), **query})
        await self.page.goto(str(url))

    async def messages(self) -> list[str]:
        """The text of all lines, in their order."""
        found: list[str] = await self.page.locator(LINE).evaluate_all(OF_MESSAGES)
        return found

    async def shows(self, text: str) -> None:
        """Wait until the newest line is this one."""
        await self.holds(
            "text => document.querySelector('#lines li:last-child .m')?.textContent === text", text
        )

    async def counts(self, lines: int) -> None:
        """Wait until there are so many lines."""
        await self.holds("lines => document.querySelectorAll('#lines li').length === lines", lines)

    async def says(self, words: str) -> None:
        """Wait until these words stand at the foot of the page."""
        await self.holds("words => document.querySelector('#said').textContent.includes(words)", words)

    async def at_end(self) -> bool:
        """The end of the page is to be seen."""
        root = "document.documentElement"
        found: bool = await self.page.evaluate(f"innerHeight + scrollY >= {root}.scrollHeight - 2")
        return found

    def cut(self) -> None:
        """Cut every connection to the server, as a restart of what stands between does."""
        runner = self.reader.world.client.server.runner
        assert runner is not None and runner.server is not None
        for connection in runner.server.connections:
            if connection.transport is not None:
                connection.transport.abort()


@asynccontextmanager
async def window(
    reader: Reader, *, scripts: bool = True, width: int = 1200, height: int = 700, dark: bool = False
) -> AsyncIterator[Window]:
    """A fresh browser for one log page."""
    async with fresh_page(scripts=scripts, width=width, height=height, dark=dark) as page:
        found = Window(page, reader=reader)
        found.listen()
        yield found


@asynccontextmanager
async def tab(
    *, width: int = 1200, height: int = 700, dark: bool = False, headers: Mapping[str, str] | None = None
) -> AsyncIterator[Tab]:
    """A fresh browser for one page, which sends these headers too."""
    async with fresh_page(width=width, height=height, dark=dark, headers=headers) as page:
        found = Tab(page)
        found.listen()
        yield found


@asynccontextmanager
async def fresh_page(
    *,
    scripts: bool = True,
    width: int,
    height: int,
    dark: bool,
    headers: Mapping[str, str] | None = None,
) -> AsyncIterator[Page]:
    """A browser of its own with one empty page."""
    commands.install_packages(PACKAGES)
    program = shutil.which("chromium")
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=options)
        try:
            context = await browser.new_context(
                java_script_enabled=scripts,
                viewport={"width": width, "height": height},
                color_scheme="dark" if dark else "light",
                accept_downloads=True,
                extra_http_headers=dict(headers or {}),
            )
            yield await context.new_page()
        finally:
            await browser.close()
