"""The log page in a real browser: how lines look, and that they are text whatever they say."""

from urllib.parse import urlsplit

import pytest

from controller.logs.protocol import LogType
from tests.integration.browser.chromium import LINE, Window, window
from tests.unit.webhook.logs.opened import Reader
from tests.unit.webhook.logs.terminal import HOSTILE, READ
from webhook.logs.plain import plain

INSIDE = "found => [...new Set(found.flatMap(each => [...each.querySelectorAll('*')].map(of => of.tagName)))]"
STYLE = """found => found.map(each => { const style = getComputedStyle(each);
  return [each.textContent, style.color, style.backgroundColor, style.fontWeight,
    style.textDecorationLine, style.opacity]; })"""
CLEAR = "rgba(0, 0, 0, 0)"


async def test_lines_are_text_whatever_they_say(reader: Reader, tab: Window) -> None:
    await reader.lines.say(*HOSTILE, service="<b>web</b>")
    await reader.lines.number(190)
    await tab.open()
    await tab.page.get_by_text("Older lines").click()
    await reader.lines.say(*HOSTILE, service="<i>web</i>")
    await reader.lines.say("end")
    await tab.shows("end")
    texts = [plain(message) for message in HOSTILE]
    numbers = [f"line {len(HOSTILE) + number}" for number in range(1, 191)]
    assert await tab.messages() == [*texts, *numbers, *texts, "end"]
    assert set(await tab.page.locator(LINE).evaluate_all(INSIDE)) <= {"SPAN"}
    assert await tab.page.title() == "pr-42 · log"
    assert await tab.page.locator("#owned, #lines b, #lines i, script:not([src])").count() == 0
    assert {urlsplit(url).netloc for url in tab.asked} == {urlsplit(tab.page.url).netloc}
    assert tab.said == [], "no policy was violated, and nothing failed"


async def test_the_script_reads_lines_as_the_server_does(reader: Reader, tab: Window) -> None:
    await reader.lines.say(*(message for message, _ in READ.values()))
    await tab.open()
    await reader.lines.say(*(message for message, _ in READ.values()))
    await reader.lines.say("end")
    await tab.shows("end")
    texts = [text for _, text in READ.values()]
    assert await tab.messages() == [*texts, *texts, "end"]


@pytest.mark.parametrize(
    ("message", "styles"),
    [
        ("\x1b[31mred", [["red", "rgb(179, 20, 29)", CLEAR, "400", "none", "1"]]),
        ("\x1b[91;1mred", [["red", "rgb(164, 14, 38)", CLEAR, "700", "none", "1"]]),
        ("\x1b[2;4mdim", [["dim", "rgb(31, 35, 40)", CLEAR, "400", "underline", "0.7"]]),
        ("\x1b[38;5;196;48;5;16mx", [["x", "rgb(255, 0, 0)", "rgb(0, 0, 0)", "400", "none", "1"]]),
        ("\x1b[38;5;244;48;5;231mx", [["x", "rgb(128, 128, 128)", "rgb(255, 255, 255)", "400", "none", "1"]]),
        (
            "\x1b[38;2;1;2;3;48;2;250;251;252mx",
            [["x", "rgb(1, 2, 3)", "rgb(250, 251, 252)", "400", "none", "1"]],
        ),
        ("\x1b[38:2::1:2:3;41mx", [["x", "rgb(1, 2, 3)", "rgb(170, 0, 0)", "400", "none", "1"]]),
        ("\x1b[7mx", [["x", "rgb(255, 255, 255)", "rgb(31, 35, 40)", "400", "none", "1"]]),
        (
            "\x1b[1;4;31ma\x1b[22;24;39mb\x1b[31mc\x1b[0md",
            [
                ["a", "rgb(179, 20, 29)", CLEAR, "700", "underline", "1"],
                ["b", "rgb(31, 35, 40)", CLEAR, "400", "none", "1"],
                ["c", "rgb(179, 20, 29)", CLEAR, "400", "none", "1"],
                ["d", "rgb(31, 35, 40)", CLEAR, "400", "none", "1"],
            ],
        ),
        ("\x1b[31mwas\rred", [["red", "rgb(179, 20, 29)", CLEAR, "400", "none", "1"]]),
        ("\x1b[38;5mx\x1b[38;2;1mx\x1b[999mx\x1b[>4;2mx", [["xxxx", None, CLEAR, "400", "none", "1"]]),
    ],
    ids=lambda value: repr(value) if isinstance(value, str) else "",
)
async def test_colours_are_shown(
    reader: Reader, tab: Window, message: str, styles: list[list[str | None]]
) -> None:
    await reader.lines.say(message)
    await tab.open()
    found = await tab.page.locator(f"{LINE} span").evaluate_all(STYLE)
    if styles[0][1] is None:  # nonsense: only that the text stands there is promised
        assert "".join(each[0] for each in found) == styles[0][0]
    else:
        assert found == styles


async def test_a_light_colour_can_be_read_on_a_light_page(reader: Reader, tab: Window) -> None:
    await reader.lines.say("\x1b[38;2;255;255;255mwhite")
    await tab.open()
    shade = """found => { const context = document.createElement('canvas').getContext('2d');
      context.fillStyle = getComputedStyle(found).color; context.fillRect(0, 0, 1, 1);
      return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3); }"""
    assert max(await tab.page.locator(f"{LINE} span").evaluate(shade)) < 128


async def test_dark_and_light_are_as_the_reader_has_it(reader: Reader) -> None:
    back = "getComputedStyle(document.documentElement).backgroundColor"
    found = []
    for dark in (False, True):
        async with window(reader, dark=dark) as tab:
            await tab.open()
            found.append(await tab.page.evaluate(back))
    assert found == ["rgb(255, 255, 255)", "rgb(13, 17, 23)"]


async def test_a_phone_never_scrolls_sideways(reader: Reader) -> None:
    await reader.lines.say("x" * 5000, "\x1b[31m" + "y" * 3000, service="s" * 60)
    async with window(reader, width=360, height=740) as tab:
        await tab.open()
        await reader.lines.say("z" * 5000)
        await tab.shows("z" * 5000)
        assert await tab.page.evaluate("document.documentElement.scrollWidth") == 360
        assert await tab.page.evaluate("document.querySelector('#lines').scrollWidth") == 360
        await tab.page.get_by_role("button", name="Wrap").click()
        assert await tab.page.evaluate("document.documentElement.scrollWidth") == 360
        assert await tab.page.evaluate("document.querySelector('#lines').scrollWidth") > 5000


async def test_it_can_be_read_without_a_script(reader: Reader) -> None:
    await reader.lines.number(250)
    await reader.lines.say("\x1b[31mlistening", type=LogType.CONTAINER, service="api")
    async with window(reader, scripts=False) as tab:
        await tab.open()
        assert (await tab.messages())[-2:] == ["line 250", "listening"]
        assert not await tab.page.get_by_role("button", name="Pause").is_visible()
        await tab.page.get_by_label("Service").select_option("api")
        await tab.page.get_by_role("button", name="Show").click()
        assert await tab.messages() == ["listening"]
        await tab.page.get_by_label("Service").select_option("")
        await tab.page.get_by_role("button", name="Show").click()
        await tab.page.get_by_text("Older lines").click()
        assert await tab.messages() == [f"line {number}" for number in range(1, 52)]
        await tab.page.get_by_text("Newest lines").click()
        assert (await tab.messages())[-1] == "listening"


async def test_all_is_reached_by_keyboard_in_the_order_it_is_seen(reader: Reader, tab: Window) -> None:
    await reader.lines.number(300)
    await tab.open()
    names = []
    for _ in range(11):
        await tab.page.keyboard.press("Tab")
        names.append(
            await tab.page.evaluate("document.activeElement.id || document.activeElement.name || 'link'")
        )
    assert names == ["link"] * 4 + ["service", "type", "q", "wrap", "pause", "download", "older"]
    log = tab.page.get_by_role("log", name="Log of pr-42")
    assert await log.get_attribute("aria-live") == "off"


async def test_the_download_has_what_the_filter_finds(reader: Reader, tab: Window) -> None:
    await reader.lines.number(300)
    await tab.open()
    await tab.page.get_by_label("Text").fill("line 29")
    await tab.counts(11)
    async with tab.page.expect_download() as loading:
        await tab.page.get_by_text("Download").click()
    download = await loading.value
    assert download.suggested_filename == "pr-42.log"
    assert len((await download.path()).read_text().splitlines()) == 11


async def test_an_old_link_says_what_to_do(reader: Reader, tab: Window) -> None:
    await tab.open(**{"pass": reader.secret(-1)})
    assert "/preview logs" in await tab.page.locator("body").inner_text()
