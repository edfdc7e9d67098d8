"""The client over HTTP against the stand-in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from controller.clock import Clock, WallClock
from tests.standin.github import Standin
from webhook.github.client import GitHubClient, open_github
from webhook.settings import BridgeSettings


def settings_of(environment: dict[str, str]) -> BridgeSettings:
    """Settings from variables, and from nothing else."""
    return BridgeSettings.model_validate({name.lower(): value for name, value in environment.items()})


@asynccontextmanager
async def client_of(
    github: Standin, *, app: bool = False, clock: Clock | None = None, seconds: float = 5
) -> AsyncIterator[GitHubClient]:
    """A client of the stand-in, with its token or as its App."""
    settings = settings_of(github.environment(app))
    async with open_github(settings, clock or WallClock(), seconds=seconds) as client:
        assert client is not None
        yield client
