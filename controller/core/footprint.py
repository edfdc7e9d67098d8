"""Footprint: what a preview's instances may use together, known before anything is built. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from controller.api.spec import Service
from controller.core.inputs import Rules
from controller.core.instances import resources
from controller.lifecycle.protocol import Footprint


def footprint(services: Iterable[Service], rules: Rules) -> Footprint:
    """The sum of the services' limits: one instance of each runs, but for the moments of an update.

    Raises:
        InvalidSpec: no such amount, or more than the installation gives one instance.
    """
    each = [resources(service, rules) for service in services]
    return Footprint(memory_bytes=sum(memory for _, memory in each), cpu_millis=sum(cpu for cpu, _ in each))
