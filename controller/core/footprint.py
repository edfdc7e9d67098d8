"""Footprint: what a preview's instances may use together. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from controller.api.spec import Service
from controller.core.inputs import Rules
from controller.core.instances import resources
from controller.lifecycle.protocol import Footprint
from controller.runtime.protocol import InstanceSpec

UNKNOWN = Footprint(1, 1)
"""Of what sleeps and whose configuration nobody remembers: it takes a place, and how much is seen later."""


def footprint_of(instances: Iterable[InstanceSpec]) -> Footprint:
    """What these may use together."""
    specs = tuple(instances)
    return Footprint(sum(spec.memory_bytes for spec in specs), sum(spec.cpu_millis for spec in specs))


def footprint(services: Iterable[Service], rules: Rules) -> Footprint:
    """The same, known before anything is built: one instance of each service, but in an update's moments.

    Raises:
        InvalidSpec: no such amount, or more than the installation gives one instance.
    """
    each = [resources(service, rules) for service in services]
    return Footprint(memory_bytes=sum(memory for _, memory in each), cpu_millis=sum(cpu for cpu, _ in each))
