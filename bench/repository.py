"""The benchmarks' repository: files in, a commit on the platform's git server out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bench.previews import REPOSITORY, Source
from bench.world import World
from dev import commands
from dev.repository import SETTINGS, Repository

WHO = "Bench <bench@acme.example> 0 +0000"


def commit(world: World, files: Mapping[str, bytes], subject: str) -> Source:
    """Store files as a commit without parents; the same files and subject are the same commit."""
    repository = Repository(Path(world["GIT_ROOT"]) / f"{REPOSITORY}.git")
    if not (repository.path / "HEAD").exists():
        repository.path.mkdir(parents=True, exist_ok=True)
        repository.git("init", "--quiet", "--bare", "--initial-branch=main")
        for name, value in SETTINGS.items():
            repository.git("config", name, value)
    command: list[str | Path] = ["git", "--git-dir", repository.path, "fast-import", "--quiet", "--force"]
    commands.run(command, stdin=_stream(files, subject))
    head = repository.git("rev-parse", "refs/heads/main")
    return Source(f"{world['GIT_BASE_URL']}/{REPOSITORY}.git", head)


def _stream(files: Mapping[str, bytes], subject: str) -> bytes:
    """What `git fast-import` reads."""
    parts = [b"reset refs/heads/main\n", b"commit refs/heads/main\n", f"committer {WHO}\n".encode()]
    parts.append(_data(subject.encode()))
    parts.append(b"deleteall\n")
    for path, content in sorted(files.items()):
        parts += [f"M 100644 inline {path}\n".encode(), _data(content)]
    return b"".join(parts)


def _data(content: bytes) -> bytes:
    return b"data %d\n%s\n" % (len(content), content)
