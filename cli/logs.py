"""The command `logs`: what was said about a preview, what is being said, or what was archived."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Annotated

import typer

from cli.client import Client
from cli.failure import USAGE, Failure
from cli.following import Following, Ways
from cli.history import archived, last_sequence, listed, newest
from cli.log_query import LogQuery, moment
from cli.log_view import LogView
from cli.looking import PreviewId
from cli.models import Entry, EntryType
from cli.session import session_of
from cli.terminal import Terminal

COUNT = 100
LOOK_SECONDS = 0.5
"""How often it is looked whether anybody still reads what is followed."""


def logs(  # noqa: PLR0913, PLR0917 - one parameter an option
    context: typer.Context,
    preview: PreviewId,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="And what comes, until Ctrl-C.")] = False,
    types: Annotated[
        list[EntryType] | None, typer.Option("--type", "-t", help="Only this type; may be given again.")
    ] = None,
    services: Annotated[
        list[str] | None, typer.Option("--service", "-s", help="Only this service; may be given again.")
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="Said then or later: a span back from now (1h), or a time (ISO 8601).")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Said before then; in the same forms.")] = None,
    text: Annotated[str, typer.Option("--text", "-q", help="Only lines with this text in them.")] = "",
    count: Annotated[
        int | None,
        typer.Option(
            "--lines",
            "-n",
            min=0,
            help="The newest so many lines; 100, and all of them with --since or --archived.",
            show_default=False,
        ),
    ] = None,
    repository: Annotated[
        str | None,
        typer.Option("--repository", "-r", help="The log of this repository, owner/name, when it is gone."),
    ] = None,
    from_archive: Annotated[
        bool, typer.Option("--archived", help="What was archived, instead of what is kept.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="A JSON object a line.")] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="Without colours.")] = False,
) -> None:
    """Show what is said about a preview: builds, deployments, containers, databases, the platform."""
    if follow and (until or from_archive):
        raise Failure("--follow goes with neither --until nor --archived.", USAGE)
    session = session_of(context)
    query = LogQuery(
        preview,
        tuple(kind.value for kind in types or ()),
        tuple(services or ()),
        moment("--since", since),
        moment("--until", until),
        text,
        repository,
    )
    if count is None and not (since or from_archive):
        count = COUNT
    terminal = Terminal.of(session.environ, no_color=True) if no_color else session.terminal
    view = LogView(terminal, json=json)

    async def shown(client: Client) -> None:
        if from_archive:
            await _print(listed(archived(client, query), count), view)
        elif follow:
            await _while_read(terminal, _followed(client, query, count, terminal), view)
        else:
            for entry in await newest(client, query, count):
                view.show(entry)

    session.run(shown)


async def _followed(
    client: Client, query: LogQuery, count: int | None, terminal: Terminal
) -> AsyncIterator[Entry]:
    """The newest entries, and those that come; every one once."""
    after = await last_sequence(client, query)
    for entry in await newest(client, query, count):
        after = max(after, entry.line.sequence)
        yield entry
    ways = Ways(terminal.say, asyncio.sleep, random.random)
    async for entry in Following(client, query, after, ways).entries():
        yield entry


async def _print(entries: AsyncIterator[Entry], view: LogView) -> None:
    async for entry in entries:
        view.show(entry)


async def _while_read(terminal: Terminal, entries: AsyncIterator[Entry], view: LogView) -> None:
    """Print what comes at once, and end when nobody reads it any more."""

    async def printing() -> None:
        async for entry in entries:
            view.show(entry)
            terminal.out.flush()

    task = asyncio.create_task(printing())
    try:
        while not task.done():
            await asyncio.wait({task}, timeout=LOOK_SECONDS)
            if terminal.broken():
                raise BrokenPipeError
        await task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await task
