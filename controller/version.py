"""The option --version, the same for every command of the product: one line, and the process ends."""

from __future__ import annotations

from typing import Annotated

import typer

from controller import __version__


def _show(wanted: bool) -> None:
    if wanted:
        typer.echo(f"previewcloud {__version__}")
        raise typer.Exit


Version = Annotated[
    bool, typer.Option("--version", help="Show the version and exit.", callback=_show, is_eager=True)
]
