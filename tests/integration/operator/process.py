"""The operator as a process: started with settings, stopped in order or killed, its log kept."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.integration.operator.logbook import Logbook

STOP_SECONDS = 15.0
QUICK = {
    "START_TIMEOUT": "12",
    "STOP_GRACE": "3",
    "RESYNC_INTERVAL": "3",
    "SOURCE_TIMEOUT": "30",
    "SOURCE_BYTES": str(64 * 1024 * 1024),
}
"""Settings under which nothing that goes wrong takes long."""


class Operator:
    """One operator; at most one process of it runs."""

    def __init__(self, log: Path, settings: Mapping[str, str], module: str = "controller") -> None:
        self.log = log
        self.settings = dict(settings)
        self._module = module
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, **settings: str) -> None:
        """Start it, with some settings changed for this time."""
        assert self._process is None
        environ = {**os.environ, **self.settings, **settings, "PYTHONUNBUFFERED": "1"}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen([sys.executable, "-m", self._module], stderr=log, env=environ)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def exit_code(self) -> int | None:
        """How it ended; None while it runs. A signal is a negative number."""
        assert self._process is not None
        return self._process.poll()

    def stop(self) -> float:
        """Ask it to end and wait for that; gives the seconds that took."""
        if self._process is None:
            return 0.0
        began = time.monotonic()
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_SECONDS)
        finally:
            self.kill()
        return time.monotonic() - began

    def kill(self) -> None:
        """End it with SIGKILL, if it still runs."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def tail(self, lines: int = 30) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    @property
    def logbook(self) -> Logbook:
        """What its previews said."""
        return Logbook(self.settings)

    @contextmanager
    def restarted(self, **settings: str) -> Iterator[None]:
        """Run it with other settings for a while."""
        self.stop()
        self.start(**settings)
        try:
            yield
        finally:
            self.stop()
            self.start()
