"""Metrics of passes: how many, for what reason, how they ended, how long they and their stages took."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram

from controller.core.timed import TimedStage
from controller.passes import Ending, Trigger

PASS_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900)
STAGE_SECONDS = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900)


class PassMetrics:
    """Counts for the workers."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._passes = Counter(
            "previewcloud_reconciles",
            "Passes over a preview, by what rang for them and how they ended.",
            ["trigger", "result"],
            registry=registry,
        )
        self._seconds = Histogram(
            "previewcloud_reconcile_duration",
            "How long a pass over a preview took, by how it ended.",
            ["result"],
            unit="seconds",
            buckets=PASS_SECONDS,
            registry=registry,
        )
        self._stages = Histogram(
            "previewcloud_stage_duration",
            "How long a pass that did something, or failed, spent in a stage; lanes side by side count once.",
            ["stage"],
            unit="seconds",
            buckets=STAGE_SECONDS,
            registry=registry,
        )
        self._by_trigger = {
            (trigger, ending): self._passes.labels(str(trigger), str(ending))
            for trigger in Trigger
            for ending in Ending
        }
        self._by_ending = {ending: self._seconds.labels(str(ending)) for ending in Ending}
        self._by_stage = {stage: self._stages.labels(str(stage)) for stage in TimedStage}

    def ended(
        self, trigger: Trigger, ending: Ending, seconds: float, stages: Mapping[TimedStage, float]
    ) -> None:
        """Count a pass that is over.

        Args:
            trigger: what rang for it.
            ending: how it ended.
            seconds: how long it took.
            stages: the seconds that it spent in each stage which is to be told of.
        """
        self._by_trigger[trigger, ending].inc()
        self._by_ending[ending].observe(seconds)
        for stage, spent in stages.items():
            self._by_stage[stage].observe(spent)
