"""What is read from the host's own words."""

from __future__ import annotations

from ipaddress import IPv4Network

import pytest

from controller.api.errors import BackendUnavailable
from controller.engine.host import parse_host, parse_nameservers, parse_routes, parse_ruleset
from controller.engine.limits import Limits, desired_limits, parse_limits

OUTPUT = """@@variant
legacy
@@rules4
-P INPUT ACCEPT
-N DOCKER-USER
-A INPUT -i lo -j ACCEPT
-A DOCKER-USER -j RETURN
@@rules6
@@routes
default via 192.0.2.1 dev eth0
192.0.2.0/24 dev eth0 proto kernel scope link src 192.0.2.2
@@nameservers
nameserver 127.0.0.53
nameserver 10.0.0.2
@@limits
version 1
memory 4294967296
pids 4096
"""


def test_a_host_is_read_whole() -> None:
    host = parse_host(OUTPUT)
    assert host.variant == "legacy"
    assert host.rules4 == {"INPUT": ("-i lo -j ACCEPT",), "DOCKER-USER": ("-j RETURN",)}
    assert host.rules6 is None
    assert host.routes == (IPv4Network("192.0.2.0/24"),)
    assert host.nameservers == ("10.0.0.2",)
    assert host.limits == Limits(4 * 2**30, 4096)


def test_an_engine_without_an_iptables_firewall_is_refused() -> None:
    with pytest.raises(BackendUnavailable, match="DOCKER-USER"):
        parse_host(OUTPUT.replace("legacy", "none"))


def test_name_servers_are_taken_once_and_never_from_loopback() -> None:
    lines = ["127.0.0.1", "::1", "10.1.1.1", "fe80::1%eth0", "10.1.1.1"]
    text = "options edns0\n" + "\n".join(f"nameserver {line}" for line in lines)
    assert parse_nameservers(text) == ("10.1.1.1", "fe80::1")


def test_routes_of_every_table_are_seen_and_the_default_is_not() -> None:
    text = "default via 10.0.0.1 dev eth0\n"
    text += "unicast 10.8.0.0/24 dev wg0 table 51\nlocal 10.9.0.1 dev eth0 table local"
    assert parse_routes(text) == (IPv4Network("10.8.0.0/24"), IPv4Network("10.9.0.1/32"))


def test_chains_without_rules_are_seen() -> None:
    assert parse_ruleset("-P INPUT DROP\n-N EMPTY") == {"INPUT": (), "EMPTY": ()}


@pytest.mark.parametrize(
    "text", ["", "version 1\nmemory 9223372036854771712\npids max", "version 2\nmemory max\npids"]
)
def test_no_limit_is_none(text: str) -> None:
    assert parse_limits(text) == Limits(None, None)


def test_limits_of_two_installations_are_the_larger_ones() -> None:
    observed = Limits(6 * 2**30, 1000)
    assert desired_limits(2**30, 2000, 0, observed, shared=True) == Limits(6 * 2**30, 2000)
    assert desired_limits(2**30, 2000, 0, observed, shared=False) == Limits(2**30, 2000)


def test_without_a_wish_builds_get_half_of_the_memory_in_whole_pages() -> None:
    assert desired_limits(None, 100, 8 * 2**30 + 5000, Limits(), shared=False).memory == 4 * 2**30
