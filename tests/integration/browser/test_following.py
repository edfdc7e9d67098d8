"""The log page in a real browser: what comes while it is open."""

from controller.logs.memory import MemoryStore
from controller.logs.protocol import LogType
from tests.integration.browser.chromium import LINE, Window
from tests.unit.webhook.logs.opened import Reader

STATE = "state => document.querySelector('#state').textContent === state"


async def test_new_lines_come_by_themselves_and_stay_in_sight(reader: Reader, tab: Window) -> None:
    await reader.lines.number(100)
    await tab.open()
    assert await tab.at_end()
    await reader.lines.number(50)
    await tab.shows("line 150")
    assert await tab.messages() == [f"line {number}" for number in range(1, 151)]
    assert await tab.at_end()


async def test_who_reads_further_up_is_left_there(reader: Reader, tab: Window) -> None:
    await reader.lines.number(100)
    await tab.open()
    await reader.lines.number(1)
    await tab.shows("line 101")
    await tab.page.evaluate("scrollTo(0, 0)")
    await tab.page.get_by_role("button", name="To the end").wait_for()
    await reader.lines.number(50)
    await tab.shows("line 151")
    assert await tab.page.evaluate("scrollY") == 0
    await tab.page.get_by_role("button", name="To the end").click()
    assert await tab.at_end()
    await reader.lines.number(50)
    await tab.shows("line 201")
    assert await tab.at_end()


async def test_a_cut_connection_loses_and_doubles_nothing(reader: Reader, tab: Window) -> None:
    await tab.open()
    for cut in range(1, 4):
        await reader.lines.number(10)
        await tab.shows(f"line {cut * 20 - 10}")
        tab.cut()
        await reader.lines.number(10)
        await tab.shows(f"line {cut * 20}")
    assert await tab.messages() == [f"line {number}" for number in range(1, 61)]


async def test_no_more_lines_are_kept_than_a_page_can_bear(reader: Reader, tab: Window) -> None:
    await reader.lines.number(10)
    await tab.open()
    await reader.lines.number(5200)
    await tab.shows("line 5210")
    assert await tab.messages() == [f"line {number}" for number in range(211, 5211)]
    await tab.page.get_by_text("Older lines").click()
    await tab.says("No more lines fit here")
    assert await tab.page.locator(LINE).count() == 5000


async def test_a_pause_holds_lines_back_and_loses_none(reader: Reader, tab: Window) -> None:
    await tab.open()
    await reader.lines.number(1)
    await tab.shows("line 1")
    pause = tab.page.get_by_role("button", name="Pause")
    await pause.click()
    await reader.lines.number(3)
    await tab.says("Paused; 3 new lines")
    assert await tab.messages() == ["line 1"]
    assert await pause.get_attribute("aria-pressed") == "true"
    await pause.click()
    await tab.shows("line 4")
    assert await tab.messages() == [f"line {number}" for number in range(1, 5)]


async def test_a_filter_is_for_what_is_there_and_what_comes(reader: Reader, tab: Window) -> None:
    await reader.lines.say("web 1", type=LogType.CONTAINER, service="web")
    await reader.lines.say("api 1", type=LogType.CONTAINER, service="api")
    await tab.open()
    await tab.page.get_by_label("Service").select_option("api")
    await tab.counts(1)
    await reader.lines.say("web 2", type=LogType.CONTAINER, service="web")
    await reader.lines.say("api 2", type=LogType.CONTAINER, service="api")
    await tab.shows("api 2")
    assert await tab.messages() == ["api 1", "api 2"]
    assert "service=api" in tab.page.url
    await tab.page.get_by_label("Text").fill("API 3")
    await tab.counts(0)
    await tab.page.get_by_text("Nothing to show.").wait_for()
    await reader.lines.say("api 2 again", "api 3", "not api", type=LogType.CONTAINER, service="api")
    await tab.shows("api 3")
    assert await tab.messages() == ["api 3"]
    await tab.page.get_by_label("Text").fill("")
    await tab.shows("not api")
    await tab.page.get_by_label("Service").select_option("")
    await tab.counts(7)


async def test_a_service_that_speaks_later_can_be_chosen(reader: Reader, tab: Window) -> None:
    await tab.open()
    await reader.lines.say("here I am", type=LogType.CONTAINER, service="late")
    await tab.shows("here I am")
    assert await tab.page.get_by_label("Service").locator("option").all_inner_texts() == [
        "all",
        "web",
        "late",
    ]


async def test_older_lines_are_put_before_and_nothing_jumps(reader: Reader, tab: Window) -> None:
    await reader.lines.number(450)
    await tab.open()
    await tab.page.evaluate("scrollTo(0, 0)")
    place = "document.querySelector('[data-s=\"251\"]').getBoundingClientRect().top"
    before = await tab.page.evaluate(place)
    await tab.page.get_by_text("Older lines").click()
    await tab.counts(400)
    assert abs(await tab.page.evaluate(place) - before) < 2
    await tab.page.get_by_text("Older lines").click()
    await tab.counts(450)
    assert await tab.messages() == [f"line {number}" for number in range(1, 451)]
    assert not await tab.page.get_by_text("Older lines").is_visible()


async def test_the_state_is_told_until_the_preview_is_gone(reader: Reader, tab: Window) -> None:
    preview = reader.world.cluster.by_slug("pr-42")
    assert preview is not None
    await tab.open()
    await tab.holds(STATE, "running")
    reader.world.cluster.set_status(preview.key, phase="Sleeping")
    await tab.holds(STATE, "sleeping")
    reader.world.cluster.remove(preview.key)
    await reader.lines.say("last words")
    await tab.shows("last words")
    await tab.says("The preview is gone")
    await tab.holds(STATE, "gone")


async def test_a_store_that_is_down_is_told_and_then_it_goes_on(reader: Reader, tab: Window) -> None:
    store = reader.world.api.logs
    assert isinstance(store, MemoryStore)
    await tab.open()
    await reader.lines.number(1)
    await tab.shows("line 1")
    store.available = False
    await tab.says("does not answer")
    store.available = True
    await reader.lines.number(1)
    await tab.shows("line 2")


async def test_a_link_that_expires_meanwhile_is_told(reader: Reader, tab: Window) -> None:
    await tab.open()
    await reader.lines.number(1)
    await tab.shows("line 1")
    reader.world.clock.advance(3601)
    tab.cut()
    await tab.says("This link has expired")
