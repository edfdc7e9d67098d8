"""A hostile commit: paths and names in it, links and sizes. Refused with a sentence, and nothing is left."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest

from controller.source.listing import LINK
from controller.source.memory import MemoryFile
from tests.integration.operator.app import CMD, dockerfile, files
from tests.integration.operator.hostile import LABEL, NAME, SHELL, UP, refused_tree, sparse_commit
from tests.integration.operator.process import Operator
from tests.integration.operator.space import Space

SHADOW = Path("/etc/shadow")
GIGABYTE = 1 << 30
REFUSED_SECONDS = 120.0
MEMORY_BYTES, CACHE_BYTES = 300 * 1024**2, 100 * 1024**2


def preview_file(preview: dict[str, Any]) -> dict[str, bytes]:
    """A repository with this preview file."""
    return {**files(), "preview.yaml": json.dumps(preview).encode()}


@pytest.mark.parametrize("path", [UP, "/etc/passwd", "a/../../b", "..\\..\\etc"])
@pytest.mark.parametrize("field", ["context", "dockerfile", "migrations", "seed"])
async def test_a_preview_file_with_a_path_that_leads_out_is_refused(
    space: Space, field: str, path: str
) -> None:
    preview: dict[str, Any] = {"services": {"web": {}}}
    if field in ("migrations", "seed"):
        preview["database"] = {"type": "postgres", field: path}
    else:
        preview["services"]["web"][field] = path
    message = await refused_tree(space, preview_file(preview), "PreviewFileInvalid")
    assert field in message
    assert "must be a path inside the repository" in message


@pytest.mark.parametrize("name", [SHELL, LABEL, "a\nb", "-x", "x" * 64])
async def test_a_preview_file_with_a_hostile_name_is_refused(space: Space, name: str) -> None:
    message = await refused_tree(
        space, preview_file({"services": {name: {"image": "a"}}}), "PreviewFileInvalid"
    )
    assert message.startswith("preview.yaml:1: services: ")
    assert "must be" in message


@pytest.mark.parametrize("path", ["Dockerfile", "preview.yaml", "migrations/001.sql", "unused"])
@pytest.mark.parametrize("target", [str(SHADOW), "../" * 12 + str(SHADOW)[1:]])
async def test_a_link_that_leads_out_is_refused_and_shows_nothing_of_its_target(
    space: Space, path: str, target: str
) -> None:
    tree: dict[str, bytes | MemoryFile] = {**files(database=True)}
    tree[path] = MemoryFile(target.encode(), LINK)
    message = await refused_tree(space, tree, "SourceRefused")
    assert path in message
    for line in SHADOW.read_text().splitlines():
        assert line not in message


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("COPY ../../../etc/shadow /x", "BuildFailed"),
        ("COPY /etc/shadow /x", "BuildFailed"),
        ("ADD file:///etc/shadow /x", "DockerfileRefused"),
    ],
)
async def test_a_dockerfile_copies_from_its_context_alone(space: Space, line: str, reason: str) -> None:
    message = await refused_tree(space, {**files(), "Dockerfile": dockerfile(CMD, line).encode()}, reason)
    assert "etc/shadow" in message


async def test_a_file_of_one_gigabyte_is_refused_at_little_cost(
    space: Space, operator: Operator, tmp_path: Path
) -> None:
    repository = space.repository()
    commit = await asyncio.to_thread(sparse_commit, repository, files(), "huge", GIGABYTE, tmp_path)
    cache = Path(operator.settings["CACHE_DIR"])
    before = _stored(cache)
    await space.create(NAME, {"source": space.source(repository, commit)})
    began, most = time.monotonic(), 0
    while (seen := await space.look(NAME)) is None or not seen.stalled():
        most = max(most, _resident(operator.pid))
        assert time.monotonic() - began < REFUSED_SECONDS
        await asyncio.sleep(0.1)
    told = seen.condition("Stalled")
    assert told["reason"] == "SourceTooLarge", told
    assert most < MEMORY_BYTES
    assert _stored(cache) - before < CACHE_BYTES
    assert space.engine.images(space.key(NAME)) == []


def _resident(pid: int) -> int:
    """Bytes of memory that a process holds."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096


def _stored(folder: Path) -> int:
    """Bytes of all files below a folder; those that go away meanwhile count nothing."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:
            continue
    return total
