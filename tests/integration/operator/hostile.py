"""What an attacker would write, and how a test sees that a commit was refused and left nothing."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from controller.source.memory import MemoryFile
from tests.integration.git_server import write_commit_of
from tests.integration.operator.engine import NOTHING
from tests.integration.operator.space import Repository, Space

UP = "../../../etc/passwd"
PWNED = Path("/tmp/pwned")
SHELL = f"x$(touch${{IFS}}{PWNED})"
LABEL = "x`) || Host(`evil"
NAME = "hostile"


async def refused(space: Space, commit: str, repository: Repository, reason: str) -> str:
    """Deploy a commit that has to be refused; gives the sentence, after a look that nothing is left."""
    source = space.source(repository, commit)
    await space.create(NAME, {"source": source})
    seen = await space.stalled(NAME)
    told = seen.condition("Stalled")
    assert told["reason"] == reason, told
    assert seen.condition("Ready")["status"] == "False"
    assert space.engine.held(space.key(NAME), f"pr-{source['pullRequest']}") == NOTHING
    assert await space.secret_data(f"{NAME}-database") is None
    assert not PWNED.exists()
    message: str = told["message"]
    return message


async def refused_tree(space: Space, tree: Mapping[str, bytes | MemoryFile], reason: str) -> str:
    """The same for a tree of files."""
    repository = space.repository()
    return await refused(space, repository.commit(tree), repository, reason)


def sparse_commit(repository: Repository, files: Mapping[str, bytes], name: str, size: int, at: Path) -> str:
    """A commit with a file of zeros more, which is nowhere held in memory.

    Args:
        repository: where it is stored.
        files: all other files.
        name: of the file of zeros.
        size: of that file, in bytes.
        at: a directory for the sparse file on its way into the repository.
    """
    huge = at / name
    with huge.open("wb") as file:
        file.truncate(size)
    plain = repository.commit(files)
    blob = _git(repository, "hash-object", "-w", str(huge))
    listed = _git(repository, "ls-tree", plain)
    tree = _git(repository, "mktree", text=f"{listed}\n100644 blob {blob}\t{name}\n")
    return write_commit_of(repository.path, tree)


def _git(repository: Repository, *arguments: str, text: str = "") -> str:
    command = ["git", "--git-dir", str(repository.path), *arguments]
    return subprocess.run(command, input=text, capture_output=True, check=True, text=True).stdout.strip()
