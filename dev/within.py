"""`python -m dev.within COMMAND…`: run a command inside a platform of its own, which is gone afterwards.

The platform stands beside whatever else runs on the machine: its state is a temporary directory, its ports
are free ones, its installation id is drawn from the directory's name. The command sees its addresses as
variables, as `.local/env` would give them.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType

UP = ("up", "--no-operator", "--no-sample", "--tests")
TIDY_SECONDS = 60.0
ENDED = 143


def main(command: list[str]) -> int:
    """Run the command and give its exit code; the platform is taken down also after a failure or SIGTERM."""
    if not command:
        sys.stderr.write("usage: python -m dev.within COMMAND…\n")
        return 2
    heed_signals()
    directory = Path(tempfile.mkdtemp(prefix="previewcloud-"))
    environ = {**os.environ, "PREVIEWCLOUD_STATE": str(directory / ".local")}
    environ.pop("INSTALLATION_ID", None)
    try:
        brought_up = _dev(environ, *UP)
        if brought_up.returncode != 0:
            return brought_up.returncode
        found = _dev(environ, "env", "--json", capture=True)
        variables: dict[str, str] = json.loads(found.stdout)
        return run(command, {**environ, **variables})
    except KeyboardInterrupt:
        return 130
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        _dev(environ, "down")
        shutil.rmtree(directory, ignore_errors=True)


def heed_signals() -> None:
    """End in order when told to. SIGINT too: a job in the background may have been born deaf to it, and so
    would be the command that it starts.
    """
    signal.signal(signal.SIGTERM, told_to_end)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def told_to_end(number: int, frame: FrameType | None) -> None:
    """End as after a failure, with everything taken down."""
    raise SystemExit(ENDED)


def run(command: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run a command to its end; when this process is told to end before, the command is interrupted, so that
    it tidies up too.
    """
    with subprocess.Popen(command, env=environ) as process:
        try:
            return process.wait()
        except SystemExit:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(TIDY_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
            raise


def _dev(environ: dict[str, str], *arguments: str, capture: bool = False) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dev", *arguments]
    return subprocess.run(
        command, env=environ, check=False, text=True, stdout=subprocess.PIPE if capture else None
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
