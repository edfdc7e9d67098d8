"""A stand-in for a Docker engine: the containers of an installation, their starts and their logs.

It speaks what the log reader asks for, over a Unix socket, so that many containers fit and connections can
be cut. By itself: `python -m tests.standin.engine --containers 1000 --socket PATH [--rate LINES]`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from aiohttp import web

from tests.standin.engine_state import SECOND, StandinContainer, StandinEngine

STATE = web.AppKey("state", StandinEngine)
TRANSPORTS = web.AppKey("transports", set[asyncio.Transport])
TICK = 0.01
KEPT = 2_000


class EngineServer:
    """A stand-in engine on a Unix socket.

    Args:
        state: what it holds; it stays when the server goes and comes back.
        path: of the socket.
    """

    def __init__(self, state: StandinEngine, path: str) -> None:
        self._state = state
        self._path = path
        self._transports: set[asyncio.Transport] = set()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Answer until left; then every connection breaks."""
        app = web.Application()
        app[STATE], app[TRANSPORTS] = self._state, self._transports
        for path, handler in ROUTES:
            app.router.add_get(path, handler)
            app.router.add_get(f"/{{version:v[0-9.]+}}{path}", handler)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        await web.UnixSite(runner, self._path).start()
        try:
            yield
        finally:
            self.cut()
            await runner.cleanup()

    def cut(self) -> None:
        """Break every stream that is open, in the middle of whatever it says."""
        for transport in list(self._transports):
            transport.abort()


def _allowed(request: web.Request, labels: dict[str, str]) -> bool:
    wanted = json.loads(request.query.get("filters", "{}")).get("label", [])
    pairs = (each.partition("=") for each in wanted)
    return all(labels.get(name) == value for name, _, value in pairs)


def _row(container: StandinContainer) -> dict[str, object]:
    return {
        "Id": container.id,
        "Names": [f"/{container.name}"],
        "Labels": dict(container.labels),
        "State": "running" if container.running else "exited",
    }


def _found(request: web.Request) -> StandinContainer:
    container = request.app[STATE].find(request.match_info["name"])
    if container is None:
        body = json.dumps({"message": "No such container"})
        raise web.HTTPNotFound(text=body, content_type="application/json")
    return container


async def _version(request: web.Request) -> web.Response:
    return web.json_response({"ApiVersion": "1.44", "MinAPIVersion": "1.24"})


async def _nothing(request: web.Request) -> web.Response:
    return web.json_response([])


async def _list(request: web.Request) -> web.Response:
    there = request.app[STATE].containers.values()
    return web.json_response([_row(each) for each in there if _allowed(request, dict(each.labels))])


async def _inspect(request: web.Request) -> web.Response:
    container = _found(request)
    state = {
        "Status": "running" if container.running else "exited",
        "ExitCode": 0,
        "OOMKilled": False,
        "StartedAt": "2026-01-01T00:00:00.000000000Z",
    }
    config = {"Labels": dict(container.labels), "Env": list(container.env)}
    body = {"Id": container.id, "Name": f"/{container.name}", "State": state, "Config": config}
    return web.json_response(body)


async def _events(request: web.Request) -> web.StreamResponse:
    state = request.app[STATE]
    starts = "start" in json.loads(request.query.get("filters", "{}")).get("event", ["start"])
    heard: asyncio.Queue[StandinContainer] = asyncio.Queue()
    state.listeners.add(heard)
    try:
        async with _stream(request) as response:
            while True:
                container = await heard.get()
                actor = {"ID": container.id, "Attributes": dict(container.labels)}
                event = {"Type": "container", "Action": "start", "Actor": actor}
                if starts and _allowed(request, dict(container.labels)):
                    await response.write(json.dumps(event).encode() + b"\n")
    finally:
        state.listeners.discard(heard)


async def _logs(request: web.Request) -> web.StreamResponse:
    container = _found(request)
    request.app[STATE].asked.append(request.path_qs)
    seconds, _, rest = request.query.get("since", "0.0").partition(".")
    since = int(seconds) * SECOND + int(rest or 0)
    at = 0
    async with _stream(request) as response:
        while True:
            container.changed.clear()
            fresh = container.log[max(0, at - container.gone) :]
            at = container.end
            for data in _chunks(frame for moment, frame in fresh if moment >= since):
                await response.write(data)
            if at == container.end and not container.running:
                return response
            if at == container.end:
                await container.changed.wait()


async def _stats(request: web.Request) -> web.Response:
    container = _found(request)
    memory = {"usage": 48 * 1024**2, "limit": 512 * 1024**2, "stats": {"inactive_file": 3 * 1024**2}}
    body: dict[str, object] = {"cpu_stats": {"cpu_usage": {"total_usage": time.monotonic_ns() // 50}}}
    return web.json_response(body | {"memory_stats": memory if container.running else {}})


def _chunks(frames: Iterable[bytes], size: int = 64 * 1024) -> Iterable[bytes]:
    """Frames in writes of some size."""
    gathered = bytearray()
    for each in frames:
        gathered += each
        if len(gathered) >= size:
            yield bytes(gathered)
            gathered.clear()
    if gathered:
        yield bytes(gathered)


@asynccontextmanager
async def _stream(request: web.Request) -> AsyncIterator[web.StreamResponse]:
    """An answer that goes on, and can be cut off."""
    response = web.StreamResponse()
    response.enable_chunked_encoding()
    await response.prepare(request)
    transport = request.transport
    assert transport is not None
    request.app[TRANSPORTS].add(transport)
    try:
        yield response
    finally:
        request.app[TRANSPORTS].discard(transport)


ROUTES = (
    ("/version", _version),
    ("/events", _events),
    ("/networks", _nothing),
    ("/images/json", _nothing),
    ("/containers/json", _list),
    ("/containers/{name}/json", _inspect),
    ("/containers/{name}/logs", _logs),
    ("/containers/{name}/stats", _stats),
)


async def _serve(options: argparse.Namespace) -> None:
    state = StandinEngine(options.installation)
    made: list[StandinContainer] = []
    for number in range(options.containers):
        container = state.add(
            f"standin-{number}", incarnation=f"i{number}", slug=f"pr-{number}", pr=str(number)
        )
        container.keep = KEPT
        made.append(container)
    async with EngineServer(state, options.socket).open():
        print(f"{options.containers} containers at {options.socket}", flush=True)  # noqa: T201 - a program
        begin, written = time.monotonic(), 0
        while True:
            await asyncio.sleep(TICK)
            due = int((time.monotonic() - begin) * options.rate)
            for number in range(written, due):
                for container in made:
                    container.write(f"{number} {time.time():.6f} a line\n".encode())
            written = due


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(description="A stand-in for a Docker engine.")
    parser.add_argument("--socket", required=True)
    parser.add_argument("--containers", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=0, help="lines a second of each container")
    parser.add_argument("--installation", default="standin")
    asyncio.run(_serve(parser.parse_args()))


if __name__ == "__main__":
    main()
