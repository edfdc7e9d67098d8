"""The operations of the REST API, in one table: routes, checks and the OpenAPI document come from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel

from webhook.rest.log_models import LogDownloadQuery, LogFilters, LogPageQuery, LogQuery, LogsQuery
from webhook.rest.log_shapes import LogPageSuccess, LogsSuccess, StatsSuccess
from webhook.rest.log_streams import JSONL, TEXT
from webhook.rest.log_tickets import TicketRequest, TicketSuccess
from webhook.rest.models import ListQuery, PinRequest, PreviewFileRequest, PreviewRequest
from webhook.rest.shapes import FileSuccess, HealthAnswer, ListSuccess, PreviewSuccess, StatusSuccess
from webhook.tokens import Scope

JSON = "application/json"
YAML = ("text/yaml", "application/yaml")
ID = "{id}"


@dataclass(frozen=True)
class Operation:
    """One operation.

    `answers` are the successes by status, `streams` the media types of one that is a text instead, sent while
    it is read; `refusals` are the statuses beyond those that any request may get.
    """

    id: str
    method: str
    path: str
    summary: str
    scope: Scope | None
    answers: Mapping[int, type[BaseModel]]
    refusals: tuple[int, ...] = ()
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    body_optional: bool = False
    texts: tuple[str, ...] = field(default=())
    """Media types under which the body's one text may come as it is."""
    streams: tuple[str, ...] = ()

    @property
    def statuses(self) -> tuple[int, ...]:
        """Every status of a failure."""
        found = {400, 405, 429, 500, 503, *self.refusals} - set(self.answers)
        found |= {401, 403} if self.scope is not None else set()
        found |= {404} if ID in self.path else set()
        found |= {422} if self.query or self.body else set()
        found |= {408, 413, 415} if self.body else set()
        return tuple(sorted(found))


def _wish(identity: str, verb: str, summary: str, body: type[BaseModel] | None = None) -> Operation:
    return Operation(
        identity,
        "POST",
        f"/api/previews/{ID}/{verb}",
        summary,
        Scope.WRITE,
        {200: StatusSuccess},
        refusals=(409,),
        body=body,
        body_optional=body is not None,
    )


def _log(  # noqa: PLR0913 - an operation, as it stands in the table
    identity: str,
    verb: str,
    summary: str,
    query: type[BaseModel],
    answer: type[BaseModel] | None = None,
    *,
    streams: tuple[str, ...] = (),
) -> Operation:
    answers = {200: answer} if answer is not None else {}
    path = f"/api/previews/{ID}/logs{verb}"
    return Operation(identity, "GET", path, summary, Scope.READ, answers, query=query, streams=streams)


OPERATIONS = (
    Operation(
        "upsertPreview",
        "POST",
        "/api/previews",
        "Make a preview, or change it: it becomes what the request says, all of it. Answered 201 or 200 with "
        "its id, or 202 when it has none yet after 5 seconds.",
        Scope.WRITE,
        {200: PreviewSuccess, 201: PreviewSuccess, 202: PreviewSuccess},
        refusals=(409,),
        body=PreviewRequest,
    ),
    Operation(
        "listPreviews",
        "GET",
        "/api/previews",
        "The previews that the token may see, the oldest first, page by page.",
        Scope.READ,
        {200: ListSuccess},
        query=ListQuery,
    ),
    Operation("getPreview", "GET", f"/api/previews/{ID}", "One preview.", Scope.READ, {200: PreviewSuccess}),
    Operation(
        "deletePreview",
        "DELETE",
        f"/api/previews/{ID}",
        "Take a preview away, with all that belongs to it.",
        Scope.WRITE,
        {200: StatusSuccess},
        refusals=(409,),
    ),
    Operation(
        "getPreviewStatus",
        "GET",
        f"/api/previews/{ID}/status",
        "A preview's state and addresses.",
        Scope.READ,
        {200: StatusSuccess},
    ),
    _wish("redeployPreview", "redeploy", "Deploy a preview anew, with the same commit."),
    _wish("resetPreviewDatabase", "reset-database", "Make a preview's database anew."),
    _wish(
        "pinPreview", "pin", "Pin a preview, so that it neither sleeps nor expires; or unpin it.", PinRequest
    ),
    _wish("sleepPreview", "sleep", "Put a preview to sleep; a visit wakes it."),
    _wish("wakePreview", "wake", "Wake a preview up."),
    _log(
        "getLogs",
        "",
        "The newest entries of a preview's log, the oldest of them first; the cursor leads to those before.",
        LogsQuery,
        LogsSuccess,
    ),
    _log("getLogPage", "/paginated", "A page of a log, from its beginning.", LogPageQuery, LogPageSuccess),
    _log("getLogStats", "/stats", "How many entries of each type a log holds.", LogQuery, StatsSuccess),
    _log(
        "downloadLogs",
        "/download",
        "All entries that match, the oldest first. Where reading fails midway, the last line says so: "
        "`The log breaks off here`, or an object with `error`.",
        LogDownloadQuery,
        streams=(TEXT, JSONL),
    ),
    _log(
        "getArchivedLogs",
        "/archived",
        "Entries that were archived before they were removed, one incarnation of the preview after the "
        "other, the oldest first. Where reading fails midway, the last line is an object with `error`.",
        LogFilters,
        streams=(JSONL,),
    ),
    Operation(
        "drawLogTicket",
        "POST",
        f"/api/previews/{ID}/logs/ticket",
        "A ticket that opens a log's stream, good for 30 seconds, for clients that cannot send headers.",
        Scope.READ,
        {200: TicketSuccess},
        body=TicketRequest,
        body_optional=True,
    ),
    Operation(
        "checkPreviewFile",
        "POST",
        "/api/preview-file",
        "Check a preview file, and say what must be built for it.",
        Scope.READ,
        {200: FileSuccess},
        body=PreviewFileRequest,
        texts=YAML,
    ),
    Operation(
        "getHealth",
        "GET",
        "/api/health",
        "Health of the installation; needs no token.",
        None,
        {200: HealthAnswer, 503: HealthAnswer},
    ),
)
