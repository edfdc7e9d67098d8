"""Deliveries to a real server on loopback: what is answered, logged and counted, also of hostile ones."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.webhook import payloads
from tests.unit.webhook.payloads import NO_COMMIT, signature, signed
from tests.unit.webhook.receiving import ACCEPTED, GOOD, MARK, UNCHANGED, Bridge, running
from webhook.github.delivery import Secrets


@pytest.fixture
async def bridge() -> AsyncIterator[Bridge]:
    async for one in running(Bridge()):
        yield one


class TestAnswers:
    async def test_what_is_accepted_is_said_logged_and_counted(self, bridge: Bridge) -> None:
        status, answer = await bridge.post(GOOD, signed(GOOD, delivery="72d3162e-cc78"))
        assert status == 202
        assert answer == {
            "success": True,
            "data": {"outcome": "accepted", "message": ACCEPTED.message, "delivery": "72d3162e-cc78"},
        }
        assert [delivery.id for delivery in bridge.taken] == ["72d3162e-cc78"]
        assert bridge.counted == [("pull_request", "accepted")]
        assert bridge.log == [
            {
                "event": "delivery",
                "log_level": "info",
                "github_event": "pull_request",
                "action": "synchronize",
                "repository": "acme/shop",
                "delivery": "72d3162e-cc78",
                "outcome": "accepted",
                "reason": "",
            }
        ]

    async def test_what_leads_to_nothing_says_why(self, bridge: Bridge) -> None:
        bridge.answer = UNCHANGED
        status, answer = await bridge.deliver(payloads.push(), "push")
        assert status == 202
        assert answer["data"]["outcome"] == "ignored"
        assert answer["data"]["reason"] == "Unchanged"
        assert answer["data"]["message"] == UNCHANGED.message
        assert bridge.log[0]["reason"] == "Unchanged"
        assert bridge.counted == [("push", "ignored")]

    async def test_a_ping_is_answered_with_200(self, bridge: Bridge) -> None:
        assert (await bridge.deliver(payloads.ping(), "ping"))[0] == 200

    @pytest.mark.parametrize(
        ("payload", "event"),
        [
            (payloads.pull_request("closed", head_repo=None), "pull_request"),
            (payloads.pull_request("opened", ref="@{-1}/..\\\u202e"), "pull_request"),
            (payloads.push(files=[f"src/{number}.py" for number in range(3000)]), "push"),
            (payloads.push(commits=3000), "push"),
            (payloads.push(after=NO_COMMIT), "push"),
            ({"action": "renamed", "repository": payloads.repository("acme/store")}, "repository"),
        ],
        ids=["null head.repo", "odd ref", "3000 files", "3000 commits", "deleted branch", "renamed"],
    )
    async def test_what_is_rare_is_taken(self, bridge: Bridge, payload: object, event: str) -> None:
        assert (await bridge.deliver(payload, event))[0] == 202
        assert bridge.taken[0].name == event


FORM = {"Content-Type": "application/x-www-form-urlencoded"}
DEEP = b"[" * 200_000
NOT_UTF_8 = GOOD.replace(b"tins", b"\xff\xfe\xff\xfe", 1)
WRONG_FIELD = GOOD.replace(b'"state":"open"', f'"state":"{MARK}"'.encode(), 1)


class TestHostileDeliveries:
    @pytest.mark.parametrize(
        ("status", "code", "body", "changes"),
        [
            (401, "SignatureMissing", GOOD, {"X-Hub-Signature-256": "", "X-Hub-Signature": ""}),
            (401, "SignatureOutdated", GOOD, {"X-Hub-Signature-256": ""}),
            (401, "SignatureMalformed", GOOD, {"X-Hub-Signature-256": f"sha256={MARK}"}),
            (401, "SignatureMalformed", GOOD, {"X-Hub-Signature-256": "sha256=\u00e9"}),
            (401, "SignatureWrong", GOOD, {"X-Hub-Signature-256": signature(GOOD, "guessed")}),
            (415, "ContentTypeWrong", b"payload=%7B%7D", FORM),
            (415, "BodyEncoded", gzip.compress(GOOD), {"Content-Encoding": "gzip"}),
            (400, "EventMissing", GOOD, {"X-GitHub-Event": ""}),
            (400, "EventMissing", GOOD, {"X-GitHub-Event": f"{MARK}!"}),
            (400, "DeliveryMissing", GOOD, {"X-GitHub-Delivery": ""}),
            (400, "BodyInvalid", b"", {}),
            (400, "BodyInvalid", DEEP, {}),
            (400, "BodyInvalid", NOT_UTF_8, {}),
            (422, "PayloadUnexpected", b"null", {}),
            (422, "PayloadUnexpected", WRONG_FIELD, {}),
        ],
    )
    async def test_are_refused_and_told_why(
        self, bridge: Bridge, status: int, code: str, body: bytes, changes: dict[str, str]
    ) -> None:
        headers = {name: text for name, text in (signed(body) | changes).items() if text}
        answer = await bridge.post(body, headers)
        assert answer[0] == status
        assert answer[1]["success"] is False
        assert answer[1]["error"]["code"] == code
        assert MARK not in str(answer)
        assert bridge.taken == []
        assert bridge.counted == [(headers.get("X-GitHub-Event", "").rstrip(f"{MARK}!"), code)]
        (line,) = bridge.log
        assert (line["outcome"], line["reason"], line["address"]) == ("refused", code, "127.0.0.1")
        assert MARK not in str(line)
        await bridge.still_answers()

    async def test_without_a_secret_even_a_signed_one_is_refused(self) -> None:
        async for bridge in running(Bridge(secrets=Secrets())):
            status, answer = await bridge.post(GOOD, signed(GOOD))
            assert (status, answer["error"]["code"]) == (503, "WebhookSecretMissing")
            assert bridge.taken == []

    async def test_the_secret_may_be_changed_without_losing_one(self) -> None:
        async for bridge in running(Bridge(secrets=Secrets(b"new", b"old"))):
            for secret, status in (("old", 202), ("new", 202), ("older", 401)):
                assert (await bridge.post(GOOD, signed(GOOD, secret)))[0] == status


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(
    bodies=st.lists(st.binary() | anything.map(lambda value: json.dumps(value).encode()), max_size=10),
    event=st.sampled_from(["pull_request", "push", "issue_comment", "ping", "repository"]),
)
def test_whatever_is_signed_is_never_answered_with_5xx(bodies: list[bytes], event: str) -> None:
    async def send() -> None:
        async for bridge in running(Bridge()):
            for body in bodies:
                status, answer = await bridge.post(body, signed(body, event=event))
                assert status < 500
                assert answer["success"] is (status < 300)
            await bridge.still_answers()

    asyncio.run(send())
