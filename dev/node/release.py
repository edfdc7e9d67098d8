"""What the chart is told on the node: the platform's settings in, its values and what they name out. Pure.

What the chart has no value for goes into `operator.settings` and `bridge.settings`, by name.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from dev.node.place import NodePlace
from dev.ports import Ports

NAME = NAMESPACE = "previewcloud"
SECRET = "previewcloud-platform"
VOLUME = "previewcloud-logs"
SECRETS = {
    "webhook-secret": "GITHUB_WEBHOOK_SECRET",
    "github-token": "GITHUB_TOKEN",
    "api-key": "API_KEY",
    "routing-token": "OPERATOR_TOKEN",
    "postgres-url": "POSTGRES_URL",
    "mysql-url": "MYSQL_URL",
    "mongodb-url": "MONGODB_URL",
}
"""Keys of the Secret, and the settings that they hold."""
NOT_IN_PODS = {"KUBECONFIG", "DOCKER_HOST", "ROUTING_TOKEN_FILE"}
Object = dict[str, object]


@dataclass(frozen=True)
class Settings:
    """The settings of both, as when they run as processes, and those of each that the chart writes itself."""

    operator: Mapping[str, str]
    bridge: Mapping[str, str]
    owned: Mapping[str, Collection[str]]

    @property
    def secrets(self) -> dict[str, str]:
        """What stands in the Secret, by key."""
        both = {**self.operator, **self.bridge}
        return {key: both[name] for key, name in SECRETS.items() if both.get(name)}

    def further(self, part: str) -> dict[str, str]:
        """Return the settings of `operator` or `bridge` that the chart has no value for."""
        settings = self.operator if part == "operator" else self.bridge
        left_out = NOT_IN_PODS.union(SECRETS.values(), self.owned[part])
        return {name: value for name, value in settings.items() if name not in left_out}


@dataclass(frozen=True)
class Engine:
    """The engine's socket on the node, and the number of the group that may use it."""

    path: str
    group: int


def values(
    settings: Settings, place: NodePlace, ports: Ports, engine: Engine, image: tuple[str, str]
) -> Object:
    """Return the chart's values; `image` is repository and tag."""
    operator, bridge = settings.operator, settings.bridge
    here = {"hostNetwork": True, "nodeSelector": {"kubernetes.io/hostname": place.name}}
    socket = {"enabled": True, "path": engine.path, "group": engine.group}
    return {
        "image": {"repository": image[0], "tag": image[1], "pullPolicy": "Never"},
        "installationId": operator["INSTALLATION_ID"],
        "previews": {"domain": operator["PREVIEW_DOMAIN"], "port": int(operator["PREVIEW_PORT"])},
        "engine": {"socket": socket},
        "traefik": {
            "httpUrl": operator["TRAEFIK_HTTP_URL"],
            "probeUrl": operator["TRAEFIK_PROBE_URL"],
            "metricsUrl": operator["TRAEFIK_METRICS_URL"],
        },
        "routing": {"tokenSecret": _key("routing-token")},
        "databases": {kind: _database(settings, kind) for kind in ("postgres", "mysql", "mongodb")},
        "persistence": {"logs": {"existingClaim": VOLUME}},
        "operator": {
            **here,
            "ports": {"routing": ports.routing, "metrics": ports.operator_metrics},
            "settings": settings.further("operator"),
        },
        "bridge": {
            **here,
            "ports": {"http": ports.bridge, "catchall": ports.catchall},
            "previewNamespace": bridge["PREVIEW_NAMESPACE"],
            "url": bridge["BRIDGE_URL"],
            "webhookSecret": _key("webhook-secret"),
            "apiKeySecret": _key("api-key"),
            **({"githubTokenSecret": _key("github-token")} if "github-token" in settings.secrets else {}),
            "settings": settings.further("bridge"),
        },
    }


def manifests(settings: Settings, logs: str) -> list[Object]:
    """Return what the values name and the chart does not make; `logs` is a directory of the node."""
    own = {"namespace": NAMESPACE}
    size, modes = {"storage": "10Gi"}, ["ReadWriteOnce"]
    volume = {
        "capacity": size,
        "accessModes": modes,
        "storageClassName": "",
        "persistentVolumeReclaimPolicy": "Retain",
        "claimRef": {"namespace": NAMESPACE, "name": VOLUME},
        "hostPath": {"path": logs, "type": "Directory"},
    }
    claim = {
        "accessModes": modes,
        "storageClassName": "",
        "volumeName": VOLUME,
        "resources": {"requests": size},
    }
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": SECRET, **own},
            "stringData": settings.secrets,
        },
        {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": VOLUME}, "spec": volume},
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": VOLUME, **own},
            "spec": claim,
        },
    ]


def _key(key: str) -> Object:
    return {"name": SECRET, "key": key}


def _database(settings: Settings, kind: str) -> Object:
    if f"{kind}-url" not in settings.secrets:
        return {}
    address = settings.operator.get(f"{kind.upper()}_PREVIEW_ADDRESS", "")
    return {"urlSecret": _key(f"{kind}-url"), "previewAddress": address}
