"""Entries as answers: JSON of whole pages, and the cursor that leads to the page before. Pure.

    lines ──▶ line_json, as in streams and archives ──▶ page_json, newest_json

A cursor holds how far its page went, and of which log that was: after a preview was made anew under the same
id, a cursor of the log before is refused instead of being taken for a place in the new one.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence

from controller.api.names import LogKey, short_hash
from controller.logs.render import line_json
from controller.logs.store import Line
from webhook.rest.log_shapes import LogPagination
from webhook.rest.refusals import WrongField

_CURSOR = re.compile(r"([0-9a-f]{8})\.([1-9][0-9]{0,17})")


def newest_json(key: LogKey, lines: Sequence[Line], limit: int) -> bytes:
    """The answer `LogsSuccess`.

    Args:
        key: whose entries these are.
        lines: the newest ones, in order; one more than `limit` where there are more before them.
        limit: how many are answered.
    """
    kept = lines[-limit:]
    cursor = cursor_before(key, kept[0].sequence) if len(lines) > limit else None
    return b'{"success":true,"data":[%b],"count":%d,"cursor":%b}' % (
        _joined(kept),
        len(kept),
        json.dumps(cursor).encode(),
    )


def page_json(lines: Sequence[Line], pagination: LogPagination) -> bytes:
    """The answer `LogPageSuccess`."""
    told = pagination.model_dump_json(by_alias=True).encode()
    return b'{"success":true,"data":[%b],"pagination":%b}' % (_joined(lines), told)


def json_line(line: Line) -> bytes:
    """An entry as a line of JSON; halves of characters, which no UTF-8 has, become question marks."""
    return line_json(line).encode("utf-8", "replace") + b"\n"


def _joined(lines: Sequence[Line]) -> bytes:
    return ",".join(map(line_json, lines)).encode("utf-8", "replace")


def cursor_before(key: LogKey, sequence: int) -> str:
    """The cursor that leads to the entries before this one."""
    return base64.urlsafe_b64encode(f"{_mark(key)}.{sequence}".encode()).decode().rstrip("=")


def sequence_of(cursor: str, key: LogKey) -> int:
    """Before which entry a cursor leads; raises WrongField (CursorInvalid)."""
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        match = _CURSOR.fullmatch(base64.urlsafe_b64decode(padded).decode("ascii"))
    except ValueError:
        match = None
    if match is None or match[1] != _mark(key):
        raise WrongField(
            "CursorInvalid", "cursor: is none of this log; begin again without a cursor.", "cursor"
        )
    return int(match[2])


def _mark(key: LogKey) -> str:
    return short_hash(str(key), 8)
