"""The engine's events, as "something happened to this preview"; None after each new connection.

A stream ends without an error when its connection drops, and a dead one may just be silent: it is opened
again either way, and whoever listens looks at everything once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from controller.api.errors import BackendUnavailable
from controller.api.names import PreviewKey
from controller.runtime.docker import wire
from controller.runtime.docker.labels import JOB, preview_of
from controller.runtime.docker.settings import DockerSettings
from controller.runtime.docker.streams import LineReader
from controller.runtime.docker.transport import Call, EngineClient, EngineRefused, filters

FILTERS = filters(
    type=["container", "network"], event=["die", "destroy", "oom", "health_status", "disconnect"]
)
SILENCE_SECONDS = 300.0
EVENT_BYTES = 1024 * 1024  # an event carries all labels of its container
FIRST_WAIT = 0.2
LONGEST_WAIT = 5.0


class Events:
    """Follows one engine's events for one installation.

    Args:
        client: the engine.
        settings: the installation and its proxy network.
        owners: network name to preview, kept by whoever creates and lists networks, since the engine's
            network events carry no labels.
    """

    def __init__(
        self, client: EngineClient, settings: DockerSettings, owners: Mapping[str, PreviewKey]
    ) -> None:
        self._client = client
        self._settings = settings
        self._owners = owners

    async def follow(self) -> AsyncGenerator[PreviewKey | None]:
        """See Runtime.watch."""
        wait = FIRST_WAIT
        while True:
            try:
                async with aclosing(self._once()) as events:
                    async for event in events:
                        wait = FIRST_WAIT
                        yield event
            except (BackendUnavailable, EngineRefused, TimeoutError):
                pass
            await asyncio.sleep(wait)
            wait = min(LONGEST_WAIT, wait * 2)

    async def _once(self) -> AsyncGenerator[PreviewKey | None]:
        lines = LineReader(EVENT_BYTES)
        call = Call("GET", "/events", {"filters": FILTERS}, timeout_seconds=None)
        async with self._client.open(call) as response:
            yield None
            chunks = self._client.chunks(response)
            while True:
                async with asyncio.timeout(SILENCE_SECONDS):
                    chunk = await anext(chunks, None)
                if chunk is None:
                    return
                for line in lines.feed(chunk):
                    happened, preview = await self._read(line)
                    if happened:
                        yield preview

    async def _read(self, line: str) -> tuple[bool, PreviewKey | None]:
        """Whether an event is ours, and whose; ours with None when it cannot be told."""
        try:
            event = wire.Event.model_validate_json(line)
        except ValueError:
            return False, None
        if event.type == "container":
            preview = preview_of(event.actor.attributes, self._settings.installation)
            return preview is not None and JOB not in event.actor.attributes, preview
        network = event.actor.attributes.get("name", "")
        if network == self._settings.proxy_network:
            preview = await self._running(event.actor.attributes.get("container", ""))
            return preview is not None, preview
        preview = self._owners.get(network)
        return preview is not None or network.startswith(f"{self._settings.installation}-"), preview

    async def _running(self, container: str) -> PreviewKey | None:
        """Whose container left the proxy's network while it runs; a stopped one leaves it anyway."""
        try:
            raw = await self._client.get(f"/containers/{container}/json")
        except EngineRefused:
            return None
        found = wire.Container.model_validate_json(raw)
        if found.state.status != "running":
            return None
        return preview_of(found.labels, self._settings.installation)
