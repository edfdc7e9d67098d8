"""An entry as JSON, the same in the API's answers, in its streams and in the archive; and read back."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from pydantic import AwareDatetime

from controller.api.model import Observed
from controller.api.names import LogKey
from controller.logs.protocol import LogEntry, LogType
from controller.logs.store import Line
from controller.runtime.output import Stream

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def time_text(moment: datetime) -> str:
    """RFC 3339 in UTC, with microseconds."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def line_json(line: Line) -> str:
    """One line as a JSON object."""
    entry = line.entry
    return _ENCODER.encode(
        {
            "sequence": line.sequence,
            "previewId": entry.preview_id,
            "prNumber": entry.pr_number,
            "repository": entry.key.repository,
            "commit": entry.commit,
            "service": entry.service,
            "type": entry.type.value,
            "stream": entry.stream.value if entry.stream else None,
            "message": entry.message,
            "metadata": dict(entry.metadata),
            "createdAt": time_text(entry.created_at),
        }
    )


class _Shape(Observed):
    sequence: int
    preview_id: str
    pr_number: int | None
    repository: str
    commit: str
    service: str | None
    type: LogType
    stream: Stream | None
    message: str
    metadata: dict[str, str | int]
    created_at: AwareDatetime


def line_of(text: str | bytes, incarnation: str) -> Line:
    """A line read back; raises ValueError when the text is none."""
    shape = _Shape.model_validate_json(text)
    entry = LogEntry(
        key=LogKey(shape.repository, incarnation),
        preview_id=shape.preview_id,
        commit=shape.commit,
        type=shape.type,
        message=shape.message,
        created_at=shape.created_at.astimezone(UTC),
        pr_number=shape.pr_number,
        service=shape.service,
        stream=shape.stream,
        metadata=shape.metadata,
    )
    return Line(shape.sequence, entry)
