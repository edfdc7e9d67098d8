"""What each operation on logs does: find the log that is meant, read it, answer.

id, repository, token ──▶ find_log ──▶ key ──▶ store ──▶ a page of JSON | a streamed body
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from aiohttp import web

from controller.logs.archive import archived
from controller.logs.protocol import LogType
from controller.logs.store import Line, Page
from webhook.logs.lookup import FoundLog, find_log
from webhook.rest.call import Call, Handle, Tools
from webhook.rest.gate import require_read
from webhook.rest.log_models import (
    LogDownloadQuery,
    LogFilters,
    LogFormat,
    LogPageQuery,
    LogQuery,
    LogsQuery,
)
from webhook.rest.log_pages import json_line, newest_json, page_json, sequence_of
from webhook.rest.log_shapes import LogPagination, StatsAnswer, StatsSuccess
from webhook.rest.log_streams import JSONL, TEXT, pages, rendered, sifted, streamed
from webhook.rest.log_text import text_line
from webhook.rest.refusals import Refusal, not_found

JSON = "application/json"


async def found_log(tools: Tools, call: Call) -> FoundLog:
    """The log that a request means; raises Refusal (404), NotReady (ClusterNotRead)."""
    assert isinstance(call.query, LogQuery)
    api = tools.api
    if api.cluster.by_slug(call.preview_id) is None:
        require_read(api)
    repository = call.query.repository or ""
    return await find_log(api.cluster, api.logs, call.preview_id, call.caller.sees, repository)


async def _newest(tools: Tools, call: Call) -> web.Response:
    query, key = call.query, (await found_log(tools, call)).key
    assert isinstance(query, LogsQuery)
    where = query.where(tools.api.clock.instant())
    if query.cursor is not None:
        where = replace(where, before=sequence_of(query.cursor, key))
    lines = await tools.api.logs.read(key, where, Page(query.limit + 1, last=True))
    return web.Response(body=newest_json(key, lines, query.limit), content_type=JSON)


async def _page(tools: Tools, call: Call) -> web.Response:
    query, key = call.query, (await found_log(tools, call)).key
    assert isinstance(query, LogPageQuery)
    where, size = query.where(tools.api.clock.instant()), query.page_size
    total = await tools.api.logs.count(key, where)
    lines = await tools.api.logs.read(key, where, Page(size, (query.page - 1) * size))
    pagination = LogPagination(page=query.page, page_size=size, total=total, pages=-(-total // size))
    return web.Response(body=page_json(lines, pagination), content_type=JSON)


async def _stats(tools: Tools, call: Call) -> web.Response:
    found = await found_log(tools, call)
    counts = await tools.api.logs.by_type(found.key)
    types = {each: counts.get(each, 0) for each in LogType}
    told = StatsSuccess(data=StatsAnswer(total=sum(types.values()), types=types))
    return web.Response(body=told.model_dump_json(by_alias=True).encode(), content_type=JSON)


async def _download(tools: Tools, call: Call) -> web.Response:
    query, found = call.query, await found_log(tools, call)
    assert isinstance(query, LogDownloadQuery)
    where = query.where(tools.api.clock.instant())
    as_text = query.format is LogFormat.TEXT
    pieces = rendered(pages(tools.api.logs, found.key, where), _text if as_text else json_line)
    name = f"{re.sub('[^a-z0-9-]', '-', found.preview_id)}.{'log' if as_text else 'jsonl'}"
    attached = {"Content-Disposition": f'attachment; filename="{name}"'}
    return await streamed(pieces, TEXT if as_text else JSONL, attached)


async def _archived(tools: Tools, call: Call) -> web.Response:
    query, repository = call.query, _repository(tools, call)
    assert isinstance(query, LogFilters)
    archive = tools.api.archive
    if archive is None:
        raise Refusal(404, "ArchiveMissing", "Nothing is archived here: the bridge has no LOG_ARCHIVE_URL.")
    where = query.where(tools.api.clock.instant())
    lines = archived(archive, repository, call.preview_id, where.since, where.until)
    return await streamed(rendered(sifted(lines, where), json_line), JSONL)


def _repository(tools: Tools, call: Call) -> str:
    """Whose archived entries a request means: there may be no log of it any more; raises as `found_log`."""
    assert isinstance(call.query, LogQuery)
    preview = tools.api.cluster.by_slug(call.preview_id)
    if preview is None:
        require_read(tools.api)
    repository = call.query.repository or (preview.spec.source.repository if preview else "")
    if not repository or not call.caller.sees(repository):
        raise not_found()
    return repository


def _text(line: Line) -> bytes:
    return text_line(line).encode("utf-8", "replace")


LOG_HANDLERS: Mapping[str, Handle] = {
    "getLogs": _newest,
    "getLogPage": _page,
    "getLogStats": _stats,
    "downloadLogs": _download,
    "getArchivedLogs": _archived,
}
"""By the operation's id."""
