"""GET /usage: what each service of each preview uses, by slug, for the bridge.

    {"pr-42": {"web": {"instances": 1, "cpuCores": 0.031, "memoryBytes": 47185920,
                       "memoryLimitBytes": 536870912}}}

A service is absent while nothing of it runs, `cpuCores` until it was measured twice.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from controller.usage.meter import Figures, Meter

Shown = dict[str, dict[str, dict[str, float]]]


def shown(meter: Meter) -> Shown:
    """The answer."""
    found: Shown = {}
    for service, figures in meter.figures.items():
        found.setdefault(service.slug, {})[service.name] = _of(figures)
    return found


def answer(meter: Meter) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """The handler; whoever may ask was let in already."""

    async def usage(request: web.Request) -> web.StreamResponse:
        return web.json_response(shown(meter))

    return usage


def _of(figures: Figures) -> dict[str, float]:
    cores = {} if figures.cpu_cores is None else {"cpuCores": round(figures.cpu_cores, 3)}
    return {
        "instances": figures.instances,
        **cores,
        "memoryBytes": figures.memory_bytes,
        "memoryLimitBytes": figures.memory_limit_bytes,
    }
