"""Metrics of previews' logs: what is kept, and what is lost."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter

from controller.logs.protocol import LogType


class LogMetrics:
    """Counts for the writer of previews' logs."""

    def __init__(self, registry: CollectorRegistry) -> None:
        entries = Counter(
            "previewcloud_log_entries",
            "Entries of previews' logs that were stored, by type.",
            ["type"],
            registry=registry,
        )
        dropped = Counter(
            "previewcloud_log_entries_dropped",
            "Entries of previews' logs that were lost: the store did not take them (store), or a container "
            "printed more than LOG_RATE (rate).",
            ["reason"],
            registry=registry,
        )
        self._entries = {kind: entries.labels(str(kind)) for kind in LogType}
        self._dropped = {reason: dropped.labels(reason) for reason in ("store", "rate")}

    def stored(self, by_type: Mapping[LogType, int]) -> None:
        """Count a batch that the store took."""
        for kind, count in by_type.items():
            self._entries[kind].inc(count)

    def lost(self, count: int) -> None:
        """Count entries that the store did not take."""
        self._dropped["store"].inc(count)

    def left_out(self, count: int) -> None:
        """Count lines of a container that printed too much."""
        self._dropped["rate"].inc(count)
