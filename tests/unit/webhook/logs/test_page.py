from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from controller.api.names import LogKey
from controller.api.status import Phase
from controller.logs.memory import MemoryStore
from controller.logs.protocol import LogType
from tests.unit.webhook.logs.opened import PAGE, Elements, Reader, messages
from tests.unit.webhook.logs.terminal import HOSTILE, READ
from tests.unit.webhook.rest.world import COMMIT, World, running
from webhook.logs.page_asset import FOLDER
from webhook.logs.plain import plain


@pytest.fixture
async def reader(world: World) -> Reader:
    return await Reader.of(world)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with running() as found:
        yield found


async def test_the_page_has_the_newest_lines_in_their_order(reader: Reader) -> None:
    await reader.lines.number(450)
    found = messages(await reader.read())
    assert found == [f"line {number}" for number in range(251, 451)]


async def test_the_headline_says_what_it_is_and_leads_there(reader: Reader) -> None:
    html = await reader.read()
    links = {found["href"] for found in Elements(html).named("a")}
    assert '<span id="state" class="state running">running</span>' in html
    assert "https://pr-42.preview.example" in links
    assert "https://github.com/acme/shop/pull/42" in links
    assert f"https://github.com/acme/shop/commit/{COMMIT}" in links


async def test_why_it_failed_stands_above_the_lines_as_text(reader: Reader) -> None:
    preview = reader.world.cluster.by_slug("pr-42")
    assert preview is not None
    condition = {
        "type": "Stalled",
        "status": "True",
        "reason": "BuildFailed",
        "message": "web: <b>exit 1</b>\n\x1b[31mlast words\x1b[0m",
        "last_transition_time": reader.world.clock.now(),
    }
    reader.world.cluster.set_status(preview.key, phase=Phase.FAILED, conditions=(condition,))
    html = await reader.read()
    assert "BuildFailed: web: &lt;b&gt;exit 1&lt;/b&gt;\nlast words" in html


async def test_filters_of_the_address_are_those_of_the_lines(reader: Reader) -> None:
    await reader.lines.say("built", type=LogType.BUILD, service="web")
    await reader.lines.say("LISTENING", type=LogType.CONTAINER, service="web")
    await reader.lines.say("listening", type=LogType.CONTAINER, service="api")
    assert messages(await reader.read(type="container")) == ["LISTENING", "listening"]
    assert messages(await reader.read(service="web")) == ["built", "LISTENING"]
    assert messages(await reader.read(q="listen", service="api")) == ["listening"]
    html = await reader.read(q='"x', service="api", type="container")
    selected = [found["value"] for found in Elements(html).named("option") if "selected" in found]
    assert selected == ["api", "container"]
    assert {"type": "search", "name": "q", "value": '"x', "maxlength": "200", "autocomplete": "off"} in (
        Elements(html).named("input")
    )


async def test_an_address_that_people_edited_is_taken_for_what_it_can_mean(reader: Reader) -> None:
    await reader.lines.number(3)
    assert len(messages(await reader.read(type="nonsense", before="x", service=""))) == 3


async def test_older_lines_are_reached_without_a_script(reader: Reader) -> None:
    await reader.lines.number(300)
    older = next(found for found in Elements(await reader.read()).named("a") if found.get("id") == "older")
    response = await reader.world.client.get(f"{PAGE}{older['href']}")
    html = await response.text()
    assert messages(html) == [f"line {number}" for number in range(1, 101)]
    assert 'data-live=""' in html, "what lies between is not there: nothing is to be put behind it"
    assert "Newest lines" in html


@pytest.mark.parametrize("message", HOSTILE)
async def test_a_message_is_never_markup(reader: Reader, message: str) -> None:
    usual = [name for name, _ in Elements(await reader.read()).found]
    await reader.lines.say(message, service="web")
    html = await reader.read()
    shown = Elements(html)
    assert sorted(name for name, _ in shown.found) == sorted([*usual, "li", "time", "span", "span"])
    assert not [a for _, attributes in shown.found for a in attributes if a.startswith("on")]
    assert messages(html) == [plain(message)]


@pytest.mark.parametrize("name", READ)
async def test_a_line_is_plain_and_carries_what_it_was(reader: Reader, name: str) -> None:
    message, text = READ[name]
    await reader.lines.say(message)
    html = await reader.read()
    assert messages(html) == [text]
    raw = [found["data-raw"] for found in Elements(html).named("span") if "data-raw" in found]
    assert raw == ([message.replace("\x00", "\x01")] if message != text else [])


async def test_the_script_gets_lines_older_than_those_it_has(reader: Reader) -> None:
    await reader.lines.number(500)
    found = await (await reader.ask("/lines", before="301")).json()
    assert [line["sequence"] for line in found["data"]] == list(range(101, 301))
    assert (found["success"], found["more"], found["last"]) == (True, True, 500)
    rest = await (await reader.ask("/lines", before="101")).json()
    assert (len(rest["data"]), rest["more"]) == (100, False)


async def test_where_to_follow_from_is_known_also_where_nothing_is_found(reader: Reader) -> None:
    await reader.lines.number(7)
    assert 'data-last="7"' in await reader.read(q="nothing like it")


async def test_the_download_is_all_of_it(reader: Reader) -> None:
    await reader.lines.number(1200)
    response = await reader.ask("/download")
    lines = (await response.text()).splitlines()
    assert response.headers["Content-Disposition"] == 'attachment; filename="pr-42.log"'
    assert [line.split("line ")[1] for line in lines] == [str(number) for number in range(1, 1201)]


async def test_the_log_of_what_is_gone_is_shown_to_its_end(reader: Reader) -> None:
    await reader.lines.say("last words")
    preview = reader.world.cluster.by_slug("pr-42")
    assert preview is not None
    reader.world.cluster.remove(preview.key)
    html = await reader.read()
    assert messages(html) == ["last words"]
    assert 'class="state gone"' in html
    assert 'data-live=""' in html


async def test_a_slug_that_is_used_again_shows_nothing_of_the_next(reader: Reader) -> None:
    await reader.lines.say("of the first")
    preview = reader.world.cluster.by_slug("pr-42")
    assert preview is not None
    reader.world.cluster.remove(preview.key)
    other = await reader.world.made(42, "evil/corp")
    assert other.slug == "pr-42"
    html = await reader.read()
    assert messages(html) == ["of the first"]
    assert 'class="state gone"' in html
    assert "evil" not in html


async def test_without_a_store_the_page_says_so(reader: Reader) -> None:
    store = reader.world.api.logs
    assert isinstance(store, MemoryStore)
    store.available = False
    response = await reader.ask()
    assert response.status == 503
    assert "does not answer" in await response.text()
    assert (await reader.ask("/lines")).status == 503


async def test_an_address_of_a_preview_that_is_no_web_address_is_no_link(reader: Reader) -> None:
    preview = reader.world.cluster.by_slug("pr-42")
    assert preview is not None
    services = ({"name": "web", "url": "javascript:alert(1)"}, {"name": "b", "url": 'https://x"><b>'})
    reader.world.cluster.set_status(preview.key, services=services)
    elements = Elements(await reader.read())
    assert not elements.named("b")
    assert not [a for a in elements.named("a") if str(a["href"]).startswith("javascript")]


async def test_a_repository_that_lies_elsewhere_is_not_linked() -> None:
    async with running() as world:
        reader = await Reader.of(world, clone_url="https://git.example/acme/shop.git")
        hrefs = [str(found["href"]) for found in Elements(await reader.read()).named("a")]
        assert not [href for href in hrefs if "github.com" in href]


def test_the_script_is_small() -> None:
    assert (FOLDER / "page.js").stat().st_size <= 8 * 1024


async def test_the_log_of_another_incarnation_stays_closed(reader: Reader) -> None:
    await reader.lines.say("of this one")
    other = LogKey(reader.key.repository, "another")
    secret = reader.secret(timedelta(hours=1).total_seconds(), other)
    assert messages(await reader.read(**{"pass": secret})) == []
