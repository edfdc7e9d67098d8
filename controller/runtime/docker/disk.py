"""How full the engine's disk is, seen from a container: its own root lies where the engine keeps images and
containers, so a remote engine answers like a local one, and nothing of the host is mounted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from controller.api.errors import BackendUnavailable
from controller.runtime.docker.container import disk_body
from controller.runtime.docker.images import Images
from controller.runtime.docker.jobs import Jobs, Output
from controller.runtime.docker.settings import DockerSettings
from controller.runtime.docker.transport import EngineRefused

DISK_SECONDS = 30.0
BLOCK = 1024
FULL = "no space left on device"


class Disk:
    """Asks one engine.

    Args:
        images: the engine's.
        jobs: runs the container.
        settings: the installation's; its tools image is used.
    """

    def __init__(self, images: Images, jobs: Jobs, settings: DockerSettings) -> None:
        self._images = images
        self._jobs = jobs
        self._settings = settings
        self._alone = asyncio.Lock()
        self._name = f"previewcloud-{settings.installation}-disk"

    async def free_bytes(self) -> int:
        """See Runtime.free_bytes; 0 where not even the container can be made any more.

        Raises:
            BackendUnavailable: ToolsImageMissing, EngineError.
        """
        if await self._images.inspect(self._settings.tools_image) is None:
            raise BackendUnavailable(
                "ToolsImageMissing",
                f"Image {self._settings.tools_image} is not on the engine; prepare the engine.",
            )
        lines: list[str] = []
        async with self._alone:  # the container's name is taken by one at a time
            try:
                body = disk_body(self._settings)
                await self._jobs.run(self._name, body, None, DISK_SECONDS, Output(lines.append))
            except EngineRefused as error:
                if FULL in error.message:
                    return 0
                raise
        return available(lines)


def available(lines: Iterable[str]) -> int:
    """The bytes that are free for use, as `df -P -k` prints them in its last line.

    Raises:
        BackendUnavailable: EngineError: this is no such output.
    """
    printed = list(lines)
    fields = printed[-1].rsplit(maxsplit=5) if printed else []
    if len(fields) != 6 or not fields[3].isdecimal():
        raise BackendUnavailable(
            "EngineError",
            f"How much room the engine has cannot be read ({' '.join(printed)[-200:]!r}); is `df` in the "
            "tools image?",
        )
    return int(fields[3]) * BLOCK
