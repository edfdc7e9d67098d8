"""What can be asked of `python -m controller` beside running it.

    sweep ──▶ settings ──▶ engine, database servers, cluster ──▶ one look ──▶ text or JSON

Nothing is listened on: a command may run beside the operator that has the same settings.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Annotated

import typer
from pydantic import ValidationError

from controller.api.errors import PreviewError
from controller.api.preview import describe
from controller.assembly_databases import databases
from controller.assembly_logs import credentials
from controller.clock import WallClock
from controller.cluster.kubernetes import KubernetesCluster
from controller.journal import configure_logging
from controller.lifecycle.listing import as_json, as_text
from controller.lifecycle.sweep import Keeper, Mode, Sweeper, Swept, terms
from controller.logs.mask import masker
from controller.runtime.docker.address import EngineAddress
from controller.runtime.docker.runtime import DockerRuntime
from controller.runtime.docker.settings import DockerSettings
from controller.runtime.docker.transport import EngineClient
from controller.settings import RuntimeKind, Settings

FAILED, USAGE = 1, 2


def read_settings() -> Settings:
    """The settings of the environment; a wrong one ends the process with exit code 2."""
    try:
        return Settings()
    except ValidationError as error:
        sys.stderr.write(f"The environment holds a wrong setting: {describe(error)}\n")
        raise typer.Exit(USAGE) from None


def sweep(
    remove: Annotated[
        bool, typer.Option("--remove", help="Remove it now, without the time of grace.")
    ] = False,
    despite_safeguard: Annotated[
        str,
        typer.Option(
            metavar="INSTALLATION",
            help="Remove it also where it is more than a fifth of what there is, or where there is no "
            "Preview at all; the installation's id says that you know what you remove.",
        ),
    ] = "",
    as_json_: Annotated[bool, typer.Option("--json", help="One JSON object instead of text.")] = False,
) -> None:
    """List what belongs to no Preview any more; with --remove, take it away.

    The exit code is 1 where somebody did not answer, or something that was to go is still there.
    """
    settings = read_settings()
    if despite_safeguard and (not remove or despite_safeguard != settings.installation_id):
        sys.stderr.write("--despite-safeguard goes with --remove and names the installation as it is set.\n")
        raise typer.Exit(USAGE)
    configure_logging(settings.log_format, masker(credentials(settings)))
    mode = Mode(dry=not remove, at_once=remove, unguarded=bool(despite_safeguard))
    try:
        swept = asyncio.run(_swept(settings, mode))
    except PreviewError as error:
        sys.stderr.write(f"{error.message}\n")
        raise typer.Exit(FAILED) from None
    grace = settings.orphan_grace.total_seconds()
    text = as_json(swept) if as_json_ else as_text(swept, remove=remove, grace_seconds=grace)
    sys.stdout.write(f"{text}\n")
    if swept.unanswered or swept.failed or (remove and swept.sweep.refused):
        raise typer.Exit(FAILED)


async def _swept(settings: Settings, mode: Mode) -> Swept:
    async with open_sweeper(settings) as sweeper:
        return await sweeper.once(mode)


@asynccontextmanager
async def open_sweeper(settings: Settings) -> AsyncIterator[Sweeper]:
    """A sweeper over all that the settings name; everything is closed at the end.

    Raises:
        InvalidSpec: an address that cannot be used.
    """
    async with AsyncExitStack() as stack:
        cluster = await KubernetesCluster.connect(settings.watch_namespace)
        stack.push_async_callback(cluster.close)
        keepers: dict[str, Keeper] = {
            f"databases.{kind}": server for kind, server in databases(settings, stack).items()
        }
        if settings.runtime is RuntimeKind.DOCKER:
            client = EngineClient(EngineAddress.from_env(os.environ), settings.engine_calls)
            stack.push_async_callback(client.close)
            engine = DockerSettings(settings.installation_id, settings.proxy_network, settings.tools_image)
            keepers["docker"] = DockerRuntime(client, engine, lambda spec: {})
        yield Sweeper(cluster, keepers, WallClock(), terms(settings))
