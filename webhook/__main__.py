"""`python -m webhook`: the bridge until SIGTERM; `python -m webhook token`: a token for its API."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import structlog
import typer
import uvloop
from pydantic import ValidationError

from controller.api.errors import PreviewError
from controller.api.preview import describe
from controller.garbage import collect_less
from controller.journal import configure_logging
from controller.logs.mask import masker
from controller.version import Version
from webhook.app import open_bridge
from webhook.renewed import Renewed, renewed_settings
from webhook.settings import BridgeSettings, secrets_of
from webhook.tokens import token

FAILED, USAGE = 1, 2
cli = typer.Typer(help=__doc__, add_completion=False, pretty_exceptions_enable=False)
cli.command()(token)


@cli.callback(invoke_without_command=True)
def main(context: typer.Context, version: Version = False) -> None:
    """Run the bridge; the exit code is 2 when a setting is wrong."""
    if context.invoked_subcommand is not None:
        return
    try:
        settings = BridgeSettings(_secrets_dir=os.environ.get("SECRETS_DIR") or None)
    except ValidationError as error:
        sys.stderr.write(f"The environment holds a wrong setting: {describe(error)}\n")
        raise typer.Exit(USAGE) from None
    configure_logging(settings.log_format, masker(secrets_of(settings)))
    collect_less()
    try:
        directory = os.environ.get("SECRETS_DIR")
        uvloop.run(serve(renewed_settings(Path(directory)) if directory else lambda: settings))
    except PreviewError as error:
        structlog.get_logger().error("cannot start", reason=error.reason, message=error.message)
        raise typer.Exit(FAILED) from None


async def serve(settings: Renewed) -> None:
    """Serve until SIGTERM or SIGINT, then let open requests come to their end."""
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    async with open_bridge(settings):
        await told.wait()


if __name__ == "__main__":
    cli()
