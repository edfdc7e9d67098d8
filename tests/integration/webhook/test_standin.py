"""That the local GitHub lets nothing through which GitHub's documentation has otherwise."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from time import time

import aiohttp
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from yarl import URL

from tests.contract.github_contract import COMMIT, SHOP
from tests.standin.github import Standin, standin
from tests.unit.controller.manual_clock import ManualClock

ROOT = f"/repos/{SHOP}"
HEADERS = {
    "Accept": "application/vnd.github+json",
    "X-GitHub-Api-Version": "2022-11-28",
    "User-Agent": "previewcloud",
}
DEPLOYMENT = {"ref": COMMIT, "environment": "pr-42", "auto_merge": False, "required_contexts": []}
STATUS = {"state": "success", "context": "previewcloud"}


@dataclass(frozen=True)
class Asked:
    """A request; `None` takes a header away."""

    path: str
    method: str = "GET"
    body: object = None
    headers: dict[str, str | None] = field(default_factory=dict)


class Wire:
    """Sends requests as they are."""

    def __init__(self, github: Standin, session: aiohttp.ClientSession) -> None:
        self.github, self._session = github, session

    async def send(self, asked: Asked) -> tuple[int, dict[str, str], object]:
        token = f"Bearer {self.github.identities.token}"
        wanted: dict[str, str | None] = {**HEADERS, "Authorization": token, **asked.headers}
        body = asked.body
        if body is not None:
            body = body if isinstance(body, bytes) else json.dumps(body).encode()
            wanted = {"Content-Type": "application/json", **wanted}
        headers = {name: value for name, value in wanted.items() if value is not None}
        url = URL(self.github.url + asked.path, encoded=True)
        async with self._session.request(
            asked.method,
            url,
            data=body,
            headers=headers,
            allow_redirects=False,
            skip_auto_headers=["User-Agent", "Content-Type", "Accept"],
        ) as response:
            return response.status, dict(response.headers), await response.json(content_type=None)


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    async with standin(ManualClock()) as github, aiohttp.ClientSession() as session:
        github.hub.open_pull(SHOP, 42, commit=COMMIT)
        github.install(SHOP)
        yield Wire(github, session)


PULL = Asked(f"{ROOT}/pulls/42")
COMMENT = Asked(f"{ROOT}/issues/42/comments", "POST", {"body": "Hello"})
DEPLOY = Asked(f"{ROOT}/deployments", "POST", DEPLOYMENT)
STATE = Asked(f"{ROOT}/statuses/{COMMIT}", "POST", STATUS)
GOOD = [
    PULL,
    COMMENT,
    DEPLOY,
    STATE,
    Asked(f"{ROOT}/pulls?state=all&per_page=100&page=2"),
    Asked("/user"),
    replace(COMMENT, body={"body": "x" * 65536}),
    replace(DEPLOY, body={**DEPLOYMENT, "description": "x" * 140, "transient_environment": True}),
    replace(STATE, body={"state": "pending", "target_url": "https://example.org/x", "description": None}),
]
HEADER_FAULTS = [
    (replace(PULL, headers={"Authorization": None}), 401, "Authorization"),
    (replace(PULL, headers={"Authorization": "Bearer ghp_wrong"}), 401, "no token that was given"),
    (replace(PULL, headers={"Authorization": "Basic eA=="}), 401, "Authorization"),
    (replace(PULL, headers={"Accept": "*/*"}), 415, "Accept"),
    (replace(PULL, headers={"Accept": None}), 415, "Accept"),
    (replace(PULL, headers={"X-GitHub-Api-Version": "1999-01-01"}), 400, "X-GitHub-Api-Version"),
    (replace(PULL, headers={"User-Agent": None}), 403, "User-Agent"),
    (replace(COMMENT, headers={"Content-Type": "text/plain"}), 415, "Content-Type"),
]
PATH_FAULTS = [
    (Asked("/nothing"), 404, "no such method and path"),
    (Asked(f"{ROOT}/pulls/abc"), 404, "no such method and path"),
    (replace(PULL, method="DELETE"), 405, "no such method and path"),
    (replace(PULL, body={"a": 1}), 400, "no body"),
    (Asked(f"{ROOT}/pulls?stat=open"), 422, "unknown query"),
    (Asked(f"{ROOT}/pulls?per_page=101"), 422, "per_page"),
    (Asked(f"{ROOT}/pulls?state=any"), 422, "state"),
    (replace(COMMENT, path=f"{COMMENT.path}?page=1"), 422, "unknown query"),
    (Asked("/app"), 401, "needs the App's JWT"),
    (Asked(f"{ROOT}/installation"), 401, "needs the App's JWT"),
]
BODY_FAULTS = [
    (replace(COMMENT, body=b"{"), 400, "not JSON"),
    (replace(COMMENT, body={}), 422, "body: Field required"),
    (replace(COMMENT, body={"body": ""}), 422, "body"),
    (replace(COMMENT, body={"body": "x" * 65537}), 422, "body"),
    (replace(COMMENT, body={"body": "x", "in_reply_to": 1}), 422, "in_reply_to: Extra"),
    *(
        (
            replace(DEPLOY, body={k: v for k, v in DEPLOYMENT.items() if k != name}),
            422,
            f"{name}: Field required",
        )
        for name in DEPLOYMENT
    ),
    (replace(DEPLOY, body={**DEPLOYMENT, "auto_merge": True}), 422, "auto_merge"),
    (replace(DEPLOY, body={**DEPLOYMENT, "required_contexts": ["ci"]}), 422, "required_contexts"),
    (replace(DEPLOY, body={**DEPLOYMENT, "description": "x" * 141}), 422, "description"),
    (replace(DEPLOY, body={**DEPLOYMENT, "commit": COMMIT}), 422, "commit: Extra"),
    (replace(STATE, body={**STATUS, "state": "in_progress"}), 422, "state"),
    (replace(STATE, body={**STATUS, "description": "x" * 141}), 422, "description"),
    (replace(STATE, body={**STATUS, "target_url": "javascript:alert(1)"}), 422, "target_url"),
    (replace(STATE, body={**STATUS, "context": ""}), 422, "context"),
]


@pytest.mark.parametrize("asked", GOOD, ids=lambda asked: f"{asked.method} {asked.path}")
async def test_what_is_documented_is_answered(wire: Wire, asked: Asked) -> None:
    status, headers, _ = await wire.send(asked)
    assert status in (200, 201)
    assert headers["X-RateLimit-Remaining"] == "4999"
    assert wire.github.violations == []


@pytest.mark.parametrize(
    ("asked", "status", "violation"), [*HEADER_FAULTS, *PATH_FAULTS, *BODY_FAULTS], ids=lambda x: str(x)[:60]
)
async def test_anything_else_is_a_violation(wire: Wire, asked: Asked, status: int, violation: str) -> None:
    answered, _, body = await wire.send(asked)
    assert answered == status
    assert isinstance(body, dict)
    assert body["message"]
    [recorded] = wire.github.violations
    assert violation in recorded
    assert recorded.startswith(f"{asked.method} {asked.path.partition('?')[0]}: ")
    assert wire.github.hub.comments == {}
    assert wire.github.hub.deployments == {}


@pytest.mark.parametrize("state", ["failure", "inactive", "in_progress", "queued", "success"])
async def test_a_deployment_has_documented_states(wire: Wire, state: str) -> None:
    _, _, made = await wire.send(DEPLOY)
    assert isinstance(made, dict)
    path = f"{ROOT}/deployments/{made['id']}/statuses"
    for given, wanted in ((state, 201), ("active", 422)):
        status, _, _ = await wire.send(Asked(path, "POST", {"state": given, "auto_inactive": False}))
        assert status == wanted
    assert len(wire.github.violations) == 1


def claims(**changes: object) -> dict[str, object]:
    """Claims of the App; times are told as seconds from now, which is when the test runs."""
    now = int(time())
    wanted = {"iss": "424242", "iat": -60, "exp": 500, **changes}
    return {
        name: now + value if isinstance(value, int) else value
        for name, value in wanted.items()
        if value is not None
    }


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, 200),
        ({"iss": "1"}, 401),
        ({"iss": None}, 401),
        ({"exp": -5}, 401),
        ({"exp": 7200}, 401),
        ({"exp": None}, 401),
        ({"iat": 300}, 401),
        ({"iat": None}, 401),
    ],
)
async def test_the_jwt_of_the_app_is_checked(wire: Wire, changes: dict[str, object], status: int) -> None:
    token = jwt.encode(claims(**changes), wire.github.identities.private_key, "RS256")
    answered, _, _ = await wire.send(Asked("/app", headers={"Authorization": f"Bearer {token}"}))
    assert answered == status
    assert bool(wire.github.violations) == (status == 401)


@pytest.mark.parametrize("algorithm", ["RS256", "HS256"])
async def test_a_jwt_of_another_key_is_refused(wire: Wire, algorithm: str) -> None:
    other = generate_private_key(public_exponent=65537, key_size=2048) if algorithm == "RS256" else "x" * 32
    token = jwt.encode(claims(), other, algorithm)
    status, _, _ = await wire.send(Asked("/app", headers={"Authorization": f"Bearer {token}"}))
    assert status == 401


async def test_a_token_of_an_installation_sees_its_repositories_until_it_ends(wire: Wire) -> None:
    github = wire.github
    github.hub.open_pull("globex/site", 1, commit=COMMIT)
    token, expires = github.identities.give(github.identities.install(SHOP))
    assert expires == github.now() + timedelta(hours=1)
    headers: dict[str, str | None] = {"Authorization": f"token {token}"}
    assert (await wire.send(replace(PULL, headers=headers)))[0] == 200
    assert (await wire.send(Asked("/repos/globex/site/pulls/1", headers=headers)))[0] == 404
    assert github.violations == []
    clock = github.clock
    assert isinstance(clock, ManualClock)
    await clock.advance(3600)
    assert (await wire.send(replace(PULL, headers=headers)))[0] == 401
    assert "has expired" in github.violations[0]


async def test_pages_are_linked_to_each_other(wire: Wire) -> None:
    for number in range(1, 8):
        wire.github.hub.open_pull("acme/many", number, commit=COMMIT)
    _, headers, body = await wire.send(Asked("/repos/acme/many/pulls?per_page=3&page=2"))
    assert isinstance(body, list)
    assert [pull["number"] for pull in body] == [4, 3, 2]
    links = {part.split('"')[1]: URL(part.strip()[1:].split(">")[0]) for part in headers["Link"].split(",")}
    assert {name: url.query["page"] for name, url in links.items()} == {
        "prev": "1",
        "next": "3",
        "last": "3",
        "first": "1",
    }


async def test_a_renamed_repository_is_answered_with_a_redirect_to_its_number(wire: Wire) -> None:
    wire.github.rename(SHOP, "acme/store")
    for asked, wanted in ((PULL, 301), (COMMENT, 307)):
        status, headers, _ = await wire.send(asked)
        assert status == wanted
        target = headers["Location"].removeprefix(wire.github.url)
        assert (await wire.send(replace(asked, path=target)))[0] in (200, 201)
    assert wire.github.violations == []


async def test_limits_are_answered_as_github_does(wire: Wire) -> None:
    wire.github.limit_primary(60)
    status, headers, _ = await wire.send(PULL)
    assert (status, headers["X-RateLimit-Remaining"]) == (403, "0")
    assert int(headers["X-RateLimit-Reset"]) == int(wire.github.now().timestamp()) + 60
    wire.github.limit_secondary(30)
    status, headers, _ = await wire.send(PULL)
    assert (status, headers["Retry-After"], headers["X-RateLimit-Remaining"]) == (403, "30", "5000")
    wire.github.up()
    assert (await wire.send(PULL))[0] == 200
