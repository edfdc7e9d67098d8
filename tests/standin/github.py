"""A local GitHub: the part of its REST API that the bridge uses, on a free port of 127.0.0.1.

    async with standin() as github:
        github.hub.open_pull("acme/shop", 42, commit="a" * 40, files=["src/app.py"])
        github.hub.allow("acme/shop", "octocat", Permission.WRITE)
        run_the_bridge(github.environment())          # with the token
        run_the_bridge(github.environment(app=True))  # as the App, after github.install("acme/shop")
        github.hub.push("acme/shop", 42, "c" * 40)
        [comment] = github.comments("acme/shop", 42)              # those of the bridge
        assert "https://" in comment.body
        assert github.deployments("acme/shop")[-1].statuses[-1].state == "success"
        assert github.hub.status_of("acme/shop", "c" * 40, "previewcloud").state == "success"
        assert github.violations == []

`hub` is what there is, to be changed by hand: pull requests (open_pull, push, label, close_pull), files at
commits (set_file), branches, permissions (allow), comments (comment); look at it to see what was written.
`pull_json` gives a pull request as a delivery would carry it. Every request is checked: path, Authorization,
headers, query, body. What is wrong with one is in `violations`, and answered as GitHub would.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from controller.clock import Clock
from tests.standin.github_app import application
from tests.standin.github_state import Standin

__all__ = ["Standin", "standin"]


@asynccontextmanager
async def standin(clock: Clock | None = None) -> AsyncIterator[Standin]:
    """A GitHub of its own, until the end; times (limits, ends of tokens) come from the clock."""
    state = Standin(clock)
    runner = web.AppRunner(application(state), shutdown_timeout=0.5, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        state.url = f"http://{host}:{port}"
        yield state
    finally:
        await runner.cleanup()
