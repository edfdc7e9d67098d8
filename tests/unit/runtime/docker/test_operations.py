"""What calls to the engine are counted as, and how each of them ended."""

from __future__ import annotations

import ast
import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

import controller
from controller.api.errors import BackendUnavailable
from controller.runtime.docker.address import EngineAddress
from controller.runtime.docker.operations import OTHER, operation
from controller.runtime.docker.transport import Call, EngineClient, EngineRefused

CODE = Path(controller.__file__).parent
CALLED = re.compile(r"(?:_client|client)\.(get|post|delete)$")


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("POST", "/containers/create", "container_create"),
        ("GET", "/containers/json", "container_list"),
        ("GET", "/containers/pr-1-web-1a2b3c4d/json", "container_inspect"),
        ("GET", "/containers/json/json", "container_inspect"),
        ("POST", "/containers/pr-1-web-1a2b3c4d/start", "container_start"),
        ("GET", "/containers/pr-1-web-1a2b3c4d/logs", "container_logs"),
        ("DELETE", "/containers/start", "container_remove"),
        ("DELETE", "/containers/pr-1-web-1a2b3c4d", "container_remove"),
        ("GET", "/images/previewcloud/acme-shop/web:1/json", "image_inspect"),
        ("DELETE", "/images/previewcloud/acme-shop/tag", "image_remove"),
        ("POST", "/images/create", "image_create"),
        ("GET", "/networks", "network_list"),
        ("GET", "/networks/start", "network_inspect"),
        ("POST", "/networks/n/connect", "network_connect"),
        ("POST", "/build", "build"),
        ("POST", "/build/prune", "build_prune"),
        ("POST", "/session", "session"),
        ("GET", "/system/df", "disk_usage"),
        ("PUT", "/containers/x/acme", OTHER),
        ("POST", "/plugins/acme/enable", OTHER),
        ("GET", "", OTHER),
    ],
)
def test_a_call_has_the_name_of_its_operation_and_no_other(method: str, path: str, name: str) -> None:
    assert operation(method, path) == name


def test_every_call_that_the_code_makes_has_a_name() -> None:
    found = {call for file in CODE.rglob("*.py") for call in _calls(file)}
    assert len(found) > 15
    assert {call: operation(*call) for call in found if operation(*call) == OTHER} == {}


def _calls(file: Path) -> set[tuple[str, str]]:
    """Method and path of every call in a file, with `x` where the path has a name in it."""
    calls = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if not isinstance(node, ast.Call):
            continue
        words = ast.unparse(node.func)
        if (verb := CALLED.search(words)) and node.args:
            calls.add((verb[1].upper(), _path(node.args[0])))
        elif words == "Call" and len(node.args) > 1:
            calls.add((ast.literal_eval(node.args[0]), _path(node.args[1])))
    return {call for call in calls if call[1].startswith("/")}


def _path(node: ast.expr) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "x" for part in node.values)
    return str(node.value) if isinstance(node, ast.Constant) else ""


class PlayedEngine:
    """Answers by the container's name, which is a status, and keeps a client that is counted."""

    def __init__(self, socket: Path) -> None:
        self.counted: list[tuple[str, str]] = []
        self.socket = socket
        self.client = EngineClient(EngineAddress(f"unix://{socket}"), called=self.count)

    def count(self, name: str, result: str, seconds: float) -> None:
        assert seconds >= 0
        self.counted.append((name, result))

    def site(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/version", self._version)
        app.router.add_get("/{version}/containers/{status}/json", self._answer)
        return app

    async def _version(self, request: web.Request) -> web.Response:
        return web.json_response({"ApiVersion": "1.44", "MinAPIVersion": "1.24"})

    async def _answer(self, request: web.Request) -> web.Response:
        status = request.match_info["status"]
        if status == "never":
            await asyncio.Event().wait()
        return web.json_response({"message": "No."}, status=int(status))


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[PlayedEngine]:
    played = PlayedEngine(tmp_path / "engine.sock")
    runner = web.AppRunner(played.site(), shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.UnixSite(runner, str(played.socket)).start()
    yield played
    await played.client.close()
    await runner.cleanup()


async def test_a_call_is_counted_by_how_the_engine_answered(engine: PlayedEngine) -> None:
    await engine.client.get("/containers/200/json")
    for status in (404, 409, 400, 500):
        with pytest.raises(EngineRefused):
            await engine.client.get(f"/containers/{status}/json")
    results = ["ok", "not_found", "conflict", "refused", "failed"]
    assert engine.counted == [("container_inspect", result) for result in results]


async def test_an_engine_that_is_away_and_a_call_that_is_cut_off_are_told_apart(engine: PlayedEngine) -> None:
    never = Call("GET", "/containers/never/json")
    with pytest.raises(BackendUnavailable):
        await engine.client.call(Call("GET", never.path, timeout_seconds=0.05))
    cut = asyncio.create_task(engine.client.call(never))
    await asyncio.sleep(0)
    await engine.client.get("/containers/200/json")  # by now the other is on its way, on a wire of its own
    cut.cancel()
    await asyncio.gather(cut, return_exceptions=True)
    results = [result for name, result in engine.counted if name == "container_inspect"]
    assert results == ["unavailable", "ok", "cancelled"]


async def test_an_answer_is_not_counted_as_failed_when_its_reader_fails(engine: PlayedEngine) -> None:
    with pytest.raises(ValueError, match="mine"):
        async with engine.client.open(Call("GET", "/containers/200/json")):
            raise ValueError("mine")
    assert engine.counted[-1] == ("container_inspect", "ok")
