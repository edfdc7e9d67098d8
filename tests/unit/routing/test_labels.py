from __future__ import annotations

import pytest

from controller.api.errors import InvalidSpec
from controller.routing.labels import traefik_labels
from tests.unit.routing.examples import HOST, OTHER_USERS, USERS, instance, settings

IDENTITY = "traefik.http.middlewares.pr-1-web-aaaaaaaa-identity"


def public_part(labels: dict[str, str]) -> dict[str, str]:
    return {key: value for key, value in labels.items() if key.startswith("traefik.http.routers.pr-1-web.")}


def test_the_whole_label_set() -> None:
    assert traefik_labels(instance(), settings()) == {
        "traefik.enable": "true",
        "traefik.docker.network": "traefik-proxy-test",
        "traefik.http.services.pr-1-web-aaaaaaaa.loadbalancer.server.port": "8080",
        f"{IDENTITY}.headers.customresponseheaders.X-Preview-Instance": "pr-1-web-aaaaaaaa",
        f"{IDENTITY}.headers.customrequestheaders.X-Preview-Forward": "",
        "traefik.http.routers.pr-1-web-aaaaaaaa.rule": (
            "Host(`pr-1-web-aaaaaaaa.probe.internal`) || Header(`X-Preview-Forward`, `pr-1-web-aaaaaaaa`)"
        ),
        "traefik.http.routers.pr-1-web-aaaaaaaa.entrypoints": "probe",
        "traefik.http.routers.pr-1-web-aaaaaaaa.service": "pr-1-web-aaaaaaaa",
        "traefik.http.routers.pr-1-web-aaaaaaaa.middlewares": "pr-1-web-aaaaaaaa-identity",
        "traefik.http.services.pr-1-web.loadbalancer.server.port": "8080",
        "traefik.http.middlewares.retry-4x50ms.retry.attempts": "4",
        "traefik.http.middlewares.retry-4x50ms.retry.initialinterval": "50ms",
        "traefik.http.routers.pr-1-web.rule": f"Host(`{HOST}`)",
        "traefik.http.routers.pr-1-web.entrypoints": "web",
        "traefik.http.routers.pr-1-web.priority": "10",
        "traefik.http.routers.pr-1-web.service": "pr-1-web",
        "traefik.http.routers.pr-1-web.middlewares": "retry-4x50ms",
    }


def test_old_and_new_instance_describe_the_public_router_alike_even_on_another_port() -> None:
    old = traefik_labels(instance("aaaaaaaa", users=USERS), settings(tls=True, cert_resolver="le"))
    new = traefik_labels(instance("bbbbbbbb", port=9090, users=USERS), settings(tls=True, cert_resolver="le"))
    assert public_part(old) == public_part(new) != {}


def test_labels_of_two_instances_share_no_key_with_another_value_but_the_port() -> None:
    old = traefik_labels(instance("aaaaaaaa", users=USERS), settings())
    new = traefik_labels(instance("bbbbbbbb", port=9090, users=OTHER_USERS), settings())
    differing = {key for key in old.keys() & new.keys() if old[key] != new[key]}
    assert differing == {
        "traefik.http.services.pr-1-web.loadbalancer.server.port",
        "traefik.http.routers.pr-1-web.middlewares",
    }


def test_a_password_is_asked_for_in_public_and_not_by_the_probe() -> None:
    labels = traefik_labels(instance(users=USERS), settings())
    auth = labels["traefik.http.routers.pr-1-web.middlewares"].split(",")[0]
    assert labels[f"traefik.http.middlewares.{auth}.basicauth.users"] == USERS
    assert labels[f"traefik.http.middlewares.{auth}.basicauth.removeheader"] == "true"
    assert labels["traefik.http.routers.pr-1-web-aaaaaaaa.middlewares"] == "pr-1-web-aaaaaaaa-identity"


def test_a_service_that_is_not_public_has_its_private_router_only() -> None:
    labels = traefik_labels(instance(public=False), settings())
    assert public_part(labels) == {}
    assert labels["traefik.http.routers.pr-1-web-aaaaaaaa.entrypoints"] == "probe"
    assert not any(HOST in value for value in labels.values())


def test_only_the_private_router_obeys_the_header_that_names_an_instance() -> None:
    labels = traefik_labels(instance(users=USERS), settings(tls=True))
    obeying = {key for key, value in labels.items() if "X-Preview-Forward" in value}
    assert obeying == {"traefik.http.routers.pr-1-web-aaaaaaaa.rule"}


@pytest.mark.parametrize(
    ("resolver", "expected"),
    [("", {"tls": "true"}), ("le", {"tls": "true", "tls.certresolver": "le"})],
)
def test_tls_by_setting_on_the_public_router_alone(resolver: str, expected: dict[str, str]) -> None:
    labels = traefik_labels(instance(), settings(tls=True, cert_resolver=resolver))
    prefix = "traefik.http.routers."
    assert {
        key.removeprefix(f"{prefix}pr-1-web."): value for key, value in labels.items() if ".tls" in key
    } == expected


@pytest.mark.parametrize(
    "host", ["a`) || Host(`b", "UPPER.localhost", "a b", "a..b", "-a.b", "a\n", "", "a" * 254]
)
def test_a_host_that_is_no_dns_name_is_refused(host: str) -> None:
    with pytest.raises(InvalidSpec, match="DNS name"):
        traefik_labels(instance(host=host), settings())


def test_a_router_name_with_label_syntax_is_refused() -> None:
    with pytest.raises(InvalidSpec, match="cannot name a router"):
        traefik_labels(instance(router="web.rule"), settings())


@pytest.mark.parametrize("users", ["preview:plain", f"{USERS},root:x", f"{USERS}\n", "a:b:" + USERS])
def test_a_password_line_that_is_not_one_bcrypt_hash_is_refused_without_showing_it(users: str) -> None:
    with pytest.raises(InvalidSpec) as caught:
        traefik_labels(instance(users=users), settings())
    assert users not in str(caught.value)
