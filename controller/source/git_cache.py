"""One bare repository on disk: it takes in one commit per fetch and keeps it under a ref of its own.

    init ──▶ git fetch --depth=1 <url> <commit>:refs/commits/<commit> ──▶ pack + ref

A commit whose ref stands is complete: git writes the ref last. Only one fetch at a time runs in a repository.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from controller.api.errors import PreviewError
from controller.source.clone_url import CloneURL
from controller.source.git_errors import UNKNOWN, fetch_error, unavailable
from controller.source.git_process import GitProcess
from controller.source.protocol import GitCredentials, SourceRef


class RepositoryCache:
    """The cache of one repository.

    Args:
        directory: where it lies; made when needed.
        git: starts git.
        timeout: seconds that one fetch may take.
    """

    def __init__(self, directory: Path, git: GitProcess, timeout: float) -> None:
        self.directory = directory
        self.lock = asyncio.Lock()
        self._git = git
        self._timeout = timeout
        self._readers = 0

    @property
    def in_use(self) -> bool:
        """Whether someone fetches into it or reads from it."""
        return self._readers > 0 or self.lock.locked()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Keeps a sweep away while contents are read."""
        self._readers += 1
        try:
            yield
        finally:
            self._readers -= 1

    def holds(self, commit: str) -> bool:
        """Whether the commit was fetched before."""
        return self._ref(commit).is_file()

    def forget(self, commit: str) -> None:
        """Let the next fetch of this commit ask the server again."""
        self._ref(commit).unlink(missing_ok=True)

    def _ref(self, commit: str) -> Path:
        return self.directory / "refs" / "commits" / commit

    async def fetch(self, ref: SourceRef, clone: CloneURL) -> None:
        """Fetch one commit from the clone URL; the caller holds the lock.

        Raises:
            InvalidSpec: CommitMissing, RepositoryNotFound, RepositoryMoved, SourceTooLarge.
            BackendUnavailable: GitUnavailable.
        """
        existed = self.directory.exists()
        try:
            await self._fetch_once(ref, clone)
        except PreviewError as error:
            if error.reason != UNKNOWN or not existed:
                raise
            # What git cannot explain may be a damaged cache.
            await self.remove()
            await self._fetch_once(ref, clone)

    async def _fetch_once(self, ref: SourceRef, clone: CloneURL) -> None:
        await asyncio.to_thread(_clear_leftovers, self.directory)
        repository = f"--git-dir={self.directory}"
        try:
            async with asyncio.timeout(self._timeout):
                if not (self.directory / "config").exists():
                    self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
                    await self._git.run(repository, "init", "--bare", "--quiet", "--template=")
                finished = await self._git.run(
                    *(repository, "fetch", "--quiet", "--depth=1", "--no-tags", "--no-auto-maintenance"),
                    *("--no-recurse-submodules", "--no-write-fetch-head", "--no-show-forced-updates"),
                    *("--", clone.url, f"+{ref.commit}:refs/commits/{ref.commit}"),
                    env=_authorization(clone, ref.credentials),
                )
        except TimeoutError as error:
            raise unavailable(ref, f"did not deliver within {self._timeout:g} s") from error
        finally:
            await asyncio.to_thread(_clear_leftovers, self.directory)
        if finished.code != 0:
            raise fetch_error(ref, finished)

    async def remove(self) -> None:
        """Delete everything; the next fetch begins anew."""
        await asyncio.to_thread(shutil.rmtree, self.directory, ignore_errors=True)


def _authorization(clone: CloneURL, credentials: GitCredentials | None) -> dict[str, str]:
    """Settings by environment: unlike arguments and files, only the child itself sees them."""
    if credentials is None:
        return {}
    login = base64.b64encode(f"{credentials.username}:{credentials.password}".encode()).decode("ascii")
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"http.{clone.origin}/.extraHeader",
        "GIT_CONFIG_VALUE_0": f"Authorization: Basic {login}",
    }


def _clear_leftovers(directory: Path) -> None:
    """Remove what a killed git leaves: half a pack, and locks that would stop the next one."""
    for pattern in ("objects/pack/tmp_*", "*.lock", "refs/commits/*.lock", "shallow.*"):
        for path in directory.glob(pattern):
            with contextlib.suppress(OSError):
                path.unlink()
