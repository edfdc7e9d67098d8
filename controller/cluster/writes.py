"""Writes: what a request to the API server is called where writes are counted. Pure."""

from __future__ import annotations

_KINDS = {"previews": "preview", "secrets": "secret", "events": "event", "configmaps": "config_map"}
_RESULTS = {401: "forbidden", 403: "forbidden", 404: "gone", 409: "conflict"}


def kind_written(path: str) -> str:
    """The kind of object that a path is about: preview, preview_status, secret, event, config_map, other."""
    root, *rest = path.strip("/").split("/")
    rest = rest[1:] if root == "api" else rest[2:]
    if rest[:1] == ["namespaces"]:
        rest = rest[2:]
    kind = _KINDS.get(rest[0], "other") if rest else "other"
    return f"{kind}_status" if rest[2:] == ["status"] and kind == "preview" else kind


def result_of(status: int) -> str:
    """What an answer comes to: ok, gone, conflict, forbidden, refused or unavailable."""
    if status < 400:
        return "ok"
    return "unavailable" if status >= 500 else _RESULTS.get(status, "refused")
