"""Holdings: what a preview may leave behind, wherever that is: on the engine, on a database server, in the
cluster.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from controller.api.names import PreviewKey


class HoldingKind(StrEnum):
    """What it is."""

    INSTANCE = "container"
    JOB = "job"
    """A throwaway container."""
    NETWORK = "network"
    VOLUME = "volume"
    IMAGE = "image"
    DATABASE = "database"
    """With its role."""
    SECRET = "secret"  # noqa: S105 - a kind of object


@dataclass(frozen=True, order=True)
class Holding:
    """One thing that carries our marks."""

    kind: HoldingKind
    name: str
    place: str = ""
    """Which of several places: the kind of database server, or a Secret's namespace."""
    installation: str = ""
    """Whose it is; empty where its marks do not say."""
    preview: PreviewKey | None = None
    """Whose it is within the installation; None where its marks do not say, and nothing is done about it."""
    shared: tuple[PreviewKey, ...] = ()
    """Who uses it as well (an image may serve several previews): nobody misses it once these are gone too."""

    def __str__(self) -> str:
        return f"{self.kind} {f'{self.place}/' if self.place else ''}{self.name}"
