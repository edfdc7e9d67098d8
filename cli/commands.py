"""All commands, as one application; and the options that stand before any of them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from cli.changing import destroy, pin, redeploy, sleep, unpin, wake
from cli.connection import Options
from cli.login import login
from cli.logs import logs
from cli.looking import list_previews, open_preview, status
from cli.session import Session
from cli.terminal import Terminal
from controller.version import Version

app = typer.Typer(
    help="Previews from a terminal: asks the API, and shows what it says.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)
ANYWHERE = ("--url", "--token", "--token-file")
"""Options of the application that may stand behind the command as well."""


@app.callback()
def _begin(
    context: typer.Context,
    url: Annotated[
        str | None, typer.Option(help="Where the API is; else PREVIEWCLOUD_URL, or what login kept.")
    ] = None,
    token_file: Annotated[
        Path | None, typer.Option(help="File with the token; else PREVIEWCLOUD_TOKEN, or what login kept.")
    ] = None,
    token: Annotated[
        str | None, typer.Option(help="The token itself; others on the machine can see it here.")
    ] = None,
    version: Version = False,
) -> None:
    terminal = Terminal.of(os.environ)
    context.obj = Session(Options(url, token, token_file), os.environ, terminal)


app.command("list")(list_previews)
app.command("status")(status)
app.command("logs")(logs)
app.command("open")(open_preview)
app.command("redeploy")(redeploy)
app.command("destroy")(destroy)
app.command("wake")(wake)
app.command("sleep")(sleep)
app.command("pin")(pin)
app.command("unpin")(unpin)
app.command("login")(login)


def hoisted(arguments: list[str]) -> list[str]:
    """The same arguments, with options that may stand anywhere in front of the command."""
    ahead: list[str] = []
    behind: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        if argument == "--":
            behind += [argument, *rest]
        elif argument in ANYWHERE:
            ahead += [argument, *(value for value in [next(rest, None)] if value is not None)]
        elif argument.startswith(tuple(f"{name}=" for name in ANYWHERE)):
            ahead.append(argument)
        else:
            behind.append(argument)
    return ahead + behind
