"""What those who run the operator see of a preview's life: figures, lines and traces of the real thing."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from tests.integration.operator.app import files
from tests.integration.operator.polling import until
from tests.integration.operator.process import Operator
from tests.integration.operator.space import Space
from tests.standin.trace_collector import Collected, Collector

PAGE = Path(__file__).parents[3] / "docs/metrics.md"
MARK = "the-flux-is-missing"
Figures = Mapping[str, float]

MOVED = (
    'reconciles_total{result="changed",trigger="created"}',
    'reconciles_total{result="changed",trigger="changed"}',
    'reconciles_total{result="failed",trigger="changed"}',
    'reconciles_total{result="removed",trigger="deleted"}',
    'reconcile_duration_seconds_count{result="changed"}',
    *(
        f'stage_duration_seconds_count{{stage="{stage}"}}'
        for stage in ("source", "build", "database", "start", "ready", "route", "remove")
    ),
    'builds_total{result="built"}',
    'builds_total{result="failed"}',
    "build_duration_seconds_count",
    *(
        f'api_writes_total{{kind="{kind}",result="ok"}}'
        for kind in ("preview", "preview_status", "secret", "event")
    ),
    'engine_calls_total{operation="container_create",result="ok"}',
    'engine_calls_total{operation="container_start",result="ok"}',
    'engine_calls_total{operation="container_remove",result="ok"}',
    'engine_calls_total{operation="image_inspect",result="not_found"}',
    'engine_calls_total{operation="build",result="ok"}',
    'engine_calls_total{operation="session",result="ok"}',
    'engine_call_duration_seconds_count{operation="container_create"}',
    *(
        f'log_entries_total{{type="{kind}"}}'
        for kind in ("build", "deploy", "container", "database", "system")
    ),
)


@pytest.mark.timeout(300)
async def test_a_life_is_counted_logged_and_traced(space: Space, operator: Operator) -> None:
    collector = Collector()
    known = len(operator.log.read_text(errors="replace"))
    async with collector.open() as url:
        with operator.restarted(LOG_FORMAT="json", TRACES_URL=url):
            before = await _scraped()
            uid = await _life(space)
            after = await until(_scraped, 30, lambda found: not _still(before, found))
            await asyncio.to_thread(operator.stop)  # what waits is sent, and answered in this loop
        lines = _lines(operator.log.read_text(errors="replace")[known:])
    assert after["builds_running"] == after["queue_length"] == 0
    assert after['engine_calls_total{operation="other",result="ok"}'] == 0
    _check_lines(lines, str(space.key("life")), uid)
    _check_traces(collector.spans, str(space.key("life")), uid)
    assert MARK not in str(collector.spans)


async def _life(space: Space) -> str:
    """A preview is created, updated, pushed something that cannot be built, and deleted; gives its UID."""
    repository = space.repository()
    source = space.source(repository, repository.commit(files(database=True)))
    await space.create("life", {"source": source})
    await space.ready("life")
    await space.push("life", repository.commit(files(database=True, env={"SECOND": "1"})))
    seen = await space.ready("life")
    await space.push("life", repository.commit(files(lines=(f"RUN echo {MARK}; exit 7",), database=True)))
    await space.stalled("life")
    await space.delete("life")
    await space.gone("life")
    return str(seen.body["metadata"]["uid"])


def _still(before: Figures, after: Figures) -> list[str]:
    """What should have moved and has not."""
    return [name for name in MOVED if after.get(name, 0) <= before.get(name, 0)]


async def _scraped() -> Figures:
    """Every sample by name and labels in order, without our prefix; all of them are on the page."""
    found = await until(_text, 30)
    named = set(re.findall(r"^\| `(previewcloud_\w+)`", PAGE.read_text(), re.MULTILINE))
    figures: dict[str, float] = {'engine_calls_total{operation="other",result="ok"}': 0}
    for family in text_string_to_metric_families(found):  # type: ignore[no-untyped-call]
        assert named & {family.name, f"{family.name}_total", f"{family.name}_info"}, family.name
        for sample in family.samples:
            labels = ",".join(f'{label}="{value}"' for label, value in sorted(sample.labels.items()))
            name = sample.name.removeprefix("previewcloud_")
            figures[f"{name}{{{labels}}}" if labels else name] = sample.value
    return figures


async def _text() -> str:
    """What the operator shows; empty while it is not there."""
    try:
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://{os.environ['METRICS_LISTEN']}/metrics") as answer,
        ):
            assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
            return await answer.text()
    except aiohttp.ClientError:
        return ""


def _lines(text: str) -> list[dict[str, Any]]:
    """The operator's lines since it writes JSON: every one of them is."""
    lines = text.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("{"))
    last = max(number for number, line in enumerate(lines) if line.startswith("{"))
    return [json.loads(line) for line in lines[first : last + 1]]


def _check_lines(lines: list[dict[str, Any]], preview: str, uid: str) -> None:
    """Lines about the preview say of which pass they are."""
    mine = [line for line in lines if line.get("preview") == preview]
    assert {line["uid"] for line in mine} == {uid}
    told = {(line["event"], line["trigger"]) for line in mine if "trigger" in line}
    assert {("serving", "created"), ("serving", "changed"), ("failed", "changed")} <= told
    assert ("gone", "deleted") in told
    passes = {line["reconcile"]: line["trace_id"] for line in mine if "reconcile" in line}
    assert len(passes) == len(set(passes.values())) >= 4
    assert all(re.fullmatch("[0-9a-f]{16}", name) for name in passes)


def _check_traces(spans: list[Collected], preview: str, uid: str) -> None:
    """Every pass is a trace, every action a span in it."""
    roots = {
        span.trace: span
        for span in spans
        if span.about.get("previewcloud.preview") == preview and not span.parent
    }
    ends = {
        (span.about["previewcloud.trigger"], span.about["previewcloud.result"]) for span in roots.values()
    }
    assert {
        ("created", "changed"),
        ("changed", "changed"),
        ("changed", "failed"),
        ("deleted", "removed"),
    } <= ends
    assert {span.about["previewcloud.uid"] for span in roots.values()} == {uid}
    assert len({span.about["previewcloud.slug"] for span in roots.values()}) == 1
    parts = [span for span in spans if span.trace in roots and span.parent]
    assert all(span.parent == roots[span.trace].id for span in parts)
    wanted = {
        "ReadSource",
        "BuildImage",
        "CreateDatabase",
        "Migrate",
        "AwaitReady",
        "Publish",
        "DropDatabase",
    }
    assert wanted <= {span.name for span in parts}
    (broken,) = [span for span in parts if span.failed]
    assert (broken.name, broken.message) == ("BuildImage", "BuildFailed")
    assert broken.about["previewcloud.service"] == "web"
