"""Whose signature counts, and what a refusal says."""

from __future__ import annotations

import hashlib
import hmac
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from multidict import CIMultiDict

from tests.unit.webhook.payloads import SECRET, signature, signed
from webhook.github.refusal import Refused
from webhook.github.signature import Secrets, verify

CURRENT = Secrets(SECRET.encode())
BODY = b'{"zen": "Mind your words."}'
MARK = "hunter2-of-the-sender"


def refused(headers: dict[str, str], body: bytes = BODY, secrets: Secrets = CURRENT) -> Refused:
    with pytest.raises(Refused) as caught:
        verify(body, CIMultiDict(headers), secrets)
    return caught.value


class TestSignature:
    def test_the_current_and_the_previous_secret_are_both_believed(self) -> None:
        both = Secrets(b"new", b"old")
        verify(BODY, signed(BODY, "new"), both)
        verify(BODY, signed(BODY, "old"), both)
        assert refused(signed(BODY, "older"), secrets=both).code == "SignatureWrong"

    def test_the_previous_secret_alone_is_believed(self) -> None:
        verify(BODY, signed(BODY, "old"), Secrets(b"", b"old"))

    def test_names_of_headers_are_read_in_any_case(self) -> None:
        verify(BODY, CIMultiDict({"x-hub-signature-256": signature(BODY)}), CURRENT)

    def test_one_changed_byte_is_refused(self) -> None:
        error = refused(signed(BODY), BODY + b" ")
        assert (error.status, error.code) == (401, "SignatureWrong")

    def test_the_bytes_count_and_not_the_json(self) -> None:
        spaced = json.dumps(json.loads(BODY), indent=1).encode()
        assert refused(signed(BODY), spaced).code == "SignatureWrong"

    def test_no_signature_is_said(self) -> None:
        error = refused({})
        assert (error.status, error.code) == (401, "SignatureMissing")
        assert "X-Hub-Signature-256" in error.message

    def test_sha_1_alone_is_said_even_when_it_is_right(self) -> None:
        right = "sha1=" + hmac.new(SECRET.encode(), BODY, hashlib.sha1).hexdigest()
        error = refused({"X-Hub-Signature": right})
        assert (error.status, error.code) == (401, "SignatureOutdated")
        assert "SHA-1" in error.message

    @pytest.mark.parametrize(
        "text",
        ["", "sha256=", "sha256=zz", signature(BODY)[7:], signature(BODY).upper(), "sha256=é", "\ud800"],
    )
    def test_another_form_is_said(self, text: str) -> None:
        error = refused({"X-Hub-Signature-256": text})
        assert (error.status, error.code) == (401, "SignatureMalformed")

    @pytest.mark.parametrize("headers", [{}, signed(BODY), signed(BODY, "")])
    def test_without_a_secret_nothing_is_believed(self, headers: dict[str, str]) -> None:
        error = refused(headers, secrets=Secrets())
        assert (error.status, error.code) == (503, "WebhookSecretMissing")
        assert "GITHUB_WEBHOOK_SECRET" in error.message

    def test_no_refusal_says_what_would_have_been_right(self) -> None:
        right = signature(BODY).removeprefix("sha256=")
        for headers in ({}, signed(BODY, "x"), {"X-Hub-Signature-256": MARK}):
            error = refused(headers)
            assert right not in str(error)
            assert SECRET not in str(error)
            assert MARK not in str(error)

    def test_secrets_do_not_show_themselves(self) -> None:
        assert "new" not in repr(Secrets(b"new", b"old"))
        assert "old" not in repr(Secrets(b"new", b"old"))

    @settings(deadline=None, derandomize=True, database=None)
    @given(headers=st.dictionaries(st.text(), st.text()), body=st.binary())
    def test_any_headers_are_answered(self, headers: dict[str, str], body: bytes) -> None:
        assert refused(headers, body).status == 401
