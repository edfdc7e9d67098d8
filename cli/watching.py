"""A preview that is watched until it is as it should be, or is not going to be.

ask each second ──▶ Preview ──▶ shown where it stands (a terminal) or line by line ──▶ an exit code
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from rich.live import Live

from cli.ansi import plain
from cli.client import Client, of_preview
from cli.failure import FAILED, Failure, Refused, Unreachable
from cli.models import ENDED, SETTLED, UNDER_WAY, Preview
from cli.preview_view import news, under_way
from cli.terminal import Terminal

EACH_SECONDS = 1.0
PATIENCE_SECONDS = 60.0
"""In which what was wished must show."""
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
            seconds = time.monotonic() - self._since
            self._live.update(under_way(preview, seconds, datetime.now(UTC)))
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
    begun = since is None
    with shown.open():
        async for preview in _looks(client, preview_id, shown, each):
            begun = begun or _begun(preview, since)
            if begun or preview.status not in SETTLED:
                shown.update(preview)
            if begun and preview.status not in UNDER_WAY:
                return 0 if preview.status in ("running", "sleeping") else FAILED
    raise AssertionError("it is watched for ever")


async def reach(  # noqa: PLR0913 - a wait, in one call
    client: Client,
    shown: Shown,
    since: Preview,
    wanted: str,
    *,
    each: float = EACH_SECONDS,
    patience: float = PATIENCE_SECONDS,
) -> int:
    """Watch until a preview is in the state that was wished for.

    Args:
        client: asks.
        shown: where it is seen.
        since: the preview as it was before that was wished.
        wanted: the state.
        each: seconds from question to question.
        patience: seconds in which something must begin to change.

    Returns:
        The exit code: 0 when it is in that state, 1 when it failed or expired on the way.

    Raises:
        Failure: nothing happens, the API says no, or the preview is gone.
    """
    preview_id, begun, asked_at = str(since.preview_id), False, time.monotonic()
    with shown.open():
        async for preview in _looks(client, preview_id, shown, each):
            begun = begun or _begun(preview, since)
            if begun or preview.status == wanted:
                shown.update(preview)
            if preview.status == wanted:
                return 0
            if begun and preview.status in ENDED:
                return FAILED
            if not begun and time.monotonic() - asked_at > patience:
                raise Failure(
                    f"{preview_id} is still {preview.status} after {patience:.0f} s: does the operator run, "
                    "and is the preview suspended? What was asked for is done as soon as it can be."
                )
    raise AssertionError("it is watched for ever")


async def _looks(client: Client, preview_id: str, shown: Shown, each: float) -> AsyncIterator[Preview]:
    """The preview, again and again; while the API is away, that is said once."""
    silent = False
    while True:
        try:
            preview = of_preview(await client.preview(preview_id))
        except Unreachable as error:
            if not silent:
                shown.say(f"{error.message} Asking again …")
            silent = True
        except Refused as error:
            if error.status == MISSING:
                raise Failure(f"{preview_id} is not there, or is gone.") from None
            raise
        else:
            silent = False
            yield preview
        await asyncio.sleep(each)


def _begun(preview: Preview, since: Preview | None) -> bool:
    """What was wished shows: something is being done, or was since."""
    before: datetime | None = since.updated_at if since is not None else None
    return preview.status in UNDER_WAY or preview.updated_at != before
