import json

from previewcloud.answers import Preview
from previewcloud.event import Target
from previewcloud.report import outputs, summary
from previewcloud.waiting import Outcome

TARGET = Target("acme", "shop", 7, "b", "a" * 40, "")


def _url(*services: str) -> str:
    return Preview("pr-7", "running", {name: f"http://{name}" for name in services}).url


def test_the_main_url_is_webs_else_frontends_apps_apis_the_firsts() -> None:
    assert _url("x", "api", "app", "frontend", "web") == "http://web"
    assert _url("x", "api", "app", "frontend") == "http://frontend"
    assert _url("x", "api", "app") == "http://app"
    assert _url("x", "api") == "http://api"
    assert _url("y", "x") == "http://y"
    assert _url() == ""


def test_the_outputs_are_those_that_are_declared() -> None:
    urls = {"api": "http://a", "web": "http://w"}
    found = outputs(Outcome(Preview("pr-7", "running", urls), 12))
    assert json.loads(found.pop("preview-urls")) == urls
    assert found == {
        "preview-id": "pr-7",
        "preview-url": "http://w",
        "status": "running",
        "deployment-time": "12",
    }


def test_the_summary_shows_strangers_words_as_they_are() -> None:
    trouble = "pr-7 has failed. BuildFailed: <img src=x> [link](http://evil)\n# heading | `code`"
    text = summary(Outcome(Preview("pr-7", "failed", {"web": "javascript:alert(1)"}), 3, trouble), TARGET)
    assert "<img" not in text
    assert "[link](" not in text
    assert "\n# heading" not in text
    assert "<javascript" not in text
    assert "**failed** after 3 s" in text


def test_the_summary_links_every_service() -> None:
    text = summary(Outcome(Preview("pr-7", "running", {"web": "http://pr-7-acme.web.localhost"})), TARGET)
    assert "| web | <http://pr-7-acme.web.localhost> |" in text
