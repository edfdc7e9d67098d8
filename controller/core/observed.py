"""Observed: what is, put together from engine, database server and cluster. Building it changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from controller.databases.protocol import DatabaseState
from controller.runtime.protocol import ImageInfo, Instance, InstanceState, RuntimeState


@dataclass(frozen=True)
class StoredSecret:
    """The Secret with the logins of this Preview's databases, as it is in the cluster."""

    data: Mapping[str, str] = field(default_factory=dict, repr=False)
    owned: bool = True
    """By this very object; False after it was restored under a new UID."""


@dataclass(frozen=True)
class Observed:
    """What is there of one preview."""

    runtime: RuntimeState = field(default_factory=RuntimeState)
    images: Mapping[str, ImageInfo] = field(default_factory=dict)
    """Of the images that are wanted, those the engine has."""
    databases: Mapping[str, tuple[DatabaseState, ...]] = field(default_factory=dict)
    """Those of this preview, by the kind of server."""
    secret: StoredSecret | None = None
    published: str | None = None
    """The revision that the router shows the world now; None after a restart and before the first switch."""

    def of_revision(self, revision: str) -> tuple[Instance, ...]:
        """The instances of one revision."""
        return tuple(i for i in self.runtime.instances if i.revision == revision)

    def database(self, kind: str, name: str) -> DatabaseState | None:
        """One database by its name."""
        return next((state for state in self.databases.get(kind, ()) if state.name == name), None)

    @property
    def revisions(self) -> tuple[str, ...]:
        """All revisions that have instances, sorted."""
        return tuple(sorted({i.revision for i in self.runtime.instances}))


def usable(instance: Instance) -> bool:
    """It runs, is not known to be ill, and the proxy reaches it."""
    return instance.state is InstanceState.RUNNING and instance.healthy is not False and instance.proxied


@dataclass(frozen=True)
class Served:
    """What the status says was being served last."""

    commit: str | None = None
    services: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Target:
    """What is desired: its revision, None while an image is missing, and its services."""

    revision: str | None
    services: frozenset[str] = frozenset()


def live_revision(observed: Observed, served: Served, target: Target | None) -> str | None:
    """Which revision the world should see right now, before anything is done.

    What is published stays, as long as one of its instances is left. After a restart nothing is published:
    then a revision counts as proved when the status names its commit, or when the preview has served and it
    is known not to be the target (it was switched to once; the target may never have answered). A broken one
    does not win over a target that runs whole: that one was caught while the old one retired.

    Args:
        observed: what is there.
        served: what the status says was served last.
        target: what is desired, or None while that is not known.
    """
    present = observed.revisions
    if observed.published in present:
        return observed.published

    def carries_served(revision: str) -> bool:
        return any(i.commit == served.commit for i in observed.of_revision(revision))

    def whole(revision: str) -> bool:
        members = observed.of_revision(revision)
        needed = target.services if target and revision == target.revision else served.services
        return all(usable(member) for member in members) and {m.service for m in members} >= needed

    def age(revision: str) -> str:
        return min(str(member.started_at or "~") for member in observed.of_revision(revision))

    def wanted(revision: str) -> bool:
        return target is not None and revision == target.revision

    replaced = served.commit is not None and target is not None
    proved = [r for r in present if carries_served(r) or (replaced and not wanted(r))]
    if not proved:
        return None
    best = min(proved, key=lambda r: (not whole(r), not carries_served(r), wanted(r), age(r)))
    others = [revision for revision in present if revision != best]
    in_doubt = bool(others) if target is None else any(whole(revision) for revision in others)
    return None if in_doubt and not whole(best) else best
