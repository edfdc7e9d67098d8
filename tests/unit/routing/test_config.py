from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.api.errors import InvalidSpec
from controller.routing.config import configuration, render
from controller.routing.protocol import PublicRoute
from controller.routing.words import auth_name, host_rule
from tests.unit.routing.examples import HOST, USERS, many_routes, route, settings

GOLDEN = Path(__file__).parent / "golden" / "configuration.json"


def golden_routes() -> list[PublicRoute]:
    return [
        route(),
        PublicRoute("pr-2-web", "pr-2-acme.web.localhost", "pr-2-web-bbbbbbbb", USERS),
        PublicRoute("pr-3-web", "pr-3-acme.web.localhost", None),
        PublicRoute("pr-4-web", "pr-4-acme.web.localhost", None, USERS),
    ]


def test_golden() -> None:
    expected = json.loads(GOLDEN.read_text())
    assert json.loads(render(golden_routes(), settings(tls=True, cert_resolver="le"))) == expected


def test_no_route_at_all_still_has_the_catch_all() -> None:
    http = configuration([], settings())["http"]
    assert http["routers"] == {
        "catchall": {
            "entryPoints": ["web"],
            "rule": "PathPrefix(`/`)",
            "priority": 1,
            "service": "catchall",
            "middlewares": ["stranger"],
        }
    }
    assert http["services"] == {"catchall": {"loadBalancer": {"servers": [{"url": "http://127.0.0.1:8091"}]}}}


def test_equal_tables_give_equal_bytes_in_whatever_order() -> None:
    routes = [one for _, (one,) in many_routes(50)]
    shuffled = list(routes)
    random.Random(1).shuffle(shuffled)
    assert render(routes, settings()) == render(shuffled, settings())


def test_a_page_has_no_router_that_counts_as_access() -> None:
    routers = configuration([route(None)], settings())["http"]["routers"]
    assert set(routers) == {"catchall", "page_pr-1-web"}
    assert routers["page_pr-1-web"]["service"] == "catchall"


@pytest.mark.parametrize("live", ["pr-1-web-aaaaaaaa", None])
def test_every_router_of_a_protected_host_asks_for_the_password(live: str | None) -> None:
    http = configuration([route(live, USERS)], settings())["http"]
    own = [router for router in http["routers"].values() if router["rule"] == host_rule(HOST)]
    assert own
    assert all(router["middlewares"][-1] == auth_name(USERS) for router in own)
    # Below it only the labels may answer, which ask for it too: never the open catch-all.
    assert any(router["service"] == "catchall" and router["priority"] > 1 for router in own)


def test_the_bridge_is_told_which_router_let_a_visitor_in_and_by_the_catch_all_none() -> None:
    http = configuration(golden_routes(), settings())["http"]
    told = {}
    for name, router in http["routers"].items():
        if router["service"] == "catchall":
            headers = http["middlewares"][router["middlewares"][0]]
            assert isinstance(headers, dict)
            told[name] = headers["headers"]["customRequestHeaders"]
    assert {name: set_.pop("X-Preview-Page") for name, set_ in told.items()} == {
        "catchall": "",
        "page_pr-2-web": "pr-2-web",
        "page_pr-3-web": "pr-3-web",
        "page_pr-4-web": "pr-4-web",
    }
    assert all(rest == {"X-Preview-Forward": ""} for rest in told.values())


def test_a_running_preview_without_a_password_has_no_word_for_the_page() -> None:
    assert set(configuration([route()], settings())["http"]["middlewares"]) == {"stranger"}


def test_a_certificate_is_ordered_for_published_hosts_only() -> None:
    routers = configuration([route()], settings(tls=True, cert_resolver="le"))["http"]["routers"]
    assert routers["pr-1-web"]["tls"] == {"certResolver": "le"}
    assert routers["catchall"]["tls"] == {}


@given(st.text(max_size=80))
def test_whatever_is_accepted_as_a_host_cannot_leave_its_rule(text: str) -> None:
    try:
        rule = host_rule(text)
    except InvalidSpec:
        return
    assert rule.count("`") == 2
    assert set(text) <= set("abcdefghijklmnopqrstuvwxyz0123456789-.")


@given(st.from_regex(r"[a-z0-9]{1,20}(\.[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?){0,4}", fullmatch=True))
def test_every_lower_case_dns_name_is_accepted(host: str) -> None:
    assert host_rule(host) == f"Host(`{host}`)"


@given(st.text(max_size=40), st.text(max_size=40))
def test_hostile_names_never_reach_the_configuration(router: str, instance: str) -> None:
    try:
        http = configuration([PublicRoute(router, HOST, instance)], settings())["http"]
    except InvalidSpec:
        return
    assert http["routers"][router]["service"] == f"{instance}@docker"
    assert set(router + instance) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
