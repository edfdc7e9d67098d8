"""One run of a command: its options, environment and terminal, and the client that it works with."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import typer

from cli.client import Client, connected
from cli.connection import Options, connection
from cli.terminal import Terminal
from controller import __version__

Result = TypeVar("Result")


@dataclass(frozen=True)
class Session:
    """What a command is given beside its own arguments."""

    options: Options
    environ: Mapping[str, str]
    terminal: Terminal

    def run(self, work: Callable[[Client], Awaitable[Result]]) -> Result:
        """Do something with the API; Ctrl-C ends it in order.

        Raises:
            Failure: it cannot be done.
        """

        async def working() -> Result:
            async with connected(connection(self.options, self.environ), version=__version__) as client:
                return await work(client)

        return asyncio.run(working())

    def agreed(self, question: str) -> bool:
        """Whether a person says yes; there is none where standard input is no terminal."""
        return sys.stdin.isatty() and typer.confirm(question, err=True)


def session_of(context: typer.Context) -> Session:
    """The session that the options before the command made."""
    found = context.find_object(Session)
    assert found is not None
    return found
