"""The command `login`: which API, and by which token, kept in a file of the user's own."""

from __future__ import annotations

import sys

import typer

from cli.client import Client
from cli.connection import (
    Connection,
    Options,
    checked_token,
    checked_url,
    config_file,
    given_token,
    in_the_open,
    keep,
)
from cli.failure import USAGE, Failure
from cli.session import Session, session_of


def login(context: typer.Context) -> None:
    """Keep the API's URL and a token in ~/.config/previewcloud, once they are found to work.

    The token is asked for, or read from standard input, unless --token-file or PREVIEWCLOUD_TOKEN gives it.
    """
    session = session_of(context)
    url = checked_url(session.options.url or session.environ.get("PREVIEWCLOUD_URL") or _asked_url())
    token = given_token(session.options) or session.environ.get("PREVIEWCLOUD_TOKEN") or _asked_token()
    wanted = Connection(url, checked_token(token.strip()))
    if in_the_open(url):
        session.terminal.say("Careful: over http:// the token can be read on its way. Prefer https://.")

    async def tried(client: Client) -> None:
        await client.ask("GET", "/api/previews", [("pageSize", "1")])

    Session(Options(wanted.url, wanted.token), session.environ, session.terminal).run(tried)
    path = config_file(session.environ)
    keep(path, wanted)
    session.terminal.say(f"Kept in {path}.")


def _asked_url() -> str:
    if not sys.stdin.isatty():
        return ""
    return str(typer.prompt("URL of the API", err=True))


def _asked_token() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("Token", hide_input=True, err=True))
    token = sys.stdin.readline()
    if not token.strip():
        raise Failure("There is no token: give --token-file, or the token on standard input.", USAGE)
    return token
