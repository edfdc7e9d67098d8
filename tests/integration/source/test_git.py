"""The git source against git over HTTP."""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest

from controller.api.errors import BackendUnavailable, InvalidSpec
from controller.source.protocol import GitCredentials
from tests.contract.source_contract import SHOP, SourceContract
from tests.integration.git_server import GitServer, write_object
from tests.integration.source.git_world import PASSWORD, GitWorld, children, git, until


class TestGitSource(SourceContract):
    pass


class TestCache:
    async def test_a_commit_fetched_before_needs_no_network_after_a_restart(self, world: GitWorld) -> None:
        ref = await world.publish(SHOP)
        await world.source.fetch(ref)
        world.server.requests.clear()
        tree = await world.new_source().fetch(ref)
        assert await tree.read("preview.yaml", 100) == b"services: {}\n"
        assert world.server.requests == []

    async def test_only_the_one_commit_is_fetched(self, world: GitWorld) -> None:
        ref = await world.publish(SHOP)
        other = await world.publish({"other": b"secret"})
        await world.source.fetch(ref)
        [cache] = world.cache.glob("*.git")
        with pytest.raises(subprocess.CalledProcessError):
            git(cache, "cat-file", "-e", other.commit)

    async def test_one_commit_asked_for_many_times_at_once_is_fetched_once(self, world: GitWorld) -> None:
        ref = await world.publish(SHOP)
        await asyncio.gather(*(world.source.fetch(ref) for _ in range(8)))
        assert sum(path.endswith("git-upload-pack") for path, _ in world.server.requests) == 1

    async def test_a_login_does_not_open_what_another_fetched(self, world: GitWorld) -> None:
        world.server.logins = {"bot": PASSWORD}
        ref = await world.publish(SHOP)
        await world.source.fetch(replace(ref, credentials=GitCredentials(world.server.host, "bot", PASSWORD)))
        with pytest.raises(InvalidSpec, match="RepositoryNotFound"):
            await world.source.fetch(ref)

    async def test_a_damaged_cache_is_fetched_anew(self, world: GitWorld) -> None:
        ref = await world.publish(SHOP)
        await world.source.fetch(ref)
        for pack in world.cache.glob("*.git/objects/pack/*"):
            pack.unlink()
        tree = await world.new_source().fetch(ref)
        assert await tree.read("preview.yaml", 100) == b"services: {}\n"

    async def test_locks_and_half_packs_of_a_killed_fetch_are_in_nobodys_way(self, world: GitWorld) -> None:
        await world.source.fetch(await world.publish(SHOP))
        [cache] = world.cache.glob("*.git")
        left = [cache / "shallow.lock", cache / "objects" / "pack" / "tmp_pack_XyZ"]
        for path in left:
            path.write_bytes(b"x")
        tree = await world.source.fetch(await world.publish({"new": b"1"}))
        assert await tree.read("new", 9) == b"1"
        assert [path for path in left if path.exists()] == []

    async def test_a_cache_deleted_by_hand_is_fetched_anew(self, world: GitWorld) -> None:
        ref = await world.publish(SHOP)
        tree = await world.source.fetch(ref)
        assert await world.source.sweep(0) > 0
        with pytest.raises(BackendUnavailable, match="SourceGone"):
            await tree.read("preview.yaml", 100)
        again = await world.source.fetch(ref)
        assert await again.read("preview.yaml", 100) == b"services: {}\n"

    async def test_a_sweep_removes_what_was_used_longest_ago(self, world: GitWorld) -> None:
        refs = [await world.publish({"a": os.urandom(50_000)}, name) for name in ("a/old", "a/mid", "a/new")]
        for ref in (*refs, refs[0]):
            world.clock += 10
            await world.source.fetch(ref)
        assert await world.source.sweep(10**9) == 0
        assert await world.source.sweep(140_000) > 50_000
        assert world.caches() == ["a-new", "a-old"]

    async def test_a_sweep_leaves_alone_what_is_being_read(self, world: GitWorld) -> None:
        tree = await world.source.fetch(await world.publish(SHOP))
        contents = tree.contents(("empty", "preview.yaml"))
        await anext(contents)
        assert await world.source.sweep(0) == 0
        assert [pair async for pair in contents] == [("preview.yaml", b"services: {}\n")]


class TestCredentials:
    async def test_they_reach_their_host_and_nothing_else(
        self, world: GitWorld, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        world.server.logins = {"bot": PASSWORD}
        ref = replace(
            await world.publish(SHOP), credentials=GitCredentials(world.server.host, "bot", PASSWORD)
        )
        seen: list[str] = []
        start = asyncio.create_subprocess_exec

        async def recorded(*arguments: str, **options: object) -> object:
            seen.extend(arguments)
            return await start(*arguments, **options)  # type: ignore[arg-type]

        monkeypatch.setattr(asyncio, "create_subprocess_exec", recorded)
        tree = await world.source.fetch(ref)
        assert await tree.read("empty", 0) == b""
        header = world.server.requests[-1][1]
        assert header is not None
        stored = b"".join(path.read_bytes() for path in world.cache.rglob("*") if path.is_file())
        for secret in (PASSWORD, header.removeprefix("Basic ")):
            assert secret not in " ".join(seen)
            assert secret.encode() not in stored

    async def test_wrong_ones_are_the_authors_to_correct(self, world: GitWorld) -> None:
        world.server.logins = {"bot": PASSWORD}
        login = GitCredentials(world.server.host, "bot", "not-" + PASSWORD)
        with pytest.raises(InvalidSpec) as caught:
            await world.source.fetch(replace(await world.publish(SHOP), credentials=login))
        assert caught.value.reason == "RepositoryNotFound"
        assert PASSWORD not in str(caught.value)

    async def test_they_are_not_sent_along_a_redirect(self, world: GitWorld, tmp_path: Path) -> None:
        login = GitCredentials(world.server.host, "bot", PASSWORD)
        ref = replace(await world.publish(SHOP), credentials=login)
        async with GitServer(tmp_path / "server") as elsewhere:
            world.server.redirect = f"http://{elsewhere.host}"
            with pytest.raises(InvalidSpec, match="RepositoryMoved"):
                await world.source.fetch(ref)
            assert elsewhere.requests == []


class TestServers:
    @pytest.mark.parametrize("status", [401, 403, 404])
    async def test_a_server_that_does_not_show_the_repository(self, world: GitWorld, status: int) -> None:
        ref = await world.publish(SHOP)
        world.server.status = status
        with pytest.raises(InvalidSpec, match=r"RepositoryNotFound.*acme/shop"):
            await world.source.fetch(ref)

    async def test_a_repository_that_is_not_there(self, world: GitWorld) -> None:
        await world.publish(SHOP)
        with pytest.raises(InvalidSpec, match=r"RepositoryNotFound.*acme/other"):
            await world.source.fetch(world.ref("ab" * 20, "acme/other"))

    @pytest.mark.parametrize("status", [429, 500, 502, 503])
    async def test_a_server_with_trouble_is_to_be_tried_again(self, world: GitWorld, status: int) -> None:
        ref = await world.publish(SHOP)
        world.server.status = status
        with pytest.raises(BackendUnavailable, match="GitUnavailable"):
            await world.source.fetch(ref)
        world.server.status = None
        assert (await world.source.fetch(ref)).commit == ref.commit

    async def test_a_server_that_speaks_no_git(self, world: GitWorld) -> None:
        ref = await world.publish(SHOP)
        world.server.status = 200
        with pytest.raises(InvalidSpec, match="RepositoryNotFound"):
            await world.source.fetch(ref)

    async def test_a_slow_server_costs_the_timeout_and_no_more(self, world: GitWorld) -> None:
        ref = await world.publish(SHOP)
        world.server.hang = True
        started = time.monotonic()
        with pytest.raises(BackendUnavailable, match=r"GitUnavailable.*0\.5 s"):
            await world.new_source(timeout=0.5).fetch(ref)
        assert time.monotonic() - started < 3
        assert children() == []

    async def test_cancelling_kills_git_and_the_next_fetch_works(self, world: GitWorld) -> None:
        ref = await world.publish(SHOP)
        world.server.hang = True
        task = asyncio.create_task(world.source.fetch(ref))
        await until(lambda: bool(world.server.requests))
        started = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert time.monotonic() - started < 1
        assert children() == []
        world.server.hang = False
        assert (await world.source.fetch(ref)).commit == ref.commit

    async def test_an_id_that_is_no_commit_is_refused(self, world: GitWorld) -> None:
        await world.publish(SHOP)
        blob = write_object(world.server.repository("acme/shop"), "blob", b"hello")
        with pytest.raises(InvalidSpec, match="CommitMissing"):
            await world.source.fetch(world.ref(blob))

    @pytest.mark.parametrize("commit", ["--upload-pack=id", "main", "a" * 39, "A" * 40, "refs/heads/main:x"])
    async def test_a_commit_that_is_no_id_never_reaches_git(self, world: GitWorld, commit: str) -> None:
        with pytest.raises(InvalidSpec, match="CommitMissing"):
            await world.source.fetch(world.ref(commit))
        assert world.server.requests == []
