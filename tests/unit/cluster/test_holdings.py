"""Secrets with our marks, and the list of Previews: the whole of it, or an error."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web

from controller.api.errors import BackendUnavailable
from controller.api.holdings import Holding, HoldingKind
from controller.api.names import PreviewKey
from controller.cluster.kubernetes import KubernetesCluster
from tests.unit.cluster.serving import refusal, serving

SHOP = PreviewKey("default", "pr-1")
LABELS = {"previewcloud.io/preview": "pr-1", "previewcloud.io/managed": "true"}
SECRET = Holding(HoldingKind.SECRET, "pr-1-database", "default", preview=SHOP)


def metadata(**more: Any) -> dict[str, Any]:
    place = {"name": "pr-1-database", "namespace": "default", "uid": "u", "resourceVersion": "7"}
    return {**place, "labels": LABELS, **more}


def page(*names: str, token: str = "") -> web.Response:
    items = [{"metadata": {"name": name, "namespace": "default"}} for name in names]
    return web.json_response({"items": items, "metadata": {"continue": token}})


async def test_previews_are_listed_page_by_page() -> None:
    async def handler(request: web.Request) -> web.Response:
        return page("b") if request.query.get("continue") == "more" else page("a", token="more")

    async with serving(handler) as api:
        bodies = await KubernetesCluster(api).previews()
    assert [body["metadata"]["name"] for body in bodies] == ["a", "b"]  # type: ignore[index]


@pytest.mark.parametrize("status", [410, 500, 404])
async def test_a_list_that_breaks_off_is_no_list(status: int) -> None:
    async def handler(request: web.Request) -> web.Response:
        return refusal(status, "gone") if "continue" in request.query else page("a", token="more")

    async with serving(handler) as api:
        with pytest.raises(BackendUnavailable):
            await KubernetesCluster(api).previews()
        with pytest.raises(BackendUnavailable):
            await KubernetesCluster(api).holdings()


@pytest.mark.parametrize(("namespace", "path"), [("", "/secrets"), ("team-a", "/namespaces/team-a/secrets")])
async def test_secrets_are_listed_by_their_marks_without_what_is_in_them(namespace: str, path: str) -> None:
    asked: list[web.Request] = []

    async def handler(request: web.Request) -> web.Response:
        asked.append(request)
        return web.json_response({"items": [{"metadata": metadata()}], "metadata": {}})

    async with serving(handler) as api:
        assert await KubernetesCluster(api, namespace).holdings() == (SECRET,)
    (request,) = asked
    assert request.path == f"/api/v1{path}"
    assert request.query["labelSelector"] == "previewcloud.io/preview,previewcloud.io/managed=true"
    assert "as=PartialObjectMetadataList" in request.headers["Accept"]


async def test_no_secret_at_all_is_an_empty_list() -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.json_response({"items": None, "metadata": {}})

    async with serving(handler) as api:
        assert await KubernetesCluster(api).holdings() == ()


@pytest.mark.parametrize(
    ("found", "deletes"),
    [
        (metadata(), True),
        (metadata(labels={**LABELS, "previewcloud.io/preview": "pr-2"}), False),
        (metadata(labels={"previewcloud.io/preview": "pr-1"}), False),
        (metadata(labels=None), False),
        (None, False),
    ],
)
async def test_the_very_secret_that_was_looked_at_is_deleted_and_no_other(
    found: dict[str, Any] | None, deletes: bool
) -> None:
    deleted: list[Any] = []

    async def handler(request: web.Request) -> web.Response:
        assert request.path == "/api/v1/namespaces/default/secrets/pr-1-database"
        if request.method == "DELETE":
            deleted.append(await request.json())
            return web.json_response({})
        return web.json_response({"metadata": found}) if found else refusal(404, "not found")

    async with serving(handler) as api:
        await KubernetesCluster(api).discard(SECRET)
    assert deleted == ([{"preconditions": {"uid": "u", "resourceVersion": "7"}}] if deletes else [])


async def test_a_secret_that_changes_while_it_is_deleted_is_left() -> None:
    async def handler(request: web.Request) -> web.Response:
        if request.method == "DELETE":
            return refusal(409, "the resourceVersion differs")
        return web.json_response({"metadata": metadata()})

    async with serving(handler) as api:
        await KubernetesCluster(api).discard(SECRET)


@pytest.mark.parametrize(("status", "there"), [(200, True), (404, False)])
async def test_whether_a_preview_exists_is_asked_at_that_moment(status: int, there: bool) -> None:
    async def handler(request: web.Request) -> web.Response:
        assert request.path == "/apis/previewcloud.io/v1alpha1/namespaces/default/previews/pr-1"
        return web.json_response({"metadata": metadata()}) if there else refusal(status, "not found")

    async with serving(handler) as api:
        assert await KubernetesCluster(api).exists(SHOP) is there


async def test_an_api_server_that_does_not_answer_is_no_preview_that_is_gone() -> None:
    async def handler(_: web.Request) -> web.Response:
        return refusal(503, "busy")

    async with serving(handler) as api:
        with pytest.raises(BackendUnavailable):
            await KubernetesCluster(api).exists(SHOP)
