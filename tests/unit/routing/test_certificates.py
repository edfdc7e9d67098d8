"""Where certificates and the bridge's token go: into TLS, into the proxy's configuration, else nowhere."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from controller.certificates import CertificateFiles, trusting
from controller.clock import WallClock
from controller.health import Health
from controller.routing.config import configuration, render
from controller.routing.feed import ConfigurationFeed
from controller.routing.serve import open_routing
from controller.routing.settings import Certificates
from controller.routing.table import RouteTable
from tests.standin.authority import Authority
from tests.unit.routing.examples import HOST, USERS, route, settings
from tests.unit.routing.test_serve import free_address


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def files(authority: Authority) -> CertificateFiles:
    return CertificateFiles(*authority.issue("127.0.0.1", "*.localhost"), WallClock())


@dataclass
class Connection:
    """One that stays open."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @property
    def serial(self) -> str:
        return str(self.writer.get_extra_info("peercert")["serialNumber"])

    async def poll(self, token: str) -> bytes:
        """The first line of the answer."""
        request = f"GET /traefik HTTP/1.1\r\nHost: o\r\nAuthorization: Bearer {token}\r\n\r\n"
        self.writer.write(request.encode())
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
        await self.reader.readexactly(int(length.split()[1]))
        return head.split(b"\r\n")[0]


@asynccontextmanager
async def connected(address: str, trust: ssl.SSLContext | bool | None) -> AsyncIterator[Connection]:
    host, _, port = address.partition(":")
    reader, writer = await asyncio.open_connection(host, int(port), ssl=trust)
    try:
        yield Connection(reader, writer)
    finally:
        writer.close()


async def test_a_new_certificate_is_for_new_connections_and_open_ones_go_on(authority: Authority) -> None:
    listener = files(authority)
    local = dataclasses.replace(settings(), provider_listen=free_address())
    trust, certificates = trusting(authority.file), Certificates(listener=listener)
    async with open_routing(local, Health(WallClock()), None, certificates) as routing:
        routing.router.settle()
        async with connected(local.provider_listen, trust) as old:
            assert b"200" in await old.poll(local.token)
            authority.issue("127.0.0.1")
            await listener.refresh()
            async with connected(local.provider_listen, trust) as new:
                assert new.serial != old.serial
                assert b"200" in await new.poll(local.token)
                assert b"401" in await new.poll("wrong")
            assert b"200" in await old.poll(local.token)


async def test_plain_http_and_another_authority_get_no_answer(authority: Authority) -> None:
    local = dataclasses.replace(settings(), provider_listen=free_address())
    certificates = Certificates(listener=files(authority))
    async with open_routing(local, Health(WallClock()), None, certificates):
        async with connected(local.provider_listen, None) as plain:
            with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                await plain.poll(local.token)
        with pytest.raises(ssl.SSLCertVerificationError):
            async with connected(local.provider_listen, ssl.create_default_context()):
                pass


async def test_a_new_certificate_of_ones_own_is_a_new_version_and_the_same_one_none(
    authority: Authority,
) -> None:
    own = files(authority)
    table = RouteTable()
    table.settle()
    feed = ConfigurationFeed(table, settings(tls=True), certificate=own)
    first = await feed.next(None, 0)
    assert first is not None
    await own.refresh()
    assert await feed.next(None, 0) is first
    authority.issue("*.localhost")
    await own.refresh()
    second = await feed.next(first.version, 0)
    assert second is not None
    assert json.loads(second.body)["tls"] == {
        "certificates": [{"certFile": own.pair.chain, "keyFile": own.pair.key}]
    }
    assert own.pair.key not in f"{second!r} {own.pair!r}"


def test_the_bridge_alone_is_shown_the_token() -> None:
    shown = dataclasses.replace(settings(), catchall_token="known-to-both")
    http = configuration([route(), route(None, USERS, "pr-2.localhost")], shown)["http"]
    assert http["middlewares"]["bridge"] == {
        "headers": {"customRequestHeaders": {"X-Preview-Token": "known-to-both"}}
    }
    assert {name: "bridge" in router["middlewares"] for name, router in http["routers"].items()} == {
        "catchall": True,
        "pr-1-web": False,
        "page_pr-1-web": True,
    } | {name: router["service"] == "catchall" for name, router in http["routers"].items()}
    assert "known-to-both" not in repr(shown)
    assert "bridge" not in configuration([route()], settings())["http"]["middlewares"]


def test_the_bridges_certificate_is_checked_with_the_authority_that_was_given(authority: Authority) -> None:
    known = dataclasses.replace(
        settings(), catchall_ca=authority.file.read_text(), catchall_url="https://b:1"
    )
    http = configuration([route()], known)["http"]
    assert http["services"]["catchall"]["loadBalancer"]["serversTransport"] == "bridge"
    assert http["serversTransports"] == {"bridge": {"rootCAs": [authority.file.read_text()]}}
    assert "serversTransports" not in configuration([route()], settings())["http"]
    assert HOST in render([route()], known).decode()
