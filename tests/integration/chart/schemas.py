"""Schemas of Kubernetes' objects as kubeconform takes them, from the API server: right is what it knows.

/openapi/v3 ──▶ the schemas of each group ──▶ one file for each kind; no field that it does not know
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from tests.integration.operator.api import Api

Json = dict[str, Any]
LOCATION = "{{ .Group }}_{{ .ResourceAPIVersion }}_{{ .ResourceKind }}.json"
GROUPS = (
    "api/v1",
    "apis/apps/v1",
    "apis/networking.k8s.io/v1",
    "apis/rbac.authorization.k8s.io/v1",
    "apis/apiextensions.k8s.io/v1",
)
MONITORING = Path(__file__).parent / "monitoring"
KIND = "x-kubernetes-group-version-kind"


async def write(api: Api, folder: Path) -> str:
    """Write the schemas of all kinds that the chart may make; gives what kubeconform is told."""
    for group in GROUPS:
        components = (await api.call("GET", f"/openapi/v3/{group}"))["components"]
        closed = _closed(components)
        for name, schema in closed["schemas"].items():
            for kind in schema.get(KIND, ()):
                _store(folder, kind, {"$ref": f"#/components/schemas/{name}", "components": closed})
    for file in MONITORING.glob("*.yaml"):
        kind = {"group": "monitoring.coreos.com", "version": "v1", "kind": file.stem}
        _store(folder, kind, _closed(yaml.safe_load(file.read_text())))
    return str(folder / LOCATION)


def _store(folder: Path, kind: Json, schema: Json) -> None:
    group = kind["group"] or kind["version"]  # as kubeconform names the group of `apiVersion: v1`
    (folder / f"{group}_{kind['version']}_{kind['kind'].lower()}.json").write_text(json.dumps(schema))


def _closed(schema: Any) -> Any:
    """The same without room for fields that are not named."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    result = {key: _closed(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
        result.setdefault("additionalProperties", False)
    return result
