"""Traefik's static configuration, read back."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from controller.engine.given import Given
from controller.engine.traefik import static_config, traefik_spec
from tests.unit.engine.examples import GIVEN, TOKEN, wanted


def config(**changes: object) -> Any:
    return yaml.safe_load(static_config(wanted(**changes), GIVEN))


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


def test_certificates_are_ordered_by_http_on_the_public_entry_point_and_kept_in_a_volume() -> None:
    options = {"https_port": 443, "acme_email": "ops@example.com", "acme_server": "https://ca.internal/dir"}
    given = Given(TOKEN, acme_ca="authority")
    tree = yaml.safe_load(static_config(wanted(**options), given))
    assert tree["certificatesResolvers"] == {
        "acme": {
            "acme": {
                "email": "ops@example.com",
                "storage": "/var/lib/traefik/acme.json",
                "httpChallenge": {"entryPoint": "web"},
                "caServer": "https://ca.internal/dir",
                "caCertificates": ["/etc/traefik/acme-ca.pem"],
            }
        }
    }
    spec = traefik_spec(wanted(**options), given, "image")
    assert spec.volume == "previewcloud-traefik-alpha"
    assert spec.files["etc/traefik/acme-ca.pem"] == "authority"


def test_without_certificates_there_is_no_volume_and_no_resolver() -> None:
    assert "certificatesResolvers" not in config()
    assert traefik_spec(wanted(), GIVEN, "image").volume is None


def test_the_operator_is_asked_by_https_with_its_own_authority() -> None:
    given = Given(TOKEN, provider_ca="authority")
    http = yaml.safe_load(static_config(wanted(), given))["providers"]["http"]
    assert http["tls"] == {"ca": "/etc/traefik/provider-ca.pem"}
    assert "tls" not in config()["providers"]["http"]


@pytest.mark.parametrize(
    "changed",
    [
        Given("another"),
        Given(TOKEN, provider_ca="other"),
        Given(TOKEN, environment=("A=b",)),
        Given(TOKEN, static={"log": {"level": "DEBUG"}}),
    ],
)
def test_whatever_is_given_anew_makes_another_container(changed: Given) -> None:
    before, after = (traefik_spec(wanted(), given, "image") for given in (GIVEN, changed))
    assert before.config_hash != after.config_hash
    assert TOKEN not in repr(after)


def test_visitors_are_sent_to_https_when_that_is_asked_for() -> None:
    points = config(https_port=443, redirect_https=True)["entryPoints"]
    assert points["web"]["http"]["redirections"]["entryPoint"] == {"to": "websecure", "scheme": "https"}
    assert "http" not in config(https_port=443)["entryPoints"]["web"]
