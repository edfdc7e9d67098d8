"""The git source against repositories that mean harm."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import resource
import time
from collections.abc import Callable, Coroutine
from pathlib import Path

import pytest

from controller.api.errors import InvalidSpec
from controller.source.limits import MIB, SourceLimits
from controller.source.protocol import SourceRef
from tests.contract.source_contract import SHOP, link
from tests.integration.git_server import write_commit_of, write_object
from tests.integration.source.git_world import PASSWORD, GitWorld, children, git


def refused(world: GitWorld, ref: SourceRef) -> Callable[[], Coroutine[None, None, None]]:
    async def fetch() -> None:
        with pytest.raises(InvalidSpec, match=r"SourceTooLarge.*huge\.bin.*1,024"):
            await world.new_source(limits=SourceLimits(), timeout=120).fetch(ref)

    return fetch


async def peak_memory(work: Callable[[], Coroutine[None, None, None]]) -> int:
    """Bytes that the largest program needed which the work started. It is done in a process of its own: what
    other tests started does not count.
    """
    fork = multiprocessing.get_context("fork")
    kilobytes = fork.Value("q", -1)

    def measured() -> None:
        asyncio.run(work())
        kilobytes.value = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss

    process = fork.Process(target=measured)
    process.start()
    await asyncio.to_thread(process.join, 150)
    process.kill()
    assert kilobytes.value >= 0, "the work failed"
    return kilobytes.value * 1024


class TestHostileRepositories:
    async def test_a_sparse_gigabyte_is_refused_at_a_bounded_cost(
        self, world: GitWorld, tmp_path: Path
    ) -> None:
        sparse = tmp_path / "sparse"
        with sparse.open("wb") as file:
            file.truncate(1024 * MIB)
        repository = world.server.repository("acme/shop")
        blob = git(repository, "-c", "core.bigFileThreshold=1m", "hash-object", "-w", str(sparse))
        root = write_object(repository, "tree", b"100644 huge.bin\0" + bytes.fromhex(blob))
        commit = write_commit_of(repository, root)
        with pytest.raises(InvalidSpec, match=r"SourceTooLarge.*processor time"):
            await world.new_source(limits=SourceLimits(cpu_seconds=1)).fetch(world.ref(commit))
        started = time.monotonic()
        assert await peak_memory(refused(world, world.ref(commit))) < 512 * MIB
        assert time.monotonic() - started < 60
        assert sum(path.stat().st_size for path in world.cache.rglob("*") if path.is_file()) < 10 * MIB

    async def test_a_pack_over_the_limit_is_cut_off_and_leaves_nothing(self, world: GitWorld) -> None:
        ref = await world.publish({"noise": os.urandom(3 * MIB)})
        source = world.new_source(limits=SourceLimits(fetch_bytes=MIB))
        with pytest.raises(InvalidSpec, match="SourceTooLarge"):
            await source.fetch(ref)
        assert sum(path.stat().st_size for path in world.cache.rglob("*") if path.is_file()) < MIB // 10

    async def test_a_tree_that_multiplies_itself_is_refused(self, world: GitWorld) -> None:
        repository = world.server.repository("acme/shop")
        level = write_object(repository, "blob", b"x")
        mode = b"100644"
        for _ in range(12):
            entries = b"".join(b"%s %d\0" % (mode, number) + bytes.fromhex(level) for number in range(10))
            level, mode = write_object(repository, "tree", entries), b"40000"
        commit = write_commit_of(repository, level)
        started = time.monotonic()
        with pytest.raises(InvalidSpec, match="SourceTooLarge"):
            await world.new_source(limits=SourceLimits(), timeout=60).fetch(world.ref(commit))
        assert time.monotonic() - started < 20

    async def test_an_empty_tree_that_multiplies_itself_is_refused(self, world: GitWorld) -> None:
        repository = world.server.repository("acme/shop")
        level = write_object(repository, "tree", b"")
        for _ in range(12):
            entries = b"".join(b"40000 %d\0" % number + bytes.fromhex(level) for number in range(10))
            level = write_object(repository, "tree", entries)
        commit = write_commit_of(repository, level)
        with pytest.raises(InvalidSpec, match="SourceTooLarge"):
            await world.new_source(timeout=2).fetch(world.ref(commit))
        assert children() == []

    async def test_a_name_with_a_slash_or_bytes_that_are_no_text(self, world: GitWorld) -> None:
        repository = world.server.repository("acme/shop")
        blob = bytes.fromhex(write_object(repository, "blob", b"x"))
        for name in (b"../../up", b"/abs", b"caf\xe9", b".."):
            root = write_object(repository, "tree", b"100644 " + name + b"\0" + blob)
            commit = write_commit_of(repository, root)
            with pytest.raises(InvalidSpec, match="SourceRefused"):
                await world.source.fetch(world.ref(commit))

    async def test_a_path_that_is_file_and_directory_or_stands_twice(self, world: GitWorld) -> None:
        repository = world.server.repository("acme/shop")
        blob = bytes.fromhex(write_object(repository, "blob", b"x"))
        inner = bytes.fromhex(write_object(repository, "tree", b"100644 b\0" + blob))
        for root in (
            b"100644 a\0" + blob + b"40000 a\0" + inner,
            b"100644 a\0" + blob + b"100644 a\0" + blob,
        ):
            oid = write_object(repository, "tree", root)
            commit = write_commit_of(repository, oid)
            with pytest.raises(InvalidSpec, match="SourceRefused"):
                await world.source.fetch(world.ref(commit))

    async def test_hooks_filters_and_submodules_of_a_repository_do_nothing(
        self, world: GitWorld, tmp_path: Path
    ) -> None:
        owned = tmp_path / "owned"
        config = (
            f'[submodule "x"]\n\tpath = x\n\turl = ext::sh -c "touch {owned}"\n\tupdate = !touch {owned}\n'
        )
        files = {
            **SHOP,
            ".gitmodules": config.encode(),
            ".gitattributes": b"* filter=lfs diff=lfs\n*.sql export-subst ident\n",
            ".lfsconfig": b"[lfs]\n\turl = http://169.254.169.254/\n",
            "hooks/post-checkout": f"#!/bin/sh\ntouch {owned}\n".encode(),
            "up": link("hooks"),
        }
        tree = await world.source.fetch(await world.publish(files))
        assert await tree.read(".gitmodules", 1000) == config.encode()
        assert not owned.exists()

    async def test_the_operators_own_git_configuration_is_not_used(
        self, world: GitWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / ".gitconfig").write_text(
            f'[url "http://{world.server.host}/elsewhere/"]\n\tinsteadOf = http://\n'
        )
        (tmp_path / ".netrc").write_text(f"machine 127.0.0.1 login me password {PASSWORD}\n")
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("GIT_DIR", str(tmp_path))
        monkeypatch.setenv("GIT_SSL_NO_VERIFY", "1")
        await world.source.fetch(await world.publish(SHOP))
        assert {path.split("/")[1] for path, _ in world.server.requests} == {"acme"}
        assert {header for _, header in world.server.requests} == {None}
