"""What GitOps tools make of objects: kstatus as Flux computes it, and Argo CD's health."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ARGOCD = Path(__file__).parents[3] / "examples/gitops/argocd"
Json = Mapping[str, Any]


@dataclass(frozen=True)
class Health:
    """Of one object."""

    kstatus: str
    argocd: str
    message: str
    """Argo CD's."""


def looked_at(objects: Sequence[Json], *scripts: str) -> list[Json]:
    """The program's answers, one for each object."""
    done = subprocess.run(
        ["gitops-health", *(str(ARGOCD / script) for script in scripts)],
        input="".join(map(json.dumps, objects)),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def health(thing: Json) -> Health:
    """Of an object as the API server has it."""
    (answer,) = looked_at([thing], "health.lua")
    (argocd,) = answer["lua"]
    return Health(answer["kstatus"], argocd["status"], argocd["message"])
