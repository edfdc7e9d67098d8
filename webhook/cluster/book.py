"""The book of Records: read once, kept in memory, and every change written through to where they are kept.

They are kept as texts by key in one map per repository (a ConfigMap, or the twin's dictionary):

    previewcloud-records-<hash of owner/name>:  pr-42: {...}   branch-<hash of the branch>: {...}
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

import structlog
from pydantic import ValidationError

from controller.api.errors import BackendUnavailable
from controller.api.names import short_hash
from controller.api.preview import describe
from controller.clock import Clock
from webhook.cluster.records import Record
from webhook.subject import Subject

log = structlog.get_logger()

MAP_BYTES = 900 * 1024
"""What one map holds at most: a ConfigMap may have 1 MiB (Kubernetes, ConfigMaps)."""
SPEC_BYTES = 200 * 1024
"""Above this a Preview's spec is not remembered."""
FRESH = timedelta(days=1)
"""So long a Record that did not change is not written again only to say so."""
_BEGINNING = datetime.min.replace(tzinfo=UTC)


class Maps(Protocol):
    """Where Records are kept, as texts."""

    async def read(self) -> Mapping[str, Mapping[str, str]]:
        """All maps by name, with their texts by key."""

    async def write(self, name: str, changes: Mapping[str, str | None]) -> None:
        """Set keys of a map, or take them away (None); it is made when it is missing."""

    async def drop(self, name: str) -> None:
        """Take a whole map away; one that is gone is fine."""


def map_name(repository: str) -> str:
    """The map of a repository's Records."""
    return f"previewcloud-records-{short_hash(repository.lower(), 16)}"


NOTHING = Record()
"""Of a subject of which nothing is remembered."""


def record_key(subject: Subject) -> str:
    """A subject's key in its repository's map."""
    if subject.pull_request is not None:
        return f"pr-{subject.pull_request}"
    return f"branch-{short_hash(subject.branch or '', 16)}"


def record_json(record: Record) -> str:
    """A Record as it is kept."""
    return record.model_dump_json(by_alias=True, exclude_unset=True, exclude_none=True)


def revised(record: Record, subject: Subject, changes: Mapping[str, object], now: datetime) -> Record:
    """A Record with some fields changed; those given as None are forgotten.

    Raises:
        ValueError: a field that a Record does not have, or a value that it cannot have.
    """
    if unknown := sorted(set(changes) - set(Record.model_fields)):
        raise ValueError(f"a Record has no {', '.join(unknown)}")
    fields = {name: getattr(record, name) for name in record.model_fields_set} | dict(changes)
    identity = {
        "repository": subject.repository,
        "pull_request": subject.pull_request,
        "branch": subject.branch if subject.pull_request is None else None,
        "touched": now,
    }
    kept = {name: value for name, value in (fields | identity).items() if value is not None}
    return Record.model_validate(kept)


def _identity(record: Record) -> str:
    return Subject(record.repository, record.pull_request, record.branch).identity


def _read(name: str, key: str, text: str) -> Record:
    """A kept text; raises ValueError when it is no Record, or one of somebody else."""
    try:
        record = Record.model_validate_json(text)
    except ValidationError as error:
        raise ValueError(describe(error)) from None
    subject = Subject(record.repository, record.pull_request, record.branch)
    if (map_name(record.repository), record_key(subject)) != (name, key):
        raise ValueError("it is about another repository, pull request or branch")
    return record


@dataclass(frozen=True)
class _Entry:
    """A Record, its key in the map and the bytes that it takes there."""

    key: str
    record: Record
    size: int

    @classmethod
    def of(cls, key: str, record: Record) -> _Entry:
        return cls(key, record, len(key) + len(record_json(record).encode()))


class RecordBook:
    """All Records; one process writes them."""

    def __init__(self, maps: Maps, clock: Clock) -> None:
        self._maps = maps
        self._clock = clock
        self._entries: defaultdict[str, dict[str, _Entry]] = defaultdict(dict)
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.loaded = False

    async def load(self) -> None:
        """Read everything, once; an entry that cannot be read is told in the log and left out."""
        for name, texts in (await self._maps.read()).items():
            for key, text in texts.items():
                try:
                    record = _read(name, key, text)
                except ValueError as error:
                    log.warning(
                        "a record cannot be read and is left out", map=name, key=key, error=str(error)
                    )
                else:
                    self._entries[name][_identity(record)] = _Entry.of(key, record)
        self.loaded = True

    def record(self, subject: Subject) -> Record:
        """What is remembered of a subject."""
        entry = self._entries.get(map_name(subject.repository), {}).get(subject.identity)
        return NOTHING if entry is None else entry.record

    def records(self) -> Mapping[str, Record]:
        """All that is remembered, by identity."""
        return {
            identity: entry.record
            for entries in self._entries.values()
            for identity, entry in entries.items()
        }

    async def remember(self, subject: Subject, changes: Mapping[str, object]) -> Record:
        """Change some fields of a Record; one change of a repository's after the other."""
        self._check()
        name = map_name(subject.repository)
        async with self._locks[name]:
            before, now = self.record(subject), self._clock.now()
            after = _bounded(revised(before, subject, changes, now))
            if before.touched is not None and now - before.touched < FRESH and _same(before, after):
                return before
            entry = _Entry.of(record_key(subject), after)
            going = self._too_many(name, entry, now)
            writing: dict[str, str | None] = {each.key: None for each in going}
            await self._maps.write(name, writing | {entry.key: record_json(after)})
            for each in going:
                del self._entries[name][_identity(each.record)]
            self._entries[name][subject.identity] = entry
            return after

    def _too_many(self, name: str, entry: _Entry, now: datetime) -> list[_Entry]:
        """What must go for an entry to have room: the oldest, and forgettable ones before others."""
        others = [each for each in self._entries[name].values() if each.key != entry.key]
        room = MAP_BYTES - entry.size - sum(each.size for each in others)
        if room >= 0:
            return []
        others.sort(key=lambda each: (not each.record.forgettable(now), each.record.touched or _BEGINNING))
        going: list[_Entry] = []
        while room < 0 and others:
            going.append(others.pop(0))
            room += going[-1].size
        log.warning(
            "the records of a repository are full; the oldest are forgotten",
            repository=entry.record.repository,
            count=len(going),
            forgotten=[_identity(each.record) for each in going[:20]],
        )
        return going

    async def forget(self, identities: Sequence[str]) -> None:
        """Forget Records; a map without any goes."""
        self._check()
        of_map: defaultdict[str, set[str]] = defaultdict(set)
        for identity in identities:
            of_map[map_name(identity.partition("#")[0])].add(identity)
        for name, leaving in of_map.items():
            async with self._locks[name]:
                entries = self._entries[name]
                going = [entries[identity] for identity in sorted(leaving) if identity in entries]
                if going and len(going) == len(entries):
                    await self._maps.drop(name)
                elif going:
                    await self._maps.write(name, {entry.key: None for entry in going})
                for entry in going:
                    del entries[_identity(entry.record)]

    def _check(self) -> None:
        if not self.loaded:
            raise BackendUnavailable(
                "ClusterUnavailable", "The bridge's records are not read yet; it is tried again."
            )


def _same(before: Record, after: Record) -> bool:
    return record_json(after.model_copy(update={"touched": before.touched})) == record_json(before)


def _bounded(record: Record) -> Record:
    """Without its spec, where that is too large: the Preview then reopens as its pull request alone says."""
    if record.spec is None or len(record_json(record)) <= SPEC_BYTES:
        return record
    log.warning("a spec is too large to be remembered for reopening", subject=_identity(record))
    left = record.model_fields_set - {"spec", "annotations"}
    return Record.model_validate({name: getattr(record, name) for name in left})
