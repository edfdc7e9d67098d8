"""The dashboard's panels: rows from the top, panels from the left, each with its queries."""

from __future__ import annotations

from dataclasses import dataclass

Query = tuple[str, str]
"""PromQL, and how its series are called."""
PASS, DID_SOMETHING = "previewcloud_reconcile_duration_seconds", '{result="changed"}'
CHOSEN = 'slug=~"$slug"'


@dataclass(frozen=True)
class Panel:
    """One panel."""

    title: str
    queries: tuple[Query, ...]
    unit: str = "short"
    about: str = ""
    stacked: bool = False
    kind: str = "timeseries"


def quantile(share: float, metric: str, by: str = "le", where: str = "") -> str:
    """A quantile of a histogram over five minutes."""
    return f"histogram_quantile({share}, sum by ({by}) (rate({metric}_bucket{where}[5m])))"


def rate(metric: str, by: str) -> str:
    """A counter's rate, by some labels."""
    return f"sum by ({by}) (rate({metric}[5m]))"


PREVIEWS = (
    Panel(
        "Previews by phase",
        (("sum by (phase) (previewcloud_operator_previews)", "{{phase}}"),),
        stacked=True,
    ),
    Panel(
        "Running, asleep, waiting",
        (
            ("sum(previewcloud_running)", "running"),
            ("sum(previewcloud_sleeping)", "asleep"),
            ("sum(previewcloud_queue_length)", "waiting"),
        ),
    ),
    Panel(
        "Decisions an hour",
        (
            (
                "sum by (decision, reason) (increase(previewcloud_decisions_total[1h]))",
                "{{decision}} {{reason}}",
            ),
        ),
        about="What was decided about previews that changed what becomes of them.",
    ),
)
PASSES = (
    Panel("Passes by result", ((rate("previewcloud_reconciles_total", "result"), "{{result}}"),), "ops"),
    Panel(
        "From a push to a preview",
        (
            (quantile(0.5, PASS, where=DID_SOMETHING), "half of them"),
            (quantile(0.9, PASS, where=DID_SOMETHING), "nine of ten"),
        ),
        "s",
        "How long a pass took that did something.",
    ),
    Panel(
        "Where the time goes",
        (
            (
                "sum by (stage) (rate(previewcloud_stage_duration_seconds_sum[1h]))"
                " / sum by (stage) (rate(previewcloud_stage_duration_seconds_count[1h]))",
                "{{stage}}",
            ),
        ),
        "s",
        "Seconds of a stage, on average.",
    ),
)
WORK = (
    Panel("Builds an hour", (("sum by (result) (increase(previewcloud_builds_total[1h]))", "{{result}}"),)),
    Panel("Builds that run", (("sum(previewcloud_builds_running)", "running"),)),
    Panel(
        "Engine calls that fail",
        (
            (
                "sum by (operation, result) "
                '(rate(previewcloud_engine_calls_total{result=~"failed|unavailable"}[5m]))',
                "{{operation}} {{result}}",
            ),
        ),
        "ops",
    ),
    Panel(
        "Engine calls, nine of ten",
        ((quantile(0.9, "previewcloud_engine_call_duration_seconds", "le, operation"), "{{operation}}"),),
        "s",
    ),
)
USAGE = (
    Panel(
        "CPU of previews",
        (
            (
                f"sum by (slug, service) (rate(previewcloud_container_cpu_seconds_total{{{CHOSEN}}}[5m]))",
                "{{slug}} {{service}}",
            ),
        ),
        "cores",
        stacked=True,
    ),
    Panel(
        "Memory of previews",
        (
            (
                f"sum by (slug, service) (previewcloud_container_memory_bytes{{{CHOSEN}}})",
                "{{slug}} {{service}}",
            ),
        ),
        "bytes",
        stacked=True,
    ),
    Panel(
        "Nearest to their memory limit",
        (
            (
                f"topk(10, sum by (slug, service) (previewcloud_container_memory_bytes{{{CHOSEN}}})"
                f" / sum by (slug, service) (previewcloud_container_memory_limit_bytes{{{CHOSEN}}}))",
                "{{slug}} {{service}}",
            ),
        ),
        "percentunit",
    ),
    Panel(
        "Room on the engine's disk",
        (
            ("previewcloud_engine_disk_free_bytes", "free"),
            ("previewcloud_engine_disk_required_bytes", "required for builds"),
        ),
        "bytes",
    ),
)
BRIDGE = (
    Panel(
        "Deliveries from GitHub an hour",
        (
            (
                "sum by (event, result) (increase(previewcloud_webhook_deliveries_total[1h]))",
                "{{event}} {{result}}",
            ),
        ),
    ),
    Panel(
        "API requests",
        ((rate("previewcloud_api_requests_total", "route, status"), "{{route}} {{status}}"),),
        "ops",
    ),
    Panel("GitHub requests left", (("previewcloud_github_rate_limit_left_requests", "left"),)),
    Panel(
        "Visitors that wait, wakes an hour",
        (
            ("sum(previewcloud_held_requests)", "held"),
            ("sum by (outcome) (increase(previewcloud_wakes_total[1h]))", "wakes {{outcome}}"),
        ),
    ),
)
HEALTH = (
    Panel(
        "Lag of the event loops, worst of a hundred",
        ((quantile(0.99, "previewcloud_event_loop_lag_seconds", "le, job"), "{{job}}"),),
        "s",
    ),
    Panel(
        "Writes to the Kubernetes API",
        ((rate("previewcloud_api_writes_total", "kind, result"), "{{kind}} {{result}}"),),
        "ops",
    ),
    Panel(
        "Log entries, and those lost",
        (
            (rate("previewcloud_log_entries_total", "type"), "{{type}}"),
            (rate("previewcloud_log_entries_dropped_total", "reason"), "lost: {{reason}}"),
        ),
        "ops",
    ),
    Panel(
        "Orphans removed, sweeps refused, an hour",
        (
            ("sum by (kind) (increase(previewcloud_orphans_removed_total[1h]))", "{{kind}}"),
            ("sum(increase(previewcloud_sweeps_refused_total[1h]))", "refused"),
        ),
    ),
)
ROWS: tuple[tuple[str, tuple[Panel, ...]], ...] = (
    ("Previews", PREVIEWS),
    ("Passes over previews", PASSES),
    ("Builds and engine", WORK),
    ("What previews use", USAGE),
    ("Bridge", BRIDGE),
    ("Health of both processes", HEALTH),
)
