"""`python -m controller`: settings from the environment, backends from the settings, then kopf until
SIGTERM; `python -m controller sweep`: what belongs to no Preview any more.
"""

from __future__ import annotations

import asyncio

import structlog
import typer

from controller.api.errors import PreviewError
from controller.assembly import open_fleet
from controller.assembly_logs import credentials
from controller.commands import FAILED, read_settings, sweep
from controller.garbage import collect_less
from controller.handlers import watch
from controller.journal import configure_logging
from controller.logs.mask import masker
from controller.settings import Settings
from controller.version import Version

cli = typer.Typer(help=__doc__, add_completion=False, pretty_exceptions_enable=False)
cli.command()(sweep)


@cli.callback(invoke_without_command=True)
def main(context: typer.Context, version: Version = False) -> None:
    """Run the operator; the exit code is 2 when a setting is wrong."""
    if context.invoked_subcommand is not None:
        return
    settings = read_settings()
    collect_less()
    try:
        configure_logging(settings.log_format, masker(credentials(settings)))
        asyncio.run(operate(settings))
    except PreviewError as error:
        structlog.get_logger().error("cannot start", reason=error.reason, message=error.message)
        raise typer.Exit(FAILED) from None


async def operate(settings: Settings) -> None:
    """Open everything, watch until the process is told to end, close everything."""
    async with open_fleet(settings) as fleet:
        await watch(fleet, settings.watch_namespace)


if __name__ == "__main__":
    cli()
