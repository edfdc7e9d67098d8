"""What the Docker runtime is told at its start."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from controller.runtime.protocol import InstanceSpec

NAME_TRIES = 50
NAME_PAUSE = 0.1
"""How often, and how many seconds apart, a name is asked for again that something leaving still holds."""
LabelsFor = Callable[[InstanceSpec], Mapping[str, str]]
"""Gives the proxy's labels of an instance; comes from routing."""


@dataclass(frozen=True)
class DockerSettings:
    """Settings of one installation on one engine."""

    installation: str
    proxy_network: str
    """The network on which the proxy reaches instances; inter-container traffic is off there."""
    tools_image: str
    """A small image with `cat`, for looking into an instance's network."""
    jobs_network: str = ""
    """The network of throwaway containers, which reach the database servers and nothing else; empty: the
    proxy's.
    """
    subnet_pool: str = "10.212.0.0/16"
    """The range from which revision networks get their subnets; the engine's firewall knows it."""
    subnet_prefix: int = 28
    pids: int = 256
    log_max_size: str = "10m"
    log_max_files: int = 3
