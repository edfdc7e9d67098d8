"""Where the bridge's Records are kept: ConfigMaps of its own, one for each repository."""

from __future__ import annotations

from collections.abc import Mapping

from controller.api.errors import Conflict
from controller.api.names import GROUP
from controller.cluster.wire import NOT_FOUND, ApiServer, Request
from webhook.cluster.protocol import MANAGER

RECORDS_LABEL = f"{GROUP}/records"
"""`true` on a ConfigMap that holds Records."""
MERGE = "application/merge-patch+json"
PAGE = "20"
"""ConfigMaps in one answer: each may hold 1 MiB."""
ATTEMPTS = 3


class RecordMaps:
    """Implements Maps with ConfigMaps of one namespace."""

    def __init__(self, api: ApiServer, namespace: str) -> None:
        self._api = api
        self._path = f"/api/v1/namespaces/{namespace}/configmaps"

    async def read(self) -> Mapping[str, Mapping[str, str]]:
        """All maps, page by page."""
        found: dict[str, dict[str, str]] = {}
        query = {"labelSelector": f"{RECORDS_LABEL}=true", "limit": PAGE}
        while True:
            answer = await self._api.call(Request("GET", self._path, query=query))
            found |= {item["metadata"]["name"]: item.get("data") or {} for item in answer["items"]}
            token = answer["metadata"].get("continue")
            if not token:
                return found
            query["continue"] = token

    async def write(self, name: str, changes: Mapping[str, str | None]) -> None:
        """Merge into a map, or make it."""
        path, patch = f"{self._path}/{name}", {"data": dict(changes)}
        query = {"fieldManager": MANAGER}
        for _ in range(ATTEMPTS):
            request = Request("PATCH", path, patch, query, MERGE, fine=(NOT_FOUND,), refusals=True)
            if await self._api.call(request):
                return
            data = {key: text for key, text in changes.items() if text is not None}
            body = {"metadata": {"name": name, "labels": {RECORDS_LABEL: "true"}}, "data": data}
            try:
                await self._api.call(Request("POST", self._path, body, query, refusals=True))
            except Conflict:
                continue  # it is there now
            return
        raise Conflict(
            "RecordsTaken", f"ConfigMap {name} comes and goes; only one bridge may work in a namespace."
        )

    async def drop(self, name: str) -> None:
        """Take a map away."""
        await self._api.call(Request("DELETE", f"{self._path}/{name}", fine=(NOT_FOUND,)))
