"""Who gets in: tokens and scopes at the door, limits per token and per address, proxies that are believed."""

from datetime import timedelta
from typing import Any

import pytest

from controller.api.errors import InvalidSpec
from tests.unit.webhook.rest.world import Watch, World, make_token, running, wanted
from webhook.rest.limits import Buckets, Limits, Proxies, site
from webhook.rest.operations import OPERATIONS
from webhook.rest.refusals import Refusal
from webhook.tokens import Scope, issue

OF_TOKENS = [each for each in OPERATIONS if each.scope is not None]


async def error_of(response: Any) -> tuple[int, str]:
    body = await response.json()
    assert body["success"] is False and set(body["error"]) <= {"message", "code", "field"}
    return response.status, body["error"]["code"]


@pytest.mark.parametrize("operation", OF_TOKENS, ids=lambda operation: operation.id)
async def test_every_operation_needs_a_token(world: World, operation: Any) -> None:
    await world.made()
    path = operation.path.replace("{id}", "pr-42")
    for headers in (
        {},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer nonsense"},
        {"Authorization": "Basic YTpi"},
        {"Authorization": world.token()},
    ):
        response = await world.ask(operation.method, path, None, headers=headers)
        assert await error_of(response) == (401, "Unauthorized")
        assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert world.cluster.by_slug("pr-42") is not None


@pytest.mark.parametrize(
    "operation", [each for each in OF_TOKENS if each.scope is Scope.WRITE], ids=lambda operation: operation.id
)
async def test_what_changes_something_needs_a_token_that_may_write(world: World, operation: Any) -> None:
    await world.made()
    before = world.cluster.writes
    path = operation.path.replace("{id}", "pr-42")
    response = await world.ask(operation.method, path, world.token(Scope.READ), json={})
    assert await error_of(response) == (403, "ScopeMissing")
    assert world.cluster.writes == before


async def test_a_token_that_may_read_reads(world: World) -> None:
    await world.made()
    for path in ("/api/previews", "/api/previews/pr-42", "/api/previews/pr-42/status"):
        assert (await world.ask("GET", path, world.token(Scope.READ))).status == 200


async def test_a_preview_of_another_repository_is_not_made(world: World) -> None:
    token = world.token(Scope.WRITE, "acme/other")
    response = await world.ask("POST", "/api/previews", token, json=wanted())
    assert await error_of(response) == (403, "RepositoryForbidden")
    assert world.cluster.previews() == () and world.cluster.secrets == {}


async def test_a_token_ends(world: World) -> None:
    token = world.token()
    world.clock.advance(86400 + 5)
    assert await error_of(await world.ask("GET", "/api/previews", token)) == (401, "Unauthorized")


async def test_the_key_before_is_accepted_while_it_is_changed() -> None:
    old, clock = "the key that was before this one, 32+", Watch()
    token = issue(
        key=old,
        audience="previewcloud",
        subject="ci",
        scope=Scope.READ,
        repositories=["*"],
        ttl=timedelta(days=1),
        clock=clock,
        jti="old",
    )
    async with running(api_key_previous=old) as world:
        assert (await world.ask("GET", "/api/previews", token)).status == 200
        assert (await world.ask("GET", "/api/previews")).status == 200
    async with running() as world:
        assert (await world.ask("GET", "/api/previews", token)).status == 401


async def test_without_a_key_there_is_no_api_and_a_sentence_why() -> None:
    async with running(api_key=None) as world:
        response = await world.ask("GET", "/api/previews", make_token(world.clock))
        assert "API_KEY" in (await response.json())["error"]["message"]
        assert await error_of(response) == (503, "ApiKeyMissing")
        assert (await world.ask("GET", "/api/health", None)).status == 200


async def test_a_key_that_is_too_short_is_refused_at_the_start() -> None:
    with pytest.raises(InvalidSpec, match="32 bytes"):
        async with running(api_key="short"):
            pass


async def test_a_token_that_asks_too_often_waits_and_others_do_not() -> None:
    async with running(api_rate=3) as world:
        found = [(await world.ask("GET", "/api/previews")).status for _ in range(4)]
        assert found == [200, 200, 200, 429]
        response = await world.ask("GET", "/api/previews")
        assert int(response.headers["Retry-After"]) == 20
        assert await error_of(response) == (429, "TooManyRequests")
        other = make_token(world.clock, jti="two")
        assert (await world.ask("GET", "/api/previews", other)).status == 200
        world.clock.advance(20)
        assert (await world.ask("GET", "/api/previews")).status == 200


async def test_an_address_that_asks_too_often_waits_with_any_token_and_with_none() -> None:
    async with running(address_rate=20) as world:
        for number in range(20):
            token = make_token(world.clock, jti=str(number))
            assert (await world.ask("GET", "/api/previews", token)).status == 200
        assert (await world.ask("GET", "/api/previews", make_token(world.clock, jti="new"))).status == 429
        assert (await world.ask("GET", "/api/health", None)).status == 429


async def test_guessing_ends_after_a_tenth_of_the_tries() -> None:
    async with running(address_rate=50) as world:
        found = [(await world.ask("GET", "/api/previews", "guess")).status for _ in range(7)]
        assert found == [401] * 5 + [429] * 2
        world.clock.advance(12.1)
        assert (await world.ask("GET", "/api/previews")).status == 200


async def test_an_address_is_believed_from_trusted_proxies_alone() -> None:
    async with running(address_rate=20) as world:
        for number in range(30):
            headers = {"X-Forwarded-For": f"10.0.0.{number}"}
            response = await world.ask("GET", "/api/health", None, headers=headers)
        assert response.status == 429
    async with running(address_rate=20, trusted_proxies="127.0.0.1") as world:
        for number in range(30):
            headers = {"X-Forwarded-For": f"10.0.0.{number}"}
            assert (await world.ask("GET", "/api/health", None, headers=headers)).status == 200


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("192.0.2.1", "", "192.0.2.1"),
        ("192.0.2.1", "198.51.100.7", "192.0.2.1"),
        ("10.1.2.3", "", "10.1.2.3"),
        ("10.1.2.3", "198.51.100.7", "198.51.100.7"),
        ("10.1.2.3", "1.1.1.1, 198.51.100.7, 10.9.9.9", "198.51.100.7"),
        ("10.1.2.3", "1.1.1.1, <script>, 10.9.9.9", "10.9.9.9"),
        ("10.1.2.3", ",,,", "10.1.2.3"),
        ("2001:db8::1", "198.51.100.7", "198.51.100.7"),
        ("", "198.51.100.7", ""),
    ],
)
def test_who_asks_is_the_last_one_that_no_trusted_proxy_is(peer: str, forwarded: str, expected: str) -> None:
    assert Proxies(("10.0.0.0/8", "2001:db8::1")).client(peer, forwarded) == expected


def test_a_proxy_that_is_no_address_is_refused_at_the_start() -> None:
    with pytest.raises(InvalidSpec, match="TRUSTED_PROXIES"):
        Proxies(("proxy.example.com",))


def test_one_site_is_one_bucket_however_many_addresses_it_has() -> None:
    assert site("2001:db8:1:2::1") == site("2001:db8:1:2:ffff::9") != site("2001:db8:1:3::1")
    assert site("::ffff:192.0.2.1") == site("192.0.2.1") != site("192.0.2.2")
    assert site("fe80::1%eth0") == site("fe80::2")


def test_buckets_are_bounded_and_the_one_not_used_longest_goes() -> None:
    buckets = Buckets(1, Watch(), most=100)
    assert buckets.take("kept") == 0
    for number in range(1000):
        buckets.take(str(number))
        assert buckets.take("kept") > 0
    assert len(buckets) == 100


def test_a_bucket_refills_as_time_passes_and_never_above_its_size() -> None:
    clock = Watch()
    buckets = Buckets(60, clock)
    for _ in range(60):
        assert buckets.take("one") == 0
    assert 0.9 < buckets.take("one") <= 1
    clock.advance(3600)
    taken = sum(buckets.take("one") == 0 for _ in range(70))
    assert 60 <= taken <= 61


def test_limits_are_told_with_the_time_to_wait() -> None:
    limits = Limits(6, 1000, Watch())
    for _ in range(6):
        limits.token("one")
    with pytest.raises(Refusal) as refused:
        limits.token("one")
    assert refused.value.headers == {"Retry-After": "10"}
