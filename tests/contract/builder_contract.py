"""What every builder must do; a fixture `site` gives one, and the runtime that sees its images."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from controller.api.errors import InvalidSpec
from controller.api.names import PreviewKey, image_name
from controller.build.protocol import Builder, BuildRequest
from controller.runtime.protocol import InstanceSpec, RouteSpec, Runtime
from controller.source.memory import MemoryFile, MemorySource
from controller.source.protocol import SourceRef, Tree
from tests.contract.place import eventually

SHOP = PreviewKey("default", "shop")
COMMIT = "ab" * 20


@dataclass(frozen=True)
class Site:
    """A builder to try. `dockerfile` gives the recipe of a kind: ok, broken, labelled or endless."""

    builder: Builder
    runtime: Runtime
    tag: str
    dockerfile: Callable[[str], str]

    def request(self, kind: str, **more: object) -> BuildRequest:
        """A build whose service is called after its kind."""
        image = image_name(f"{self.tag}/shop", kind, COMMIT, kind)
        made = BuildRequest(image, SHOP, "pr-1", f"{self.tag}/shop", kind, COMMIT, cache_namespace=self.tag)
        return replace(made, **more)  # type: ignore[arg-type]

    async def tree(self, kind: str) -> Tree:
        """A commit with the Dockerfile of a kind."""
        return await tree({"Dockerfile": self.dockerfile(kind).encode(), "hello.txt": b"hello\n"})


async def tree(files: dict[str, bytes | MemoryFile]) -> Tree:
    """A commit with these files."""
    source = MemorySource({"acme/shop": {COMMIT: files}})
    return await source.fetch(SourceRef("acme/shop", "https://github.com/acme/shop.git", COMMIT))


class BuilderContract:
    """Give a fixture `site`."""

    async def test_an_image_is_built_once_and_belongs_to_its_preview(self, site: Site) -> None:
        request = site.request("ok")
        lines: list[str] = []
        await site.builder.build(request, await site.tree("ok"), lines.append)
        info = await site.runtime.image(request.image)
        assert info is not None
        assert info.exposed_port == 8080
        assert any("step one" in line for line in lines)
        (image,) = (await site.runtime.observe(SHOP)).images
        assert (image.reference, image.preview) == (request.image, SHOP)
        again: list[str] = []
        await site.builder.build(request, await site.tree("ok"), again.append)
        assert again == []
        await site.runtime.remove_image(request.image)
        assert (await site.runtime.observe(SHOP)).images == ()
        assert await site.runtime.image(request.image) is None

    async def test_an_image_that_is_used_stays_and_belongs_to_its_users_too(self, site: Site) -> None:
        request = site.request("ok")
        await site.builder.build(request, await site.tree("ok"), lambda _: None)
        sibling = PreviewKey("default", "sibling")
        spec = InstanceSpec(
            name=f"{site.tag}-web",
            preview=sibling,
            slug=site.tag,
            repository="acme/shop",
            pull_request=None,
            service="web",
            revision="r",
            config_hash="c",
            commit=COMMIT,
            image=request.image,
            port=8080,
            route=RouteSpec(f"{site.tag}-web", "web.localhost", public=True),
            network=None,
            command=("sleep", "60"),
        )
        await site.runtime.start(spec)
        (used,) = (await site.runtime.observe(sibling)).images
        assert (used.reference, used.preview) == (request.image, sibling)
        await site.runtime.remove_image(request.image)
        assert await site.runtime.image(request.image) is not None
        await site.runtime.remove(spec.name)
        await site.runtime.remove_image(request.image)
        assert await site.runtime.image(request.image) is None

    async def test_the_same_image_asked_for_twice_at_once_is_built_once(self, site: Site) -> None:
        request, lines = site.request("ok"), [[], []]  # type: ignore[var-annotated]
        tree = await site.tree("ok")
        await asyncio.gather(*(site.builder.build(request, tree, each.append) for each in lines))
        assert sorted(bool(each) for each in lines) == [False, True]

    async def test_a_failed_build_shows_its_last_lines_and_leaves_no_image(self, site: Site) -> None:
        request = site.request("broken")
        with pytest.raises(InvalidSpec) as failed:
            await site.builder.build(request, await site.tree("broken"), lambda _: None)
        assert failed.value.reason == "BuildFailed"
        assert "broken" in failed.value.message
        assert any("cannot find the thing" in line for line in failed.value.lines)
        assert len(failed.value.lines) <= 20
        assert await site.runtime.image(request.image) is None

    async def test_labels_that_speak_to_the_proxy_fail_the_build(self, site: Site) -> None:
        request = site.request("labelled")
        with pytest.raises(InvalidSpec) as refused:
            await site.builder.build(request, await site.tree("labelled"), lambda _: None)
        assert refused.value.reason == "ImageLabelRefused"
        assert await site.runtime.image(request.image) is None

    async def test_a_dockerfile_that_is_not_there_is_named(self, site: Site) -> None:
        request = site.request("ok", dockerfile="docker/web.Dockerfile")
        with pytest.raises(InvalidSpec, match=r"docker/web\.Dockerfile") as missing:
            await site.builder.build(request, await site.tree("ok"), lambda _: None)
        assert missing.value.reason == "DockerfileMissing"

    async def test_a_dockerfile_that_makes_the_engine_fetch_is_refused(self, site: Site) -> None:
        hostile = await tree({"Dockerfile": b"FROM scratch\nADD\thttp://127.0.0.1:1/x /x\n"})
        with pytest.raises(InvalidSpec) as refused:
            await site.builder.build(site.request("ok"), hostile, lambda _: None)
        assert refused.value.reason == "DockerfileRefused"
        assert await site.runtime.image(site.request("ok").image) is None

    async def test_a_cancelled_build_ends_and_the_next_one_works(self, site: Site) -> None:
        task = asyncio.create_task(
            site.builder.build(site.request("endless"), await site.tree("endless"), lambda _: None)
        )
        await asyncio.sleep(0)
        assert not task.done()
        task.cancel()

        async def ended() -> bool:
            return task.done()

        await eventually(ended, 5)
        assert task.cancelled()
        await site.builder.build(site.request("ok"), await site.tree("ok"), lambda _: None)
        assert await site.runtime.image(site.request("ok").image) is not None
