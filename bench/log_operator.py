"""`python -m bench.log_operator`: the half of the operator that keeps logs, and nothing else of it.

containers of DOCKER_HOST ──▶ collector ──▶ writer ──▶ LOG_STORE_URL, until SIGTERM
"""

from __future__ import annotations

import asyncio
import os
import signal

from controller.assembly_logs import open_collector, open_logs
from controller.clock import WallClock
from controller.garbage import collect_less
from controller.health import Health
from controller.journal import configure_logging
from controller.runtime.docker.address import EngineAddress
from controller.runtime.docker.output import DockerOutputs
from controller.runtime.docker.transport import EngineClient
from controller.settings import Settings


async def main() -> None:
    """Read and keep, until told to end."""
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    settings, clock = Settings(), WallClock()
    configure_logging(settings.log_format)
    client = EngineClient(EngineAddress.from_env(os.environ), settings.engine_calls)
    outputs = DockerOutputs(client, settings.installation_id)
    try:
        async with (
            open_logs(settings, Health(clock), clock) as logs,
            open_collector(logs, outputs, settings, clock),
        ):
            await told.wait()
    finally:
        await client.close()


if __name__ == "__main__":
    collect_less()
    asyncio.run(main())
