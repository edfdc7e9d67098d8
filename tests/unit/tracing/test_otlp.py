"""Traces as a collector gets them, and what becomes of them where none answers."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable

import pytest
import structlog

from controller.api.errors import InvalidSpec
from controller.tracing import Tracer, open_tracing
from controller.tracing.otlp import BATCH, CLOSE_SECONDS, QUEUE, endpoint
from tests.standin.trace_collector import Collector

DEADLINE = 20.0
"""Far more than anything here takes; without a bound it would be for ever."""


def one_pass(tracer: Tracer) -> None:
    with tracer.trace("reconcile", {"preview": "default/pr-1"}) as span:
        with span.child("BuildImage", {"service": "web"}) as build:
            build.failed("BuildFailed")
        span.note({"slug": "pr-1"})


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(DEADLINE):
        while not holds():  # noqa: ASYNC110 - it is a thread that makes it true
            await asyncio.sleep(0.01)


async def test_spans_arrive_with_their_parent_what_is_known_of_them_and_how_they_failed() -> None:
    collector = Collector()
    async with collector.open() as url, open_tracing(url, "previewcloud-operator", "1.2.3") as tracer:
        one_pass(tracer)
    found = {span.name: span for span in collector.spans}
    root, build = found["reconcile"], found["BuildImage"]
    assert root.about == {"previewcloud.preview": "default/pr-1", "previewcloud.slug": "pr-1"}
    assert (root.parent, root.failed, root.service) == ("", False, "previewcloud-operator")
    assert (build.parent, build.trace) == (root.id, root.trace)
    assert build.about == {"previewcloud.service": "web", "previewcloud.reason": "BuildFailed"}
    assert (build.failed, build.message) == (True, "BuildFailed")


async def test_every_pass_is_a_trace_of_its_own_and_says_which() -> None:
    collector, told = Collector(), []
    async with collector.open() as url, open_tracing(url, "previewcloud-operator", "1.2.3") as tracer:
        for _ in range(2):
            with tracer.trace("reconcile", {}) as span:
                told.append(span.trace_id)
    assert len(set(told)) == 2
    assert [span.trace for span in collector.spans] == told


async def test_a_collector_that_is_away_is_told_of_once_and_loses_no_time_and_no_memory(
    unused_tcp_port: int, caplog: pytest.LogCaptureFixture
) -> None:
    with structlog.testing.capture_logs() as lines:
        async with (
            asyncio.timeout(DEADLINE),
            open_tracing(f"http://127.0.0.1:{unused_tcp_port}", "previewcloud-operator", "1") as tracer,
        ):
            for _ in range(3 * QUEUE):
                one_pass(tracer)
    assert caplog.records == []
    assert [line["event"] for line in lines] == ["traces are lost: their collector does not take them"]
    assert lines[0]["host"] == "127.0.0.1"


async def test_one_that_answers_again_gets_what_comes_after() -> None:
    collector = Collector()
    collector.status = 400
    with structlog.testing.capture_logs() as lines:
        async with collector.open() as url, open_tracing(url, "previewcloud-operator", "1") as tracer:
            for refused in range(1, 4):
                for _ in range(BATCH // 2):  # each with its child: as many spans as are sent at once
                    one_pass(tracer)
                await until(lambda refused=refused: collector.requests >= refused and lines)
            collector.status = 200
            for _ in range(BATCH):
                one_pass(tracer)
    assert collector.spans
    assert [line["log_level"] for line in lines] == ["warning", "info"]
    assert lines[1]["lost"] >= BATCH


async def test_one_that_hangs_does_not_hold_up_the_end() -> None:
    collector = Collector()
    collector.hangs = True
    loop = asyncio.get_running_loop()
    async with collector.open() as url:
        async with open_tracing(url, "previewcloud-operator", "1") as tracer:
            one_pass(tracer)
            began = loop.time()
        took = loop.time() - began
    assert took < CLOSE_SECONDS + DEADLINE
    assert all(thread.daemon for thread in threading.enumerate() if "Otel" in thread.name)


@pytest.mark.parametrize(
    ("url", "where"),
    [
        ("http://collector:4318", "http://collector:4318/v1/traces"),
        ("https://collector/", "https://collector/v1/traces"),
        ("https://collector/tenant/v1/traces", "https://collector/tenant/v1/traces"),
    ],
)
def test_a_url_without_a_path_gets_the_usual_one(url: str, where: str) -> None:
    assert endpoint(url) == where


@pytest.mark.parametrize("url", ["collector:4318", "grpc://collector:4317", "http://"])
def test_what_is_no_such_url_is_refused(url: str) -> None:
    with pytest.raises(InvalidSpec, match="TRACES_URL"):
        endpoint(url)


def test_who_does_not_trace_does_not_load_what_sends_traces() -> None:
    program = (
        "import asyncio, sys, controller.assembly, webhook.app\n"
        "from controller.tracing import open_tracing\n"
        "async def main():\n"
        "    async with open_tracing('', 'x', '1') as tracer:\n"
        "        with tracer.trace('a', {}) as span, span.child('b', {}) as child:\n"
        "            child.failed('no')\n"
        "            assert span.trace_id == ''\n"
        "asyncio.run(main())\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry.exporter')])\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"
