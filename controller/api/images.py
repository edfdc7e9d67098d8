"""Image references: which of them would make the engine talk to the host that it stands on."""

from __future__ import annotations

import re

_OWN_HOST = re.compile(
    r"^(localhost|127\.[\d.]+|0[\d.]*|169\.254\.[\d.]+|\[[0-9a-f:.]*\]|\d+)(:\d+)?/", re.IGNORECASE
)
DOCKER_HUB = "docker.io"


def names_own_host(reference: str) -> bool:
    """The registry is an address of the engine's own host: loopback, link-local, or written as a number."""
    return _OWN_HOST.match(reference) is not None


def registry_of(reference: str) -> str:
    """The registry host of an image reference, as Docker reads it."""
    first, slash, _ = reference.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return first
    return DOCKER_HUB
