"""The checkout on the runner: asked of git, which commit it stands at."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

SECONDS = 30.0


def head_commit(workspace: Path, environ: Mapping[str, str]) -> str:
    """Return the commit that is checked out; empty where there is no checkout, or no git."""
    bare = {name: value for name, value in environ.items() if not name.startswith("INPUT_")}
    try:
        ended = subprocess.run(
            ["git", "-C", str(workspace), "rev-parse", "--verify", "HEAD"],
            env=bare,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return ended.stdout.strip() if ended.returncode == 0 else ""
