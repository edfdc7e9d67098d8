"""Git over HTTP on loopback: requests go to `git http-backend`, its answers come back; nothing can be pushed.

Run as `python -m dev.git_server ROOT PORT`.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from pathlib import Path

from aiohttp import web

ROOT = web.AppKey("root", Path)
CHUNK = 1 << 16


async def serve(request: web.Request) -> web.StreamResponse:
    """Answer one request of git's smart protocol."""
    backend = await asyncio.create_subprocess_exec(
        "git",
        "http-backend",
        env=_variables(request),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert backend.stdin and backend.stdout
    feeding = asyncio.create_task(_feed(request, backend.stdin))
    try:
        return await _answer(request, backend.stdout)
    except BaseException:
        backend.kill()
        raise
    finally:
        feeding.cancel()
        await backend.stdout.read()  # an unread pipe would outlive the loop
        await backend.wait()


def application(root: Path) -> web.Application:
    """Return the server of all repositories below a directory."""
    app = web.Application(client_max_size=1 << 30)
    app[ROOT] = root
    app.router.add_route("*", "/{path:.*}", serve)
    return app


def _variables(request: web.Request) -> dict[str, str]:
    headers = request.headers
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "GIT_PROJECT_ROOT": str(request.app[ROOT]),
        "GIT_HTTP_EXPORT_ALL": "1",
        "GIT_CONFIG_NOSYSTEM": "1",
        "PATH_INFO": "/" + request.match_info["path"],
        "QUERY_STRING": request.query_string,
        "REQUEST_METHOD": request.method,
        "CONTENT_TYPE": headers.get("Content-Type", ""),
        "GIT_PROTOCOL": headers.get("Git-Protocol", ""),
        "REMOTE_ADDR": request.remote or "",
    }


async def _feed(request: web.Request, stdin: asyncio.StreamWriter) -> None:
    """Hand on the body, which aiohttp has already unpacked."""
    with suppress(ConnectionError):
        async for chunk in request.content.iter_chunked(CHUNK):
            stdin.write(chunk)
            await stdin.drain()
    stdin.close()


async def _answer(request: web.Request, stdout: asyncio.StreamReader) -> web.StreamResponse:
    response = web.StreamResponse()
    while line := (await stdout.readline()).decode("latin-1").strip():
        name, _, value = line.partition(":")
        if name.lower() == "status":
            response.set_status(int(value.split()[0]))
        else:
            response.headers[name] = value.strip()
    await response.prepare(request)
    while chunk := await stdout.read(CHUNK):
        await response.write(chunk)
    await response.write_eof()
    return response


def main() -> None:
    """Serve ROOT on 127.0.0.1:PORT until stopped."""
    web.run_app(application(Path(sys.argv[1])), host="127.0.0.1", port=int(sys.argv[2]), access_log=None)


if __name__ == "__main__":
    main()
