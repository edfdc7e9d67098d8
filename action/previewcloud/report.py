"""How it went, for later steps and for people: an outcome goes in, outputs and Markdown come out. Pure."""

from __future__ import annotations

import html
import json
import re

from previewcloud.event import Target
from previewcloud.waiting import Outcome

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|~@])")


def outputs(outcome: Outcome) -> dict[str, str]:
    """Return the Action's outputs by name."""
    preview = outcome.preview
    return {
        "preview-id": preview.id,
        "preview-url": preview.url,
        "preview-urls": json.dumps(dict(preview.urls)),
        "status": preview.status,
        "deployment-time": "" if outcome.seconds is None else str(outcome.seconds),
    }


def summary(outcome: Outcome, target: Target) -> str:
    """Return a paragraph and a table for the job's summary."""
    preview = outcome.preview
    took = "" if outcome.seconds is None else f" after {outcome.seconds} s"
    lines = [f"### Preview {escaped(preview.id)} of {escaped(str(target))}".replace("  ", " ")]
    lines += [
        f"**{escaped(preview.status)}**{took}" + (f", commit `{target.commit[:12]}`" if target.commit else "")
    ]
    if outcome.trouble:
        lines += ["\n".join(f"> {escaped(line)}" for line in outcome.trouble.splitlines())]
    if preview.urls:
        rows = (f"| {escaped(name)} | {_link(url)} |" for name, url in preview.urls.items())
        lines += ["\n".join(("| Service | URL |", "|---|---|", *rows))]
    return "\n\n".join(lines) + "\n"


def escaped(text: str) -> str:
    """Return text in Markdown that shows as it is."""
    return _SPECIAL.sub(r"\\\1", html.escape(text, quote=False))


def _link(url: str) -> str:
    return f"<{url}>" if re.fullmatch(r"https?://[^\s<>|]+", url) else escaped(url)
