"""What the core asks of an image builder: one image of one service at one commit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from controller.api.names import PreviewKey
from controller.runtime.protocol import LineSink
from controller.source.protocol import Tree


@dataclass(frozen=True)
class BuildRequest:
    """One image to build. Build arguments never hold a secret: that was refused before."""

    image: str
    preview: PreviewKey
    slug: str
    repository: str
    service: str
    commit: str
    context: str = "."
    dockerfile: str = "Dockerfile"
    """Relative to the context, as Compose has it."""
    target: str | None = None
    args: Mapping[str, str] = field(default_factory=dict)
    cache_namespace: str = ""
    """Cache mounts are shared only within the same namespace: one per repository and trust."""


class Builder(Protocol):
    """Turns a source into an image on the engine."""

    async def build(self, request: BuildRequest, tree: Tree, on_line: LineSink) -> None:
        """Build and tag the image, unless it is there already; cancelling the task cancels the build.

        Raises:
            InvalidSpec: BuildFailed (with the last lines), BuildTimeout, ImageLabelRefused, PathOutside,
                DockerfileMissing, DockerfileRefused, ContextMissing, ContextTooLarge.
            BackendUnavailable: the engine does not answer.
        """
