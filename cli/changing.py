"""Commands that have something done: redeploy, destroy, wake, sleep, pin, unpin."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.ansi import plain
from cli.client import Client, of_preview
from cli.failure import USAGE, Failure
from cli.looking import PreviewId
from cli.session import Session, session_of
from cli.watching import Shown, reach, watch

Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Until it is so: exit 0, or 1 when it fails.")]


def redeploy(
    context: typer.Context,
    preview: PreviewId,
    wait: Annotated[
        bool,
        typer.Option("--wait", "-w", help="Until it is done: exit 0 when it runs, 1 when it failed."),
    ] = False,
) -> None:
    """Deploy a preview anew, with the same commit."""
    session = session_of(context)

    async def asked(client: Client) -> int:
        before = of_preview(await client.preview(preview)) if wait else None
        told = await client.wish(preview, "redeploy")
        session.terminal.say(told.message or "The preview is deployed anew.")
        if before is None:
            return 0
        return await watch(client, preview, Shown(session.terminal), since=before)

    raise typer.Exit(session.run(asked))


def destroy(
    context: typer.Context,
    preview: PreviewId,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Take a preview away, with its database and all that belongs to it."""
    session = session_of(context)
    if not yes:
        found = of_preview(session.run(lambda client: client.preview(preview)))
        what = plain(f"{preview} ({found.repository} {found.origin})")
        if not session.agreed(f"Take {what} away, with its database?"):
            raise Failure(f"{preview} is left as it is; --yes takes it away without a question.", USAGE)
    told = session.run(lambda client: client.destroy(preview))
    session.terminal.say(told.message or "The preview is taken away.")


def wake(context: typer.Context, preview: PreviewId, wait: Wait = True) -> None:
    """Wake a preview up, and wait until it runs."""
    _rest(session_of(context), preview, "wake", "running", wait=wait)


def sleep(context: typer.Context, preview: PreviewId, wait: Wait = True) -> None:
    """Put a preview to sleep, and wait until it is; a visit wakes it."""
    _rest(session_of(context), preview, "sleep", "sleeping", wait=wait)


def pin(
    context: typer.Context,
    preview: PreviewId,
    off: Annotated[bool, typer.Option("--off", help="Let it sleep and expire again: as unpin does.")] = False,
) -> None:
    """Pin a preview, so that it neither sleeps nor expires."""
    _pinned(session_of(context), preview, wanted=not off)


def unpin(context: typer.Context, preview: PreviewId) -> None:
    """Let a preview sleep and expire again."""
    _pinned(session_of(context), preview, wanted=False)


def _rest(session: Session, preview: str, verb: str, wanted: str, *, wait: bool) -> None:
    """Wish for a state, and see it come."""

    async def asked(client: Client) -> int:
        before = of_preview(await client.preview(preview))
        told = await client.wish(preview, verb)
        session.terminal.say(told.message or "It is asked for.")
        return await reach(client, Shown(session.terminal), before, wanted) if wait else 0

    raise typer.Exit(session.run(asked))


def _pinned(session: Session, preview: str, *, wanted: bool) -> None:
    """Pin or unpin, and show what came of it."""

    async def asked(client: Client) -> None:
        told = await client.wish(preview, "pin", {"pinned": wanted})
        found = of_preview(await client.preview(preview))
        if found.pinned is not wanted:
            raise Failure(told.message or f"{preview} is {'' if found.pinned else 'not '}pinned.")
        session.terminal.say(told.message or "It is done.")
        Shown(session.terminal).update(found)

    session.run(asked)
