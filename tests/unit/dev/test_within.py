"""A command inside a platform: told to end, it is interrupted, and what stands around it goes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from dev.processes import until
from dev.within import ENDED, run

ROOT = Path(__file__).parents[3]
TIDY = """
import pathlib, sys, time
begun, tidied = map(pathlib.Path, sys.argv[1:])
try:
    begun.touch()
    time.sleep(60)
except KeyboardInterrupt:
    tidied.touch()
"""
AROUND = """
import os, sys
from dev import within
within.heed_signals()
sys.exit(within.run(sys.argv[1:], os.environ))
"""


def test_the_exit_code_is_the_commands() -> None:
    assert run([sys.executable, "-c", "raise SystemExit(7)"], os.environ) == 7


def test_a_command_is_interrupted_and_waited_for_when_its_surroundings_are_told_to_end(
    tmp_path: Path,
) -> None:
    begun, tidied = tmp_path / "begun", tmp_path / "tidied"
    inner = [sys.executable, "-c", TIDY, str(begun), str(tidied)]
    outer = subprocess.Popen([sys.executable, "-c", AROUND, *inner], cwd=ROOT)
    try:
        assert until(begun.exists, 60)
        outer.send_signal(signal.SIGTERM)
        assert outer.wait(50) == ENDED
    finally:
        outer.kill()
        outer.wait()
    assert tidied.exists()
