"""Operations: what a call to the engine is counted as. A closed set: no name, no id. Pure.

POST /containers/shop-web-1a2b3c4d/start ──▶ container_start
"""

from __future__ import annotations

import re

OTHER = "other"
_THINGS = {
    "containers": "container",
    "images": "image",
    "networks": "network",
    "volumes": "volume",
    "build": "build",
    "exec": "exec",
}
_WORDS = frozenset(
    {
        "archive",
        "attach",
        "cancel",
        "connect",
        "create",
        "disconnect",
        "exec",
        "history",
        "kill",
        "load",
        "logs",
        "pause",
        "prune",
        "rename",
        "restart",
        "start",
        "stats",
        "stop",
        "tag",
        "unpause",
        "update",
        "wait",
    }
)
_WHOLE = {
    "/_ping": "ping",
    "/build": "build",
    "/events": "events",
    "/info": "info",
    "/session": "session",
    "/system/df": "disk_usage",
    "/version": "version",
}
_PLAIN = {"GET": "inspect", "DELETE": "remove"}
_SPLIT = re.compile(r"/(?P<thing>[a-z]+)(?:/(?P<rest>.+))?")


def operation(method: str, path: str) -> str:
    """The name of a call, such as `container_create`; `other` for what is none of the calls known here.

    Args:
        method: GET, POST, PUT, HEAD or DELETE.
        path: below the API version, without a query.
    """
    if path in _WHOLE:
        return _WHOLE[path]
    parts = _SPLIT.fullmatch(path)
    thing = _THINGS.get(parts["thing"]) if parts else None
    if parts is None or thing is None:
        return OTHER
    rest = parts["rest"] or ""
    if method == "GET" and rest in {"", "json"}:
        return f"{thing}_list"
    *_, word = rest.split("/")
    if method != "DELETE" and word in _WORDS and ("/" in rest or method == "POST"):
        return f"{thing}_{word}"
    plain = _PLAIN.get(method)
    return f"{thing}_{plain}" if plain and rest else OTHER


def result(status: int) -> str:
    """What an answer comes to: ok, not_found, conflict, refused or failed."""
    if status < 400:
        return "ok"
    if status >= 500:
        return "failed"
    return {404: "not_found", 409: "conflict"}.get(status, "refused")
