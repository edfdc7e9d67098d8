"""Garbage collection of a process that keeps thousands of objects for its whole life."""

from __future__ import annotations

import gc

THRESHOLDS = (20_000, 20, 50)


def collect_less() -> None:
    """Let the garbage collector come seldom, and not walk what lives as long as the process."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
