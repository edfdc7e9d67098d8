"""What those who run the bridge see of a delivery and of requests: figures, lines and traces."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import aiohttp
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from tests.integration.bridge.bridge import Bridge
from tests.integration.bridge.story import Story
from tests.integration.operator.polling import until
from tests.standin.trace_collector import Collected, Collector

PAGE = Path(__file__).parents[3] / "docs/metrics.md"


async def test_a_delivery_is_counted_logged_and_traced_to_what_it_led_to(
    story: Story, bridge: Bridge
) -> None:
    collector = Collector()
    async with collector.open() as url:
        bridge.stop()
        await bridge.start(LOG_FORMAT="json", TRACES_URL=url)
        await story.open()
        found = await until(story.look, 30)
        assert found is not None
        subject = f"{story.repository.name}#{story.number}"
        slug = found.body["metadata"]["name"]
        assert (await bridge.call("DELETE", f"/api/previews/{slug}-made-up"))[0] == 404
        figures = await _scraped(bridge)
        await asyncio.to_thread(bridge.stop)  # what waits is sent, and answered in this loop
    assert figures['webhook_deliveries_total{event="pull_request",result="accepted"}'] == 1
    route = 'method="POST",route="/api/webhooks/github"'
    assert figures[f'api_requests_total{{{route},status="202"}}'] == 1
    assert figures[f"api_request_duration_seconds_count{{{route}}}"] == 1
    gone = 'api_requests_total{method="DELETE",route="/api/previews/{id}",status="404"}'
    assert figures[gone] == 1
    assert figures["github_rate_limit_left_requests"] > 0
    lines = [json.loads(line) for line in bridge.log().splitlines() if line.startswith("{")]
    delivery = _check_lines(lines, subject)
    _check_traces(collector.spans, subject, delivery)


def _check_lines(lines: list[dict[str, Any]], subject: str) -> str:
    """What came of the delivery carries its id, which is given."""
    (delivery,) = {line["delivery"] for line in lines if line["event"] == "delivery"}
    (applied,) = [line for line in lines if line["event"] == "preview applied"]
    assert (applied["delivery"], applied["subject"]) == (delivery, subject)
    (request,) = [line for line in lines if line["event"] == "request" and line["method"] == "DELETE"]
    assert request["request"]
    return str(delivery)


def _check_traces(spans: list[Collected], subject: str, delivery: str) -> None:
    """The answer to the delivery, the work that it led to, and the request are traced; reading is not."""
    assert {span.name for span in spans} >= {
        "POST /api/webhooks/github",
        "intake",
        "DELETE /api/previews/{id}",
    }
    assert not [span for span in spans if span.name.startswith("GET")]
    (work,) = [span for span in spans if span.name == "intake"]
    assert work.about == {"previewcloud.delivery": delivery, "previewcloud.subject": subject}
    assert (work.failed, work.service) == (False, "previewcloud-bridge")


async def _scraped(bridge: Bridge) -> dict[str, float]:
    """Every sample by name and labels in order, without our prefix; all of them are on the page."""
    async with aiohttp.ClientSession() as session, session.get(f"{bridge.url}/metrics") as answer:
        assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
        text = await answer.text()
    named = set(re.findall(r"^\| `(previewcloud_\w+)`", PAGE.read_text(), re.MULTILINE))
    figures = {}
    for family in text_string_to_metric_families(text):  # type: ignore[no-untyped-call]
        assert named & {family.name, f"{family.name}_total", f"{family.name}_info"}, family.name
        for sample in family.samples:
            labels = ",".join(f'{label}="{value}"' for label, value in sorted(sample.labels.items()))
            name = sample.name.removeprefix("previewcloud_")
            figures[f"{name}{{{labels}}}" if labels else name] = sample.value
    return figures
