"""What the bridge asks of the cluster: reads from a cache that a watch keeps fresh, writes under one manager.

Reading never waits. Every writing call raises BackendUnavailable (ClusterUnavailable) when the API server
does not answer, and InvalidSpec (Refused) when it refuses what is asked, with its own words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from controller.api.names import GROUP, PreviewKey
from controller.api.preview import Preview
from controller.api.spec import PreviewSpec
from controller.probes import Pulse
from webhook.cluster.records import Record
from webhook.subject import Subject

MANAGER = "previewcloud-bridge"
"""The field manager of every Preview that the bridge makes, whoever asked for it."""
ORIGIN_LABEL = f"{GROUP}/origin"
"""On a Preview that the bridge made: `webhook` or `api`."""
EVENT_TIME = f"{GROUP}/event-time"
"""Annotation: `updated_at` of the newest event that was applied (RFC 3339)."""
COMMENT_ANNOTATION = f"{GROUP}/comment"
"""Annotation `off`: nothing about this Preview is told on the pull request."""


class Origin(StrEnum):
    """Who asked the bridge for a Preview; once it is the API, webhooks only close, reopen and comment."""

    WEBHOOK = "webhook"
    API = "api"


@dataclass(frozen=True)
class Wanted:
    """A Preview as the bridge wants it, all of it: what it applied before and is not here goes away."""

    subject: Subject
    spec: PreviewSpec
    origin: Origin
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class WantedSecret:
    """A Secret that belongs to a repository, for one Preview or for its login to a registry."""

    name: str
    repository: str
    preview: str
    """Name of the Preview that it is for."""
    data: Mapping[str, str] = field(repr=False)
    type: str = "Opaque"


class Purpose(StrEnum):
    """Value of the label `previewcloud.io/purpose` on a repository's Secret."""

    GIT = "git"
    REGISTRY = "registry"


PURPOSE_LABEL = f"{GROUP}/purpose"
Listener = Callable[[Preview, bool], None]
"""Told of each Preview that changed, and whether it is gone now."""


class Cluster(Protocol):
    """The Kubernetes API, for the bridge."""

    @property
    def namespace(self) -> str:
        """Where the bridge makes its Previews."""

    @property
    def ready(self) -> bool:
        """All Previews were read once, and the watch lives."""

    @property
    def pulse(self) -> Pulse:
        """Of the watch of Previews."""

    async def check(self) -> None:
        """Ask the API server as little as can be asked; raises BackendUnavailable (ClusterUnavailable)."""

    def previews(self) -> Sequence[Preview]:
        """All Previews that can be read, the oldest first."""

    def by_slug(self, slug: str) -> Preview | None:
        """The Preview that holds a slug."""

    def by_key(self, key: PreviewKey) -> Preview | None:
        """The Preview of a namespace and name."""

    def of(self, subject: Subject) -> Preview | None:
        """The Preview that stands for a pull request or branch, whoever made it; the oldest where two do."""

    def listen(self, listener: Listener) -> None:
        """Tell of every change from now on; everything that is there already is told first."""

    async def changed(self, key: PreviewKey, seconds: float) -> None:
        """Come back when this Preview changed, or after some seconds."""

    async def apply(self, wanted: Wanted) -> Preview:
        """Make it so by server-side apply; gives the Preview as it is now, which the cache then knows too.

        Raises:
            Conflict (MadeByOthers): a Preview of that name, or of that subject alone, exists that the bridge
                did not make.
            NotReady (BeingDeleted): it is on its way out, and what is applied now would go with it.
        """

    async def annotate(self, key: PreviewKey, annotations: Mapping[str, str | None]) -> None:
        """Set annotations (wishes), or take them away (None); a Preview that is gone is fine."""

    async def delete(self, preview: Preview) -> None:
        """Delete this very Preview (by UID); one that is gone is fine."""

    async def store_secret(self, secret: WantedSecret) -> bool:
        """Create or replace a Secret that the bridge made; True when its data changed.

        Raises:
            Conflict (SecretTaken): the name is held by a Secret that the bridge did not make.
        """

    async def delete_secrets(self, preview: str) -> None:
        """Delete the Secrets that the bridge made for a Preview of that name."""

    async def secret_for(self, repository: str, purpose: Purpose) -> str | None:
        """The name of the repository's Secret for a purpose (the first by name), for a trusted source."""

    def record(self, subject: Subject) -> Record:
        """What is remembered of a subject; an empty Record where that is nothing."""

    def records(self) -> Mapping[str, Record]:
        """All that is remembered, by the subject's identity."""

    async def remember(self, subject: Subject, **changes: object) -> Record:
        """Change some fields of a subject's Record; fields given as None are forgotten."""

    async def forget(self, identities: Sequence[str]) -> None:
        """Forget Records."""
