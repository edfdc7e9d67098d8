"""The bridge's entries on their way to the operator: soon, in turn, once; and an operator that is away."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from controller.api.names import INCARNATION_ANNOTATION
from controller.api.preview import Preview
from controller.logs.handed import HandedBatch
from controller.logs.protocol import LogType
from tests.unit.controller.manual_clock import ManualClock, drain
from tests.unit.webhook.feedback.examples import preview, running
from webhook.logs.handover import Handover, HandoverSettings
from webhook.logs.told import Said

ADA = "ada"


class Operator:
    """Takes batches, or not."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.status = 204
        self.hangs = False
        self.batches: list[HandedBatch] = []
        self.slugs: dict[str, str] = {}
        numbers = itertools.count(1)
        self.handover = Handover(
            self.post, self.clock, self.slug_of, lambda: f"batch-{next(numbers):04}", HandoverSettings()
        )

    async def post(self, body: str) -> int:
        batch = HandedBatch.model_validate_json(body)
        self.batches.append(batch)
        if self.hangs:
            await asyncio.Event().wait()
        return self.status

    def slug_of(self, one: Preview) -> str | None:
        return one.slug or self.slugs.get(one.metadata.name)

    def tell(self, message: str, one: Preview | None = None, **more: Any) -> None:
        self.handover.tell(one or running(preview()), Said(message, ADA, **more))

    @property
    def messages(self) -> list[str]:
        """What came, each batch once however often it was sent."""
        batches = {batch.id: batch for batch in self.batches}
        return [entry.message for batch in batches.values() for entry in batch.entries]


@pytest.fixture
async def operator() -> AsyncIterator[Operator]:
    made = Operator()
    made.handover.start()
    yield made
    made.hangs, made.status = False, 204
    await made.handover.close()


def unnamed(name: str = "acme-shop-pr-42") -> Preview:
    """A Preview that the operator has not given its slug yet."""
    made = preview()
    metadata = made.metadata.model_copy(update={"name": name, "annotations": {}})
    return made.model_copy(update={"metadata": metadata, "status": type(made.status)()})


async def test_what_is_told_is_handed_over_within_200_ms_in_turn(operator: Operator) -> None:
    operator.tell("one")
    operator.tell("two", type=LogType.DEPLOY, via="webhook")
    await operator.clock.advance(0.2)
    (batch,) = operator.batches
    first, second = (handed.entry() for handed in batch.entries)
    assert (first.message, first.type, first.metadata) == ("one", LogType.SYSTEM, {"by": ADA})
    assert (second.message, second.type) == ("two", LogType.DEPLOY)
    assert second.metadata == {"by": ADA, "via": "webhook"}
    one = running(preview())
    assert (first.key, first.preview_id, first.pr_number) == (one.log_key, one.slug, 42)
    assert first.created_at.second == 0


async def test_what_comes_while_a_batch_is_on_its_way_follows_it(operator: Operator) -> None:
    operator.tell("one")
    await operator.clock.advance(0.2)
    operator.tell("two")
    await operator.clock.advance(0.2)
    assert operator.messages == ["one", "two"]


async def test_an_operator_that_is_away_gets_the_same_batch_again(operator: Operator) -> None:
    operator.status = 0
    operator.tell("one")
    await operator.clock.advance(20)
    operator.tell("two")
    operator.status = 204
    await operator.clock.advance(5)
    assert len({batch.id for batch in operator.batches[:-1]}) == 1
    assert len(operator.batches) > 3
    assert operator.messages == ["one", "two"]


async def test_nothing_is_dropped_for_a_minute_then_it_is_counted_and_said(operator: Operator) -> None:
    operator.status = 503
    for number in range(7):
        operator.tell(f"old {number}")
    with capture_logs() as logs:
        await operator.clock.advance(59)
        assert [each for each in logs if "dropped" in each["event"]] == []
        operator.tell("new")
        await operator.clock.advance(5)
        operator.status = 204
        await operator.clock.advance(5)
        assert [each["count"] for each in logs if "dropped" in each["event"]] == [7]
    assert [entry.message for entry in operator.batches[-1].entries] == ["new"]


async def test_too_much_for_an_operator_that_hangs_is_dropped_and_holds_nobody_up() -> None:
    operator = Operator()
    operator.handover.start()
    operator.hangs = True
    for number in range(12_000):
        operator.tell(f"line {number}")
    await operator.clock.advance(1)
    operator.hangs = False
    with capture_logs() as logs:
        await operator.handover.close()
    (dropped,) = [each["count"] for each in logs if "dropped" in each["event"]]
    assert dropped == 7000
    assert operator.messages == [f"line {number}" for number in range(7000, 12_000)]


@pytest.mark.parametrize("status", [413, 422])
async def test_a_batch_that_is_refused_does_not_hold_up_the_next(operator: Operator, status: int) -> None:
    operator.status = status
    operator.tell("refused")
    with capture_logs() as logs:
        await operator.clock.advance(1)
    assert [each["count"] for each in logs if "dropped" in each["event"]] == [1]
    operator.status = 204
    operator.tell("next")
    await operator.clock.advance(1)
    assert [entry.message for entry in operator.batches[-1].entries] == ["next"]


async def test_what_is_said_of_a_new_preview_waits_for_its_slug_and_holds_up_no_other(
    operator: Operator,
) -> None:
    new = unnamed()
    operator.tell("opened", new)
    operator.tell("another's")
    await operator.clock.advance(1)
    assert operator.messages == ["another's"]
    operator.slugs[new.metadata.name] = "pr-42x0a1b2c"
    await operator.clock.advance(1)
    assert operator.messages == ["another's", "opened"]
    assert operator.batches[-1].entries[0].preview_id == "pr-42x0a1b2c"


async def test_where_no_slug_comes_the_likely_one_is_named(operator: Operator) -> None:
    operator.tell("opened", unnamed())
    await operator.clock.advance(10)
    assert [entry.preview_id for entry in operator.batches[-1].entries] == ["pr-42"]


async def test_what_waits_at_the_end_is_handed_over_and_nothing_twice() -> None:
    operator = Operator()
    operator.handover.start()
    operator.hangs = True
    operator.tell("one")
    await operator.clock.advance(1)
    operator.hangs = False
    operator.tell("two")
    await operator.handover.close()
    assert operator.messages == ["one", "two"]
    assert len({batch.id for batch in operator.batches}) == 2


async def test_an_end_without_an_operator_is_short_and_says_what_was_lost() -> None:
    operator = Operator()
    operator.handover.start()
    operator.status = 0
    operator.tell("one")
    with capture_logs() as logs:
        await operator.handover.close()
    assert [each["count"] for each in logs if "dropped" in each["event"]] == [1]


async def test_a_preview_whose_annotations_are_no_name_for_a_log_holds_up_no_other(
    operator: Operator,
) -> None:
    odd = running(preview())
    metadata = odd.metadata.model_copy(update={"annotations": {INCARNATION_ANNOTATION: "a b"}})
    operator.tell("lost", odd.model_copy(update={"metadata": metadata}))
    operator.tell("kept")
    await operator.clock.advance(1)
    assert operator.messages == ["kept"]


async def test_long_words_are_cut_and_go_in_several_batches(operator: Operator) -> None:
    for _ in range(40):
        operator.tell("ü" * 20_000)
    operator.handover.tell(running(preview()), replace(Said("end", ADA), by="x" * 900))
    await operator.clock.advance(10)
    await drain()
    assert len(operator.messages) == 41
    assert {len(message) for message in operator.messages[:40]} == {16_384}
    assert all(len(batch.model_dump_json().encode()) < 1024 * 1024 for batch in operator.batches)
