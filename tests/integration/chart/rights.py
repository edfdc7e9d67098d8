"""What was asked of the API server against what roles grant. Pure.

method, path, query, status ──▶ Use: verb, resource, namespace
rules of rendered roles     ──▶ Grant: the same three
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
CREATED, FORBIDDEN = 201, 403


@dataclass(frozen=True, order=True)
class Use:
    """One thing that was done."""

    verb: str
    resource: str
    """With its group and, after a slash, its subresource: `previewcloud.io/previews/status`."""
    namespace: str
    """Empty: over all of them."""


@dataclass(frozen=True, order=True)
class Grant:
    """One verb of one role."""

    role: str
    verb: str
    resource: str
    namespace: str
    """Empty: in all of them."""

    def covers(self, use: Use) -> bool:
        same = (self.verb, self.resource) == (use.verb, use.resource)
        return same and self.namespace in ("", use.namespace)


def uses(method: str, path: str, query: Mapping[str, str], status: int) -> tuple[Use, ...]:
    """What a request asks for, as Kubernetes names it (Authorization: Determine the Request Verb).

    What creates by PATCH (server-side apply) needs both verbs. Paths of no resource give nothing: discovery
    and health are everybody's.
    """
    words = path.strip("/").split("/")
    if words[0] == "api" and len(words) > 2:
        group, rest = "", words[2:]
    elif words[0] == "apis" and len(words) > 3:
        group, rest = f"{words[1]}/", words[3:]
    else:
        return ()
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2:
        namespace, rest = rest[1], rest[2:]
    resource = group + "/".join((rest[0], *rest[2:3]))
    verbs = [_verb(method, query, named=len(rest) > 1)]
    if method == "PATCH" and status == CREATED:
        verbs.append("create")
    return tuple(Use(verb, resource, namespace) for verb in verbs)


def _verb(method: str, query: Mapping[str, str], named: bool) -> str:
    if method == "GET":
        watches = query.get("watch", "").lower() in {"1", "true"}
        return "watch" if watches else "get" if named else "list"
    return VERBS[method] if named or method == "POST" else f"{VERBS[method]}collection"


def grants(objects: Iterable[Mapping[str, Any]], account: str) -> tuple[Grant, ...]:
    """What the roles among these objects grant a service account."""
    everything = tuple(objects)
    roles = {_name(each): each for each in everything if each["kind"] in {"Role", "ClusterRole"}}
    bindings = [each for each in everything if each["kind"] in {"RoleBinding", "ClusterRoleBinding"}]
    mine = [each for each in bindings if account in {subject["name"] for subject in each["subjects"]}]
    found = []
    for binding in mine:
        namespace = binding["metadata"].get("namespace", "")
        role = roles[(binding["roleRef"]["kind"], namespace, binding["roleRef"]["name"])]
        for rule in role["rules"]:
            assert set(rule) == {"apiGroups", "resources", "verbs"}, rule
            found += [
                Grant(binding["roleRef"]["name"], verb, f"{group}/{resource}".lstrip("/"), namespace)
                for group in rule["apiGroups"]
                for resource in rule["resources"]
                for verb in rule["verbs"]
            ]
    return tuple(found)


def _name(found: Mapping[str, Any]) -> tuple[str, str, str]:
    metadata = found["metadata"]
    return found["kind"], metadata.get("namespace", ""), metadata["name"]
