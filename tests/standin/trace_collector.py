"""A collector of traces on loopback: it takes OTLP over http as a real one does, and keeps the spans."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web
from aiohttp.test_utils import TestServer
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Status

PROTOBUF = "application/x-protobuf"


@dataclass(frozen=True)
class Collected:
    """A span as it came."""

    name: str
    trace: str
    id: str
    parent: str
    about: dict[str, str]
    failed: bool
    message: str
    service: str


class Collector:
    """Keeps what is sent to it, and answers as it is told to."""

    def __init__(self) -> None:
        self.spans: list[Collected] = []
        self.status = 200
        self.hangs = False
        self.requests = 0
        self._open = asyncio.Event()

    @asynccontextmanager
    async def open(self, port: int | None = None) -> AsyncIterator[str]:
        """Listen while this is entered; gives the URL."""
        app = web.Application()
        app.router.add_post("/v1/traces", self._take)
        server = TestServer(app, host="127.0.0.1", port=port)
        await server.start_server(shutdown_timeout=0.1)
        try:
            yield f"http://127.0.0.1:{server.port}"
        finally:
            self._open.set()
            await server.close()

    async def _take(self, request: web.Request) -> web.Response:
        assert request.content_type == PROTOBUF
        body = await request.read()
        self.requests += 1
        if self.hangs:
            await self._open.wait()
        if self.status >= 300:
            return web.Response(status=self.status)
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            service = next(
                a.value.string_value for a in resource.resource.attributes if a.key == "service.name"
            )
            for scope in resource.scope_spans:
                self.spans += [
                    Collected(
                        span.name,
                        span.trace_id.hex(),
                        span.span_id.hex(),
                        span.parent_span_id.hex(),
                        {one.key: one.value.string_value for one in span.attributes},
                        span.status.code == Status.STATUS_CODE_ERROR,
                        span.status.message,
                        service,
                    )
                    for span in scope.spans
                ]
        return web.Response(body=ExportTraceServiceResponse().SerializeToString(), content_type=PROTOBUF)
