from collections.abc import AsyncIterator

import pytest

from tests.unit.webhook.logs.opened import PAGE, Elements, Reader
from tests.unit.webhook.logs.rig import STREAM, Heard
from tests.unit.webhook.rest.world import Scope, World, running
from webhook.logs.passes import Use

PATHS = (("GET", ""), ("GET", "/lines"), ("GET", "/download"), ("POST", "/ticket"))


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with running() as found:
        yield found


@pytest.fixture
async def reader(world: World) -> Reader:
    found = await Reader.of(world)
    await found.lines.say("not for everybody")
    return found


@pytest.mark.parametrize(("method", "path"), PATHS)
async def test_without_a_good_link_nothing_is_told(reader: Reader, method: str, path: str) -> None:
    for secret in ("", "x", reader.secret(-1), reader.secret(use=Use.TICKET), reader.world.token(Scope.READ)):
        response = await reader.ask(path, method, **{"pass": secret})
        assert response.status == 403
        assert "not for everybody" not in await response.text()
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize(("method", "path"), PATHS)
async def test_a_link_opens_its_own_preview_alone(reader: Reader, method: str, path: str) -> None:
    await reader.world.made(7, "acme/other")
    response = await reader.world.client.request(
        method, f"/previews/pr-7{path}", params={"pass": reader.secret()}
    )
    assert response.status == 403


async def test_who_has_an_old_link_is_told_how_to_get_a_new_one(reader: Reader) -> None:
    secret = reader.secret(60)
    reader.world.clock.advance(61)
    response = await reader.ask(**{"pass": secret})
    text = await response.text()
    assert (response.status, response.content_type) == (403, "text/html")
    assert "/preview logs" in text
    assert "expired" in text
    assert not Elements(text).named("script")


async def test_a_token_of_the_api_is_no_link(reader: Reader) -> None:
    headers = {"Authorization": f"Bearer {reader.world.token(Scope.WRITE)}"}
    assert (await reader.world.client.get(PAGE, headers=headers)).status == 403


@pytest.mark.parametrize(("method", "path"), PATHS)
async def test_all_answers_may_be_kept_by_nobody_and_load_nothing(
    reader: Reader, method: str, path: str
) -> None:
    response = await reader.ask(path, method)
    assert response.status == 200
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "unsafe" not in policy
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["X-Content-Type-Options"] == "nosniff"


async def test_the_page_has_no_script_or_style_inside(reader: Reader) -> None:
    elements = Elements(await reader.read())
    assert [set(found) for found in elements.named("script")] == [{"type", "src"}]
    assert not elements.named("style")
    assert not [a for _, attributes in elements.found for a in attributes if a == "style"]


async def test_script_and_style_may_be_kept_for_ever(reader: Reader) -> None:
    elements = Elements(await reader.read())
    (script,), styles = elements.named("script"), elements.named("link")
    sheet = next(found["href"] for found in styles if found["rel"] == "stylesheet")
    for address in (script["src"], sheet):
        response = await reader.world.client.get(f"/previews/{address}")
        assert response.status == 200
        assert "immutable" in response.headers["Cache-Control"]


async def test_the_ticket_opens_the_stream_of_that_log(reader: Reader) -> None:
    answer = await (await reader.ask("/ticket", "POST")).json()
    protocols = ("previewcloud.logs", f"ticket.{answer['data']['ticket']}")
    assert answer["data"]["expiresIn"] == 30
    async with reader.world.client.ws_connect(STREAM, protocols=protocols) as socket:
        assert (await Heard(socket).next())["data"]["message"] == "not for everybody"


async def test_guessing_links_ends_early() -> None:
    async with running(address_rate=50) as world:
        reader = await Reader.of(world)
        statuses = [(await reader.ask(**{"pass": "x"})).status for _ in range(7)]
        assert statuses == [403] * 5 + [429] * 2
        response = await reader.ask()
        assert (response.status, response.content_type) == (429, "text/html")
        assert int(response.headers["Retry-After"]) > 0


async def test_without_a_key_there_are_no_links() -> None:
    async with running(api_key=None) as world:
        response = await world.client.get(PAGE)
        assert (response.status, response.content_type) == (503, "text/html")
        assert "API_KEY" in await response.text()
