"""What a hostile caller sends: a clear 4xx each time, never a 500, and nothing of it comes back or stays."""

import asyncio
import gzip
import json
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.unit.webhook.rest.world import COMMIT, World, running, wanted

JSON = {"Content-Type": "application/json"}


async def refused(world: World, content: bytes, headers: dict[str, str] | None = None) -> tuple[int, str]:
    response = await world.ask("POST", "/api/previews", data=content, headers=headers or JSON)
    body = await response.json()
    assert body["success"] is False and set(body) == {"success", "error"}
    assert response.headers["Content-Type"].startswith("application/json")
    assert world.cluster.previews() == () and world.cluster.secrets == {}
    return response.status, body["error"]["code"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"nonsense",
        b"\xff\xfe{}",
        b'{"repoOwner": "\xff"}',
        b'{"env": {"A": "\\ud800"}}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        "\ufeff{}".encode(),
    ],
    ids=lambda content: repr(content[:12]),
)
async def test_what_is_no_json_is_a_bad_request(world: World, content: bytes) -> None:
    assert await refused(world, content) == (400, "InvalidJson")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"repoOwner": "../etc"}, "repoOwner"),
        ({"repoOwner": "-a"}, "repoOwner"),
        ({"repoName": "a/b"}, "repoName"),
        ({"repoName": "shop\n"}, "repoName"),
        ({"repoName": ".."}, None),
        ({"commitSha": "HEAD"}, "commitSha"),
        ({"commitSha": COMMIT.upper()}, "commitSha"),
        ({"prNumber": 0}, "prNumber"),
        ({"prNumber": "42"}, "prNumber"),
        ({"prNumber": True}, "prNumber"),
        ({"prNumber": 1e400}, "prNumber"),
        ({"prNumber": 10**30}, "prNumber"),
        ({"prNumber": None}, None),
        ({"branch": "../../x"}, "branch"),
        ({"branch": "-upload-pack=x"}, "branch"),
        ({"cloneUrl": "file:///etc/passwd"}, "cloneUrl"),
        ({"cloneUrl": "https://user:secret@host/x"}, "cloneUrl"),
        ({"cloneUrl": "ext::sh -c id"}, "cloneUrl"),
        ({"services": {"../x": {}}}, "services.../x.[key]"),
        ({"services": {"web": {"imageTag": "previewcloud/x:1"}}}, "services.web.imageTag"),
        ({"services": {"web": {"dockerfile": "../../Dockerfile"}}}, "services.web.dockerfile"),
        ({"services": {"web": {"imageTag": "a", "dockerfile": "b"}}}, "services.web"),
        ({"services": {"web": {"privileged": True}}}, "services.web.privileged"),
        ({"services": {f"s{n}": {} for n in range(21)}}, "services"),
        ({"services": []}, "services"),
        ({"env": {"A-B": "x"}}, "env.A-B.[key]"),
        ({"env": {"A": "x\x00"}}, "env.A"),
        ({"env": {"A": 1}}, "env.A"),
        ({"env": {f"A{n}": "x" for n in range(257)}}, "env"),
        ({"env": {"A": "x" * 32769}}, "env.A"),
        ({"password": "x" * 73}, "password"),
        ({"registry": {"server": "https://x", "username": "a", "password": "b"}}, "registry.server"),
        ({"database": {"type": "oracle"}}, "database.type"),
        ({"trust": "trusted"}, "trust"),
        ({"repo_owner": "acme"}, "repo_owner"),
        ({"comment": "off"}, "comment"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_a_field_that_cannot_be_is_named(
    world: World, changes: dict[str, Any], field: str | None
) -> None:
    body = {name: value for name, value in wanted(**changes).items() if value is not None}
    response = await world.ask("POST", "/api/previews", data=json.dumps(body).encode(), headers=JSON)
    error = (await response.json())["error"]
    if changes.get("prNumber") == 1e400:
        assert response.status in {400, 422}  # JSON knows no infinity
        return
    assert (response.status, error["code"], error.get("field")) == (422, "InvalidRequest", field)
    assert world.cluster.previews() == ()


async def test_what_was_sent_is_not_repeated(world: World) -> None:
    secret = "planted-credential"
    for changes in (
        {"env": {"A": secret * 2000}},
        {"env": {"A": [secret]}},
        {"password": secret * 10},
        {"password": [secret]},
        {"cloneUrl": f"https://a:{secret}@host/x"},
        {"registry": {"server": secret + " ", "username": secret, "password": secret}},
        {"commitSha": secret},
        {"env": {"A": "${OPEN" + secret}},
    ):
        with capture_logs() as logs:
            response = await world.ask("POST", "/api/previews", json=wanted(**changes))
        assert response.status == 422
        assert secret not in await response.text() and secret not in str(logs)


async def test_a_body_that_is_too_large_is_refused_before_it_is_read(world: World) -> None:
    assert await refused(world, b" " * (1024 * 1024 + 1)) == (413, "BodyTooLarge")

    async def endless() -> Any:
        for _ in range(200):
            yield b" " * 65536
            await asyncio.sleep(0)

    response = await world.ask("POST", "/api/previews", data=endless(), headers=JSON)
    assert response.status == 413


async def test_a_packed_body_is_not_unpacked(world: World) -> None:
    packed = gzip.compress(b" " * 50_000_000)
    assert await refused(world, packed, {**JSON, "Content-Encoding": "gzip"}) == (415, "BodyEncoded")


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "x"]
)
async def test_only_json_is_taken(world: World, kind: str) -> None:
    content = json.dumps(wanted()).encode()
    assert await refused(world, content, {"Content-Type": kind}) == (415, "UnsupportedMediaType")


@pytest.mark.parametrize(
    "path",
    [
        "/api/previews/../../etc/passwd",
        "/api/previews/%2e%2e%2fetc",
        "/api/previews/%00",
        "/api/previews/pr-42%0d%0aX:%20y",
        "/api/previews/" + "a" * 5000,
        "/api/previews/%ff%fe/status",
        "/api/nothing",
        "/api/docs/../../../etc/passwd",
        "/api/docs/%2e%2e%2f%2e%2e%2fsetup.py",
        "/api/docs/swagger-editor.js",
        "/",
    ],
)
async def test_an_address_that_is_none_is_not_found(world: World, path: str) -> None:
    await world.made()
    url = world.client.make_url("/")
    reader, writer = await asyncio.open_connection(url.host, url.port)
    head = f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {world.token()}\r\n"
    writer.write(f"{head}Connection: close\r\n\r\n".encode())
    answer = (await reader.read()).decode()
    writer.close()
    assert answer.startswith("HTTP/1.1 404 ")
    assert json.loads(answer.partition("\r\n\r\n")[2])["error"]["code"] == "NotFound"


@pytest.mark.parametrize("method", ["PUT", "PATCH", "HEAD", "TRACE", "OPTIONS"])
async def test_a_method_that_is_not_taken_says_which_are(world: World, method: str) -> None:
    response = await world.ask(method, "/api/previews")
    assert (response.status, response.headers["Allow"]) == (405, "GET,POST")


async def test_an_id_of_a_request_is_kept_when_it_is_a_plain_word_and_made_anew_else(world: World) -> None:
    async def id_of(given: str | None) -> str:
        headers = {} if given is None else {"X-Request-Id": given}
        return (await world.ask("GET", "/api/health", None, headers=headers)).headers["X-Request-Id"]

    assert await id_of("build-1234.5") == "build-1234.5"
    for given in (None, "short", "with space 1234", "x" * 65, "<script>alert(1)</script>"):
        assert (await id_of(given)).startswith("drawn-")


async def test_every_request_leaves_a_line_without_its_query_and_token(world: World) -> None:
    token = world.token()
    with capture_logs() as logs:
        await world.ask(
            "GET", "/api/previews?repoName=planted", token, headers={"X-Request-Id": "build-1234"}
        )
        await world.ask("GET", "/healthz", None)
    (line,) = logs
    assert (line["request"], line["method"], line["path"]) == ("build-1234", "GET", "/api/previews")
    assert (line["status"], line["subject"]) == (200, "test")
    assert token not in str(logs) and "planted" not in str(logs)


async def test_what_nobody_foresaw_is_answered_without_details_and_logged_with_its_id(world: World) -> None:
    def broken() -> None:
        raise RuntimeError("planted detail")

    world.cluster.previews = broken  # type: ignore[method-assign,assignment]
    with capture_logs() as logs:
        response = await world.ask("GET", "/api/previews", headers={"X-Request-Id": "build-1234"})
    assert response.status == 500 and "planted" not in await response.text()
    assert response.headers["X-Request-Id"] == "build-1234"
    (failed,) = [line for line in logs if line["log_level"] == "error"]
    assert failed["request"] == "build-1234" and failed["exc_info"]


async def test_a_preview_file_is_checked_and_answers_what_is_built(world: World) -> None:
    text = """
services:
  web: {context: web, target: run, buildArgs: {A: "${API_URL}"}, port: 3000}
  api: {image: acme/api:1}
"""
    for arguments in (
        {"json": {"content": text}},
        {"data": text.encode(), "headers": {"Content-Type": "text/yaml"}},
        {"data": text.encode(), "headers": {"Content-Type": "application/yaml; charset=utf-8"}},
    ):
        response = await world.ask("POST", "/api/preview-file", **arguments)
        assert response.status == 200
        assert (await response.json())["data"] == {
            "services": {
                "web": {
                    "build": {
                        "context": "web",
                        "dockerfile": "Dockerfile",
                        "target": "run",
                        "args": {"A": "${API_URL}"},
                    },
                    "image": None,
                    "port": 3000,
                },
                "api": {"build": None, "image": "acme/api:1", "port": None},
            }
        }


async def test_a_preview_file_that_is_wrong_is_answered_line_by_line(world: World) -> None:
    text = b"services:\n  web: {prot: 1}\n  api: {port: x}\n"
    response = await world.ask("POST", "/api/preview-file", data=text, headers={"Content-Type": "text/yaml"})
    error = (await response.json())["error"]
    assert (response.status, error["code"]) == (422, "PreviewFileInvalid")
    assert [line.split(":")[1] for line in error["message"].splitlines()] == ["2", "3"]


@pytest.mark.parametrize(
    "text",
    [b"", b"\xff", b"a: &a [*a]", b"&a [" + b"*a," * 99 + b"]", b"{" * 5000, b"!!python/object:os.system {}"],
    ids=lambda text: repr(text[:12]),
)
async def test_a_hostile_preview_file_is_a_clear_refusal(world: World, text: bytes) -> None:
    response = await world.ask("POST", "/api/preview-file", data=text, headers={"Content-Type": "text/yaml"})
    assert response.status == 422, await response.text()


async def test_a_body_that_never_comes_does_not_hold_the_others_up() -> None:
    async with running() as world:
        url = world.client.make_url("/")
        _, writer = await asyncio.open_connection(url.host, url.port)
        head = f"POST /api/previews HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {world.token()}\r\n"
        writer.write(f"{head}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{{".encode())
        await writer.drain()
        assert (await world.ask("GET", "/api/health", None)).status == 200
        writer.close()
