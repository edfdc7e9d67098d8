"""Background processes: started detached with a pid file and a log, found again, replaced, stopped.

A pid file holds the pid together with the kernel's start time and boot id, so that a number that was
given to someone else is never taken for ours.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from dev.cache import digest
from dev.progress import StepFailed

Outcome = Literal["running", "started", "replaced"]

STOP_SECONDS = 15.0
POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Program:
    """What should run; `version` stands for what the command does not show."""

    name: str
    command: tuple[str, ...]
    env: Mapping[str, str]
    version: str = ""
    cwd: Path = Path("/")

    @property
    def fingerprint(self) -> str:
        """A key that changes whenever the running process ought to be replaced."""
        settings = json.dumps([self.command, dict(self.env), self.version, str(self.cwd)], sort_keys=True)
        return digest(settings.encode())


@dataclass(frozen=True)
class Running:
    """A process that was started: `start` in clock ticks since `boot`."""

    pid: int
    start: int
    boot: str
    fingerprint: str

    def alive(self) -> bool:
        """Tell whether this very process still runs."""
        return self.boot == _boot() and _start_of(self.pid) == self.start


@dataclass(frozen=True)
class Processes:
    """The background processes whose pid files and logs lie in two directories."""

    pids: Path
    logs: Path

    def ensure(self, program: Program) -> Outcome:
        """Start a program unless it runs as it should; one that should be different is stopped first.

        Raises:
            StepFailed: it cannot be executed.
        """
        known = self.known(program.name)
        outcome: Outcome = "started"
        if known and known.alive():
            if known.fingerprint == program.fingerprint:
                return "running"
            self.stop(program.name)
            outcome = "replaced"
        self._start(program)
        return outcome

    def known(self, name: str) -> Running | None:
        """Return what a program's pid file says, or None where there is none."""
        try:
            return Running(**json.loads(self._pid_file(name).read_text()))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def alive(self, name: str) -> bool:
        """Tell whether a program runs."""
        running = self.known(name)
        return bool(running and running.alive())

    def stop(self, name: str) -> bool:
        """Stop a process and everything in its session, wait until it is gone; True if it still ran."""
        running = self.known(name)
        stopped = bool(running and running.alive())
        if running and stopped:
            _signal_group(running.pid, signal.SIGTERM)
            if not until(lambda: not running.alive(), STOP_SECONDS):
                _signal_group(running.pid, signal.SIGKILL)
                until(lambda: not running.alive(), STOP_SECONDS)
            _signal_group(running.pid, signal.SIGKILL)  # children it left in its session
        self._pid_file(name).unlink(missing_ok=True)
        return stopped

    def log(self, name: str) -> Path:
        """Return where a program's output goes."""
        return self.logs / f"{name}.log"

    def wait_until(self, ready: Callable[[], bool], seconds: float, name: str) -> None:
        """Poll until a program is ready; give up after `seconds`, or at once when it died.

        Raises:
            StepFailed: it did not become ready; the message ends in the last lines of its log.
        """

        def died() -> bool:
            return self.known(name) is not None and not self.alive(name)

        until(lambda: died() or ready(), seconds)
        if died() or not ready():
            why = "ended" if died() else f"is not ready after {seconds:g} s"
            words = "\n    ".join(last_lines(self.log(name), 15))
            raise StepFailed(f"{name} {why}; read {self.log(name)}\n    {words}")

    def _start(self, program: Program) -> None:
        with self.log(program.name).open("ab") as log:
            try:
                process = subprocess.Popen(
                    program.command,
                    env={**os.environ, **program.env},
                    cwd=program.cwd,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            except OSError as error:
                raise StepFailed(
                    f"{program.name}: cannot start {program.command[0]}: {error.strerror}"
                ) from error
        running = Running(process.pid, _start_of(process.pid) or 0, _boot(), program.fingerprint)
        whole = self._pid_file(f".{program.name}")
        whole.write_text(json.dumps(asdict(running)) + "\n")
        whole.rename(self._pid_file(program.name))

    def _pid_file(self, name: str) -> Path:
        return self.pids / f"{name}.pid"


def until(condition: Callable[[], bool], seconds: float) -> bool:
    """Poll a condition for some seconds; tell whether it came true."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def last_lines(path: Path, count: int) -> list[str]:
    """Return the last lines of a log file, none where there is no file."""
    try:
        return path.read_text(errors="replace").splitlines()[-count:]
    except FileNotFoundError:
        return []


def _signal_group(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def _start_of(pid: int) -> int | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] == "Z" else int(fields[19])


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
