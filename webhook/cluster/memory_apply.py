"""Server-side apply for the twin: what one manager applied before and leaves out now goes, the rest stays.

After Kubernetes, Server-Side Apply: Merge strategy. Lists whose items have names merge by name, all other
lists are replaced.
"""

from __future__ import annotations

import copy
from typing import Any

from controller.api.errors import InvalidSpec
from controller.api.names import GROUP, PreviewKey

_UNCHANGING = ("repository", "pullRequest", "branch")


def applied(live: Any, before: Any, wanted: Any) -> Any:
    """The object after an apply.

    Args:
        live: as it is.
        before: what the manager applied last.
        wanted: what it applies now.
    """
    if isinstance(wanted, dict):
        fields, old = (live if isinstance(live, dict) else {}), (before if isinstance(before, dict) else {})
        kept = {
            name: copy.deepcopy(value) for name, value in fields.items() if name in wanted or name not in old
        }
        return kept | {
            name: applied(fields.get(name), old.get(name), value) for name, value in wanted.items()
        }
    if _named(wanted):
        after = applied(_by_name(live), _by_name(before), _by_name(wanted))
        return list(after.values())
    return copy.deepcopy(wanted)


def _named(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) and "name" in item for item in value)


def _by_name(value: Any) -> dict[str, Any]:
    return {item["name"]: item for item in value} if _named(value) else {}


def refuse(key: PreviewKey, spec: dict[str, Any], before: dict[str, Any] | None) -> None:
    """Refuse what the API server refuses, of the rules that the bridge may run into.

    Raises:
        InvalidSpec: Refused.
    """
    source = spec["source"]
    if before is not None:
        for field in _UNCHANGING:
            if source.get(field) != before["source"].get(field):
                raise _refused(key, f"spec.source.{field}: Invalid value: cannot change")
    if not spec.get("services") and "cloneURL" not in source:
        raise _refused(key, "spec: Invalid value: give source.cloneURL or services")
    if source.get("trust") == "fork":
        if not spec.get("services") and "configCommit" not in source:
            raise _refused(key, "spec: Invalid value: give source.configCommit")
        envs = [spec.get("env", []), *(service.get("env", []) for service in spec.get("services", []))]
        if any("valueFrom" in variable for env in envs for variable in env):
            raise _refused(key, "spec: Invalid value: env: a fork gets no Secret, so valueFrom is refused")


def _refused(key: PreviewKey, words: str) -> InvalidSpec:
    return InvalidSpec("Refused", f'Preview.{GROUP} "{key.name}" is invalid: {words}')
