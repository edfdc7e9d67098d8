"""The index of Python packages of this machine, for images that install some: from pip's own settings."""

from __future__ import annotations

import re
import sys

from dev import commands

SETTING = re.compile(r"^(\S+)\.index-url='(.+)'$", re.MULTILINE)
"""A line of `pip config list`: where it stands, and the address."""


def index(listed: str) -> str:
    """Return the index that pip's settings, as `pip config list` shows them, name; else nothing.

    A variable of the environment counts before a file.
    """
    found = dict(SETTING.findall(listed))
    return found.get(":env:") or found.get("install") or found.get("global") or ""


def build_options() -> tuple[str, ...]:
    """Return the options of a build that installs packages."""
    found = index(commands.run([sys.executable, "-m", "pip", "config", "list"]))
    return (f"--build-arg=PIP_INDEX_URL={found}",) if found else ()
