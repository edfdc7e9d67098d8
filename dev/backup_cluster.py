"""What a cluster holds of ours, as files, and back: Previews, their Secrets, what the bridge remembers.

    kubectl get ──▶ without what is another cluster's ──▶ objects.json, statuses.json ──▶ kubectl create

A restored object has another UID and begins with generation 1. Owners are left out: their UIDs would be
nobody's, and the garbage collector deletes what has dead owners; the operator makes the Preview the owner of
its Secret again. A status is told of generation 1: what slept sleeps on, and what expired stays so.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from controller.api.attempt import attempt_of
from controller.api.names import GROUP, PREVIEW_LABEL, REPOSITORY_LABEL
from controller.api.preview import parse
from dev.cluster import Cluster
from dev.progress import StepFailed

OBJECTS, STATUSES = "objects.json", "statuses.json"
WANTED = (
    ("secrets", PREVIEW_LABEL),
    ("secrets", REPOSITORY_LABEL),
    ("configmaps", f"{GROUP}/records"),
    ("previews", ""),
)
"""Kinds, each with the label that ours have; a login is there before its Preview asks for it."""
OF_ANOTHER = ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields", "ownerReferences")
"""Metadata that is another cluster's, or another object's."""
Item = dict[str, Any]


def collect(cluster: Cluster, directory: Path) -> dict[str, int]:
    """Write objects and statuses into a directory; gives how many there are of each kind."""
    found: dict[tuple[str, str, str], Item] = {}
    for kind, label in WANTED:
        selector = (f"--selector={label}",) if label else ()
        text = cluster.run("get", kind, "--all-namespaces", *selector, "--output=json")
        for item in json.loads(text)["items"]:
            metadata = item["metadata"]
            found[item["kind"], metadata["namespace"], metadata["name"]] = item
    items = list(found.values())
    previews = [item for item in items if item["kind"] == "Preview"]
    directory.mkdir()
    (directory / STATUSES).write_text(
        json.dumps([status_of(item) for item in previews if item.get("status")])
    )
    (directory / OBJECTS).write_text(json.dumps([restorable(item) for item in items]))
    return {
        f"{kind}s": sum(item["kind"] == kind for item in items) for kind in ("Preview", "Secret", "ConfigMap")
    }


def restorable(item: Mapping[str, Any]) -> Item:
    """An object as another cluster takes it. Pure."""
    metadata = {key: value for key, value in item["metadata"].items() if key not in OF_ANOTHER}
    return {**{key: value for key, value in item.items() if key != "status"}, "metadata": metadata}


def status_of(item: Mapping[str, Any]) -> Item:
    """A Preview with its status, for an object of generation 1 that no operator has looked at yet. Pure.

    Where something was asked for that had not been begun, the status says so still.
    """
    status, metadata = {**item["status"], "observedGeneration": 0}, item["metadata"]
    if status.get("attempt") == attempt_of(parse(item)):
        status["attempt"] = attempt_of(parse({**item, "metadata": {**metadata, "generation": 1}}))
    return {**restorable(item), "status": status}


def put_back(cluster: Cluster, directory: Path) -> None:
    """Create all objects, then write the statuses.

    Raises:
        StepFailed: the API server refuses one.
    """
    items: list[Item] = json.loads((directory / OBJECTS).read_text())
    for namespace in sorted({item["metadata"]["namespace"] for item in items}):
        if not cluster.run("get", "namespace", namespace, "--ignore-not-found", "--output=name"):
            cluster.run("create", "namespace", namespace)
    _kubectl(cluster, items, "create", "--filename=-")
    statuses: list[Item] = json.loads((directory / STATUSES).read_text())
    _kubectl(cluster, statuses, "replace", "--subresource=status", "--filename=-")


def previews(cluster: Cluster) -> frozenset[str]:
    """The Previews of a cluster, each as namespace/name."""
    text = cluster.run("get", "previews", "--all-namespaces", "--output=json")
    return frozenset(map(_name, json.loads(text)["items"]))


def previews_in(directory: Path) -> frozenset[str]:
    """The Previews of a backup, each as namespace/name."""
    items = json.loads((directory / OBJECTS).read_text())
    return frozenset(_name(item) for item in items if item["kind"] == "Preview")


def unsettled(cluster: Cluster) -> list[str]:
    """The Previews that are not as they should be yet, each with its phase."""
    text = cluster.run("get", "previews", "--all-namespaces", "--output=json")
    return [f"{_name(item)} is {_phase(item)}" for item in json.loads(text)["items"] if not _settled(item)]


def _settled(item: Mapping[str, Any]) -> bool:
    status = item.get("status", {})
    told = {each["type"]: each["status"] for each in status.get("conditions", ())}
    current = status.get("observedGeneration") == item["metadata"]["generation"]
    done = told.get("Reconciling") == "False" or told.get("Stalled") == "True"
    return current and (done or _phase(item) == "Queued")


def _phase(item: Mapping[str, Any]) -> str:
    return str(item.get("status", {}).get("phase", "not begun"))


def _name(item: Mapping[str, Any]) -> str:
    return f"{item['metadata']['namespace']}/{item['metadata']['name']}"


def _kubectl(cluster: Cluster, items: Iterable[Item], *arguments: str) -> None:
    made = {"apiVersion": "v1", "kind": "List", "items": list(items)}
    if not made["items"]:
        return
    try:
        cluster.run(*arguments, stdin=json.dumps(made).encode())
    except StepFailed as error:
        raise StepFailed(f"the API server does not take what the backup holds: {error}") from error
