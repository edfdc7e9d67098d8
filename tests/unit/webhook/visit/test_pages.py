"""The pages themselves: text is text, nothing is loaded or run, and what is between stays between."""

from __future__ import annotations

import pytest

from controller.api.status import Phase
from tests.unit.webhook.logs.opened import Elements
from tests.unit.webhook.visit.stage import BROWSER, Stage, condition, stage

HOSTILE = "</p><script>alert(1)</script>\"'&"


async def test_texts_are_text_whatever_they_say(door: Stage) -> None:
    door.preview(Phase.CREATING, status={"step": HOSTILE})
    _, page = await door.text(headers=BROWSER)
    assert "&lt;script&gt;alert(1)" in page
    assert Elements(page).named("script") == []


async def test_the_host_is_shown_as_it_was_asked_for_and_as_text(door: Stage) -> None:
    _, page = await door.text(headers={**BROWSER, "Host": "<b>x</b>" + "y" * 300}, own="")
    assert "&lt;b&gt;x&lt;/b&gt;yyy" in page
    assert "y" * 260 not in page
    assert Elements(page).named("b") == []


@pytest.mark.parametrize("headers", [{}, BROWSER], ids=["machine", "browser"])
async def test_nobody_keeps_indexes_or_runs_what_is_answered(door: Stage, headers: dict[str, str]) -> None:
    response = await door.ask(headers=headers, own="")
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Robots-Tag"] == "noindex"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy and "script-src" not in policy
    assert "Server" not in response.headers


async def test_a_page_asks_for_nothing_else(door: Stage) -> None:
    door.preview(Phase.CREATING)
    _, page = await door.text(headers=BROWSER)
    found = Elements(page)
    assert [link["href"] for link in found.named("link")] == ["data:,"]
    assert found.named("img") == found.named("script") == found.named("iframe") == []


@pytest.mark.parametrize(
    ("own", "links"), [("pr-42-web", ["https://bridge.example/previews/pr-42"]), ("", [])]
)
async def test_a_failure_leads_those_let_in_to_the_log_and_carries_no_pass(
    own: str, links: list[str]
) -> None:
    async with stage(bridge_url="https://bridge.example/") as door:
        door.preview(Phase.FAILED, status={"conditions": [condition("Stalled", "BuildFailed")]})
        _, page = await door.text(headers=BROWSER, own=own)
        assert [link["href"] for link in Elements(page).named("a")] == links


async def test_any_method_and_any_path_is_answered(door: Stage) -> None:
    for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS", "PROPFIND"):
        for path in ("/", "/api/previews", "/metrics", "/a/../b", "/%00", "//x"):
            assert (await door.ask(method, path, own="")).status == 404


@pytest.mark.parametrize(
    ("path", "again"),
    [
        ("/", "./"),
        ("/a/b?c=d&e", "./b?c=d&e"),
        ("//other.example/x", "./x"),
        ("//other.example", "./other.example"),
        ("/javascript:alert(1)", "./javascript:alert(1)"),
    ],
)
async def test_a_page_comes_again_at_its_own_address_alone(door: Stage, path: str, again: str) -> None:
    door.preview(Phase.CREATING)
    _, page = await door.text(path=path, headers=BROWSER)
    (refresh,) = [meta["content"] for meta in Elements(page).named("meta") if "http-equiv" in meta]
    assert refresh == f"5;url={again}"
