"""The accounts of the chart: roles applied, tokens, and kubeconfigs that lead through a recorder."""

from __future__ import annotations

import json
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.integration.chart.chart import RELEASE, Json, Objects, example, merged
from tests.integration.chart.recorder import Recorder
from tests.integration.operator.api import Api

RBAC = "/apis/rbac.authorization.k8s.io/v1"
PATHS = {
    "Role": f"{RBAC}/namespaces/{{namespace}}/roles",
    "RoleBinding": f"{RBAC}/namespaces/{{namespace}}/rolebindings",
    "ClusterRole": f"{RBAC}/clusterroles",
    "ClusterRoleBinding": f"{RBAC}/clusterrolebindings",
    "ServiceAccount": "/api/v1/namespaces/{namespace}/serviceaccounts",
}
OPERATOR, BRIDGE = f"{RELEASE}-previewcloud-operator", f"{RELEASE}-previewcloud-bridge"


@dataclass(frozen=True)
class Places:
    """Where the release is, where its Previews are, and what it watches (empty: everything)."""

    release: str
    previews: str
    watched: str


def rights(places: Places) -> tuple[Json, ...]:
    """The accounts and roles of the chart."""
    values = {"watchNamespace": places.watched, "bridge": {"previewNamespace": places.previews}}
    objects = Objects.of(merged(example("node"), values), namespace=places.release)
    return tuple(each for each in objects.all if each["kind"] in PATHS)


@asynccontextmanager
async def installed(api: Api, objects: tuple[Json, ...]) -> AsyncIterator[None]:
    """These objects in the cluster, until the end."""
    made: list[str] = []
    try:
        for each in objects:
            metadata = each["metadata"]
            path = PATHS[each["kind"]].format(namespace=metadata.get("namespace", ""))
            await api.call("POST", path, each)
            made.append(f"{path}/{metadata['name']}")
        yield
    finally:
        for path in reversed(made):
            await api.call("DELETE", path)


async def kubeconfig(api: Api, places: Places, account: str, recorder: Recorder, file: Path) -> str:
    """A kubeconfig with a token of an account, which leads to the recorder; gives its path."""
    body = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": {"expirationSeconds": 3600},
    }
    path = f"/api/v1/namespaces/{places.release}/serviceaccounts/{account}/token"
    answer = await api.call("POST", path, body)
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "recorded", "cluster": {"server": recorder.url}}],
        "users": [{"name": account, "user": {"token": answer["status"]["token"]}}],
        "contexts": [{"name": "recorded", "context": {"cluster": "recorded", "user": account}}],
        "current-context": "recorded",
    }
    file.write_text(json.dumps(config))
    return str(file)


def operator_settings(
    env: Mapping[str, str], folder: Path, watched: str, installation: str
) -> dict[str, str]:
    """An operator on the engine's twin, with a real database server; it sweeps all the time."""
    return {
        "RUNTIME": "memory",
        "INSTALLATION_ID": installation,
        "WATCH_NAMESPACE": watched,
        "ROUTING_LISTEN": f"127.0.0.1:{free_port()}",
        "METRICS_LISTEN": f"127.0.0.1:{free_port()}",
        "LOG_STORE_URL": f"sqlite:///{folder / 'logs.db'}",
        "CACHE_DIR": str(folder / "cache"),
        "MYSQL_URL": "",
        "MONGODB_URL": "",
        "POSTGRES_URL": env["POSTGRES_URL"],
        "CLEANUP_INTERVAL_MINUTES": str(1 / 60),
        "ORPHAN_GRACE": "1s",
        "RESYNC_INTERVAL": "1",
        "RETIRE_DELAY": "0",
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
