"""A second installation on the same engine: a platform of its own, and an operator of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.integration.operator.process import QUICK, Operator

ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Neighbour:
    """Its addresses, and its operator."""

    env: Mapping[str, str]
    operator: Operator


@contextmanager
def neighbour(folder: Path) -> Iterator[Neighbour]:
    """Bring it up in a folder of its own; it is gone afterwards."""
    state = folder / ".local"
    try:
        _dev(state, "up", "--no-operator", "--no-sample")
        env: dict[str, str] = json.loads(_dev(state, "env", "--json"))
        operator = Operator(folder / "operator.log", {**env, **QUICK})
        operator.start()
        try:
            yield Neighbour(env, operator)
        finally:
            operator.stop()
    finally:
        _dev(state, "down")


def _dev(state: Path, *arguments: str) -> str:
    ended = subprocess.run(
        [sys.executable, "-m", "dev", *arguments],
        cwd=ROOT,
        env={**os.environ, "PREVIEWCLOUD_STATE": str(state), "CLUSTER": "local"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout
