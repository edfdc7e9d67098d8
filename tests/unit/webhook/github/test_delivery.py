"""Deliveries: what is read of headers and body, and what a refusal says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from multidict import CIMultiDict
from pydantic import ValidationError

from tests.unit.webhook import payloads
from tests.unit.webhook.payloads import BASE, HEAD, NO_COMMIT, SECRET, encoded, signed
from webhook.github.delivery import Delivery, Refused, Secrets, identified, parse, verify
from webhook.github.events import CommentEvent, OtherEvent, PingEvent, PullRequestEvent, PushEvent

CURRENT = Secrets(SECRET.encode())
BODY = b'{"zen": "Mind your words."}'
MARK = "hunter2-of-the-sender"


def read(payload: object, event: str = "pull_request") -> Delivery:
    body = encoded(payload)
    return parse(CIMultiDict(signed(body, event=event)), body)


def unread(body: bytes, event: str = "pull_request", **headers: str) -> Refused:
    sent = CIMultiDict(signed(body, event=event))
    sent.update({name.replace("_", "-"): value for name, value in headers.items()})
    with pytest.raises(Refused) as caught:
        parse(sent, body)
    return caught.value


def changed(payload: Any, path: str, value: object) -> bytes:
    """The payload with another value at a dotted path."""
    *parents, last = path.split(".")
    place = payload
    for name in parents:
        place = place[name]
    place[last] = value
    return encoded(payload)


class TestEvents:
    def test_a_pull_request_is_read(self) -> None:
        delivery = read(payloads.pull_request("labeled", labels=["a", "preview-ok"], label_name="preview-ok"))
        event = delivery.event
        assert isinstance(event, PullRequestEvent)
        assert (event.action, event.pull_request.number) == ("labeled", 42)
        assert (event.pull_request.head.sha, event.pull_request.base.sha) == (HEAD, BASE)
        assert event.pull_request.label_names == {"a", "preview-ok"}
        assert event.label is not None
        assert event.label.name == "preview-ok"
        assert (delivery.name, delivery.action, delivery.repository) == (
            "pull_request",
            "labeled",
            "acme/shop",
        )

    def test_the_head_of_a_fork_that_was_deleted_is_null(self) -> None:
        event = read(payloads.pull_request("closed", head_repo=None)).event
        assert isinstance(event, PullRequestEvent)
        assert event.pull_request.head.repo is None
        assert event.pull_request.closed_at is not None

    def test_an_edit_into_another_branch_is_told(self) -> None:
        edited = {"base": {"ref": {"from": "main"}, "sha": {"from": BASE}}}
        event = read(payloads.pull_request("edited", edited=edited)).event
        assert isinstance(event, PullRequestEvent)
        assert event.changes is not None
        assert event.changes.base is not None

    @pytest.mark.parametrize("ref", ["a" * 255, "-x", "dépôt/ü#1", "a b", "refs/heads/x", "@{u}", "\u202ex"])
    def test_odd_refs_are_read(self, ref: str) -> None:
        event = read(payloads.pull_request("opened", ref=ref)).event
        assert isinstance(event, PullRequestEvent)
        assert event.pull_request.head.ref == ref

    def test_a_push_of_three_thousand_commits_and_files_is_read(self) -> None:
        event = read(payloads.push(commits=3000), "push").event
        assert isinstance(event, PushEvent)
        assert len(event.commits) == 3000
        many = read(payloads.push(files=[f"src/{n}.py" for n in range(3000)]), "push").event
        assert isinstance(many, PushEvent)
        assert len(many.commits[0].modified) == 3000

    def test_a_deleted_branch_is_read(self) -> None:
        event = read(payloads.push(after=NO_COMMIT), "push").event
        assert isinstance(event, PushEvent)
        assert event.deleted
        assert event.commits == ()

    def test_a_comment_and_a_ping_are_read(self) -> None:
        delivery = read(payloads.issue_comment("/preview pin"), "issue_comment")
        assert isinstance(delivery.event, CommentEvent)
        assert delivery.event.comment.body == "/preview pin"
        assert delivery.event.issue.pull_request is not None
        assert (delivery.action, delivery.repository) == ("created", "acme/shop")
        plain = read(payloads.issue_comment("/preview", on_pull=False), "issue_comment").event
        assert isinstance(plain, CommentEvent)
        assert plain.issue.pull_request is None
        ping = read(payloads.ping(), "ping")
        assert isinstance(ping.event, PingEvent)
        assert (ping.action, ping.repository) == (None, None)

    def test_a_renamed_repository_and_any_unknown_event_mean_nothing(self) -> None:
        renamed = {"action": "renamed", "changes": {"repository": {"name": {"from": "old"}}}}
        delivery = read(renamed, "repository")
        assert delivery.event == OtherEvent(name="repository")
        assert read([], "no_such_event").event == OtherEvent(name="no_such_event")


class TestRefusals:
    @pytest.mark.parametrize("name", ["", "Pull Request", "a" * 65, "push\x00", "pûsh"])
    def test_an_event_without_a_proper_name_is_refused(self, name: str) -> None:
        error = unread(BODY, X_GitHub_Event=name)
        assert (error.status, error.code) == (400, "EventMissing")

    @pytest.mark.parametrize("delivery", ["", "a" * 65, "one two", "x\nlevel=error"])
    def test_a_delivery_without_a_proper_id_is_refused(self, delivery: str) -> None:
        error = unread(BODY, X_GitHub_Delivery=delivery)
        assert (error.status, error.code) == (400, "DeliveryMissing")

    def test_missing_headers_are_refused(self) -> None:
        with pytest.raises(Refused) as caught:
            parse({}, BODY)
        assert (caught.value.status, caught.value.code) == (400, "EventMissing")
        assert identified({}) == (None, None)

    def test_a_form_is_told_to_become_json(self) -> None:
        error = unread(b"payload=%7B%7D", Content_Type="application/x-www-form-urlencoded")
        assert (error.status, error.code) == (415, "ContentTypeWrong")
        assert "form-encoded" in error.message
        assert "application/json" in error.message
        assert unread(BODY, Content_Type="").status == 415

    def test_a_content_type_may_have_a_charset_and_any_case(self) -> None:
        headers = signed(BODY, event="ping") | {"Content-Type": "Application/JSON; charset=utf-8"}
        assert parse(headers, BODY).name == "ping"

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"not json",
            b'{"zen": "half',
            b'{"zen": "\xff\xfe"}',
            b'{"ignored \xc3": 1}',
            b'{"zen": "\\ud800"}',
            b"\xef\xbb\xbf{}",
            b"[" * 1_000_000,
            b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
            b'{"ignored": ' + b"9" * 5000 + b"}",
        ],
    )
    def test_what_is_no_sane_json_is_refused(self, body: bytes) -> None:
        error = unread(body, "ping")
        assert (error.status, error.code) == (400, "BodyInvalid")
        assert len(error.message) < 200

    @pytest.mark.parametrize("body", [b"null", b"[]", b"7", b'"text"', b"NaN"])
    def test_json_that_is_no_object_is_refused(self, body: bytes) -> None:
        assert unread(body, "ping").status == 422

    @pytest.mark.parametrize(
        ("path", "value"),
        [
            ("pull_request.number", 0),
            ("pull_request.number", 10**30),
            ("pull_request.head.sha", MARK),
            ("pull_request.head.sha", HEAD.upper()),
            ("pull_request.head.sha", HEAD + "\n"),
            ("pull_request.state", MARK),
            ("pull_request.updated_at", "2026-11-24T10:00:00"),
            ("pull_request.updated_at", "9999-12-31T23:59:59-23:59"),
            ("pull_request.updated_at", 1e300),
            ("pull_request.base.repo.full_name", f"acme/../{MARK}"),
            ("repository.full_name", "acme/.."),
            ("repository.full_name", None),
            ("repository.clone_url", f"ssh://{MARK}"),
            ("sender.login", ""),
            ("action", f"opened {MARK}"),
            ("pull_request.labels", {"name": MARK}),
        ],
    )
    def test_a_field_of_another_form_is_named_and_not_repeated(self, path: str, value: object) -> None:
        error = unread(changed(payloads.pull_request("opened"), path, value))
        assert (error.status, error.code) == (422, "PayloadUnexpected")
        assert f"{path}: " in error.message
        assert MARK not in error.message

    def test_a_field_that_is_missing_is_named(self) -> None:
        payload = payloads.pull_request("opened")
        del payload["pull_request"]["head"]
        assert "pull_request.head: " in unread(encoded(payload)).message

    def test_of_many_wrong_fields_a_few_are_named(self) -> None:
        pull = dict.fromkeys(payloads.pull(), MARK)
        message = unread(changed(payloads.pull_request("opened"), "pull_request", pull)).message
        assert message.count("pull_request.") == 5

    @pytest.mark.parametrize(
        ("model", "payload", "path", "value"),
        [
            (PushEvent, payloads.push(), "commits", [1] * 1000),
            (PushEvent, payloads.push(), "commits", [{"added": [1] * 1000}]),
            (PushEvent, payloads.push(), "commits", [{"modified": [1] * 1000}]),
            (PushEvent, payloads.push(), "commits", [{"removed": [1] * 1000}]),
            (PullRequestEvent, payloads.pull_request("opened"), "pull_request.labels", [1] * 1000),
        ],
    )
    def test_a_list_is_left_at_its_first_wrong_element(
        self, model: type[PushEvent | PullRequestEvent], payload: object, path: str, value: object
    ) -> None:
        with pytest.raises(ValidationError) as caught:
            model.model_validate_json(changed(payload, path, value))
        assert caught.value.error_count() == 1

    def test_numbers_that_no_id_can_be_are_refused(self) -> None:
        body = encoded(payloads.issue_comment("/preview", comment_id=2**63))
        assert "comment.id: " in unread(body, "issue_comment").message


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
names = st.sampled_from(["pull_request", "push", "issue_comment", "ping", "repository"])


SAMPLES = [
    ("pull_request", encoded(payloads.pull_request("opened", labels=["x"]))),
    ("push", encoded(payloads.push())),
    ("issue_comment", encoded(payloads.issue_comment("/preview"))),
]


class TestAnything:
    @settings(deadline=None, derandomize=True, database=None)
    @given(body=st.binary(), event=names)
    def test_bytes_are_read_or_refused(self, body: bytes, event: str) -> None:
        taken_or_refused(body, event)

    @settings(deadline=None, derandomize=True, database=None, max_examples=50)
    @given(value=anything, event=names)
    def test_json_is_read_or_refused(self, value: object, event: str) -> None:
        taken_or_refused(json.dumps(value).encode(), event)

    @settings(deadline=None, derandomize=True, database=None, max_examples=50)
    @given(
        sample=st.sampled_from(SAMPLES),
        value=anything,
        steps=st.lists(st.integers(0, 60), min_size=1, max_size=4),
    )
    def test_a_real_payload_with_anything_anywhere_is_read_or_refused(
        self, sample: tuple[str, bytes], value: object, steps: list[int]
    ) -> None:
        event, body = sample
        whole = place = json.loads(body)
        *through, last = steps
        for step in through:
            inner = list(place.values()) if isinstance(place, dict) else place
            inner = [one for one in inner if isinstance(one, dict | list) and one]
            place = inner[step % len(inner)] if inner else place
        keys = list(place) if isinstance(place, dict) else range(len(place))
        place[keys[last % len(keys)]] = value
        taken_or_refused(json.dumps(whole).encode(), event)


def taken_or_refused(body: bytes, event: str) -> None:
    headers = signed(body, event=event)
    verify(body, headers, CURRENT)
    try:
        parse(headers, body)
    except Refused as error:
        assert error.status in {400, 415, 422}
