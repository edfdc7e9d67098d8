"""The part of the assembly that watches passes: who counts them, who traces them, who names them.

settings, metrics ──▶ Watching ──▶ every worker's passes;  TRACES_URL ──▶ tracer, flushed at the end
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from controller import __version__
from controller.metrics import Metrics
from controller.settings import Settings
from controller.tracing import open_tracing
from controller.watching import Watching

SERVICE = "previewcloud-operator"
NAME_BYTES = 8


@asynccontextmanager
async def open_watching(settings: Settings, metrics: Metrics) -> AsyncIterator[Watching]:
    """What every pass is watched by, while this is open.

    Raises:
        InvalidSpec: SettingInvalid, TRACES_URL cannot be used.
    """
    async with open_tracing(settings.traces_url, SERVICE, __version__) as tracer:
        yield Watching(metrics.passes.ended, tracer, partial(secrets.token_hex, NAME_BYTES))
