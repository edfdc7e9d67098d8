"""The API server of the local platform, as the tests of this folder use it: through kubectl, like people."""

from __future__ import annotations

import json
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

API_VERSION = "previewcloud.io/v1alpha1"
CRD = Path(__file__).parents[3] / "crds" / "previews.yaml"


@dataclass(frozen=True)
class Said:
    """What kubectl answered."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Cluster:
    """One namespace of an API server."""

    namespace: str

    def kubectl(self, *words: str, stdin: str | None = None) -> Said:
        """Run kubectl in the namespace."""
        done = subprocess.run(
            ["kubectl", "--namespace", self.namespace, *words],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    def must(self, *words: str, stdin: str | None = None) -> str:
        """Run kubectl and expect it to succeed."""
        said = self.kubectl(*words, stdin=stdin)
        assert said.code == 0, said.err
        return said.out

    def open(self) -> None:
        """Bring the CRD up to date and create the namespace."""
        if "KUBECONFIG" not in os.environ:
            raise RuntimeError(
                "no API server: run this through `make test`, or source .local/env after `make up`"
            )
        self.must("apply", "--server-side", "--force-conflicts", "-f", str(CRD))
        self.must("wait", "--for=condition=Established", "--timeout=30s", "-f", str(CRD))
        self.must("create", "namespace", self.namespace)

    def close(self) -> None:
        """Take everything away again."""
        self.kubectl("delete", "previews", "--all", "--timeout=30s")
        self.kubectl("delete", "namespace", self.namespace, "--timeout=60s")

    def preview(self, name: str, spec: dict[str, Any]) -> str:
        """A Preview as a manifest."""
        metadata = {"name": name, "namespace": self.namespace}
        return json.dumps({"apiVersion": API_VERSION, "kind": "Preview", "metadata": metadata, "spec": spec})

    def until(self, text: str, *words: str, seconds: float = 10) -> str:
        """Ask kubectl until its answer holds the text."""
        deadline = time.monotonic() + seconds
        while text not in (out := self.must(*words)):
            assert time.monotonic() < deadline, out
            time.sleep(0.1)
        return out
