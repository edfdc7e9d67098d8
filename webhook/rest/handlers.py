"""What each operation does, once the request was let in and read: a few lines that hand on."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from aiohttp import web
from pydantic import BaseModel

from controller.api.errors import Conflict
from controller.api.preview import Preview
from controller.api.preview_file import parse_preview_file
from controller.api.spec import Service
from webhook.rest import said
from webhook.rest.answer import answer, short
from webhook.rest.call import Call, Handle, Tools
from webhook.rest.gate import preview_of, refuse_repository, require_read
from webhook.rest.health import health
from webhook.rest.listing import page
from webhook.rest.log_handlers import LOG_HANDLERS
from webhook.rest.log_tickets import ticket
from webhook.rest.models import ListQuery, PinRequest, PreviewFileRequest, PreviewRequest, Status
from webhook.rest.shapes import (
    BuildAnswer,
    FileAnswer,
    FileServiceAnswer,
    FileSuccess,
    PreviewSuccess,
    StatusSuccess,
)
from webhook.rest.upsert import remove, settled, upsert
from webhook.rest.wishes import pin, wish


async def _upsert(tools: Tools, call: Call) -> web.Response:
    assert isinstance(call.body, PreviewRequest)
    refuse_repository(call.caller, call.body.repository)
    require_read(tools.api)
    with said.refusals(tools, call):
        made = await upsert(tools.api, call.body)
    said.made(tools, call, made)
    preview = await settled(tools.api, made.preview)
    status = 202 if not preview.slug else 201 if made.created else 200
    word = "is made" if made.created else "is changed" if made.changed else "is as it is asked for already"
    return _json(PreviewSuccess(data=answer(preview), message=f"The preview {word}."), status)


async def _list(tools: Tools, call: Call) -> web.Response:
    assert isinstance(call.query, ListQuery)
    previews = tools.api.cluster.previews()
    if not previews:
        require_read(tools.api)
    body = page(previews, call.query, call.caller, tools.renderings)
    return web.Response(body=body, content_type="application/json")


async def _get(tools: Tools, call: Call) -> web.Response:
    preview = _preview(tools, call)
    return _json(PreviewSuccess(data=answer(preview, await tools.usage.of(preview.slug))))


async def _status(tools: Tools, call: Call) -> web.Response:
    preview = _preview(tools, call)
    return _json(StatusSuccess(data=short(preview, await tools.usage.of(preview.slug))))


async def _delete(tools: Tools, call: Call) -> web.Response:
    preview = _preview(tools, call)
    with said.refusals(tools, call, preview):
        await remove(tools.api, preview)
    said.removed(tools, call, preview)
    data = short(preview).model_copy(update={"status": Status.DESTROYING, "urls": {}})
    return _json(StatusSuccess(data=data, message="The preview is taken away."))


async def _wish(verb: str, tools: Tools, call: Call) -> web.Response:
    preview = _lasting(tools, call)
    return await _annotated(tools, call, preview, wish(verb, preview, tools.api.clock))


async def _pin(tools: Tools, call: Call) -> web.Response:
    asked = call.body if isinstance(call.body, PinRequest) else PinRequest()
    preview = _lasting(tools, call)
    return await _annotated(tools, call, preview, pin(asked.pinned, preview, tools.api.clock))


async def _annotated(
    tools: Tools, call: Call, preview: Preview, wished: tuple[Mapping[str, str | None], str]
) -> web.Response:
    annotations, sentence = wished
    await tools.api.cluster.annotate(preview.key, annotations)
    said.wished(tools, call, preview, sentence)
    return _json(StatusSuccess(data=short(preview), message=sentence))


async def _check_file(tools: Tools, call: Call) -> web.Response:
    assert isinstance(call.body, PreviewFileRequest)
    file = parse_preview_file(call.body.content.encode(), "preview.yaml")
    services = {service.name: _to_build(service) for service in file.services}
    return _json(FileSuccess(data=FileAnswer(services=services)))


async def _health(tools: Tools, call: Call) -> web.Response:
    api = tools.api
    found = health(await tools.operator.parts(), cluster_ready=api.cluster.ready, clock=api.clock)
    return _json(found, 200 if found.status == "healthy" else 503)


def _preview(tools: Tools, call: Call) -> Preview:
    return preview_of(tools.api, call.caller, call.preview_id)


def _lasting(tools: Tools, call: Call) -> Preview:
    """The Preview, unless it is being deleted: then nothing can be wished of it."""
    preview = _preview(tools, call)
    if preview.deleting:
        raise Conflict("BeingDeleted", f"Preview {preview.key} is being deleted.")
    return preview


def _to_build(service: Service) -> FileServiceAnswer:
    build = service.build
    built = (
        BuildAnswer(
            context=build.context, dockerfile=build.dockerfile, target=build.target, args=dict(build.args)
        )
        if build is not None
        else None
    )
    return FileServiceAnswer(build=built, image=service.image, port=service.port)


def _json(data: BaseModel, status: int = 200) -> web.Response:
    body = data.model_dump_json(by_alias=True).encode()
    return web.Response(body=body, status=status, content_type="application/json")


HANDLERS: Mapping[str, Handle] = {
    "upsertPreview": _upsert,
    "listPreviews": _list,
    "getPreview": _get,
    "deletePreview": _delete,
    "getPreviewStatus": _status,
    "redeployPreview": partial(_wish, "redeploy"),
    "resetPreviewDatabase": partial(_wish, "reset-database"),
    "pinPreview": _pin,
    "sleepPreview": partial(_wish, "sleep"),
    "wakePreview": partial(_wish, "wake"),
    "checkPreviewFile": _check_file,
    "getHealth": _health,
    **LOG_HANDLERS,
    "drawLogTicket": ticket,
}
"""By the operation's id."""
