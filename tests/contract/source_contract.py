"""What every source must do, whoever stores the commits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

import pytest

from controller.api.errors import BackendUnavailable, InvalidSpec
from controller.source.limits import SourceLimits
from controller.source.listing import EXECUTABLE, LINK, SUBMODULE
from controller.source.memory import MemoryFile
from controller.source.protocol import GitCredentials, SourceRef, SourceStore

LIMITS = SourceLimits(files=200, file_bytes=100_000, total_bytes=300_000)
SHOP: dict[str, bytes | MemoryFile] = {
    "preview.yaml": b"services: {}\n",
    "web/app.py": b"print('web')\n",
    "web/run.sh": MemoryFile(b"#!/bin/sh\n", EXECUTABLE),
    "web-old/app.py": b"old\n",
    "migrations/001.sql": b"create table a();\n",
    "migrations/more/002.sql": b"\x00\xff binary \n\n",
    "empty": b"",
}


class World(Protocol):
    """A source under test and the server behind it."""

    source: SourceStore

    async def publish(
        self, files: Mapping[str, bytes | MemoryFile], repository: str = "acme/shop"
    ) -> SourceRef:
        """Make a commit of these files available; returns how to ask for it."""

    async def break_server(self) -> None:
        """From here on the server does not answer."""


def link(target: str) -> MemoryFile:
    return MemoryFile(target.encode(), LINK)


class SourceContract:
    """Subclasses give the fixture `world`."""

    async def test_a_file_is_read_as_it_was_committed(self, world: World) -> None:
        tree = await world.source.fetch(await world.publish(SHOP))
        assert await tree.read("migrations/more/002.sql", 1000) == b"\x00\xff binary \n\n"
        assert await tree.read("./web/../web//app.py", 1000) == b"print('web')\n"
        assert await tree.read("empty", 0) == b""

    async def test_the_tree_says_which_commit_it_is(self, world: World) -> None:
        ref = await world.publish(SHOP)
        assert (await world.source.fetch(ref)).commit == ref.commit

    async def test_files_below_a_directory_come_sorted_with_mode_and_size(self, world: World) -> None:
        tree = await world.source.fetch(await world.publish(SHOP))
        found = [(file.path, file.mode, file.size, file.link) for file in await tree.files("web")]
        assert found == [("web/app.py", 0o644, 13, None), ("web/run.sh", 0o755, 10, None)]

    @pytest.mark.parametrize("root", ["", ".", "./", "web/.."])
    async def test_the_root_holds_everything(self, world: World, root: str) -> None:
        tree = await world.source.fetch(await world.publish(SHOP))
        assert [file.path for file in await tree.files(root)] == sorted(SHOP)

    async def test_contents_come_in_the_order_asked_for(self, world: World) -> None:
        files = {f"f{number:03}": b"%d" % number * number for number in range(150)}
        tree = await world.source.fetch(await world.publish(files))
        wanted = tuple(sorted(files, reverse=True))
        assert [pair async for pair in tree.contents(wanted)] == [(path, files[path]) for path in wanted]
        assert [pair async for pair in tree.contents(())] == []

    async def test_contents_may_be_left_half_read(self, world: World) -> None:
        tree = await world.source.fetch(await world.publish(SHOP))
        async for path, _ in tree.contents(("empty", "preview.yaml")):
            assert path == "empty"
            break
        assert await tree.read("preview.yaml", 100) == b"services: {}\n"

    async def test_two_commits_of_a_repository_stay_apart(self, world: World) -> None:
        first, second = await world.publish({"a": b"1"}), await world.publish({"a": b"2", "b": b"3"})
        trees = [await world.source.fetch(ref) for ref in (first, second)]
        assert [await tree.read("a", 9) for tree in trees] == [b"1", b"2"]

    async def test_an_empty_commit_is_a_tree_without_files(self, world: World) -> None:
        tree = await world.source.fetch(await world.publish({}))
        assert await tree.files("") == ()

    async def test_links_inside_the_tree_are_followed(self, world: World) -> None:
        files = {
            **SHOP,
            "web/link": link("../preview.yaml"),
            "chain": link("web/link"),
            "dir": link("web"),
            "gone": link("nowhere/at/all"),
            "round": link("round"),
        }
        tree = await world.source.fetch(await world.publish(files))
        assert (
            await tree.read("chain", 100) == await tree.read("dir/../preview.yaml", 100) == b"services: {}\n"
        )
        assert await tree.read("dir/app.py", 100) == b"print('web')\n"
        assert [file.path for file in await tree.files("dir")] == ["web/app.py", "web/link", "web/run.sh"]
        assert [file.link for file in await tree.files("web")] == [None, "../preview.yaml", None]
        for path in ("gone", "round"):
            with pytest.raises(InvalidSpec, match="FileMissing"):
                await tree.read(path, 100)

    @pytest.mark.parametrize("path", ["nope", "web", "", "preview.yaml/x", "web/app.py\x00", "-rf", "$(id)"])
    async def test_what_is_no_file_is_missing(self, world: World, path: str) -> None:
        tree = await world.source.fetch(await world.publish(SHOP))
        with pytest.raises(InvalidSpec) as caught:
            await tree.read(path, 100)
        assert caught.value.reason == "FileMissing"
        assert "acme/shop at " in caught.value.message
        assert "\x00" not in caught.value.message

    @pytest.mark.parametrize("path", ["nope", "preview.yaml", "we", "web/app"])
    async def test_what_is_no_directory_is_missing(self, world: World, path: str) -> None:
        tree = await world.source.fetch(await world.publish(SHOP))
        with pytest.raises(InvalidSpec, match="DirectoryMissing"):
            await tree.files(path)

    @pytest.mark.parametrize("path", ["..", "../etc/passwd", "/etc/passwd", "web/../../x", "//etc", "./../"])
    async def test_a_path_that_leaves_the_tree_is_refused(self, world: World, path: str) -> None:
        tree = await world.source.fetch(await world.publish(SHOP))
        with pytest.raises(InvalidSpec, match="PathOutside"):
            await tree.read(path, 100)
        with pytest.raises(InvalidSpec, match="PathOutside"):
            await tree.files(path)

    async def test_contents_of_links_and_unknown_paths_are_refused(self, world: World) -> None:
        tree = await world.source.fetch(await world.publish({**SHOP, "link": link("empty")}))
        for path in ("link", "nope", "../x"):
            with pytest.raises(InvalidSpec, match="FileMissing"):
                _ = [pair async for pair in tree.contents((path,))]

    async def test_a_file_over_the_readers_limit_is_refused(self, world: World) -> None:
        tree = await world.source.fetch(await world.publish({"big": b"x" * 101}))
        assert len(await tree.read("big", 101)) == 101
        with pytest.raises(InvalidSpec, match=r"FileTooLarge.*101.*100"):
            await tree.read("big", 100)

    @pytest.mark.parametrize(
        "files",
        [
            {"passwd": link("/etc/passwd")},
            {"web/up": link("../../etc")},
            {"a": link("b"), "b": link("c"), "c": link("/etc")},
            {"sub/dir/f": b"", "here": link("sub/dir"), "trick": link("here/../../../etc")},
            {"trick": link("missing/../../etc")},
            {"root": link("."), "trick": link("root/root/root/..")},
            {"newline": link("a\nb")},
        ],
        ids=["absolute", "up", "chain", "through a link", "through nothing", "dots", "control character"],
    )
    async def test_a_link_that_leaves_the_tree_is_refused(
        self, world: World, files: dict[str, bytes | MemoryFile]
    ) -> None:
        with pytest.raises(InvalidSpec) as caught:
            await world.source.fetch(await world.publish({**SHOP, **files}))
        assert caught.value.reason == "SourceRefused"
        assert any(repr(path) in caught.value.message for path in files)

    @pytest.mark.parametrize(
        "path", ["../x", "a/../../x", ".git/config", "a/.GIT/hooks/x", "./x", "a\nb", "a\x1b[2Jb", "x" * 1025]
    )
    async def test_a_name_that_no_honest_tree_holds_is_refused(self, world: World, path: str) -> None:
        with pytest.raises(InvalidSpec) as caught:
            await world.source.fetch(await world.publish({**SHOP, path: b"x"}))
        assert caught.value.reason == "SourceRefused"
        assert caught.value.message.isprintable()

    @pytest.mark.parametrize(
        "path", ["a b", "-rf", "$(id)", "`id`;|&", "*", "ünï", "a\\b", ".gitignore", "..."]
    )
    async def test_odd_but_harmless_names_are_files_like_any_other(self, world: World, path: str) -> None:
        tree = await world.source.fetch(await world.publish({**SHOP, path: b"odd"}))
        assert await tree.read(path, 10) == b"odd"

    async def test_a_file_over_the_limit_is_refused_by_name(self, world: World) -> None:
        ref = await world.publish({**SHOP, "dump.bin": b"x" * (LIMITS.file_bytes + 1)})
        with pytest.raises(InvalidSpec, match=r"SourceTooLarge.*dump\.bin"):
            await world.source.fetch(ref)

    async def test_many_files_that_are_too_much_together_are_refused(self, world: World) -> None:
        ref = await world.publish({str(number): b"x" * 100_000 for number in range(4)})
        with pytest.raises(InvalidSpec, match="SourceTooLarge"):
            await world.source.fetch(ref)

    async def test_a_huge_number_of_files_is_refused(self, world: World) -> None:
        ref = await world.publish({f"d{number}/f": b"" for number in range(LIMITS.files + 1)})
        with pytest.raises(InvalidSpec, match=r"SourceTooLarge.*200 files"):
            await world.source.fetch(ref)

    async def test_a_submodule_is_left_out_and_named_when_missed(self, world: World) -> None:
        tree = await world.source.fetch(await world.publish({**SHOP, "lib": MemoryFile(b"", SUBMODULE)}))
        assert "lib" not in [file.path for file in await tree.files("")]
        with pytest.raises(InvalidSpec, match="submodule"):
            await tree.read("lib/setup.py", 100)

    async def test_an_unknown_commit_is_reported_as_missing(self, world: World) -> None:
        ref = await world.publish(SHOP)
        with pytest.raises(InvalidSpec, match="CommitMissing"):
            await world.source.fetch(replace(ref, commit="ab" * 20))

    @pytest.mark.parametrize(
        "url",
        [
            "--upload-pack=touch /tmp/owned",
            "-u",
            "ext::sh -c id",
            "file:///etc",
            "/etc",
            "../other",
            "ssh://git@github.com/acme/shop",
            "git@github.com:acme/shop.git",
            "git://127.0.0.1/acme/shop",
            "http://169.254.169.254/latest/meta-data",
            "https://elsewhere.example/acme/shop.git",
            "https://user:secret-password@127.0.0.1/acme/shop.git",
            "https://127.0.0.1/acme/shop.git?service=x",
            "https://127.0.0.1/acme/../shop.git",
            "https://127.0.0.1/acme/%2e%2e/shop.git",
            "https://127.0.0.1\\@elsewhere.example/shop.git",
            "https://127.0.0.1/acme/shop.git\n--upload-pack=id",
            "https://",
            "",
        ],
    )
    async def test_a_clone_url_that_is_not_allowed_is_refused(self, world: World, url: str) -> None:
        ref = await world.publish(SHOP)
        with pytest.raises(InvalidSpec) as caught:
            await world.source.fetch(replace(ref, clone_url=url))
        assert caught.value.reason == "CloneURLRefused"
        assert "secret-password" not in str(caught.value)

    async def test_credentials_of_another_host_are_refused(self, world: World) -> None:
        login = GitCredentials(host="github.com", username="git", password="secret-password")
        ref = await world.publish(SHOP)
        with pytest.raises(InvalidSpec) as caught:
            await world.source.fetch(replace(ref, credentials=login))
        assert caught.value.reason == "CredentialsRefused"
        assert "secret-password" not in str(caught.value)

    async def test_a_server_that_is_down_is_to_be_tried_again(self, world: World) -> None:
        ref = await world.publish(SHOP)
        await world.break_server()
        with pytest.raises(BackendUnavailable, match="GitUnavailable"):
            await world.source.fetch(ref)

    async def test_a_commit_fetched_before_needs_no_server(self, world: World) -> None:
        ref = await world.publish(SHOP)
        await world.source.fetch(ref)
        await world.break_server()
        tree = await world.source.fetch(ref)
        assert await tree.read("preview.yaml", 100) == b"services: {}\n"
