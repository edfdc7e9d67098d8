"""Which writes to the API server are counted, and as what."""

from __future__ import annotations

import pytest
from aiohttp import web

from controller.api.errors import BackendUnavailable, Conflict
from controller.cluster.wire import Request
from controller.cluster.writes import kind_written
from tests.unit.cluster.serving import refusal, serving

PREVIEWS = "/apis/previewcloud.io/v1alpha1/namespaces/events/previews"


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (f"{PREVIEWS}/pr-1/status", "preview_status"),
        (f"{PREVIEWS}/status", "preview"),
        (f"{PREVIEWS}/secrets", "preview"),
        (PREVIEWS, "preview"),
        ("/api/v1/namespaces/events/secrets", "secret"),
        ("/api/v1/namespaces/secrets/events", "event"),
        ("/api/v1/namespaces/default/secrets/pr-1-database", "secret"),
        ("/api/v1/namespaces/default/configmaps/previewcloud", "config_map"),
        ("/api/v1/secrets", "secret"),
        ("/api/v1/nodes", "other"),
        ("/", "other"),
    ],
)
def test_a_write_is_counted_by_the_kind_of_its_object(path: str, kind: str) -> None:
    assert kind_written(path) == kind


async def test_writes_are_counted_with_their_result_and_reads_are_not() -> None:
    answers = {"POST": 201, "PATCH": 409, "PUT": 503, "DELETE": 404, "GET": 200}

    async def handler(request: web.Request) -> web.Response:
        if request.path.endswith("broken"):
            assert request.transport is not None
            request.transport.abort()
        status = answers[request.method]
        return web.json_response({}) if status < 400 else refusal(status, "no")

    counted: list[tuple[str, str]] = []
    secrets = "/api/v1/namespaces/default/secrets"
    async with serving(handler, lambda kind, result: counted.append((kind, result))) as api:
        await api.call(Request("GET", secrets))
        await api.call(Request("POST", secrets, {}))
        with pytest.raises(Conflict):
            await api.call(Request("PATCH", f"{PREVIEWS}/pr-1/status", {}))
        with pytest.raises(BackendUnavailable):
            await api.call(Request("PUT", f"{secrets}/x", {}))
        await api.call(Request("DELETE", f"{secrets}/x", fine=(404,)))
        with pytest.raises(BackendUnavailable):
            await api.call(Request("DELETE", f"{secrets}/broken"))
    assert counted == [
        ("secret", "ok"),
        ("preview_status", "conflict"),
        ("secret", "unavailable"),
        ("secret", "gone"),
        ("secret", "unavailable"),
    ]
