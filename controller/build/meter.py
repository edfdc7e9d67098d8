"""Meter: what is counted of a build, and which result it has. The results are a closed set."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from controller.api.errors import InvalidSpec

_REASONS = {"BuildFailed": "failed", "BuildTimeout": "timeout"}


class BuildMeter(Protocol):
    """Who counts builds."""

    def began(self) -> None:
        """A build runs."""

    def ended(self, result: str, seconds: float) -> None:
        """It is over: built, failed, refused, timeout, cancelled or unavailable."""


@contextmanager
def metered(meter: BuildMeter | None, now: Callable[[], float] = time.monotonic) -> Iterator[None]:
    """Count what is built while this is entered.

    Args:
        meter: who counts; None: nobody.
        now: seconds that only grow.
    """
    if meter is None:
        yield
        return
    began, result = now(), "unavailable"
    meter.began()
    try:
        yield
        result = "built"
    except InvalidSpec as error:
        result = _REASONS.get(error.reason, "refused")
        raise
    except asyncio.CancelledError:
        result = "cancelled"
        raise
    finally:
        meter.ended(result, now() - began)
