"""Previews as a table, one preview in full, and one that is watched while it changes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from rich.console import Group, RenderableType
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from cli.ansi import harmless, plain
from cli.models import SETTLED, Preview, Usage
from controller.api.durations import written

COMMIT = 12
_STYLES = {
    "running": "green",
    "failed": "red",
    "creating": "cyan",
    "updating": "cyan",
    "queued": "yellow",
    "pending": "yellow",
    "sleeping": "blue",
    "expired": "dim",
    "destroying": "dim",
}


def table(previews: Sequence[Preview], now: datetime) -> Table:
    """One line a preview, as wide as it is; ages are counted up to `now`."""
    made = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    for name in ("ID", "STATUS", "REPOSITORY", "OF", "COMMIT", "USED", "AGE", "URL"):
        made.add_column(name, no_wrap=True)
    for preview in previews:
        made.add_row(
            _text(preview.preview_id or "-"),
            how(preview),
            _text(preview.repository),
            _text(preview.origin),
            _text(preview.commit_sha[:COMMIT]),
            _text(age(preview.last_accessed_at, now)),
            _text(age(preview.created_at, now)),
            _text(url_of(preview) or "-"),
        )
    return made


def whole(preview: Preview, now: datetime) -> RenderableType:
    """Everything about one preview; times are counted from `now`."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row("Preview", _text(preview.preview_id or "-"))
    grid.add_row("Status", how(preview))
    for name, text in (("Step", preview.step), ("Reason", preview.reason), ("Message", preview.message)):
        if text and (name != "Message" or text != preview.step) and (name != "Reason" or _matters(preview)):
            grid.add_row(name, Text("\n".join(harmless(text, colours=False))))
    for name, text in _times(preview, now):
        grid.add_row(name, text)
    grid.add_row("Repository", _text(f"{preview.repository} {preview.origin}"))
    grid.add_row("Commit", _text(preview.commit_sha))
    if preview.database is not None:
        grid.add_row("Database", _text(f"{preview.database.type} {preview.database.name or ''}".strip()))
    if preview.services:
        grid.add_row("Services", _services(preview))
    return grid


def under_way(preview: Preview, seconds: float, now: datetime) -> RenderableType:
    """One preview while something is being done with it, for so long by now."""
    told = whole(preview, now)
    if preview.status in SETTLED:
        return told
    so_long = written(timedelta(seconds=seconds))
    return Group(told, Spinner("dots", Text(f"{plain(preview.status)}, watched for {so_long}", style="cyan")))


def news(preview: Preview) -> str:
    """What is new about a preview, on one line."""
    doing = preview.step or (preview.message if _matters(preview) else None)
    services = ", ".join(f"{service.name} {service.status}" for service in preview.services)
    parts = (f"{preview.preview_id} {how(preview).plain}", doing, services, url_of(preview))
    return " · ".join(plain(part) for part in parts if part)


def url_of(preview: Preview, service: str | None = None) -> str | None:
    """Where a preview answers, or one service of it."""
    if service is not None:
        return preview.urls.get(service)
    in_order = [preview.urls[each.name] for each in preview.services if each.name in preview.urls]
    return next(iter([*in_order, *preview.urls.values()]), None)


def age(since: datetime | None, now: datetime) -> str:
    """How long ago something was, by its largest part: `3d`, `5h`."""
    if since is None:
        return "-"
    seconds = max(0, int((now - since).total_seconds()))
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def state(status: str) -> Text:
    """A state, in its colour."""
    return Text(plain(status) or "-", style=_STYLES.get(status, ""))


def how(preview: Preview) -> Text:
    """Its state, with its place in the queue and whether it is pinned."""
    text = state(preview.status)
    if preview.place:
        text.append(f" {preview.place}")
    return text.append(" (pinned)", style="dim") if preview.pinned else text


def _times(preview: Preview, now: datetime) -> list[tuple[str, str]]:
    """When it was used, fell asleep and ends, as far as that is known."""
    told = (("Used", preview.last_accessed_at), ("Asleep since", preview.asleep_since))
    rows = [(name, _ago(time, now)) for name, time in (*told, ("Expired", preview.expired_at)) if time]
    if preview.expires_at is not None:
        left = written(max(preview.expires_at - now, timedelta(0)))
        rows.append(("Expires", f"{preview.expires_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC, in {left}"))
    return rows


def _ago(time: datetime, now: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC, {age(time, now)} ago"


def _matters(preview: Preview) -> bool:
    """Its reason says more than its state does."""
    return (preview.reason or "").lower() != preview.status


def _services(preview: Preview) -> Table:
    made = Table.grid(padding=(0, 2))
    for service in preview.services:
        used = "" if service.usage is None else using(service.usage)
        made.add_row(_text(service.name), state(service.status), _text(used), _text(service.url or ""))
    return made


def using(usage: Usage) -> str:
    """What a service uses, as in `0.03 CPU, 45 MiB of 512 MiB`; CPU in cores."""
    memory = f"{size(usage.memory_bytes)} of {size(usage.memory_limit_bytes)}"
    return memory if usage.cpu_cores is None else f"{usage.cpu_cores:.2f} CPU, {memory}"


def size(amount: int) -> str:
    """Bytes in the largest unit of which there is one at least."""
    for unit, each in (("GiB", 1024**3), ("MiB", 1024**2), ("KiB", 1024)):
        if amount >= each:
            return f"{amount / each:.0f} {unit}" if amount >= 10 * each else f"{amount / each:.1f} {unit}"
    return f"{amount} B"


def _text(text: str) -> Text:
    return Text(plain(text))
