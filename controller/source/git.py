"""The git source: a reference comes in, a checked tree goes out; only an unknown commit touches the network.

    SourceRef ── clone URL and login checked ──▶ RepositoryCache ── fetch ──▶ listing ──▶ ListedTree
                                                    (one per repository, address and login)

The content of a pull request is hostile. It is never checked out: files are listed and read as
objects, so no hook, filter, attribute, submodule or symbolic link of the repository takes effect.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

from controller.api.errors import BackendUnavailable, InvalidSpec
from controller.source.clone_url import CloneURL, check_clone_url, check_credentials
from controller.source.git_cache import RepositoryCache
from controller.source.git_listing import Unreadable, read_listing, read_objects
from controller.source.git_process import GitProcess
from controller.source.limits import SourceLimits
from controller.source.listing import shown
from controller.source.protocol import SourceRef
from controller.source.tree import ListedTree

_COMMIT = re.compile(r"[0-9a-f]{40}")
REMEMBERED_FILES = 200_000


@dataclass(frozen=True)
class GitBlobs:
    """The contents of one commit, read from its repository's cache."""

    git: GitProcess
    cache: RepositoryCache
    what: str
    names: Mapping[str, str]

    async def read(self, paths: tuple[str, ...]) -> AsyncGenerator[bytes, None]:
        """See `tree.Blobs`."""
        objects = read_objects(self.git, self.cache.directory, tuple(self.names[path] for path in paths))
        try:
            with self.cache.reading():
                async with aclosing(objects):
                    async for content in objects:
                        yield content
        except Unreadable as error:
            raise BackendUnavailable(
                "SourceGone", f"{self.what} is no longer in the cache; it is fetched again."
            ) from error


class GitSource:
    """A `SourceStore` over https.

    Args:
        cache_dir: holds the bare repositories; may be deleted while the operator is stopped.
        allowed_hosts: `host` or `host:port`.
        environ: the operator's environment, of which git gets PATH, proxies and certificates.
        limits: what one commit may cost.
        timeout: seconds that one fetch may take.
        concurrency: fetches at once.
        allow_http: accept plain http to the allowed hosts.
        now: seconds since the epoch, for the order in which caches were used.
    """

    def __init__(  # noqa: PLR0913
        self,
        cache_dir: Path,
        allowed_hosts: frozenset[str],
        *,
        environ: Mapping[str, str],
        now: Callable[[], float],
        limits: SourceLimits | None = None,
        timeout: float = 120,
        concurrency: int = 4,
        allow_http: bool = False,
    ) -> None:
        self._directory = cache_dir
        self._allowed_hosts = frozenset(host.lower() for host in allowed_hosts)
        self._allow_http = allow_http
        self._limits = limits or SourceLimits()
        self._timeout = timeout
        self._slots = asyncio.Semaphore(concurrency)
        self._now = now
        home = cache_dir / "home"
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._git = GitProcess(self._limits, home, environ, allow_http=allow_http)
        self._caches: dict[str, RepositoryCache] = {}
        self._trees: OrderedDict[tuple[str, str], ListedTree] = OrderedDict()

    async def fetch(self, ref: SourceRef) -> ListedTree:
        """Make one commit readable; see `SourceStore.fetch`. Cancelling it kills git."""
        if not _COMMIT.fullmatch(ref.commit):
            raise InvalidSpec(
                "CommitMissing",
                f"spec.source.commit must be 40 lower-case hex digits, not {shown(ref.commit)}.",
            )
        clone = check_clone_url(ref.clone_url, self._allowed_hosts, allow_http=self._allow_http)
        check_credentials(clone, ref.credentials)
        name = _cache_name(ref, clone)
        cache = self._caches.setdefault(name, self._open(name))
        async with cache.lock:
            tree = self._trees.get((name, ref.commit)) if cache.holds(ref.commit) else None
            if tree is None:
                async with self._slots:
                    tree = await self._load(cache, ref, clone)
            self._remember(name, tree)
            os.utime(cache.directory, (self._now(), self._now()))
        return tree

    async def sweep(self, max_bytes: int) -> int:
        """Delete the caches used longest ago until at most `max_bytes` are left; returns the bytes freed.

        A repository that is being fetched or read is left alone.
        """
        found = await asyncio.to_thread(_measure, self._directory)
        excess = sum(size for _, _, size in found) - max_bytes
        freed = 0
        for _, directory, size in sorted(found):
            cache = self._caches.setdefault(directory.name, self._open(directory.name))
            if freed >= excess:
                break
            if cache.in_use:
                continue
            async with cache.lock:
                for key in [key for key in self._trees if key[0] == directory.name]:
                    del self._trees[key]
                await cache.remove()
            freed += size
        return freed

    def _open(self, name: str) -> RepositoryCache:
        return RepositoryCache(self._directory / name, self._git, self._timeout)

    async def _load(self, cache: RepositoryCache, ref: SourceRef, clone: CloneURL) -> ListedTree:
        if cache.holds(ref.commit):
            try:
                return await self._tree(cache, ref)
            except Unreadable:
                await cache.remove()
        await cache.fetch(ref, clone)
        try:
            return await self._tree(cache, ref)
        except Unreadable as error:
            cache.forget(ref.commit)
            raise InvalidSpec(
                "CommitMissing",
                f"{ref.repository} has no readable commit {ref.commit}: what the server delivered under "
                "this id is damaged or no commit; name another.",
            ) from error

    async def _tree(self, cache: RepositoryCache, ref: SourceRef) -> ListedTree:
        what = f"{ref.repository} at {ref.commit[:12]}"
        try:
            async with asyncio.timeout(self._timeout):
                listing, names = await read_listing(
                    self._git, cache.directory, ref.commit, what, self._limits
                )
        except TimeoutError as error:
            raise InvalidSpec(
                "SourceTooLarge", f"{what} could not be listed within {self._timeout:g} s; make it smaller."
            ) from error
        return ListedTree(ref.commit, listing, GitBlobs(self._git, cache, what, names))

    def _remember(self, name: str, tree: ListedTree) -> None:
        self._trees[name, tree.commit] = tree
        self._trees.move_to_end((name, tree.commit))
        while sum(len(each.listing) + 1 for each in self._trees.values()) > REMEMBERED_FILES:
            self._trees.popitem(last=False)


def _cache_name(ref: SourceRef, clone: CloneURL) -> str:
    """One cache per repository, address and login: what one login may read is not handed to another."""
    login = ref.credentials.username if ref.credentials else ""
    digest = hashlib.sha256("\n".join((ref.repository, clone.url, login)).encode()).hexdigest()
    return f"{re.sub(r'[^a-z0-9.-]', '-', ref.repository.lower())[:40].strip('.-')}-{digest[:16]}.git"


def _measure(directory: Path) -> list[tuple[float, Path, int]]:
    """Each cache: when it was last used, where it lies, how many bytes it takes."""
    return [
        (
            cache.stat().st_mtime,
            cache,
            sum(file.lstat().st_size for file in cache.rglob("*") if file.is_file()),
        )
        for cache in directory.glob("*.git")
    ]
