"""`python -m tests.integration.crash.operator`: the operator, killing itself at a moment that a test chose.

Every action is written to CRASH_JOURNAL, one line before it and one after it. While the file CRASH_ARMED is
there it holds how many such moments are left; at the last one it is removed and this process ends by SIGKILL.
"""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

from controller.assembly import open_fleet
from controller.core.actions import Action
from controller.core.execute import Moment
from controller.handlers import watch
from controller.journal import configure_logging
from controller.settings import Settings


class Countdown:
    """Counts moments down to the last one."""

    def __init__(self, journal: Path, armed: Path) -> None:
        self._journal = journal
        self._armed = armed

    async def announce(self, action: Action, moment: Moment) -> None:
        """Hear of an action; may not return."""
        self._count(f"{moment} {action}")

    def _count(self, line: str) -> None:
        with self._journal.open("a") as journal:
            journal.write(f"{line}\n")
        if not self._armed.exists():
            return
        left = int(self._armed.read_text()) - 1
        if left > 0:
            self._armed.write_text(str(left))
            return
        self._armed.unlink()
        os.kill(os.getpid(), signal.SIGKILL)


async def operate(settings: Settings, countdown: Countdown) -> None:
    """As the operator does it, with somebody listening."""
    async with open_fleet(settings, countdown.announce) as fleet:
        await watch(fleet, settings.watch_namespace)


if __name__ == "__main__":
    found = Settings()
    configure_logging(found.log_format)
    asyncio.run(operate(found, Countdown(Path(os.environ["CRASH_JOURNAL"]), Path(os.environ["CRASH_ARMED"]))))
