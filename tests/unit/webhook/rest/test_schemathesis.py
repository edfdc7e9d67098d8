"""Every operation is called with what its own description allows, and with what it forbids."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from controller.logs.archive import memory_archive
from tests.unit.webhook.rest.log_lines import say_many
from tests.unit.webhook.rest.world import running
from webhook.rest.openapi import document

API = schemathesis.openapi.from_dict(json.loads(document("")))
EXAMPLES = 10
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[str, str]]:
    """Address and token of an API with some previews, in a thread of its own."""
    ready, stop = threading.Event(), threading.Event()
    found: list[str] = []

    async def serve() -> None:
        limits = {"api_rate": 1_000_000, "address_rate": 1_000_000}
        async with running(archive=memory_archive(), **limits) as world:
            for number in range(40, 44):
                await say_many(world, (await world.made(number)).log_key, 120)
            found.extend((str(world.client.make_url("")), world.token()))
            ready.set()
            await asyncio.to_thread(stop.wait)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert ready.wait(20)
    yield found[0], found[1]
    stop.set()
    thread.join()


@API.parametrize()
@settings(max_examples=EXAMPLES, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_answer_is_as_the_description_says(case: schemathesis.Case, served: tuple[str, str]) -> None:
    address, token = served
    if "id" in case.path_parameters and len(str(case.path_parameters["id"])) % 2:
        case.path_parameters["id"] = "pr-43" if case.method == "DELETE" else "pr-42"
    case.call_and_validate(
        base_url=address.rstrip("/"), headers={"Authorization": f"Bearer {token}"}, checks=CHECKS
    )
