"""The OpenAPI document and its page."""

import json
import re
from typing import Any

import pytest

from tests.unit.webhook.rest.world import World, running, wanted
from webhook.rest.docs import bundle
from webhook.rest.models import PreviewRequest
from webhook.rest.openapi import document
from webhook.rest.operations import OPERATIONS

DOCUMENT = json.loads(document("https://previews.example.com/"))


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method, path, found) for path, item in DOCUMENT["paths"].items() for method, found in item.items()
    ]


async def test_the_document_is_served_and_needs_no_token(world: World) -> None:
    response = await world.ask("GET", "/api/openapi.json", None)
    assert response.status == 200
    found = await response.json()
    assert found["openapi"] == "3.1.0"
    assert found["paths"].keys() == DOCUMENT["paths"].keys()


async def test_it_says_where_the_bridge_is(world: World) -> None:
    assert DOCUMENT["servers"] == [{"url": "https://previews.example.com"}]
    async with running(bridge_url="https://b.example.com") as other:
        found = await (await other.ask("GET", "/api/openapi.json", None)).json()
        assert found["servers"] == [{"url": "https://b.example.com"}]


def test_every_route_is_in_it_with_all_its_answers() -> None:
    assert {(method.upper(), path) for method, path, _ in operations()} == {
        (each.method, each.path) for each in OPERATIONS
    }
    ids = [found["operationId"] for _, _, found in operations()]
    assert len(set(ids)) == len(ids)
    for _, _, found in operations():
        assert found["summary"]
        assert {"400", "429", "500", "503"} <= found["responses"].keys()
        secured = found["security"] == [{"token": []}]
        assert secured == ("401" in found["responses"]) == (found["operationId"] != "getHealth")
    assert DOCUMENT["components"]["securitySchemes"]["token"]["bearerFormat"] == "JWT"


def test_every_reference_in_it_leads_somewhere_and_nothing_is_kubernetes_own() -> None:
    text = json.dumps(DOCUMENT)
    schemas = DOCUMENT["components"]["schemas"]
    assert set(re.findall(r'"#/components/schemas/(\w+)"', text)) <= schemas.keys()
    assert "x-kubernetes" not in text


def test_the_patterns_of_the_resource_are_those_of_the_document() -> None:
    properties = DOCUMENT["components"]["schemas"]["PreviewRequest"]["properties"]
    assert properties["commitSha"]["pattern"] == "^[0-9a-f]{40}$"
    assert DOCUMENT["components"]["schemas"]["PreviewRequest"]["additionalProperties"] is False


def test_each_field_of_a_request_is_described() -> None:
    for name, field in DOCUMENT["components"]["schemas"]["PreviewRequest"]["properties"].items():
        assert field.get("description"), name
    assert PreviewRequest.model_validate(wanted()).pr_number == 42


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/api/docs", "text/html"),
        ("/api/docs/start.js", "text/javascript"),
        ("/api/docs/swagger-ui-bundle.js", "javascript"),
        ("/api/docs/swagger-ui.css", "text/css"),
        ("/api/docs/favicon-32x32.png", "image/png"),
    ],
)
async def test_the_page_has_all_it_needs_from_here_under_a_strict_policy(
    world: World, path: str, kind: str
) -> None:
    response = await world.ask("GET", path, None)
    assert response.status == 200 and kind in response.headers["Content-Type"]
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "http" not in policy
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "no-referrer"


async def test_the_page_names_nothing_from_elsewhere_and_holds_no_script(world: World) -> None:
    page = await (await world.ask("GET", "/api/docs", None)).text()
    assert "://" not in page
    assert re.findall(r"<script[^>]*>([^<]+)</script>", page) == [] and "style=" not in page
    for address in re.findall(r'(?:src|href)="([^"]+)"', page):
        assert (await world.ask("GET", address, None)).status == 200, address


async def test_no_other_file_of_the_package_is_served(world: World) -> None:
    others = {path.name for path in bundle().iterdir()} - {
        "swagger-ui.css",
        "swagger-ui-bundle.js",
        "favicon-32x32.png",
    }
    assert len(others) > 10
    for name in others:
        assert (await world.ask("GET", f"/api/docs/{name}", None)).status == 404, name
