"""An operator of the tests' own on the in-memory runtime, watching one namespace of the real API server."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from dev.processes import until
from tests.integration.crd.cluster import Cluster
from tests.integration.gitops.health import Health, health
from tests.integration.operator.process import Operator

SECONDS = 60.0
ELSEWHERE = ("POSTGRES_URL", "MYSQL_URL", "MONGODB_URL", "METRICS_LISTEN", "TRACES_URL", "LOG_ARCHIVE_URL")
Json = dict[str, Any]


@dataclass
class Site:
    """A namespace, and the operator that watches it."""

    cluster: Cluster
    operator: Operator

    def apply(self, manifest: Json, *words: str) -> None:
        self.cluster.must("apply", *words, "-f", "-", stdin=json.dumps(manifest))

    def get(self, name: str) -> Json:
        found: Json = json.loads(self.cluster.must("get", "preview", name, "-o", "json"))
        return found

    def health(self, name: str) -> Health:
        return health(self.get(name))

    def reaches(self, name: str, good: Callable[[Json], object]) -> Json:
        """Wait until a Preview is like that."""
        assert until(lambda: bool(good(self.get(name))), SECONDS), f"{self.get(name)}\n{self.operator.tail()}"
        return self.get(name)

    def annotate(self, name: str, **values: str) -> None:
        pairs = [f"previewcloud.io/{verb.replace('_', '-')}={value}" for verb, value in values.items()]
        self.cluster.must("annotate", "--overwrite", "preview", name, *pairs)


def preview(name: str, number: int, **spec: Any) -> Json:
    """A Preview whose service is an image."""
    source = {
        "repository": "acme/gitops",
        "pullRequest": number,
        "commit": f"{number:040x}",
        "trust": "trusted",
    }
    services = [{"name": "web", "image": "web:1", "port": 8080}]
    return {
        "apiVersion": "previewcloud.io/v1alpha1",
        "kind": "Preview",
        "metadata": {"name": name},
        "spec": {"source": source, "services": services, **spec},
    }


def phase(wanted: str) -> Callable[[Json], bool]:
    """Whether a Preview is in a phase, and nothing is being done with it."""

    def reached(found: Json) -> bool:
        status = found.get("status", {})
        if (status.get("phase"), status.get("observedGeneration")) != (
            wanted,
            found["metadata"]["generation"],
        ):
            return False
        known = {condition["type"]: condition["status"] for condition in status["conditions"]}
        return known.get("Reconciling") == "False"

    return reached


@pytest.fixture(scope="package")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("gitops")
    cluster = Cluster(f"gitops-{secrets.token_hex(4)}")
    settings = {
        "RUNTIME": "memory",
        "INSTALLATION_ID": f"gitops-{secrets.token_hex(4)}",
        "WATCH_NAMESPACE": cluster.namespace,
        "LOG_STORE_URL": f"sqlite:///{folder / 'logs.db'}",
        "CACHE_DIR": str(folder / "cache"),
        "RESYNC_INTERVAL": "3",
        **dict.fromkeys(ELSEWHERE, ""),
    }
    made = Site(cluster, Operator(folder / "operator.log", settings))
    try:
        cluster.open()
        made.operator.start()
        yield made
    finally:
        made.operator.stop()
        cluster.close()


@pytest.fixture
def site(started: Site) -> Iterator[Site]:
    yield started
    started.cluster.must("delete", "previews", "--all", f"--timeout={SECONDS:g}s")
