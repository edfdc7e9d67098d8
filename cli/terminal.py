"""Where a command writes: what was asked for to standard output, everything else to standard error."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TextIO

from rich.console import Console

from cli.ansi import harmless, plain

WIDE = 4096
"""Columns of what is no terminal: nothing is wrapped or cut there."""


@dataclass(frozen=True)
class Terminal:
    """Standard output and standard error, as they are in this run."""

    out: TextIO
    err: TextIO
    colours: bool
    """On standard output."""
    interactive: bool
    """Standard output is a terminal."""

    @classmethod
    def of(cls, environ: Mapping[str, str], *, no_color: bool = False) -> Terminal:
        """This process's own; colours are for terminals that want them."""
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="backslashreplace")
        unwanted = no_color or bool(environ.get("NO_COLOR")) or environ.get("TERM") == "dumb"
        interactive = sys.stdout.isatty()
        return cls(sys.stdout, sys.stderr, interactive and not unwanted, interactive)

    def console(self, *, wide: bool = False) -> Console:
        """For what rich lays out on standard output; `wide`: lines are left to the terminal to wrap."""
        return Console(
            file=self.out,
            no_color=not self.colours,
            force_terminal=self.interactive,
            width=None if self.interactive and not wide else WIDE,
            highlight=False,
            markup=False,
            emoji=False,
        )

    @property
    def ascii_only(self) -> bool:
        """Standard output cannot be given every letter."""
        return not (self.out.encoding or "").lower().replace("-", "").startswith("utf")

    def write(self, text: str) -> None:
        """One line, which is harmless already, to standard output."""
        self.out.write(f"{text}\n")

    def show(self, text: str) -> None:
        """A text of the API's to standard output, made harmless."""
        for line in harmless(text, colours=False):
            self.write(line)

    def say(self, text: str) -> None:
        """A remark to standard error."""
        self.out.flush()
        self.err.write(f"{plain(text)}\n")
        self.err.flush()

    def broken(self) -> bool:
        """Whoever read standard output has gone."""
        try:
            poll = select.poll()
            poll.register(self.out.fileno(), 0)
            return any(event & select.POLLERR for _, event in poll.poll(0))
        except (OSError, ValueError):
            return False


def silence() -> None:
    """Write no more: the reader of standard output is gone."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
