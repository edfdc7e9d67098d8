from __future__ import annotations

import pytest

from controller.api.errors import BackendUnavailable, InvalidSpec
from controller.source.git_errors import fetch_error
from controller.source.git_process import Finished
from controller.source.protocol import SourceRef

REF = SourceRef("acme/shop", "https://github.com/acme/shop.git", "ab" * 20)


@pytest.mark.parametrize(
    ("stderr", "reason"),
    [
        ("fatal: remote error: upload-pack: not our ref abab", "CommitMissing"),
        ("error: Server does not allow request for unadvertised object abab", "CommitMissing"),
        ("fatal: could not read Username for 'x': terminal prompts disabled", "RepositoryNotFound"),
        ("remote: Repository not found.\nfatal: repository 'x' not found", "RepositoryNotFound"),
        ("fatal: unable to access 'x': The requested URL returned error: 301", "RepositoryMoved"),
        ("fatal: fetch-pack: invalid index-pack output", "SourceTooLarge"),
        ("fatal: Out of memory, malloc failed (tried to allocate 4294967296 bytes)", "SourceTooLarge"),
    ],
)
def test_what_the_author_must_change_is_not_tried_again(stderr: str, reason: str) -> None:
    error = fetch_error(REF, Finished(128, stderr))
    assert isinstance(error, InvalidSpec)
    assert error.reason == reason
    assert "acme/shop" in error.message


@pytest.mark.parametrize(
    "stderr",
    [
        "fatal: unable to access 'x': Could not resolve host: github.com",
        "fatal: unable to access 'x': Failed to connect to github.com port 443: Couldn't connect to server",
        "fatal: unable to access 'x': The requested URL returned error: 502",
        "error: RPC failed; curl 18 transfer closed with outstanding read data remaining\nfatal: early EOF",
        "fatal: pack has bad object: inflate returned 1\nfatal: fetch-pack: invalid index-pack output",
        "something that nobody has seen before",
        "",
    ],
)
def test_what_may_pass_is_tried_again(stderr: str) -> None:
    assert isinstance(fetch_error(REF, Finished(128, stderr)), BackendUnavailable)


def test_lines_of_the_server_do_not_decide_and_are_not_repeated() -> None:
    error = fetch_error(REF, Finished(128, "remote: fatal: not our ref\x1b[2J\nremote: Out of memory"))
    assert isinstance(error, BackendUnavailable)
    assert "not our ref" not in error.message
