"""Traefik's static configuration, read back."""

from __future__ import annotations

from typing import Any

import yaml

from controller.engine.traefik import static_config
from tests.unit.engine.examples import TOKEN, wanted


def config(**changes: object) -> Any:
    return yaml.safe_load(static_config(wanted(**changes), TOKEN))


def test_routers_come_from_this_installations_labels_and_from_the_operator() -> None:
    providers = config()["providers"]
    assert providers["docker"]["constraints"] == "Label(`previewcloud.installation`, `alpha`)"
    assert providers["docker"]["exposedByDefault"] is False
    assert providers["docker"]["network"] == "traefik-proxy-alpha"
    assert providers["http"]["headers"] == {"Authorization": f"Bearer {TOKEN}"}
    assert providers["http"]["pollInterval"] == "250ms"


def test_only_public_entry_points_are_default_and_the_others_are_on_loopback() -> None:
    points = config(http_port=80, https_port=443, probe_port=1, metrics_port=2)["entryPoints"]
    assert {name: point["address"] for name, point in points.items()} == {
        "web": ":80",
        "websecure": ":443",
        "probe": "127.0.0.1:1",
        "metrics": "127.0.0.1:2",
    }
    assert {name for name, point in points.items() if point.get("asDefault")} == {"web", "websecure"}


def test_a_bind_address_may_be_ipv6() -> None:
    assert config(bind="::1")["entryPoints"]["web"]["address"] == "[::1]:80"


def test_what_a_visitor_says_of_himself_is_believed_on_the_private_entry_point_alone() -> None:
    points = config(http_port=80, https_port=443)["entryPoints"]
    assert {
        name: point["forwardedHeaders"] for name, point in points.items() if "forwardedHeaders" in point
    } == {"probe": {"insecure": True}}


def test_there_is_no_api_and_nothing_is_sent_anywhere() -> None:
    tree = config()
    assert "api" not in tree
    assert tree["global"] == {"checkNewVersion": False, "sendAnonymousUsage": False}
    assert tree["metrics"]["prometheus"]["addRoutersLabels"] is True
