"""How long previews live, how many run, and what is cleaned up behind them."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field
from pydantic_settings import BaseSettings

from controller.api.limits import LimitPolicy
from controller.settings.words import Span


class LifeVariables(BaseSettings):
    """Their variables."""

    sleep_after: Span = Field(
        default=timedelta(hours=2),
        description="A preview that nobody uses for this long is put to sleep (30m, 2h, 7d); 0: never.",
    )
    idle_timeout: Span = Field(
        default=timedelta(hours=48),
        description="One that nobody uses for this long is torn down, its database included; 0: never.",
    )
    ttl: Span = Field(
        default=timedelta(0), description="Every preview is torn down this long after it was made; 0: never."
    )
    expiry_warning: Span = Field(
        default=timedelta(hours=1), description="So long before its ttl is over, the pull request is told."
    )
    recent_use: Span = Field(
        default=timedelta(minutes=10),
        description="What was used within this time is never put to sleep or torn down to make room.",
    )
    access_interval: float = Field(
        default=60, gt=0, description="Seconds between two looks at how often previews were visited."
    )
    max_previews: int = Field(
        default=20,
        ge=0,
        description="Previews that run at once; one that sleeps does not count. 0: no limit.",
    )
    max_sleeping: int = Field(
        default=100,
        ge=0,
        description="Previews that sleep at once; over it, the longest asleep is torn down.",
    )
    max_previews_repository: int = Field(
        default=0, ge=0, description="Previews of one repository that run at once; 0: no limit."
    )
    max_memory_all: str = Field(
        default="",
        description="Memory that all running previews may ask for together (16Gi); empty: no limit.",
    )
    max_memory_repository: str = Field(default="", description="The same for those of one repository.")
    max_cpu_all: str = Field(
        default="", description="CPU that all running previews may ask for together; empty: no limit."
    )
    max_cpu_repository: str = Field(default="", description="The same for those of one repository.")
    limit_policy: LimitPolicy = Field(
        default=LimitPolicy.EVICT,
        description="One more than may run: `evict` the one that was used longest ago, or `queue`.",
    )
    cleanup_interval_minutes: float = Field(
        default=30, gt=0, description="Minutes between two looks for what belongs to no Preview any more."
    )
    orphan_grace: Span = Field(
        default=timedelta(minutes=10),
        description="So long it must have belonged to none before it is removed.",
    )
    build_cache_bytes: int = Field(
        default=0,
        ge=0,
        description="Bytes that the engine's build cache may have; what was used longest ago goes; 0: "
        "left alone. The cache does not say whose it is: set this only where nobody else builds on it.",
    )
    min_free_disk: str = Field(
        default="2Gi", description="No image is built while less than this is free on the engine's disk."
    )
