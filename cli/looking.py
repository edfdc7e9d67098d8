"""Commands that look: list, status, open."""

from __future__ import annotations

import webbrowser
from datetime import UTC, datetime
from typing import Annotated

import typer

from cli.ansi import json_line
from cli.client import Client, of_preview
from cli.failure import USAGE, Failure
from cli.models import Preview, State
from cli.preview_view import table, url_of, whole
from cli.session import session_of
from cli.watching import Shown, watch

PreviewId = Annotated[str, typer.Argument(metavar="PREVIEW", help="Its id, as in pr-42.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="What the API answers, as JSON: an object a line.")]


def list_previews(
    context: typer.Context,
    status: Annotated[State | None, typer.Option(help="Only those in this state.")] = None,
    repository: Annotated[
        str | None, typer.Option("--repository", "-r", help="Only those of this repository, owner/name.")
    ] = None,
    json: Json = False,
) -> None:
    """List the previews, the oldest first."""
    session = session_of(context)
    query = [("status", status.value)] if status is not None else []
    if repository is not None:
        owner, slash, name = repository.partition("/")
        if not (owner and slash and name):
            raise Failure("--repository must be owner/name, as in acme/shop.", USAGE)
        query += [("repoOwner", owner), ("repoName", name)]
    found = session.run(lambda client: client.previews(query))
    terminal = session.terminal
    if json:
        for raw in found:
            terminal.write(json_line(raw, ascii_only=terminal.ascii_only))
    elif not found:
        terminal.say("There are no previews.")
    else:
        terminal.console(wide=True).print(table([of_preview(raw) for raw in found], datetime.now(UTC)))


def status(
    context: typer.Context,
    preview: PreviewId,
    watching: Annotated[
        bool,
        typer.Option(
            "--watch",
            "-w",
            help="Until nothing is being done any more; ends with 0 when it runs, 1 when it failed.",
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Show how a preview is, or how it becomes."""
    session = session_of(context)
    terminal = session.terminal
    if watching and json:
        raise Failure("Give either --watch or --json.", USAGE)
    if watching:
        raise typer.Exit(session.run(lambda client: watch(client, preview, Shown(terminal))))
    raw = session.run(lambda client: client.preview(preview))
    if json:
        terminal.write(json_line(raw, ascii_only=terminal.ascii_only))
    else:
        terminal.console().print(whole(of_preview(raw), datetime.now(UTC)))


def open_preview(
    context: typer.Context,
    preview: PreviewId,
    service: Annotated[
        str | None, typer.Option("--service", "-s", help="Which service, where several have a URL.")
    ] = None,
    printed: Annotated[bool, typer.Option("--print", help="Print the URL instead.")] = False,
) -> None:
    """Open a preview in the browser."""
    session = session_of(context)

    async def asked(client: Client) -> Preview:
        return of_preview(await client.preview(preview))

    found = session.run(asked)
    url = url_of(found, service)
    if url is None:
        where = f"its service {service}" if service else "it"
        raise Failure(f"{preview} is {found.status}: there is no URL of {where}.")
    if not url.startswith(("http://", "https://")):
        raise Failure(f"The URL of {preview} is none that a browser is given.")
    if printed:
        session.terminal.show(url)
    elif not webbrowser.open(url):
        session.terminal.show(url)
        raise Failure("No browser could be opened; the URL is the line above.")
