"""A preview that is watched until it is as it should be, or is not going to be.

ask each second ──▶ Preview ──▶ shown where it stands (a terminal) or line by line ──▶ an exit code
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from rich.live import Live

from cli.ansi import plain
from cli.client import Client, of_preview
from cli.failure import FAILED, Failure, Refused, Unreachable
from cli.models import SETTLED, UNDER_WAY, Preview
from cli.preview_view import news, under_way
from cli.terminal import Terminal

EACH_SECONDS = 1.0
MISSING = 404


class Shown:
    """What is seen of a preview that is watched."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._live: Live | None = None
        self._last = ""
        self._since = time.monotonic()

    @contextmanager
    def open(self) -> Iterator[None]:
        """While something is watched."""
        if not self._terminal.interactive:
            yield
            return
        with Live(
            console=self._terminal.console(), refresh_per_second=8, redirect_stderr=False
        ) as self._live:
            yield

    def update(self, preview: Preview) -> None:
        """Show how it is now."""
        if self._live is not None:
            self._live.update(under_way(preview, time.monotonic() - self._since))
        elif (text := news(preview)) != self._last:
            self._last = text
            self._terminal.write(text)
            self._terminal.out.flush()

    def say(self, text: str) -> None:
        """A remark."""
        if self._live is not None:
            self._live.console.print(plain(text))
        else:
            self._terminal.say(text)


async def watch(
    client: Client, preview_id: str, shown: Shown, *, each: float = EACH_SECONDS, since: Preview | None = None
) -> int:
    """Watch until nothing is being done any more.

    Args:
        client: asks.
        preview_id: of which preview.
        shown: where it is seen.
        each: seconds from question to question.
        since: how it was before something was wished; what stands like that still has not begun.

    Returns:
        The exit code: 0 when it runs, or sleeps as it should.

    Raises:
        Failure: the API says no, or the preview is gone.
    """
    silent, begun = False, since is None
    with shown.open():
        while True:
            try:
                preview = of_preview(await client.preview(preview_id))
                silent = False
                begun = begun or _begun(preview, since)
                if begun or preview.status not in SETTLED:
                    shown.update(preview)
                if begun and preview.status not in UNDER_WAY:
                    return 0 if preview.status in ("running", "sleeping") else FAILED
            except Unreachable as error:
                if not silent:
                    shown.say(f"{error.message} Asking again …")
                silent = True
            except Refused as error:
                if error.status == MISSING:
                    raise Failure(f"{preview_id} is not there, or is gone.") from None
                raise
            await asyncio.sleep(each)


def _begun(preview: Preview, since: Preview | None) -> bool:
    """What was wished shows: something is being done, or was since."""
    before: datetime | None = since.updated_at if since is not None else None
    return preview.status in UNDER_WAY or preview.updated_at != before
