"""What the core asks of the cluster. Bodies are plain mappings, as the API server sends them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from controller.api.holdings import Holding
from controller.api.names import PreviewKey
from controller.api.preview import Preview

Body = Mapping[str, object]


@dataclass(frozen=True)
class SecretData:
    """A Secret, decoded."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    data: Mapping[str, str] = field(default_factory=dict, repr=False)
    owner_uid: str | None = None
    """The UID of the Preview that owns it."""


class Cluster(Protocol):
    """The Kubernetes API; every call raises BackendUnavailable (ClusterUnavailable) when it does not
    answer.
    """

    async def check(self) -> None:
        """Ask as little as can be asked; says whether Previews can be read."""

    async def previews(self) -> tuple[Body, ...]:
        """All Previews that this operator watches."""

    async def exists(self, preview: PreviewKey) -> bool:
        """Whether there is such a Preview at this very moment, being deleted or not."""

    async def claim(self, preview: Preview, slug: str) -> None:
        """Write finalizer, slug and incarnation in one patch; raises NotReady when the object changed
        meanwhile.
        """

    async def release(self, preview: Preview) -> None:
        """Take the finalizer off; an object that is gone already is fine."""

    async def patch_status(self, preview: Preview, status: Mapping[str, object]) -> None:
        """Merge into the status; an object that is gone already is fine."""

    async def event(self, preview: Preview, kind: str, reason: str, message: str) -> None:
        """Record an Event (`Normal` or `Warning`) on the Preview."""

    async def secret(self, namespace: str, name: str) -> SecretData | None:
        """One Secret, or None."""

    async def secrets_labelled(self, namespace: str, selector: str) -> tuple[SecretData, ...]:
        """All Secrets with a label selector."""

    async def store_secret(self, preview: Preview, name: str, data: Mapping[str, str]) -> None:
        """Create or replace a Secret owned by the Preview; Conflict when the name is someone else's."""

    async def delete_secret(self, preview: PreviewKey, name: str) -> None:
        """Delete a Secret that is the Preview's; gone already is fine."""

    async def holdings(self) -> tuple[Holding, ...]:
        """Every Secret with logins that this operator stored, in the namespaces that it watches. They do not
        say of which installation they are: where one operator looks, no other does.
        """

    async def discard(self, holding: Holding) -> None:
        """Delete one of these, when it still is that preview's; else nothing is done."""
