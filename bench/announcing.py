"""The operator, unchanged, with one more ear: every action's begin and end go to a file, with the time.

`python -m bench.announcing`; each line of the file BENCH_ACTIONS is `<monotonic seconds> <moment> <action>`.
"""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import TextIO

from controller.assembly import open_fleet
from controller.core.actions import Action
from controller.core.execute import Announce, Moment
from controller.handlers import watch
from controller.settings import Settings


def announcer(file: TextIO) -> Announce:
    """Writes a line for every moment of every action."""

    async def announce(action: Action, moment: Moment) -> None:
        file.write(f"{time.monotonic():.6f} {moment} {action}\n")

    return announce


async def main(file: TextIO) -> None:
    """Watch until the process is told to end."""
    settings = Settings()
    async with open_fleet(settings, announcer(file)) as fleet:
        await watch(fleet, settings.watch_namespace)


if __name__ == "__main__":
    with Path(os.environ["BENCH_ACTIONS"]).open("a", buffering=1) as actions:
        asyncio.run(main(actions))
