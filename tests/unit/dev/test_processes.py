import dataclasses
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.processes import Processes, Program, until
from dev.progress import StepFailed

SLEEPER = Program(
    "sleeper", (sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"), {}
)
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("up", flush=True)
time.sleep(60)
"""
WITH_CHILD = """
import subprocess, time
print(subprocess.Popen(["sleep", "60"]).pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    known = Processes(tmp_path, tmp_path)
    yield known
    for pid_file in tmp_path.glob("*.pid"):
        known.stop(pid_file.stem)


def test_the_same_program_is_left_running(processes: Processes) -> None:
    assert processes.ensure(SLEEPER) == "started"
    first = processes.known("sleeper")
    assert processes.ensure(SLEEPER) == "running"
    assert processes.known("sleeper") == first


def test_a_program_that_should_be_different_is_replaced(processes: Processes) -> None:
    processes.ensure(SLEEPER)
    first = processes.known("sleeper")
    assert first
    assert processes.ensure(dataclasses.replace(SLEEPER, version="2")) == "replaced"
    assert not first.alive()
    assert processes.alive("sleeper")


def test_a_program_that_died_is_started_again(processes: Processes) -> None:
    processes.ensure(SLEEPER)
    processes.stop("sleeper")
    assert not processes.alive("sleeper")
    assert processes.ensure(SLEEPER) == "started"


def test_a_pid_that_now_belongs_to_someone_else_is_left_alone(processes: Processes, tmp_path: Path) -> None:
    processes.ensure(SLEEPER)
    ours = json.loads((tmp_path / "sleeper.pid").read_text())
    (tmp_path / "other.pid").write_text(json.dumps({**ours, "start": ours["start"] - 1}))
    assert processes.stop("other") is False
    assert processes.alive("sleeper")


def test_a_process_that_ignores_sigterm_is_killed(
    processes: Processes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dev.processes.STOP_SECONDS", 0.3)
    processes.ensure(Program("stubborn", (sys.executable, "-c", STUBBORN), {}))
    processes.wait_until(lambda: "up" in (tmp_path / "stubborn.log").read_text(), 10, "stubborn")
    assert processes.stop("stubborn") is True
    assert not (tmp_path / "stubborn.pid").exists()


def test_children_in_its_session_go_with_it(processes: Processes, tmp_path: Path) -> None:
    processes.ensure(Program("parent", (sys.executable, "-c", WITH_CHILD), {}))
    log = tmp_path / "parent.log"
    processes.wait_until(lambda: log.read_text().endswith("\n"), 10, "parent")
    child = int(log.read_text())
    processes.stop("parent")
    assert until(lambda: not _runs(child), 5)


def test_waiting_for_a_program_that_ends_shows_its_last_words(processes: Processes) -> None:
    processes.ensure(Program("broken", (sys.executable, "-c", "raise SystemExit('no such port')"), {}))
    with pytest.raises(StepFailed, match=r"broken ended(.|\n)*no such port"):
        processes.wait_until(lambda: False, 20, "broken")


def test_a_program_that_is_not_there_is_named(processes: Processes) -> None:
    with pytest.raises(StepFailed, match="ghost: cannot start /nonexistent"):
        processes.ensure(Program("ghost", ("/nonexistent",), {}))


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
