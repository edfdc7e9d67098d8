"""`python -m controller`: settings from the environment, backends from the settings, then kopf until
SIGTERM.
"""

from __future__ import annotations

import asyncio
import sys

import structlog
from pydantic import ValidationError

from controller import __version__
from controller.api.errors import PreviewError
from controller.api.preview import describe
from controller.assembly import open_fleet
from controller.garbage import collect_less
from controller.handlers import watch
from controller.journal import configure_logging
from controller.settings import Settings

FAILED, USAGE = 1, 2


def main() -> int:
    """Run the operator; the exit code is 2 when a setting is wrong."""
    if "--version" in sys.argv[1:]:
        sys.stdout.write(f"previewcloud {__version__}\n")
        return 0
    try:
        settings = Settings()
    except ValidationError as error:
        sys.stderr.write(f"The environment holds a wrong setting: {describe(error)}\n")
        return USAGE
    configure_logging(settings.log_format)
    collect_less()
    try:
        asyncio.run(operate(settings))
    except PreviewError as error:
        structlog.get_logger().error("cannot start", reason=error.reason, message=error.message)
        return FAILED
    return 0


async def operate(settings: Settings) -> None:
    """Open everything, watch until the process is told to end, close everything."""
    async with open_fleet(settings) as fleet:
        await watch(fleet, settings.watch_namespace)


if __name__ == "__main__":
    sys.exit(main())
