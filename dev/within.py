"""`python -m dev.within COMMAND…`: run a command inside a platform of its own, which is gone afterwards.

The platform stands beside whatever else runs on the machine: its state is a temporary directory, its ports
are free ones, its installation id is drawn from the directory's name. The command sees its addresses as
variables, as `.local/env` would give them.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

UP = ("up", "--no-operator", "--no-sample", "--mariadb")


def main(command: list[str]) -> int:
    """Run the command and give its exit code; the platform is taken down also after a failure."""
    if not command:
        sys.stderr.write("usage: python -m dev.within COMMAND…\n")
        return 2
    directory = Path(tempfile.mkdtemp(prefix="previewcloud-"))
    environ = {**os.environ, "PREVIEWCLOUD_STATE": str(directory / ".local")}
    environ.pop("INSTALLATION_ID", None)
    try:
        brought_up = _dev(environ, *UP)
        if brought_up.returncode != 0:
            return brought_up.returncode
        found = _dev(environ, "env", "--json", capture=True)
        variables: dict[str, str] = json.loads(found.stdout)
        return subprocess.run(command, env={**environ, **variables}, check=False).returncode
    except KeyboardInterrupt:
        return 130
    finally:
        _dev(environ, "down")
        shutil.rmtree(directory, ignore_errors=True)


def _dev(environ: dict[str, str], *arguments: str, capture: bool = False) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dev", *arguments]
    return subprocess.run(
        command, env=environ, check=False, text=True, stdout=subprocess.PIPE if capture else None
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
