"""Whom a request is for: by the own router's name, or for strangers by the form of the host."""

from __future__ import annotations

from typing import Any

import pytest

from controller.api.names import host
from controller.api.status import Phase
from tests.unit.webhook.visit.stage import HOST, preview
from webhook.cluster.memory import MemoryCluster
from webhook.visit.target import Hosts, Target, target_of

LOCAL = Hosts("localhost")
OWNER, LONG = "an-owner-with-a-name-of-some-length", "a-service-of-thirty-characters"


def cluster(**more: Any) -> MemoryCluster:
    found = MemoryCluster()
    found.put(preview(more.pop("phase", Phase.SLEEPING), **more))
    return found


def stranger(address: str, hosts: Hosts = LOCAL, **more: Any) -> Target:
    return target_of(cluster(**more), "", address, hosts)


def test_the_own_router_names_preview_and_service() -> None:
    found = target_of(cluster(), "pr-42-web-two", "anything", LOCAL)
    assert found.preview is not None
    assert (found.preview.slug, found.service, found.own) == ("pr-42", "web-two", True)


@pytest.mark.parametrize(
    "router", ["pr-43-web", "pr-4-web", "pr-42x-web", "pr", "-", "pr-42/web", "1", "ä-b-c"]
)
def test_a_router_of_nobody_is_nobody(router: str) -> None:
    assert target_of(cluster(), router, HOST, LOCAL).preview is None


@pytest.mark.parametrize("address", [HOST, f"{HOST}:8080", HOST.upper(), f"{HOST}."])
def test_a_host_is_found_however_it_is_written(address: str) -> None:
    found = stranger(address)
    assert found.preview is not None
    assert not found.own


@pytest.mark.parametrize(
    "address",
    [
        "",
        ":80",
        "localhost",
        "web.localhost",
        "pr-42-acme.web.example",
        "pr-42-other.web.localhost",
        "pr-42-acme.api.localhost",
        "pr-42-acme.localhost",
        "x.pr-42-acme.web.localhost",
        "pr-42-acme.web.localhost.evil.example",
        "pr-43-acme.web.localhost",
        "127.0.0.1",
        "[::1]:80",
        "." * 300,
        "pr-42-acme.web.localhost:http",
    ],
)
def test_another_host_is_nobodys(address: str) -> None:
    assert stranger(address).preview is None


def test_of_one_that_never_served_the_form_of_the_host_is_all_there_is() -> None:
    assert stranger(HOST, phase=Phase.CREATING).preview is not None
    assert stranger("pr-42-acme.other.localhost", phase=Phase.CREATING).preview is not None
    assert stranger("pr-42-other.web.localhost", phase=Phase.CREATING).preview is None


def test_a_service_that_is_its_siblings_alone_has_no_host() -> None:
    services = [{"name": name, "image": "x", "port": 80, "public": name == "web"} for name in ("web", "api")]
    spec = {"services": services}
    assert stranger(HOST, phase=Phase.CREATING, spec=spec).preview is not None
    assert stranger("pr-42-acme.api.localhost", phase=Phase.CREATING, spec=spec).preview is None


def test_a_single_label_is_read() -> None:
    single = Hosts("preview.example", single_label=True)
    assert stranger("pr-42-acme-web.preview.example", single).preview is not None
    assert stranger("pr-42-acme-api.preview.example", single).preview is None
    assert stranger("pr-42-acme-api.preview.example", single, phase=Phase.QUEUED).preview is not None
    assert stranger("pr-42-other-api.preview.example", single, phase=Phase.QUEUED).preview is None


def test_a_label_that_ends_in_a_hash_is_read() -> None:
    source = {"repository": f"{OWNER}/shop", "pullRequest": 42, "commit": "a" * 40, "trust": "trusted"}
    spec = {"source": source, "services": [{"name": LONG, "image": "x", "port": 80}]}
    address = host("pr-42", f"{OWNER}/shop", LONG, "preview.example", single_label=True)
    single = Hosts("preview.example", single_label=True)
    assert len(address.partition(".")[0]) == 63
    assert stranger(address, single, phase=Phase.CREATING, spec=spec).preview is not None
    assert stranger(f"{address[:60]}000.preview.example", single, phase=Phase.CREATING, spec=spec) == Target()


def test_a_host_that_only_the_status_names_is_known() -> None:
    status = {"services": [{"name": "web", "url": "https://pr-42-acme-web.localhost"}]}
    assert stranger("pr-42-acme-web.localhost", status=status).preview is not None
