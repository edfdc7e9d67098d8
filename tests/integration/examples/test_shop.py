"""The sample's web service as a process of its own, in front of an API that the test holds in its hand."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

SHOP = Path(__file__).parents[3] / "examples" / "shop"
PRODUCT = {"name": "<b>Cup</b>", "price_cents": 905, "stock": 3}


class Api:
    """Answers with one product, once `open` is set."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.open.set()
        self.asked = asyncio.Event()
        self.url = ""

    async def answer(self, _request: web.Request) -> web.Response:
        self.asked.set()
        await self.open.wait()
        return web.json_response([PRODUCT])


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    api, app = Api(), web.Application()
    app.router.add_get("/products", api.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    api.url = f"http://127.0.0.1:{runner.addresses[0][1]}/products"
    yield api
    await runner.cleanup()


@asynccontextmanager
async def shop(api: Api, **env: str) -> AsyncIterator[tuple[Process, str]]:
    """The running service and its address; returns at once, whether it listens or not."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-u", "web.py"),
        cwd=SHOP,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PORT": str(port), "PRODUCTS_URL": api.url, **env},
        stdout=PIPE,
    )
    try:
        yield process, f"http://127.0.0.1:{port}"
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def listening(process: Process) -> None:
    assert process.stdout
    line = await asyncio.wait_for(process.stdout.readline(), 15)
    assert line.startswith(b"listening")


async def test_the_page_shows_the_products_escaped_and_says_which_commit_it_is(api: Api) -> None:
    async with shop(api, COMMIT_SHA="ab" * 20) as (process, url), aiohttp.ClientSession() as client:
        await listening(process)
        for _ in range(3):
            async with client.get(url) as answer:
                assert (answer.status, answer.headers["X-Commit"]) == (200, "ab" * 20)
                text = await answer.text()
        assert "&lt;b&gt;Cup&lt;/b&gt;" in text
        assert "9.05" in text


async def test_an_open_request_is_finished_after_the_signal_to_end(api: Api) -> None:
    async with shop(api) as (process, url), aiohttp.ClientSession() as client:
        await listening(process)
        api.open.clear()
        request = asyncio.create_task(client.get(url))
        await asyncio.wait_for(api.asked.wait(), 10)
        process.terminate()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(process.wait(), 0.5)
        api.open.set()
        answer = await asyncio.wait_for(request, 10)
        assert answer.status == 200
        assert "Cup" in await answer.text()
        assert await asyncio.wait_for(process.wait(), 10) == 0


async def test_one_that_dies_at_once_finishes_nothing(api: Api) -> None:
    async with shop(api, DIE_AT_ONCE="1") as (process, url), aiohttp.ClientSession() as client:
        await listening(process)
        api.open.clear()
        request = asyncio.create_task(client.get(url))
        await asyncio.wait_for(api.asked.wait(), 10)
        process.terminate()
        assert await asyncio.wait_for(process.wait(), 10) == 0
        with pytest.raises(aiohttp.ClientError):
            await request


async def test_it_listens_only_after_its_start_delay_and_can_be_ended_before(api: Api) -> None:
    async with shop(api, START_DELAY="30") as (process, url), aiohttp.ClientSession() as client:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(listening(process), 0.7)
        with pytest.raises(aiohttp.ClientConnectionError):
            await client.get(url)
        process.terminate()
        assert await asyncio.wait_for(process.wait(), 10) == 0


async def test_an_api_that_is_gone_is_said_on_the_page(api: Api) -> None:
    api.url = "http://127.0.0.1:9/products"
    async with shop(api) as (process, url), aiohttp.ClientSession() as client:
        await listening(process)
        async with client.get(url) as answer:
            assert answer.status == 502
            assert "the API does not answer" in await answer.text()
